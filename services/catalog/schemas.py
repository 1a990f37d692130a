"""What catalog reads from requests and writes into answers."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from contracts.reservations import Left
from contracts.sale import Time
from services.catalog.domain import PRICE_MAX, SEAT_NUMBER_MAX, Access, EventState, PoolKind, Work
from services.catalog.domain.search import Sort
from shared.http import LINES, PageQuery, RequestBody
from shared.money import AMOUNT_MAX, Money

# A name has something to read in it: no blanks alone.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=160, pattern=r"\S")]
Text = Annotated[str, msgspec.Meta(max_length=4000), LINES]
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}_[0-9a-z]{26}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
SeatNumber = Annotated[int, msgspec.Meta(ge=0, le=SEAT_NUMBER_MAX)]
Price = Annotated[int, msgspec.Meta(ge=0, le=PRICE_MAX)]
Companions = Annotated[tuple[SeatNumber, ...], msgspec.Meta(max_length=1000)]


class WorkBody(Work, frozen=True, forbid_unknown_fields=True):
    """One entry of a concert's programme."""


class PriceBody(RequestBody, frozen=True):
    """A price in minor units of its currency."""

    amount: Annotated[int, msgspec.Meta(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


Works = Annotated[tuple[WorkBody, ...], msgspec.Meta(max_length=100)]


class AddVenue(RequestBody, frozen=True):
    """A place. A `private` one is shown to the organiser's members only. `time_zone` is the IANA database's name."""

    organiser_id: Id
    name: Name
    city: Name
    time_zone: Annotated[str, msgspec.Meta(max_length=60)]
    address: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    private: bool = False


class VenueView(msgspec.Struct, kw_only=True):
    """A place."""

    venue_id: str
    organiser_id: str
    name: str
    city: str
    time_zone: str
    address: str | None
    private: bool


class RunBody(RequestBody, frozen=True):
    """Neighbouring seats, `first` to `last`, both included, in one price zone.

    An `accessible` run is a bay of wheelchair places; `companions` are those of its seats for who comes along.
    """

    first: SeatNumber
    last: SeatNumber
    zone: str
    accessible: bool = False
    companions: Companions = ()


class RowBody(RequestBody, frozen=True):
    """A row of seats: either of several `runs`, or of one, given by `first`, `last` and `zone`."""

    name: str
    runs: tuple[RunBody, ...] | None = None
    first: SeatNumber | None = None
    last: SeatNumber | None = None
    zone: str | None = None
    accessible: bool = False
    companions: Companions = ()


class SectionBody(RequestBody, frozen=True):
    """A part of the house."""

    name: str
    rows: tuple[RowBody, ...]


class AddSeatMap(RequestBody, frozen=True):
    """The plan of a venue; it cannot be changed later, only be replaced by another in later events."""

    organiser_id: Id
    venue_id: Id
    name: Name
    sections: Annotated[tuple[SectionBody, ...], msgspec.Meta(max_length=400)]


class RunView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Neighbouring seats of one price zone; an `accessible` run is a bay, and says which seats are for companions."""

    first: int
    last: int
    zone: str
    accessible: bool = False
    companions: tuple[int, ...] = ()


class RowView(msgspec.Struct, kw_only=True):
    """A row of seats."""

    name: str
    runs: list[RunView]


class SectionView(msgspec.Struct, kw_only=True):
    """A part of the house."""

    name: str
    rows: list[RowView]


class SeatMapView(msgspec.Struct, kw_only=True):
    """A plan with its number of seats and its price zones."""

    seat_map_id: str
    organiser_id: str
    venue_id: str
    name: str
    seats: int
    zones: list[str]
    sections: list[SectionView]


class AddSeries(RequestBody, frozen=True):
    """Events that belong together."""

    organiser_id: Id
    name: Name


class SeriesView(msgspec.Struct, kw_only=True):
    """Events that belong together."""

    series_id: str
    organiser_id: str
    name: str


class OrganisersQuery(PageQuery, frozen=True):
    """One organiser's list."""

    organiser_id: Id


class PoolBody(RequestBody, frozen=True):
    """A capacity: `general` with a `capacity`, or `seated` with a seat map."""

    name: Name
    kind: PoolKind
    capacity: Count = 0
    seat_map_id: Id | None = None


class TicketTypeBody(RequestBody, frozen=True):
    """What is on sale. `pool` is the pool's name; `zone` limits it to the seats of that price zone.

    `places_max` caps it over all orders. With `access` it is for everybody, for who has a voucher, or complimentary:
    free of charge, and given away by the organiser's members.
    """

    name: Name
    price: PriceBody
    pool: Name
    ticket_type_id: Id | None = None
    zone: str | None = None
    sale_starts_at: Time | None = None
    sale_ends_at: Time | None = None
    places_per_order_max: int | None = None
    places_max: int | None = None
    access: Access = "public"


class PlanEvent(RequestBody, frozen=True):
    """A draft. What is missing for its publication may be added later."""

    organiser_id: Id
    name: Name
    venue_id: Id
    starts_at: Time
    currency: str
    doors_at: Time | None = None
    series_id: Id | None = None
    description: Text | None = None
    hold_seconds: int = 600
    places_per_order_max: int = 10
    places_per_buyer_max: int | None = None
    pools: tuple[PoolBody, ...] = ()
    ticket_types: tuple[TicketTypeBody, ...] = ()
    programme: Works = ()


class ChangeEvent(RequestBody, frozen=True):
    """The fields to change. Pools are known again by their name, ticket types by their id or name."""

    name: Name | UnsetType = UNSET
    venue_id: Id | UnsetType = UNSET
    starts_at: Time | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    doors_at: Time | UnsetType | None = UNSET
    series_id: Id | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    hold_seconds: int | UnsetType = UNSET
    places_per_order_max: int | UnsetType = UNSET
    places_per_buyer_max: int | UnsetType | None = UNSET
    pools: tuple[PoolBody, ...] | UnsetType = UNSET
    ticket_types: tuple[TicketTypeBody, ...] | UnsetType = UNSET
    programme: Works | UnsetType = UNSET


class PlaceView(msgspec.Struct, kw_only=True):
    """Where an event takes place; expanded, with its `address`, unless the venue is private."""

    venue_id: str
    name: str
    city: str
    address: str | UnsetType | None = UNSET


class PoolView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A capacity; a seated one's is the number of seats of its map."""

    pool_id: str
    name: str
    kind: PoolKind
    capacity: int | None = None
    seat_map_id: str | None = None


class TicketTypeView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is on sale. Complimentary ticket types are shown to members only."""

    ticket_type_id: str
    name: str
    price: Money
    pool_id: str
    pool: str
    zone: str | None = None
    sale_starts_at: Time | None = None
    sale_ends_at: Time | None = None
    places_per_order_max: int | None = None
    places_max: int | None = None
    access: Access = "public"


class EventSummary(msgspec.Struct, kw_only=True):
    """An event as lists show it. `price_from` is the lowest price for everybody.

    `availability` is what is left for everybody: `few-left` are few, or none while some are in baskets. It is what
    was so when the places were counted at `availability_at`, which is null where nothing but the sale's dates is
    known; whoever buys asks for the places themselves. `ticket_types` are there where they are expanded.
    """

    event_id: str
    organiser_id: str
    organiser_name: str | None
    name: str
    state: EventState
    starts_at: Time
    time_zone: str
    venue: PlaceView
    series_id: str | None
    series_name: str | None
    price_from: Money | None
    availability: Left
    availability_at: Time | None
    ticket_types: list[TicketTypeView] | UnsetType = UNSET


class EventView(EventSummary, kw_only=True):
    """An event with everything a buyer, or its organiser, wants to know."""

    version: int
    doors_at: Time | None
    description: str | None
    currency: str
    hold_seconds: int
    places_per_order_max: int
    places_per_buyer_max: int | None
    pools: list[PoolView]
    ticket_types: list[TicketTypeView]
    programme: list[Work]
    published_at: Time | None


class EventsQuery(PageQuery, frozen=True):
    """What to find among the published events to come; all that is given must hold of each.

    `q` are words, or beginnings of words, of the event's name, its people, its works and its venue, in any spelling of
    accents and case. `from` and `to` are days at the venue, both included. `price_min` and `price_max` are minor units:
    some ticket for everybody costs as much; `currency` keeps to one. `available` hides what is sold out. `organiser_id`
    alone, without any of the others, lists all events of that organiser, past ones too, and its drafts for members.
    """

    q: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    first_day: date | None = msgspec.field(default=None, name="from")
    last_day: date | None = msgspec.field(default=None, name="to")
    venue_id: Id | None = None
    city: Name | None = None
    series_id: Id | None = None
    organiser_id: Id | None = None
    price_min: Price | None = None
    price_max: Price | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] | None = None
    available: bool = False
    sort: Sort = "starts_at"

    @property
    def is_organisers_list(self) -> bool:
        """Whether nothing is asked but whose events they are."""
        return self == EventsQuery(organiser_id=self.organiser_id, limit=self.limit, cursor=self.cursor)


class ImportSeason(RequestBody, frozen=True):
    """A season as the archives publish it. Without `programs`, the packaged one.

    `season_starts_on` is the first day of the whole season, for those who send it in parts: the first part settles by
    how many weeks all of it moves.
    """

    organiser_id: Id
    source: Literal["nyphil-performance-history"]
    programs: tuple[Any, ...] | None = None
    season_starts_on: date | None = None


class Tally(msgspec.Struct, kw_only=True):
    """How many came in now, and how many were there before."""

    created: int = 0
    present: int = 0


class RowReport(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A row of the season with something to say about it: its path in the input, its programme's number and why."""

    row: str
    program_id: str | None
    reason: str
    event_id: str | None = None


class ImportReport(msgspec.Struct, kw_only=True):
    """What became of a season.

    `unread` are the rows that could not go in, `unpublished` those that went in for members only. Where `complete` is
    false, time ran out with `remaining` concerts to go: the same request again goes on there.
    """

    source: str
    organiser_id: str
    programs: int
    concerts: int
    weeks_moved: int
    venues: Tally
    seat_maps: Tally
    series: Tally
    events: Tally
    rows_written: int
    complete: bool
    remaining: int
    unpublished: list[RowReport]
    unread: list[RowReport]
