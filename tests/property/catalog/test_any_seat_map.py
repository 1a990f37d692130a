"""Every plan the rules let through counts the same seats, whichever way it is looked at."""

from __future__ import annotations

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.catalog.domain import Incomplete, Row, Run, SeatMap, Section, check_sections

# Mostly plans that can be: a spoilt name or run is rare enough for whole plans to come out sound.
names = st.text("ABCDEFé", min_size=1, max_size=3) | st.sampled_from(["", " A", "A"])
sound_runs = st.builds(lambda first, more: Run(first, first + more, "Front"), st.integers(0, 60), st.integers(0, 8))
runs = sound_runs | sound_runs | sound_runs | st.builds(Run, st.integers(-1, 9), st.integers(-1, 9), st.just("Back"))
rows = st.builds(Row, names, st.lists(runs, min_size=1, max_size=3).map(tuple))
sections = st.lists(st.builds(Section, names, st.lists(rows, max_size=3).map(tuple)), min_size=1, max_size=2)


@settings(max_examples=300, deadline=None)
@given(sections)
def test_no_seat_is_there_twice_and_none_is_lost(plan: list[Section]) -> None:
    seats = [
        (section.name, row.name, number)
        for section in plan
        for row in section.rows
        for run in row.runs
        for number in range(run.first, run.last + 1)
    ]
    sound = (
        bool(seats)
        and len(set(seats)) == len(seats)
        and all(row.runs for section in plan for row in section.rows)
        and all(run.first <= run.last and run.first >= 0 for s in plan for r in s.rows for run in r.runs)
    )
    try:
        check_sections(plan)
    except Incomplete:
        event("refused")
        return
    event("let through")
    assert sound, "a plan got through in which a seat is there twice, or none"
    seat_map = SeatMap(seat_map_id="map", organiser_id="org", venue_id="ven", name="Hall", sections=tuple(plan))
    assert seat_map.seats == len(seats)
    told = [(run.section, run.row, number) for run in seat_map.seat_runs() for number in range(run.first, run.last + 1)]
    assert told == seats
    kept = msgspec.json.decode(msgspec.json.encode(seat_map.sections), type=tuple[Section, ...])
    assert kept == seat_map.sections
    assert set(seat_map.zones) == {run.zone for run in seat_map.seat_runs()}
