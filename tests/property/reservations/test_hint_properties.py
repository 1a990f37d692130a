"""The hints' script against the rules in Python: both find room exactly where the other does."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.reservations.domain import (
    CANDIDATES_MAX,
    SOLD_UNTIL,
    WITHHELD_UNTIL,
    Demand,
    GeneralLayout,
    Place,
    Run,
    Sale,
    SeatedLayout,
    Taken,
    choose_places,
    free_slots,
)
from services.reservations.repository import blocks, caching, hints
from shared.cache import Cache
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING

NOW = int(OPENING.timestamp())
ROWS = (6, 5, 9, 25)
HALL = SeatedLayout([Run("S", f"R{n}", 1, length, "AB"[n == 3]) for n, length in enumerate(ROWS)])
MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = itertools.count()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Cache:
    # What is in the blocks these tests tell themselves: the pools are in no table.
    monkeypatch.setattr(blocks, "look_at", lambda wanted, **how: {})
    real = caching.cache()
    return Cache(real._url, prefix=new_id("msg"), timeout_milliseconds=2000)


def sale_of(layout: SeatedLayout | GeneralLayout) -> Sale:
    return Sale(f"evt_{next(numbers)}", 1, "org", "An Evening", "USD", 600, 100, (), {"pool": layout})


def untils(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(
        st.sampled_from([0, NOW - 1, NOW, NOW + 300, WITHHELD_UNTIL, SOLD_UNTIL]), min_size=size, max_size=size
    )


def slots_of(values: list[int]) -> dict[int, Taken]:
    return {slot: Taken(b"h" * 16, until) for slot, until in enumerate(values) if until}


def told(layout: SeatedLayout | GeneralLayout, values: Mapping[int, list[int]]) -> list[hints.Told]:
    return [hints.seen(("pool", block), slots_of(one), layout, exact=True) for block, one in values.items()]


@MODEST
@given(st.tuples(*(untils(HALL.size(block)) for block in range(HALL.blocks))), st.integers(1, 9), st.booleans())
def test_seats_are_picked_as_the_rules_would(
    cache: Cache, values: tuple[list[int], ...], quantity: int, together: bool
) -> None:
    with caching.using(cache):
        sale = sale_of(HALL)
        hints.prepare(sale, "pool", OPENING)
        seen = {("pool", block): slots_of(values[block]) for block in HALL.blocks_of("A")}
        hints.tell(sale, told(HALL, dict(enumerate(values))), OPENING)
        demand = Demand("pool", "A", together)
        answer = hints.ask(sale, {demand: quantity}, OPENING)
        chosen = choose_places(HALL, seen, quantity, together=together, now=NOW)
        free = {
            Place(*block, slot) for block, slots in seen.items() for slot in free_slots(slots, HALL.size(block[1]), NOW)
        }
        if not isinstance(answer, hints.Picked):
            assert isinstance(answer, hints.Short)
            assert chosen is None
            assert answer.left == left_of(seen, HALL)
            return
        places = answer.places[demand]
        assert len(set(places)) == quantity
        assert set(places) <= free
        if together:
            assert places == chosen


def left_of(seen: Mapping[tuple[str, int], Mapping[int, Taken]], layout: SeatedLayout) -> str:
    """What is left of blocks that have too little, by the rules."""
    on_sale = [
        slots[slot].until if slot in slots else 0
        for (_, block), slots in seen.items()
        for slot in range(layout.size(block))
    ]
    if any(NOW <= until <= NOW + hints.LEASE_SECONDS for until in on_sale):
        return "leased"
    return "held" if any(until < WITHHELD_UNTIL for until in on_sale) else "gone"


# Twelve blocks of two rows each: more than the picks ask, so that the bound is met as well.
ROOMY = SeatedLayout([Run(f"S{n // 2}", f"R{n}", 1, 4 + n % 3, "A") for n in range(24)])


def crowded(size: int) -> st.SearchStrategy[list[int]]:
    """Rows with few seats left: where single seats come about."""
    return st.lists(st.sampled_from([0, 0, NOW + 300, SOLD_UNTIL, WITHHELD_UNTIL]), min_size=size, max_size=size)


def lonely(free: set[int], stretches: Sequence[int]) -> set[int]:
    """The free seats without a free neighbour, by definition."""
    ends = list(itertools.accumulate(stretches))
    row = {slot: bisect.bisect_right(ends, slot) for slot in range(ends[-1])}
    return {
        slot
        for slot in free
        if not any(next_to in free and row.get(next_to) == row[slot] for next_to in (slot - 1, slot + 1))
    }


def windows(free: set[int], stretches: Sequence[int], quantity: int) -> list[tuple[int, ...]]:
    """Every way to sit next to each other."""
    ends = [0, *itertools.accumulate(stretches)]
    return [
        window
        for first, last in itertools.pairwise(ends)
        for start in range(first, last - quantity + 1)
        if free.issuperset(window := tuple(range(start, start + quantity)))
    ]


@MODEST
@given(st.tuples(*(crowded(ROOMY.size(block)) for block in range(ROOMY.blocks))), st.integers(1, 4))
def test_nobody_is_left_alone_where_one_of_the_best_blocks_avoids_it(
    cache: Cache, values: tuple[list[int], ...], quantity: int
) -> None:
    seen = {("pool", block): slots_of(one) for block, one in enumerate(values)}
    free = {block: set(free_slots(slots, ROOMY.size(block), NOW)) for (_, block), slots in seen.items()}
    ways = {block: windows(free[block], ROOMY.stretches(block), quantity) for block in free}
    candidates = [block for block in sorted(ways) if ways[block]][:CANDIDATES_MAX]

    def leaves_alone(block: int, window: tuple[int, ...]) -> bool:
        stretches = ROOMY.stretches(block)
        return not lonely(free[block] - set(window), stretches) <= lonely(free[block], stretches)

    kind = [block for block in candidates if not all(leaves_alone(block, window) for window in ways[block])]
    chosen = choose_places(ROOMY, seen, quantity, together=True, now=NOW)
    with caching.using(cache):
        sale = sale_of(ROOMY)
        hints.prepare(sale, "pool", OPENING)
        hints.tell(sale, told(ROOMY, dict(enumerate(values))), OPENING)
        demand = Demand("pool", "A", True)
        answer = hints.ask(sale, {demand: quantity}, OPENING)
    if not candidates:
        assert chosen is None
        assert isinstance(answer, hints.Short)
        return
    assert chosen is not None
    block, window = chosen[0].block, tuple(place.slot for place in chosen)
    assert window in ways[block]
    assert block == (kind or candidates)[0], "the best block that can avoid it, else the best"
    assert leaves_alone(block, window) is (not kind)
    assert isinstance(answer, hints.Picked)
    assert answer.places[demand] == chosen, "the script and the rules choose the same"


@MODEST
@given(untils(25), untils(7), st.integers(1, 32))
def test_general_places_are_picked_while_there_are_any(
    cache: Cache, first: list[int], second: list[int], quantity: int
) -> None:
    layout = GeneralLayout(32)
    with caching.using(cache):
        sale = sale_of(layout)
        hints.prepare(sale, "pool", OPENING)
        seen = {("pool", 0): slots_of(first), ("pool", 1): slots_of(second)}
        hints.tell(sale, told(layout, {0: first, 1: second}), OPENING)
        demand = Demand("pool", None, False)
        answer = hints.ask(sale, {demand: quantity}, OPENING)
        free = {
            Place("pool", block, slot)
            for (_, block), slots in seen.items()
            for slot in free_slots(slots, layout.size(block), NOW)
        }
        assert isinstance(answer, hints.Picked) == (len(free) >= quantity)
        if isinstance(answer, hints.Picked):
            assert len(set(answer.places[demand])) == quantity
            assert set(answer.places[demand]) <= free
            # What was picked is leased: the next buyer is sent elsewhere.
            rest = hints.ask(sale, {demand: max(1, len(free) - quantity)}, OPENING)
            if len(free) > quantity:
                assert isinstance(rest, hints.Picked)
                assert not set(rest.places[demand]) & set(answer.places[demand])
            else:
                assert isinstance(rest, hints.Short)


@MODEST
@given(untils(25), st.integers(1, 25))
def test_a_basket_that_cannot_be_met_leases_nothing(cache: Cache, values: list[int], quantity: int) -> None:
    layout = GeneralLayout(25)
    with caching.using(cache):
        sale = sale_of(layout)
        hints.prepare(sale, "pool", OPENING)
        slots = slots_of(values)
        hints.tell(sale, told(layout, {0: values}), OPENING)
        free = free_slots(slots, 25, NOW)
        demand, other = Demand("pool", None, False), Demand("pool", "", False)
        answer = hints.ask(sale, {demand: quantity, other: 26 - quantity}, OPENING)
        assert isinstance(answer, hints.Short)
        if free:
            assert isinstance(hints.ask(sale, {demand: len(free)}, OPENING), hints.Picked)
