"""Whatever stands in a season's file: nothing raises, and every concert is read or named, never both, never neither."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog import domain
from services.catalog.domain import season
from shared.ids import derived_id

FILE = Path(__file__).resolve().parents[3] / "data" / "nyphil-2024-25.json"
PROGRAMS: list[Any] = json.loads(FILE.read_text(encoding="utf-8"))["programs"]
ORGANISER = derived_id("org", "org_01m85kmgtca0g4fmfchr064yk5", "any season")

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoilt_programs(draw: st.DrawFn) -> list[Any]:
    """Some real programmes, with values anywhere in them put in place of what was there, or taken away."""
    programs = copy.deepcopy(draw(st.lists(st.sampled_from(PROGRAMS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 4))):
        place: Any = programs
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
                if isinstance(place, dict) and draw(st.booleans()):
                    del place[key]
                else:
                    place[key] = draw(anything)
                break
            place = inner
    return programs


@settings(max_examples=150, deadline=None)
@given(spoilt_programs())
def test_every_concert_is_read_or_named(programs: list[Any]) -> None:
    read = season.read_season(programs)
    in_input = {
        f"$.programs[{number}].concerts[{place}]"
        for number, program in enumerate(programs)
        if isinstance(program, dict)
        and isinstance(program.get("programID"), str)
        and isinstance(program.get("concerts"), list)
        for place in range(len(program["concerts"]))
    }
    taken = [concert.row for concert in read.concerts]
    named = [left.row for left in read.unread if ".concerts[" in left.row]
    assert sorted(taken + named) == sorted(in_input)
    assert all(left.reason for left in read.unread)
    lost = {
        number
        for number, program in enumerate(programs)
        if not (isinstance(program, dict) and isinstance(program.get("programID"), str))
    }
    assert {f"$.programs[{number}]" for number in lost} <= {left.row for left in read.unread}


@settings(max_examples=100, deadline=None)
@given(spoilt_programs(), st.datetimes(timezones=st.timezones()))
def test_what_was_read_can_be_planned(programs: list[Any], now: Any) -> None:
    read = season.read_season(programs)
    weeks = 0 if not read.concerts else 117
    for concert in read.concerts:
        event = season.event_of(concert, ORGANISER, weeks)
        domain.check_shape(event)
        assert 1 <= len(event.name) <= 160
        again = season.event_of(concert, ORGANISER, weeks)
        assert again == event
