"""Schedules come when EventBridge would let them come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.app import Chalice, CloudWatchEvent, Rate

from runtime.triggers import TriggerError
from runtime.triggers.schedules import Schedule, next_after
from runtime.triggers.sources import ScheduleSource, sources_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(5 minutes)", "2026-11-24T10:02", "2026-11-24T10:07"),
        ("rate(1 day)", "2026-11-24T10:02", "2026-11-25T10:02"),
        ("cron(0 12 * * ? *)", "2026-11-24T12:00", "2026-11-25T12:00"),
        ("cron(0/15 * * * ? *)", "2026-11-24T10:02", "2026-11-24T10:15"),
        ("cron(30 8,20 * * ? *)", "2026-11-24T10:02", "2026-11-24T20:30"),
        ("cron(0 6 ? * MON-FRI *)", "2026-11-27T07:00", "2026-11-30T06:00"),
        ("cron(0 0 29 2 ? *)", "2026-11-24T10:02", "2028-02-29T00:00"),
        ("cron(0 0 1 JAN ? 2028)", "2026-11-24T10:02", "2028-01-01T00:00"),
    ],
)
def test_the_next_time(expression: str, after: str, expected: str) -> None:
    assert next_after(expression)(at(after)) == at(expected)


def test_a_year_that_is_over_never_comes() -> None:
    assert next_after("cron(0 0 1 1 ? 2020)")(at("2026-11-24T10:02")) is None


@pytest.mark.parametrize(
    "expression", ["every day", "rate(0 minutes)", "cron(0 12 * *)", "cron(61 * * * ? *)", "cron(0 0 L * ? *)"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(TriggerError):
        next_after(expression)


def scheduled(fails: int) -> tuple[Schedule, list[dict[str, Any]]]:
    """A schedule every five minutes whose function fails so many times."""
    app = Chalice(app_name="stagedoor-accounts")
    seen: list[dict[str, Any]] = []

    @app.schedule(Rate(5, unit=Rate.MINUTES))
    def tidy(event: CloudWatchEvent) -> None:
        seen.append(event.to_dict())
        if len(seen) <= fails:
            raise RuntimeError("not today")

    [source] = sources_of({"accounts": app}, "dev", "stagedoor-dev")
    assert isinstance(source, ScheduleSource)
    return Schedule(source, "us-east-1", at("2026-11-24T10:00")), seen


def test_it_runs_when_due_with_the_event_of_a_rule() -> None:
    schedule, seen = scheduled(0)
    assert schedule.poll_once(at("2026-11-24T10:04")) == (0, 0)
    assert schedule.poll_once(at("2026-11-24T10:05")) == (1, 0)
    assert schedule.poll_once(at("2026-11-24T10:06")) == (0, 0)
    assert seen[0]["detail-type"] == "Scheduled Event"
    assert seen[0]["time"] == "2026-11-24T10:05:00Z"


def test_what_fails_is_tried_twice_more_with_the_same_event() -> None:
    schedule, seen = scheduled(fails=9)
    assert schedule.poll_once(at("2026-11-24T10:05:00")) == (1, 1)
    assert schedule.poll_once(at("2026-11-24T10:06:00")) == (1, 1)
    assert schedule.poll_once(at("2026-11-24T10:08:00")) == (1, 1)
    assert schedule.poll_once(at("2026-11-24T10:09:59")) == (0, 0)
    assert len({event["id"] for event in seen}) == 1
