"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from contracts.sale import Money, PlaceSold
from shared.http import RequestBody

Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class SeatAsked(RequestBody, frozen=True, kw_only=True):
    """A seat by its label."""

    section: Label
    row: Label
    seat: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class LineAsked(RequestBody, frozen=True, kw_only=True):
    """Places of one ticket type: so many, next to each other unless `together` is false, or these seats."""

    ticket_type_id: str
    quantity: Count | None = None
    seats: Annotated[tuple[SeatAsked, ...], msgspec.Meta(min_length=1, max_length=1000)] | None = None
    together: bool = True


class PlaceHold(RequestBody, frozen=True, kw_only=True):
    """A basket: one hold over all its lines, or none."""

    event_id: str
    lines: Annotated[tuple[LineAsked, ...], msgspec.Meta(min_length=1, max_length=50)]


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold, with the token that every further step needs. `state` is as of now."""

    hold_id: str
    event_id: str
    state: Literal["held", "confirmed", "expired", "released"]
    expires_at: datetime
    places: tuple[PlaceSold, ...]
    total: Money
    hold_token: str


class TicketTypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left for a ticket type: `free` now, `held` in baskets; types that draw on the same share their places."""

    ticket_type_id: str
    pool_id: str
    zone: str | None
    free: int
    held: int


class SectionAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """A section's seats: `rows` are [row, first, last, zone], and `free_bits` has one bit for each of their seats.

    The bits are in the order of the rows, 1 for free, the lowest bit of each byte first, in base 64.
    """

    section: str
    free: int
    rows: list[tuple[str, int, int, str]]
    free_bits: str


class PoolAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a pool. `sampled` says that a very large one was reckoned from some of its blocks."""

    pool_id: str
    kind: Literal["general", "seated"]
    capacity: int
    free: int
    held: int
    sampled: bool = False
    sections: list[SectionAvailability] = []


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an event, at most two seconds old."""

    event_id: str
    version: int
    pools: list[PoolAvailability]
    ticket_types: list[TicketTypeAvailability]
