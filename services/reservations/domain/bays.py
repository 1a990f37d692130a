"""Wheelchair places: bays are few and small, so they are all looked at, and the choice is made here.

A bay is one run of the plan. Its companion seats are for who comes along: nobody gets one without a wheelchair place of
the same bay in the same basket, and an automatic choice leaves to the next party what is its share of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.reservations.domain.layouts import Place, SeatedLayout
from services.reservations.domain.slots import Slots, free_slots


class Bay(NamedTuple):
    """What is free of one bay, in the order of its seats, and how many companions come with one wheelchair place."""

    wheelchairs: tuple[Place, ...]
    companions: tuple[Place, ...]
    companions_each: int


def choose_accessible(
    layout: SeatedLayout,
    seen: Mapping[tuple[str, int], Slots],
    accessible: int,
    companions: int,
    *,
    now: int,
    besides: Iterable[Place] = (),
) -> tuple[Place, ...] | None:
    """Pick so many wheelchair places out of the bays' blocks that were seen, and up to so many companion seats.

    All in one bay where one has them, the one that seats the most companions first, else over as many as it takes.
    Answers the wheelchair places, then the companions: what is missing of those is for ordinary seats. None when the
    wheelchair places do not suffice. `besides` are places that this basket has already.
    """
    bays = free_bays(layout, seen, now=now, besides=besides)
    best: tuple[int, int, int] | None = None
    for number, bay in enumerate(bays):
        if len(bay.wheelchairs) >= accessible:
            seated = min(companions, len(bay.companions), bay.companions_each * accessible)
            rank = (-seated, len(bay.wheelchairs) - accessible, number)
            best = rank if best is None or rank < best else best
    if best is not None:
        wheelchairs, others = _seat(layout, bays[best[2]], accessible, companions)
        return (*wheelchairs, *others)
    if sum(len(bay.wheelchairs) for bay in bays) < accessible:
        return None
    every: tuple[list[Place], list[Place]] = ([], [])
    for bay in sorted(bays, key=lambda bay: -len(bay.wheelchairs)):
        count = min(accessible - len(every[0]), len(bay.wheelchairs))
        if count > 0:
            wheelchairs, others = _seat(layout, bay, count, companions - len(every[1]))
            every[0].extend(wheelchairs)
            every[1].extend(others)
    return (*every[0], *every[1])


def free_bays(
    layout: SeatedLayout, seen: Mapping[tuple[str, int], Slots], *, now: int, besides: Iterable[Place] = ()
) -> list[Bay]:
    """What is free of each bay at `now`; blocks of ordinary seats are passed over."""
    reserved = set(besides)
    wheelchairs: defaultdict[int, list[Place]] = defaultdict(list)
    companions: defaultdict[int, list[Place]] = defaultdict(list)
    for (pool_id, block), slots in sorted(seen.items()):
        number = layout.bay_of(block)
        for slot in free_slots(slots, layout.size(block), now) if number is not None else ():
            place = Place(pool_id, block, slot)
            if place not in reserved:
                (companions if layout.is_companion(block, slot) else wheelchairs)[number or 0].append(place)
    return [
        Bay(tuple(wheelchairs[number]), tuple(companions[number]), _companions_each(layout, number))
        for number in sorted(wheelchairs.keys() | companions.keys())
    ]


def companions_alone(layouts: Mapping[str, object], places: Iterable[Place]) -> list[Place]:
    """The companion seats among a basket's places that have no wheelchair place of their bay beside them there."""
    attended: set[tuple[str, int]] = set()
    companions: list[tuple[Place, tuple[str, int]]] = []
    for place in places:
        layout = layouts[place.pool_id]
        bay = layout.bay_of(place.block) if isinstance(layout, SeatedLayout) else None
        if bay is None or not isinstance(layout, SeatedLayout):
            continue
        if layout.is_companion(place.block, place.slot):
            companions.append((place, (place.pool_id, bay)))
        else:
            attended.add((place.pool_id, bay))
    return [place for place, bay in companions if bay not in attended]


def _companions_each(layout: SeatedLayout, number: int) -> int:
    run = layout.runs[number]
    seats = run.last - run.first + 1
    return -(-len(run.companions) // max(1, seats - len(run.companions)))


def _seat(layout: SeatedLayout, bay: Bay, accessible: int, companions: int) -> tuple[list[Place], list[Place]]:
    """Wheelchair places as near to each other as can be, and the companion seats that are nearest to them."""
    count = max(0, min(companions, len(bay.companions), bay.companions_each * accessible))
    best: tuple[int, list[Place], list[Place]] | None = None
    for start in range(len(bay.wheelchairs) - accessible + 1):
        chosen = list(bay.wheelchairs[start : start + accessible])
        numbers = [_number(layout, place) for place in chosen]
        distances = ((min(abs(_number(layout, place) - one) for one in numbers), place) for place in bay.companions)
        nearest = sorted(distances)[:count]
        cost = numbers[-1] - numbers[0] + sum(distance for distance, _ in nearest)
        if best is None or cost < best[0]:
            best = (cost, chosen, [place for _, place in nearest])
    assert best is not None
    return best[1], best[2]


def _number(layout: SeatedLayout, place: Place) -> int:
    return layout.seat(place.block, place.slot).number
