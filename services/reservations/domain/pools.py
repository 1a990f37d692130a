"""Pools while they are on sale: what is free of them, how they grow, and which places a smaller one gives up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from services.reservations.domain.layouts import GeneralLayout, Layout, Place, Run, SeatedLayout
from services.reservations.domain.refusals import PoolFull, RunRefused
from services.reservations.domain.slots import SOLD_UNTIL, WITHHELD_UNTIL, Slots, Taken, free_slots

# Places of a pool over its life: what was given up when it shrank is not numbered again.
PLACES_MAX: Final = 2_000_000
SEATS_MAX: Final = 100_000


class Tally(msgspec.Struct, frozen=True):
    """How many places of something are free, in baskets, sold, kept off sale, and given up for good."""

    free: int = 0
    held: int = 0
    sold: int = 0
    withheld: int = 0
    given_up: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.free + other.free,
            self.held + other.held,
            self.sold + other.sold,
            self.withheld + other.withheld,
            self.given_up + other.given_up,
        )

    def times(self, scale: float) -> Tally:
        """So many times as many, rounded."""
        return Tally(*(round(scale * count) for count in msgspec.structs.astuple(self)))


def tally(slots: Slots, size: int, pool: bytes, now: int) -> Tally:
    """What the places of a block are at `now`; those whose holder is the `pool` itself were given up."""
    free = held = sold = withheld = given_up = 0
    for slot in range(size):
        taken = slots.get(slot)
        if taken is None or taken.until < now:
            free += 1
        elif taken.until == SOLD_UNTIL:
            sold += 1
        elif taken.until != WITHHELD_UNTIL:
            held += 1
        elif taken.hold == pool:
            given_up += 1
        else:
            withheld += 1
    return Tally(free, held, sold, withheld, given_up)


def state_of(taken: Taken) -> Literal["held", "sold", "withheld"]:
    """What a slot that is not free is to somebody who asked for it."""
    if taken.until == SOLD_UNTIL:
        return "sold"
    return "withheld" if taken.until == WITHHELD_UNTIL else "held"


def last_free(
    layout: Layout, seen: Mapping[tuple[str, int], Slots], quantity: int, now: int
) -> dict[tuple[str, int], tuple[int, ...]]:
    """So many free places out of the blocks that were seen, the last ones first; fewer when there are fewer."""
    chosen: dict[tuple[str, int], tuple[int, ...]] = {}
    left = quantity
    for block in sorted(seen, key=lambda one: one[1], reverse=True):
        free = free_slots(seen[block], layout.size(block[1]), now)[-left:] if left > 0 else []
        if free:
            chosen[block] = tuple(free)
            left -= len(free)
    return chosen


def grown(layout: GeneralLayout, places: int) -> GeneralLayout:
    """The layout with so many places more. Raises PoolFull when a pool cannot have so many."""
    if layout.capacity + places > PLACES_MAX:
        raise PoolFull("$.capacity", PLACES_MAX)
    return GeneralLayout(layout.capacity + places)


def with_runs(layout: SeatedLayout, runs: Sequence[Run], zones: Iterable[str | None]) -> SeatedLayout:
    """The layout with more seats behind those it has; runs it ends with already are not added again.

    `zones` are those that the pool's ticket types sell, None being all of them. Raises RunRefused, which names the run,
    and PoolFull.
    """
    sold = set(zones)
    taken: dict[tuple[str, str], list[Run]] = {}
    for run in layout.runs:
        taken.setdefault((run.section, run.row), []).append(run)
    for number, run in enumerate(runs):
        field = f"$.add_runs[{number}]"
        if run.last < run.first:
            raise RunRefused(f"{field}.last", "The last seat comes after the first.")
        if None not in sold and run.zone not in sold:
            raise RunRefused(f"{field}.zone", "No ticket type sells this zone.")
        if not run.accessible and run.companions:
            raise RunRefused(f"{field}.companions", "Only an accessible run has companion seats.")
        if any(not run.first <= seat <= run.last for seat in run.companions):
            raise RunRefused(f"{field}.companions", "A companion seat is one of the run's.")
        if run.accessible and len(set(run.companions)) == run.last - run.first + 1:
            raise RunRefused(f"{field}.companions", "An accessible run has a wheelchair place.")
        others = taken.setdefault((run.section, run.row), [])
        if any(run.first <= other.last and other.first <= run.last for other in others):
            raise RunRefused(field, "The row has one of these seats already.")
        others.append(run)
    seats = layout.capacity + sum(run.last - run.first + 1 for run in runs)
    if seats > SEATS_MAX:
        raise PoolFull("$.add_runs", SEATS_MAX)
    return SeatedLayout((*layout.runs, *runs))


def places_of_runs(
    layout: SeatedLayout, pool_id: str, runs: Sequence[tuple[str, str, int, int]], field: str
) -> list[Place]:
    """The places of neighbouring seats, each given as section, row, first and last number.

    Raises RunRefused, which names the one of the `field` that the plan does not have, or that is named twice.
    """
    rows: dict[tuple[str, str], dict[int, Place]] = {}
    for number, shape in enumerate(layout.shapes):
        for stretch in shape.stretches:
            run = layout.runs[stretch.run]
            row = rows.setdefault((run.section, run.row), {})
            for step in range(stretch.length):
                row[stretch.first + step] = Place(pool_id, number, stretch.start + step)
    places: dict[Place, None] = {}
    for position, (section, row_name, first, last) in enumerate(runs):
        for seat in range(first, last + 1):
            place = rows.get((section, row_name), {}).get(seat)
            if place is None:
                raise RunRefused(f"{field}[{position}]", f"The plan has no seat {seat} there.")
            if place in places:
                raise RunRefused(f"{field}[{position}]", f"The seat {seat} is named twice.")
            places[place] = None
    return list(places)
