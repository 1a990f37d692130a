"""What catalog publishes."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from contracts.sale import Money, Time
from shared.messaging.message import Message


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """Where the event takes place, as much of it as a ticket prints."""

    venue_id: str
    name: str
    city: str


class SeatRun(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring seats of one row, numbered `first` to `last`, both included, in one price zone.

    An `accessible` run is a bay of wheelchair places; `companions` are those of its seats that are for who comes along.
    """

    section: str
    row: str
    first: int
    last: int
    zone: str
    accessible: bool = False
    companions: tuple[int, ...] = ()


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A capacity that ticket types draw on.

    A seated pool's capacity is the sum of its runs, and its places are numbered in the order of the runs; a general one
    has no runs.
    """

    pool_id: str
    kind: Literal["general", "seated"]
    name: str
    capacity: int
    runs: tuple[SeatRun, ...] = ()


class TicketType(msgspec.Struct, frozen=True, kw_only=True):
    """What is on sale. A `zone` limits it to the seats of that price zone; no sale window means always on sale.

    `places_max` caps the type over all orders, below what its pool has. `access` says who may hold it: everybody, who
    has a voucher for it, or the organiser's members, who give it away.
    """

    ticket_type_id: str
    name: str
    price: Money
    pool_id: str
    zone: str | None = None
    sale_starts_at: Time | None = None
    sale_ends_at: Time | None = None
    places_per_order_max: int | None = None
    places_max: int | None = None
    access: Literal["public", "voucher", "complimentary"] = "public"


class EventPublished(Message, frozen=True, kw_only=True):
    """An event is open to the public, or was changed while it was. It carries everything that selling it needs.

    `hold_seconds` is how long a hold lasts; `places_per_order_max` limits one basket over all ticket types,
    `places_per_buyer_max` what one person may have of the event over all orders, at most 25.
    """

    type_name: ClassVar[str] = "catalog.event_published.v1"

    event_id: str
    version: int
    organiser_id: str
    organiser_name: str
    name: str
    starts_at: Time
    doors_at: Time | None = None
    time_zone: str
    venue: Venue
    series_id: str | None = None
    currency: str
    hold_seconds: int
    places_per_order_max: int
    places_per_buyer_max: int | None = None
    pools: tuple[Pool, ...]
    ticket_types: tuple[TicketType, ...]


class VoucherChanged(Message, frozen=True, kw_only=True):
    """A voucher was made, changed or revoked. Who gives its code may hold `ticket_type_ids`, none meaning all of them.

    Each place takes one of its `uses_max`. The price is the ticket type's, lowered by `percent_off`, or `price`.
    """

    type_name: ClassVar[str] = "catalog.voucher_changed.v1"

    voucher_id: str
    version: int
    event_id: str
    organiser_id: str
    code: str
    uses_max: int
    ticket_type_ids: tuple[str, ...] = ()
    percent_off: int = 0
    price: Money | None = None
    valid_from: Time | None = None
    valid_until: Time | None = None
    revoked: bool = False


MESSAGES: tuple[type[Message], ...] = (EventPublished, VoucherChanged)
