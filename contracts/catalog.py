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
    """Neighbouring seats of one row, numbered `first` to `last`, both included, in one price zone."""

    section: str
    row: str
    first: int
    last: int
    zone: str


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
    """What is on sale. A `zone` limits it to the seats of that price zone; no sale window means always on sale."""

    ticket_type_id: str
    name: str
    price: Money
    pool_id: str
    zone: str | None = None
    sale_starts_at: Time | None = None
    sale_ends_at: Time | None = None
    places_per_order_max: int | None = None


class EventPublished(Message, frozen=True, kw_only=True):
    """An event is open to the public, or was changed while it was. It carries everything that selling it needs.

    `hold_seconds` is how long a hold lasts; `places_per_order_max` limits one basket over all ticket types.
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
    pools: tuple[Pool, ...]
    ticket_types: tuple[TicketType, ...]


MESSAGES: tuple[type[Message], ...] = (EventPublished,)
