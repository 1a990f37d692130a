"""How fast numbers are served, and why: the control by itself."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reservations.domain.waiting_room import Room, state_of
from services.reservations.domain.waiting_room_rate import (
    CLAIM_SECONDS,
    RATE_MIN,
    WINDOW_SECONDS,
    Control,
    Observed,
    settled,
    started,
    step,
)

START = 1_000_000.0
ROOM = Room(
    event_id="evt",
    version=1,
    opens_at=datetime.fromtimestamp(START, UTC),
    passes_per_second_max=40.0,
    pass_seconds=300,
    changed_at=datetime.fromtimestamp(START, UTC),
)
CROWD = Observed(issued=100_000)


def after(
    seconds: int, seen: Observed = CROWD, control: Control | None = None, room: Room = ROOM, *, comes: bool = True
) -> Control:
    """The control so many seconds later, when all of them look alike; everybody who is served claims, or nobody."""
    now = control or started(room, START)
    for number in range(1, seconds + 1):
        first, until = settled(now, now.ticked_at + 1.0)
        claimed = msgspec.structs.replace(seen, settled_claimed=until - first if comes else 0)
        now = step(now, room, claimed, now.ticked_at + 1.0, opened=True)
        assert now.ticked_at == (control.ticked_at if control else START) + number
    return now


def test_it_starts_at_a_quarter_and_rises_to_the_maximum() -> None:
    assert started(ROOM, START).rate == 10.0
    assert after(2).why == "rising"
    assert 10.0 < after(5).rate < 40.0
    top = after(30)
    assert (top.rate, top.why) == (40.0, "maximum")
    assert top.speed == pytest.approx(40.0, abs=3)


def test_no_more_than_the_maximum_a_second_is_served_where_everybody_comes() -> None:
    assert after(31).serving - after(30).serving <= 41


def test_refusals_halve_it_once_in_their_window() -> None:
    top = after(30)
    refused = Observed(issued=100_000, holds=100, refused=10)
    first = after(1, refused, top)
    assert (first.rate, first.why) == (20.0, "shop")
    assert after(WINDOW_SECONDS - 1, refused, first).rate == 20.0, "those that led to it are still being counted"
    assert after(WINDOW_SECONDS + 1, refused, first).rate == 10.0
    assert after(1, Observed(issued=100_000, refused=3), control=top).rate == 20.0
    assert after(200, refused, top).rate == RATE_MIN, "it never stops altogether"


@pytest.mark.parametrize(
    "seen", [Observed(issued=100_000, refused=2), Observed(issued=100_000, holds=5000, refused=50)]
)
def test_a_few_refusals_are_chance(seen: Observed) -> None:
    assert after(1, seen, after(30)).rate == 40.0


def test_what_was_not_used_is_no_reason_to_go_faster() -> None:
    idle = after(50, Observed(issued=0))
    assert (idle.rate, idle.why) == (10.0, "nobody_waits")


def test_passes_are_for_the_places_that_are_free() -> None:
    seen = Observed(issued=100_000, free=20, held=0)
    few = after(30, seen)
    assert few.why == "demand"
    # Who was served at first and has not come by now counts for nothing, so others were served in their place.
    assert 15 <= few.serving <= 80
    assert after(10, Observed(issued=100_000, free=20, held=0, outstanding=15), few).serving == few.serving
    assert after(10, Observed(issued=100_000, free=0, held=400, outstanding=50)).serving == 0
    assert after(10, Observed(issued=100_000, free=0, held=400)).serving > 0, "what is held may come back"


def test_one_may_always_try_for_the_last_place() -> None:
    for free, held in ((1, 0), (0, 1)):
        assert after(5, Observed(issued=10, free=free, held=held)).serving >= 1


def test_sold_out_stands_still() -> None:
    gone = after(10, Observed(issued=100_000, free=0, held=0))
    assert (gone.serving, gone.why) == (0, "sold_out")


def test_no_shows_are_made_up_for() -> None:
    control, claimed = started(ROOM, START, rate=40.0), 0.0
    for _ in range(120):
        first, until = settled(control, control.ticked_at + 1.0)
        seen = Observed(issued=1_000_000, settled_claimed=round((until - first) * 0.7))
        before = control.serving
        control = step(control, ROOM, seen, control.ticked_at + 1.0, opened=True)
        claimed += 0.7 * (control.serving - before)
    assert control.show_up == pytest.approx(0.7, abs=0.02)
    assert claimed / 120 == pytest.approx(40.0, rel=0.1)


def test_gaps_are_passed_quickly_but_not_at_once() -> None:
    seen = after(100, Observed(issued=1_000_000), comes=False)
    assert seen.show_up == pytest.approx(0.2, abs=0.01)
    assert step(seen, ROOM, CROWD, seen.ticked_at + 1, opened=True).serving - seen.serving <= 5 * 40 + 1


def test_late_claims_are_not_made_up_for() -> None:
    """Those who notice late look like no-shows at first; the maximum is for those who really claim."""
    seen = after(100, Observed(issued=1_000_000), comes=False)
    late = Observed(issued=1_000_000, passes_per_second=60.0)
    assert step(seen, ROOM, late, seen.ticked_at + 1, opened=True).serving - seen.serving <= 41


def test_nobody_is_forgotten_while_nobody_looks() -> None:
    seen = after(30)
    later = step(seen, ROOM, CROWD, seen.ticked_at + 3600.0, opened=True)
    assert later.serving - seen.serving <= 2 * 40 + 5, "an hour without a look is no hour saved up"
    back = step(seen, ROOM, CROWD, seen.ticked_at - 30.0, opened=True)
    assert back.serving >= seen.serving
    assert back.ticked_at == seen.ticked_at


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"paused": True}, "paused"), ({"ended": True}, "ended"), ({"paused": True, "ended": True}, "ended")],
)
def test_the_organiser_stops_it(changes: dict[str, bool], why: str) -> None:
    room = msgspec.structs.replace(ROOM, **changes)
    seen = after(5, room=room)
    assert (seen.serving, seen.why) == (0, why)


def test_before_the_opening_nobody_is_served() -> None:
    seen = step(started(ROOM, START), ROOM, CROWD, START + 1, opened=False)
    assert (seen.serving, seen.why) == (0, "before")


def test_a_lower_maximum_holds_at_once() -> None:
    slow = msgspec.structs.replace(ROOM, passes_per_second_max=2.0)
    assert after(1, control=after(30), room=slow).rate == 2.0


def test_after_its_memory_was_lost_it_goes_on_from_what_was_kept() -> None:
    again = started(ROOM, START, serving=1240, rate=33.0)
    assert (again.serving, again.rate) == (1240, 33.0)
    assert settled(again, START + CLAIM_SECONDS) == (1240, 1240), "nothing is said of who was served before"


def test_the_states() -> None:
    def state(*, opened: bool = True, sold_out: bool = False, **changes: bool) -> str:
        return state_of(msgspec.structs.replace(ROOM, **changes), opened=opened, sold_out=sold_out)

    assert state(opened=False) == "before"
    assert state() == "open"
    assert state(paused=True) == "paused"
    assert state(opened=False, paused=True) == "paused"
    assert state(sold_out=True, paused=True) == "sold_out"
    assert state(sold_out=True, ended=True) == "closed"


observations = st.builds(
    Observed,
    issued=st.integers(0, 500),
    holds=st.integers(0, 200),
    refused=st.integers(0, 50),
    passes_per_second=st.floats(0.0, 500.0),
    outstanding=st.integers(0, 400),
    free=st.none() | st.integers(0, 300),
    held=st.integers(0, 300),
    places_per_hold=st.floats(0.0, 10.0),
    settled_claimed=st.integers(0, 500),
    fresh_claimed=st.integers(0, 500),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.floats(-5.0, 30.0), observations, st.booleans()), max_size=40))
def test_whatever_is_observed_it_only_goes_forward_and_stays_in_its_bounds(
    steps: list[tuple[float, Observed, bool]],
) -> None:
    control, issued = started(ROOM, START), 0
    for elapsed, seen, opened in steps:
        issued = max(issued, seen.issued)
        following = step(
            control, ROOM, msgspec.structs.replace(seen, issued=issued), control.ticked_at + elapsed, opened=opened
        )
        assert control.serving <= following.serving <= max(issued, control.serving)
        assert following.serving - control.serving <= 2 * 40 * 5 + 5
        assert RATE_MIN <= following.rate <= 40.0
        assert 0.2 <= following.show_up <= 1.0
        assert following.owed >= 0
        assert following.ticked_at >= control.ticked_at
        control = following
