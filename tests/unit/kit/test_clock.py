"""The clock: milliseconds, UTC, and a test's own time for all threads."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock

# Hypothesis wants its bounds without a zone and adds it.
moments = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AT = datetime(2026, 5, 1, 19, 30, 0, 123456, tzinfo=UTC)


def test_now_is_utc_and_keeps_whole_milliseconds() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.microsecond % 1000 == 0
    assert now.utcoffset() == timedelta(0)


def test_a_fixed_clock_holds_for_other_threads_and_ends_with_its_block() -> None:
    seen: list[datetime] = []
    with clock.fixed(AT):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
        with clock.use(lambda: AT + timedelta(hours=1)):
            assert clock.now() == clock.to_milliseconds(AT + timedelta(hours=1))
        assert clock.now() == clock.to_milliseconds(AT)
    assert seen == [clock.to_milliseconds(AT)]
    assert clock.now() != clock.to_milliseconds(AT)


@given(st.lists(moments, min_size=2, max_size=6))
def test_texts_come_back_and_sort_as_times_do(several: list[datetime]) -> None:
    several = [clock.to_milliseconds(at) for at in several]
    texts = [clock.iso(at) for at in several]
    assert [clock.from_iso(text) for text in texts] == several
    assert [clock.from_iso(text) for text in sorted(texts)] == sorted(several)
    assert {len(text) for text in texts} == {24}


@given(moments)
def test_time_to_live_is_never_before_the_moment(at: datetime) -> None:
    seconds = clock.epoch_seconds(at)
    assert 0 <= seconds - at.timestamp() < 1.001
    assert clock.from_epoch_milliseconds(clock.epoch_milliseconds(at)) == clock.to_milliseconds(at)


def test_other_zones_are_turned_into_utc_and_none_is_refused() -> None:
    vienna = timezone(timedelta(hours=2))
    assert clock.iso(AT.astimezone(vienna)) == "2026-05-01T19:30:00.123Z"
    with pytest.raises(ValueError, match="without a zone"):
        clock.to_milliseconds(datetime(2026, 5, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a zone"):
        clock.from_iso("2026-05-01T19:30:00")
