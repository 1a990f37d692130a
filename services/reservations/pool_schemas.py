"""Bodies of requests and answers about pools and what is withheld of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from services.reservations.schemas import Label
from shared.http import RequestBody

CAPACITY_MAX: Final = 1_000_000
# What one withholding has at most: more are for another one.
PLACES_WITHHELD_MAX: Final = 2000
SeatNumber = Annotated[int, msgspec.Meta(ge=0, le=99_999)]


class RunAdded(RequestBody, frozen=True, kw_only=True):
    """Neighbouring seats of a row in a price zone; an `accessible` run is a bay of wheelchair places."""

    section: Label
    row: Label
    first: SeatNumber
    last: SeatNumber
    zone: Label
    accessible: bool = False
    companions: Annotated[tuple[SeatNumber, ...], msgspec.Meta(max_length=1000)] = ()


class ChangePool(RequestBody, frozen=True, kw_only=True):
    """What is to change: a general pool's capacity, more seats of a seated one, whether it is closed."""

    capacity: Annotated[int, msgspec.Meta(ge=1, le=CAPACITY_MAX)] | None = None
    closed: bool | None = None
    add_runs: Annotated[tuple[RunAdded, ...], msgspec.Meta(min_length=1, max_length=500)] | None = None


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """A pool as it is now. The sum of `sold`, `held`, `withheld` and `free` is its `capacity`.

    While it is not `complete`, it is on its way to `capacity_wanted`: the same change again goes on. `sampled` says
    that a very large one was reckoned from some of its places.
    """

    pool_id: str
    event_id: str
    kind: Literal["general", "seated"]
    capacity: int
    capacity_wanted: int | None
    complete: bool
    sold: int
    held: int
    withheld: int
    free: int
    sampled: bool
    closed: bool
    version: int


class PoolsView(msgspec.Struct, frozen=True, kw_only=True):
    """The pools of an event."""

    items: list[PoolView]


class SeatsNamed(RequestBody, frozen=True, kw_only=True):
    """Neighbouring seats of a row, `first` to `last`, both included."""

    section: Label
    row: Label
    first: SeatNumber
    last: SeatNumber


class AddWithholding(RequestBody, frozen=True, kw_only=True):
    """Places to keep off sale: so many of a general pool, or these seats of a seated one. `name` is what for."""

    pool_id: str
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=160, pattern=r"\S")]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=PLACES_WITHHELD_MAX)] | None = None
    seats: Annotated[tuple[SeatsNamed, ...], msgspec.Meta(min_length=1, max_length=500)] | None = None


class ChangeWithholding(RequestBody, frozen=True, kw_only=True):
    """What is to come back to sale: all but `quantity` places of a general pool, or these seats."""

    quantity: Annotated[int, msgspec.Meta(ge=0, le=PLACES_WITHHELD_MAX)] | None = None
    give_back: Annotated[tuple[SeatsNamed, ...], msgspec.Meta(min_length=1, max_length=500)] | None = None


class SeatsView(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring seats of a row."""

    section: str
    row: str
    first: int
    last: int


class WithholdingView(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept off sale, and what for.

    `places` are withheld now, `missed` were sold or held when they were to be; of a seated pool, the seats as well.
    """

    withholding_id: str
    event_id: str
    pool_id: str
    name: str
    places: int
    seats: list[SeatsView]
    missed: int
    missed_seats: list[SeatsView]
    complete: bool
    version: int
    created_at: datetime


class WithholdingsView(msgspec.Struct, frozen=True, kw_only=True):
    """What is withheld of an event."""

    items: list[WithholdingView]
