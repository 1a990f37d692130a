"""What passes from one hold to the next: as much of it as serves again, and nothing that is somebody else's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reservations.domain import (
    SOLD_UNTIL,
    Demand,
    GeneralLayout,
    Passing,
    Place,
    Run,
    SeatedLayout,
    Slots,
    Taken,
    pass_over,
)

HALL = SeatedLayout([Run("Stalls", "A", 1, 8, "A"), Run("Stalls", "B", 1, 8, "A"), Run("Circle", "A", 1, 8, "B")])
TOGETHER = Demand("hall", "A", True)
OLD, OTHER, NOW, UNTIL = b"o" * 16, b"x" * 16, 1000, 1600


def passing(*slots: int, block: int = 0, pool: str = "hall") -> Passing:
    return Passing(OLD, frozenset(Place(pool, block, slot) for slot in slots))


def numbers(places: tuple[Place, ...]) -> list[int]:
    return [place.slot for place in places]


def test_general_places_are_kept_as_far_as_they_reach() -> None:
    layout, demand = GeneralLayout(60), Demand("floor", None, False)
    old = passing(3, 4, 9, pool="floor")
    assert numbers(pass_over(old, layout, demand, 2, [], {}, NOW)) == [3, 4]
    assert numbers(pass_over(old, layout, demand, 5, [], {}, NOW)) == [3, 4, 9]
    assert numbers(pass_over(old, layout, demand, 5, [Place("floor", 0, 3)], {}, NOW)) == [4, 9]


def test_neighbours_come_from_the_own_seats_else_from_around_them_else_not_at_all() -> None:
    old = passing(2, 3, 4)
    assert numbers(pass_over(old, HALL, TOGETHER, 2, [], {}, NOW)) == [2, 3]
    mine: dict[int, Taken] = {slot: Taken(OLD, UNTIL) for slot in (2, 3, 4)}
    seen: dict[tuple[str, int], Slots] = {("hall", 0): mine | {0: Taken(OTHER, UNTIL)}}
    around = numbers(pass_over(old, HALL, TOGETHER, 5, [], seen, NOW))
    assert around == list(range(around[0], around[0] + 5))
    assert around[0] > 0
    assert around[-1] < 8
    seen = {("hall", 0): mine | {1: Taken(OTHER, UNTIL), 5: Taken(OTHER, UNTIL)}}
    full = {slot: Taken(OTHER, UNTIL) for slot in range(8, 16)}
    seen = {("hall", 0): {**seen["hall", 0], **full}}
    assert pass_over(old, HALL, TOGETHER, 4, [], seen, NOW) == ()


def test_of_a_withholding_nothing_but_its_own_places_is_taken() -> None:
    old = Passing(OLD, frozenset({Place("hall", 0, 2), Place("hall", 0, 3)}), frees=False, only=True)
    seen: dict[tuple[str, int], Slots] = {("hall", 0): {}}
    assert pass_over(old, HALL, TOGETHER, 3, [], seen, NOW) == ()
    assert numbers(pass_over(old, HALL, TOGETHER, 2, [], seen, NOW)) == [2, 3]
    assert old.left_by([Place("hall", 0, 2)]) == {}


def test_another_zone_or_pool_does_not_serve() -> None:
    old = passing(0, 1, block=1)
    assert HALL.zone_of(1) == "B"
    assert pass_over(old, HALL, TOGETHER, 2, [], {}, NOW) == ()
    assert pass_over(passing(0, pool="other"), HALL, Demand("hall", "A", False), 1, [], {}, NOW) == ()


def test_what_is_sold_or_lost_is_not_the_holds_to_give() -> None:
    old = passing(1, 2, 3)
    seen: dict[tuple[str, int], Slots] = {
        ("hall", 0): {1: Taken(OLD, UNTIL), 2: Taken(OTHER, UNTIL), 3: Taken(OLD, SOLD_UNTIL)}
    }
    assert old.after(seen).slots == {Place("hall", 0, 1)}
    assert old.sold(seen)
    assert not passing(1, 2).sold(seen)
    assert old.seen_free(seen) == {("hall", 0): {2: Taken(OTHER, UNTIL), 3: Taken(OLD, SOLD_UNTIL)}}
    assert old.after({}) is old


@settings(max_examples=80, deadline=None)
@given(
    st.sets(st.integers(0, 15), min_size=1, max_size=6),
    st.sets(st.integers(0, 15), max_size=8),
    st.integers(1, 6),
    st.booleans(),
)
def test_nothing_of_others_is_taken_and_neighbours_are_neighbours(
    own: set[int], others: set[int], quantity: int, together: bool
) -> None:
    old = passing(*own)
    slots = {slot: Taken(OLD, UNTIL) for slot in own} | {slot: Taken(OTHER, UNTIL) for slot in others - own}
    places = pass_over(old, HALL, Demand("hall", "A", together), quantity, [], {("hall", 0): slots}, NOW)
    taken = numbers(places)
    assert not set(taken) & (others - own)
    assert len(set(taken)) == len(taken) <= quantity
    if together:
        assert len(taken) in (0, quantity)
        assert taken == list(range(taken[0], taken[0] + quantity)) if taken else True
        assert not taken or taken[0] // 8 == taken[-1] // 8
    else:
        assert set(taken) <= own
        assert len(taken) == min(quantity, len(own))
    freed = {slot for _, numbers_ in old.left_by(places).items() for slot in numbers_}
    assert freed == own - set(taken)
