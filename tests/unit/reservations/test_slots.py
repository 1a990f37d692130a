"""What is free, and which free slots to take."""

from __future__ import annotations

import pytest

from services.reservations.domain import (
    SOLD_UNTIL,
    GeneralLayout,
    Place,
    Run,
    SeatedLayout,
    Taken,
    by_block,
    choose_places,
    choose_slots,
    free_slots,
    probe_order,
    room,
)

HOLD = b"h" * 16


def test_a_slot_is_free_when_nobody_has_it_or_its_time_is_over() -> None:
    slots = {0: Taken(HOLD, 99), 1: Taken(HOLD, 100), 2: Taken(HOLD, 101), 3: Taken(HOLD, SOLD_UNTIL)}
    assert free_slots(slots, 6, now=100) == [0, 4, 5]


@pytest.mark.parametrize(
    ("free", "stretches", "quantity", "chosen"),
    [
        ([0, 1, 2, 3], (4,), 2, (0, 1)),
        ([0, 1, 2, 3, 4], (5,), 5, (0, 1, 2, 3, 4)),
        ([0, 1, 2, 4, 5], (6,), 2, (4, 5)),  # the hole it fills, rather than leaving a single seat of three
        ([0, 1, 2], (3,), 2, (0, 1)),  # a single seat is left where nothing else is to be had
        ([0, 1, 2, 4, 5, 6, 7], (8,), 2, (4, 5)),  # leaves two, not one
        ([2, 3], (3, 3), 2, None),  # neighbours in number, in two rows
        ([0, 2, 4], (5,), 2, None),
        ([0], (1,), 2, None),
    ],
)
def test_neighbours_are_chosen_without_leaving_single_seats(
    free: list[int], stretches: tuple[int, ...], quantity: int, chosen: tuple[int, ...] | None
) -> None:
    assert choose_slots(free, stretches, quantity, together=True) == chosen


def test_any_places_will_do_where_neighbours_do_not_matter() -> None:
    assert choose_slots([1, 5, 9], (10,), 2, together=False) == (1, 5)
    assert choose_slots([1], (10,), 2, together=False) is None


def test_room_is_what_can_be_had_at_once() -> None:
    assert room([0, 1, 3, 4, 5], (6,), together=True) == 3
    assert room([0, 1, 2, 3], (2, 2), together=True) == 2
    assert room([0, 2, 5], (6,), together=False) == 3
    assert room([], (6,), together=True) == 0


def test_places_come_from_one_block_where_one_suffices_and_else_from_several() -> None:
    layout = GeneralLayout(75)
    full = {slot: Taken(HOLD, SOLD_UNTIL) for slot in range(24)}
    seen = {("p", 0): full, ("p", 1): full, ("p", 2): {}}
    assert choose_places(layout, seen, 2, together=False, now=1) == (Place("p", 2, 0), Place("p", 2, 1))
    several = choose_places(layout, {("p", 0): full, ("p", 1): full}, 2, together=False, now=1)
    assert several == (Place("p", 0, 24), Place("p", 1, 24))
    assert choose_places(layout, {("p", 0): full}, 2, together=False, now=1) is None


def test_neighbours_never_come_from_two_blocks_and_a_baskets_own_places_are_left_out() -> None:
    layout = SeatedLayout([Run("S", "A", 1, 50, "A")])
    free_last = {slot: Taken(HOLD, SOLD_UNTIL) for slot in range(24)}
    free_first = {slot: Taken(HOLD, SOLD_UNTIL) for slot in range(1, 25)}
    seen = {("p", 0): free_last, ("p", 1): free_first}
    assert choose_places(layout, seen, 2, together=True, now=1) is None
    assert choose_places(layout, seen, 1, together=True, now=1, besides=[Place("p", 0, 24)]) == (Place("p", 1, 0),)


def test_probes_are_different_blocks_and_spread_by_the_seed() -> None:
    assert sorted(probe_order(range(5), 7, 8)) == [0, 1, 2, 3, 4]
    assert probe_order([], 7, 8) == []
    firsts = set()
    for seed in range(1000):
        probes = probe_order(range(1000), seed, 8)
        assert len(set(probes)) == 8
        firsts.add(probes[0])
    assert len(firsts) == 1000


def test_each_block_is_one_write() -> None:
    places = [Place("p", 1, 4), Place("q", 1, 0), Place("p", 1, 2)]
    assert by_block(places) == {("p", 1): (2, 4), ("q", 1): (0,)}
