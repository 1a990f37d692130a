"""The hints' script against the rules in Python: both find room exactly where the other does."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.reservations.domain import (
    Demand,
    GeneralLayout,
    Place,
    Run,
    Sale,
    SeatedLayout,
    Taken,
    choose_slots,
    free_slots,
    room,
)
from services.reservations.repository import caching, hints
from shared.cache import Cache
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING

NOW = int(OPENING.timestamp())
ROWS = (6, 5, 9, 25)
HALL = SeatedLayout([Run("S", f"R{n}", 1, length, "AB"[n == 3]) for n, length in enumerate(ROWS)])
MODEST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = itertools.count()


@pytest.fixture
def cache() -> Cache:
    real = caching.cache()
    return Cache(real._url, prefix=new_id("msg"), timeout_milliseconds=2000)


def sale_of(layout: SeatedLayout | GeneralLayout) -> Sale:
    return Sale(f"evt_{next(numbers)}", 1, "org", "An Evening", "USD", 600, 100, (), {"pool": layout})


def untils(size: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from([0, NOW - 1, NOW, NOW + 300]), min_size=size, max_size=size)


def slots_of(values: list[int]) -> dict[int, Taken]:
    return {slot: Taken(b"h" * 16, until) for slot, until in enumerate(values) if until}


@MODEST
@given(st.tuples(*(untils(HALL.size(block)) for block in range(HALL.blocks))), st.integers(1, 9), st.booleans())
def test_seats_are_picked_as_the_rules_would(
    cache: Cache, values: tuple[list[int], ...], quantity: int, together: bool
) -> None:
    with caching.using(cache):
        sale = sale_of(HALL)
        hints.prepare(sale, "pool", OPENING)
        seen = {("pool", block): slots_of(one) for block, one in enumerate(values)}
        hints.tell(sale, [hints.seen(block, slots, HALL) for block, slots in seen.items()], OPENING)
        demand = Demand("pool", "A", together)
        answer = hints.ask(sale, {demand: quantity}, OPENING)
        zone = list(HALL.blocks_of("A"))
        free = {block: free_slots(seen["pool", block], HALL.size(block), NOW) for block in zone}
        rooms = {block: room(free[block], HALL.stretches(block), True) for block in zone}
        fits = any(one >= quantity for one in rooms.values())
        if not isinstance(answer, hints.Picked):
            assert not fits
            assert together or sum(map(len, free.values())) < quantity
            return
        places = answer.places[demand]
        assert len(set(places)) == quantity
        assert all(place.slot in free[place.block] for place in places)
        if together:
            block = places[0].block
            assert block == min(one for one in zone if rooms[one] >= quantity), "the best block comes first"
            chosen = choose_slots(free[block], HALL.stretches(block), quantity, True)
            assert places == tuple(Place("pool", block, slot) for slot in chosen or ())


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
        hints.tell(sale, [hints.seen(block, slots, layout) for block, slots in seen.items()], OPENING)
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
        hints.tell(sale, [hints.seen(("pool", 0), slots, layout)], OPENING)
        free = free_slots(slots, 25, NOW)
        demand, other = Demand("pool", None, False), Demand("pool", "", False)
        answer = hints.ask(sale, {demand: quantity, other: 26 - quantity}, OPENING)
        assert isinstance(answer, hints.Short)
        if free:
            assert isinstance(hints.ask(sale, {demand: len(free)}, OPENING), hints.Picked)
