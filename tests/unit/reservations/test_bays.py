"""Wheelchair places and their companions."""

from __future__ import annotations

import zlib

import msgspec

from services.reservations.domain import (
    Place,
    Run,
    Seat,
    SeatedLayout,
    Slots,
    Taken,
    choose_accessible,
    companions_alone,
    free_bays,
    keeps_places,
)
from services.reservations.repository.rows import pack_runs, unpack_runs

NOW = 1_000
ORDINARY = Run("Stalls", "A", 1, 10, "A")
# Seats 1 and 4 are wheelchair places, 2 and 3 for who comes along.
SMALL = Run("Stalls", "B", 1, 4, "A", True, (2, 3))
# Two places of their own, no companions.
SINGLES = Run("Stalls", "C", 1, 2, "A", True)
LARGE = Run("Stalls", "D", 1, 9, "A", True, (2, 5, 8))
HALL = SeatedLayout([ORDINARY, SMALL, SINGLES, LARGE, Run("Stalls", "E", 1, 10, "A")])


def seen(**taken: list[int]) -> dict[tuple[str, int], Slots]:
    """The bays' blocks, with slots taken by name `b1=[0, 2]`."""
    return {
        ("pool", block): {slot: Taken(b"x" * 16, NOW + 60) for slot in taken.get(f"b{block}", [])}
        for block in HALL.bays_of("A")
    }


def seats(places: tuple[Place, ...] | None) -> list[tuple[str, int]]:
    assert places is not None
    return [(seat.row, seat.number) for place in places for seat in [HALL.seat(place.block, place.slot)]]


def test_bays_have_blocks_of_their_own_which_nobody_is_sent_to() -> None:
    assert HALL.blocks == 5
    assert tuple(HALL.blocks_of("A")) == tuple(HALL.blocks_of(None)) == (0, 4)
    assert tuple(HALL.bays_of("A")) == tuple(HALL.bays_of(None)) == (1, 2, 3)
    assert tuple(HALL.bays_of("B")) == ()
    assert [HALL.bay_of(block) for block in range(5)] == [None, 1, 2, 3, None]
    assert HALL.capacity == 35
    assert HALL.find(Seat("Stalls", "B", 3)) == (1, 2)


def test_a_zone_that_is_nothing_but_bays_is_a_zone_all_the_same() -> None:
    layout = SeatedLayout([ORDINARY, Run("Stalls", "B", 1, 4, "W", True)])
    assert layout.zones() == ("A", "W")
    assert (tuple(layout.blocks_of("W")), tuple(layout.bays_of("W")), layout.zone_of(1)) == ((), (1,), "W")


def test_a_long_bay_is_one_bay_of_several_blocks() -> None:
    layout = SeatedLayout([Run("Stalls", "A", 1, 40, "A", True, (2,))])
    assert tuple(layout.bays_of("A")) == (0, 1)
    assert (layout.bay_of(0), layout.bay_of(1)) == (0, 0)
    companion = layout.find(Seat("Stalls", "A", 2))
    far = layout.find(Seat("Stalls", "A", 40))
    assert companion
    assert far
    places = [Place("pool", *companion), Place("pool", *far)]
    assert companions_alone({"pool": layout}, places) == []
    assert companions_alone({"pool": layout}, places[:1]) == places[:1]


def test_runs_stored_before_there_were_bays_are_read_as_they_were_meant() -> None:
    before = msgspec.msgpack.encode([["Stalls", "A", 1, 10, "A"]])
    assert unpack_runs(zlib.compress(before)) == (ORDINARY,)
    assert unpack_runs(pack_runs(HALL.runs)) == HALL.runs
    assert keeps_places(SeatedLayout(unpack_runs(zlib.compress(before))), HALL)
    assert not keeps_places(SeatedLayout([Run("Stalls", "A", 1, 10, "A", True)]), HALL)


def test_one_party_is_seated_in_one_bay_next_to_each_other() -> None:
    assert seats(choose_accessible(HALL, seen(), 1, 1, now=NOW)) == [("B", 1), ("B", 2)]
    # The bay that leaves the fewest wheelchair places wins where nobody comes along.
    assert seats(choose_accessible(HALL, seen(), 2, 0, now=NOW)) == [("B", 1), ("B", 4)]
    assert seats(choose_accessible(HALL, seen(), 3, 1, now=NOW)) == [("D", 1), ("D", 3), ("D", 4), ("D", 2)]


def test_the_bay_that_seats_the_companions_goes_first() -> None:
    taken = seen(b1=[1, 2])
    assert seats(choose_accessible(HALL, taken, 1, 1, now=NOW)) == [("D", 1), ("D", 2)]
    assert seats(choose_accessible(HALL, taken, 1, 0, now=NOW)) == [("B", 1)]


def test_a_party_gets_no_more_companions_than_its_share_and_the_rest_sits_elsewhere() -> None:
    assert seats(choose_accessible(HALL, seen(), 1, 5, now=NOW)) == [("B", 1), ("B", 2)]


def test_wheelchair_places_of_several_bays_do_where_no_bay_has_all() -> None:
    found = choose_accessible(HALL, seen(), 8, 2, now=NOW)
    assert found is not None
    assert {HALL.seat(place.block, place.slot).row for place in found[:8]} == {"D", "B"}
    assert not any(HALL.is_companion(place.block, place.slot) for place in found[:8])
    assert all(HALL.is_companion(place.block, place.slot) for place in found[8:])
    assert len(found) == 10
    assert companions_alone({"pool": HALL}, found) == []


def test_what_is_taken_or_in_the_basket_is_not_chosen_again() -> None:
    every = choose_accessible(HALL, seen(), 10, 0, now=NOW)
    assert every is not None
    assert choose_accessible(HALL, seen(), 11, 0, now=NOW) is None
    assert choose_accessible(HALL, seen(), 1, 0, now=NOW, besides=every) is None
    assert choose_accessible(HALL, seen(b1=[0]), 10, 0, now=NOW) is None
    run_out = {("pool", 1): {0: Taken(b"x" * 16, NOW - 1)}}
    assert seats(choose_accessible(HALL, run_out, 1, 0, now=NOW)) == [("B", 1)]


def test_ordinary_blocks_are_no_bays() -> None:
    assert free_bays(HALL, {("pool", 0): {}, ("pool", 4): {}}, now=NOW) == []
