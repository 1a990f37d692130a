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
    """Places of one ticket type: so many, next to each other unless `together` is false, or these seats.

    A `zone` narrows a ticket type that has none down to it. `accessible` is how many of the quantity are wheelchair
    places; the others then sit beside them as far as there are companion seats.
    """

    ticket_type_id: str
    quantity: Count | None = None
    seats: Annotated[tuple[SeatAsked, ...], msgspec.Meta(min_length=1, max_length=1000)] | None = None
    together: bool = True
    zone: Label | None = None
    accessible: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class GuestNamed(RequestBody, frozen=True, kw_only=True):
    """Who is given complimentary tickets."""

    name: Label
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]


class PlaceHold(RequestBody, frozen=True, kw_only=True):
    """A basket: one hold over all its lines, or none.

    A `voucher` is given by its code. The organiser's members may name the `guest` whom complimentary tickets go to, and
    the withholding that the places are taken from.
    """

    event_id: str
    voucher: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    guest: GuestNamed | None = None
    withholding_id: str | None = None
    lines: Annotated[tuple[LineAsked, ...], msgspec.Meta(min_length=1, max_length=50)]


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold, with the token that every further step needs. `state` is as of now; `extended` if it was prolonged."""

    hold_id: str
    event_id: str
    state: Literal["held", "confirmed", "expired", "released"]
    expires_at: datetime
    places: tuple[PlaceSold, ...]
    total: Money
    hold_token: str
    extended: bool = False


class TicketTypeAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left for a ticket type: `free` now, `held` in baskets; types that draw on the same share their places.

    Wheelchair places are counted in `accessible_free` alone. Of a closed pool nothing is free, and of a type with a cap
    no more than is left of that.
    """

    ticket_type_id: str
    pool_id: str
    zone: str | None
    free: int
    held: int
    accessible_free: int = 0


class SectionAvailability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A section's seats: `rows` are [row, first, last, zone], and `free_bits` has one bit for each of their seats.

    The bits are in the order of the rows, 1 for free, the lowest bit of each byte first, in base 64. Likewise
    `accessible_bits` shows the wheelchair places and `companion_bits` the seats beside them, where there are any.
    """

    section: str
    free: int
    rows: list[tuple[str, int, int, str]]
    free_bits: str
    accessible_bits: str = ""
    companion_bits: str = ""


class PoolAvailability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a pool; what its organiser withholds is neither free nor held, and a closed one sells nothing.

    `sampled` says that a very large one was reckoned from some of its blocks.
    """

    pool_id: str
    kind: Literal["general", "seated"]
    capacity: int
    free: int
    held: int
    withheld: int = 0
    closed: bool = False
    sampled: bool = False
    sections: list[SectionAvailability] = []


class WaitingRoomNotice(msgspec.Struct, frozen=True, kw_only=True):
    """That holds of the event need a Pass, from its waiting room."""

    opens_at: datetime


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an event, begun within the second it was asked for in."""

    event_id: str
    version: int
    pools: list[PoolAvailability]
    ticket_types: list[TicketTypeAvailability]
    waiting_room: WaitingRoomNotice | None = None
