"""Whatever the plan of a hall: every seat has one slot, and neighbours stay together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.reservations.domain import (
    PLACES_PER_BLOCK_MAX,
    GeneralLayout,
    Run,
    Seat,
    SeatedLayout,
    choose_slots,
    keeps_places,
    room,
)
from services.reservations.repository.rows import pack_runs, unpack_runs


@st.composite
def halls(draw: st.DrawFn) -> tuple[Run, ...]:
    """Rows of sections, each of one or two zones, with the gaps that aisles make."""
    runs = []
    for section in range(draw(st.integers(1, 3))):
        for row in range(draw(st.integers(1, 5))):
            first = 1
            for _ in range(draw(st.integers(1, 3))):
                length = draw(st.integers(1, 80))
                zone = draw(st.sampled_from("AB"))
                runs.append(Run(f"S{section}", f"R{row}", first, first + length - 1, zone))
                first += length + draw(st.integers(0, 3))
    return tuple(runs)


@given(halls())
def test_every_seat_has_exactly_one_slot(runs: tuple[Run, ...]) -> None:
    layout = SeatedLayout(runs)
    seats = {Seat(run.section, run.row, number) for run in runs for number in range(run.first, run.last + 1)}
    slots = {(block, slot) for block in range(layout.blocks) for slot in range(layout.size(block))}
    assert len(slots) == len(seats) == layout.capacity
    assert {layout.seat(block, slot) for block, slot in slots} == seats
    assert {layout.find(seat) for seat in seats} == slots


@given(halls())
def test_no_block_is_too_big_or_mixes_zones_or_sections(runs: tuple[Run, ...]) -> None:
    layout = SeatedLayout(runs)
    zone_of = {
        Seat(run.section, run.row, number): run.zone for run in runs for number in range(run.first, run.last + 1)
    }
    for zone in layout.zones():
        for block in layout.blocks_of(zone):
            assert 1 <= layout.size(block) <= PLACES_PER_BLOCK_MAX
            assert sum(layout.stretches(block)) == layout.size(block)
            seats = [layout.seat(block, slot) for slot in range(layout.size(block))]
            assert {zone_of[seat] for seat in seats} == {zone}
            assert len({seat.section for seat in seats}) == 1
    assert sorted(block for zone in layout.zones() for block in layout.blocks_of(zone)) == list(range(layout.blocks))


@given(halls())
def test_neighbours_share_a_block_wherever_their_run_fits_one(runs: tuple[Run, ...]) -> None:
    layout = SeatedLayout(runs)
    for run in runs:
        length = run.last - run.first + 1
        found = [layout.find(Seat(run.section, run.row, number)) for number in range(run.first, run.last + 1)]
        blocks = {place[0] for place in found if place is not None}
        assert len(blocks) == -(-length // PLACES_PER_BLOCK_MAX), "a run is in no more blocks than its length needs"
        for before, after in pairwise(found):
            assert before is not None and after is not None  # noqa: PT018
            assert after == (before[0], before[1] + 1) or after[0] != before[0]
        if len(blocks) > 1:
            sizes = [sum(place[0] == block for place in found if place) for block in blocks]
            assert max(sizes) - min(sizes) <= 1, "the parts of a long run are equal"


@given(halls(), halls())
def test_what_is_appended_moves_no_seat(runs: tuple[Run, ...], more: tuple[Run, ...]) -> None:
    renamed = tuple(Run(f"New {run.section}", run.row, run.first, run.last, run.zone) for run in more)
    small, large = SeatedLayout(runs), SeatedLayout(runs + renamed)
    assert keeps_places(small, large)
    for run in runs:
        for number in range(run.first, run.last + 1):
            seat = Seat(run.section, run.row, number)
            assert small.find(seat) == large.find(seat)


@given(halls())
def test_runs_are_stored_and_read_back(runs: tuple[Run, ...]) -> None:
    assert unpack_runs(pack_runs(runs)) == runs


@given(st.integers(1, 1_000_000))
def test_general_blocks_add_up_to_the_capacity(capacity: int) -> None:
    layout = GeneralLayout(capacity)
    full, last = layout.blocks - 1, layout.size(layout.blocks - 1)
    assert full * PLACES_PER_BLOCK_MAX + last == capacity
    assert 1 <= last <= PLACES_PER_BLOCK_MAX


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.data())
def test_neighbours_are_found_exactly_where_there_are_any(stretches: list[int], data: st.DataObject) -> None:
    size = sum(stretches)
    free = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    quantity = data.draw(st.integers(1, 8))
    chosen = choose_slots(free, stretches, quantity, together=True)
    assert (chosen is not None) == (room(free, stretches, together=True) >= quantity)
    if chosen is None:
        return
    assert set(chosen) <= set(free)
    assert chosen == tuple(range(chosen[0], chosen[0] + quantity))
    ends = [sum(stretches[: n + 1]) for n in range(len(stretches))]
    assert next(end for end in ends if chosen[0] < end) > chosen[-1], "all of one stretch"
    # A single seat is left only where every choice leaves one.
    if _leaves_single(free, chosen, stretches):
        for start in free:
            other = tuple(range(start, start + quantity))
            if set(other) <= set(free) and next(end for end in ends if start < end) > other[-1]:
                assert _whole_run(free, other, stretches) - quantity == 1 or _splits(free, other, stretches)


def _whole_run(free: list[int], chosen: tuple[int, ...], stretches: list[int]) -> int:
    """The length of the run of free neighbours around the chosen ones."""
    ends = [sum(stretches[: n + 1]) for n in range(len(stretches))]
    end = next(end for end in ends if chosen[0] < end)
    start = max([0, *(one for one in ends if one <= chosen[0])])
    low, high = chosen[0], chosen[-1]
    while low - 1 >= start and low - 1 in free:
        low -= 1
    while high + 1 < end and high + 1 in free:
        high += 1
    return high - low + 1


def _leaves_single(free: list[int], chosen: tuple[int, ...], stretches: list[int]) -> bool:
    return _whole_run(free, chosen, stretches) - len(chosen) == 1


def _splits(free: list[int], chosen: tuple[int, ...], stretches: list[int]) -> bool:
    """Whether the choice lies inside its run rather than at its beginning, which is never what is chosen."""
    return chosen[0] - 1 in free and _whole_run(free, chosen, stretches) > len(chosen)
