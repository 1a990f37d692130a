"""Slots of a block: what is free, and which free ones to take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from services.reservations.domain.layouts import Layout, Place

# Sold is a hold that never runs out. The year 2100 still fits the hints' 32 bits.
SOLD_UNTIL: Final = 4_102_444_800
# Withheld by the organiser: kept for as long, not sold, and nothing that a buyer could wait for.
WITHHELD_UNTIL: Final = SOLD_UNTIL - 1
# So many of the best blocks that have the places together are asked for a pick that leaves nobody alone.
CANDIDATES_MAX: Final = 8


class Taken(NamedTuple):
    """What a slot of a block says: whose it is and until when."""

    hold: bytes
    until: int


Slots = Mapping[int, Taken]


def free_slots(slots: Slots, size: int, now: int) -> list[int]:
    """The slots that nobody holds at `now`; a hold that has run out holds nothing, a second's equality still does."""
    return [slot for slot in range(size) if slot not in slots or slots[slot].until < now]


def choose_slots(
    free: Sequence[int], stretches: Sequence[int], quantity: int, together: bool
) -> tuple[int, ...] | None:
    """Pick places out of the free ones (ascending); None when they do not suffice.

    Together means next to each other in one stretch: the first one that leaves nothing, else the one that leaves the
    least and, wherever that can be avoided, no single seat. The hints' script chooses the same way.
    """
    if len(free) < quantity:
        return None
    if not together:
        return tuple(free[:quantity])
    best = _best_run(free, stretches, quantity)
    return None if best is None else tuple(range(best[2], best[2] + quantity))


def _best_run(free: Sequence[int], stretches: Sequence[int], quantity: int) -> tuple[bool, int, int] | None:
    """Whether a single seat is left, how many are left, and where the pick starts."""
    best: tuple[bool, int, int] | None = None
    for start, length in _free_runs(free, stretches):
        left = length - quantity
        if left >= 0 and (best is None or (left == 1, left, start) < best):
            best = (left == 1, left, start)
    return best


def _free_runs(free: Sequence[int], stretches: Sequence[int]) -> Iterable[tuple[int, int]]:
    wanted = set(free)
    start = 0
    for length in stretches:
        begin = start
        for slot in range(start, start + length + 1):
            if slot < start + length and slot in wanted:
                continue
            if slot > begin:
                yield begin, slot - begin
            begin = slot + 1
        start += length


def room(free: Sequence[int], stretches: Sequence[int], together: bool) -> int:
    """How many places can be had at once: the longest run of free neighbours, or for general places all free ones."""
    if not together:
        return len(free)
    return max((length for _, length in _free_runs(free, stretches)), default=0)


def choose_places(
    layout: Layout,
    seen: Mapping[tuple[str, int], Slots],
    quantity: int,
    *,
    together: bool,
    now: int,
    besides: Iterable[Place] = (),
    seed: int = 0,
) -> tuple[Place, ...] | None:
    """Pick places out of blocks whose slots were seen, in the order given; None when they do not suffice.

    Neighbours come from the first block that has them and where they leave no single seat, among the first
    CANDIDATES_MAX that have them at all; where each leaves one, from the first. Other places come from the first block
    that has all of them, else from as many as it takes. `besides` are places that this basket has already. `seed` says
    with which free place of a block to begin where it does not matter which, so that buyers who know nothing of each
    other do not all take the first.
    """
    reserved = set(besides)
    gathered: list[Place] = []
    alone: tuple[Place, ...] | None = None
    candidates = 0
    for (pool_id, block), slots in seen.items():
        every = free_slots(slots, layout.size(block), now)
        free = [slot for slot in every if Place(pool_id, block, slot) not in reserved]
        if together:
            best = _best_run(free, layout.stretches(block), quantity)
            if best is not None:
                leaves_one, _, start = best
                chosen = tuple(Place(pool_id, block, slot) for slot in range(start, start + quantity))
                if not leaves_one:
                    return chosen
                candidates += 1
                alone = alone or chosen
                if candidates == CANDIDATES_MAX:
                    return alone
            continue
        first = seed % len(free) if free and seed else 0
        places = [Place(pool_id, block, slot) for slot in (*free[first:], *free[:first])]
        if len(places) >= quantity:
            return tuple(sorted(places[:quantity]))
        gathered += places
    if together or len(gathered) < quantity:
        return alone
    return tuple(gathered[:quantity])


def by_block(places: Iterable[Place]) -> dict[tuple[str, int], tuple[int, ...]]:
    """The slots wanted of each block, which is one write; both in ascending order, so that equal wants write alike."""
    slots: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for place in places:
        slots[place.pool_id, place.block].append(place.slot)
    return {block: tuple(sorted(slots[block])) for block in sorted(slots)}


def probe_order(blocks: Sequence[int], seed: int, count: int) -> list[int]:
    """At most `count` different blocks, spread by the seed: what is looked at when nothing says where to look."""
    total = len(blocks)
    if total <= count:
        start = seed % total if total else 0
        return [*blocks[start:], *blocks[:start]]
    stride = total // count
    return [blocks[(seed + step * stride) % total] for step in range(count)]


def moment(seconds: int) -> datetime:
    """The time that whole seconds since 1970 stand for."""
    return datetime.fromtimestamp(seconds, UTC)
