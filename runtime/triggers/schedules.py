"""Schedules: EventBridge's `rate(…)` and `cron(…)`, in UTC, with the two retries of an asynchronous invocation."""

from __future__ import annotations

import calendar
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.deployment.extras import ACCOUNT_PLACEHOLDER
from runtime.triggers.invocation import InvocationFailed, invoke
from runtime.triggers.sources import ScheduleSource, TriggerError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_RETRY_SECONDS = (60, 120)
_YEARS_MAX = 5


@dataclass(frozen=True)
class _Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    week_days: frozenset[int]
    years: frozenset[int]

    def after(self, at: datetime) -> datetime | None:
        """The next minute that fits, later than `at`; None when there is none within five years."""
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(_YEARS_MAX * 366):
            if self._fits(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = day.replace(hour=hour, minute=minute)
                        if found > at:
                            return found
            day += timedelta(days=1)
        return None

    def _fits(self, day: datetime) -> bool:
        week_day = day.isoweekday() % 7 + 1
        return (
            day.year in self.years and day.month in self.months and day.day in self.days and week_day in self.week_days
        )


def next_after(expression: str) -> Callable[[datetime], datetime | None]:
    """What comes next after a time, by an expression. Refuses what is no expression (TriggerError).

    Of cron the letters L, W and # are not known here.
    """
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        every = timedelta(**{f"{rate[2]}s": int(rate[1])})
        if every <= timedelta(0):
            raise TriggerError(f"{expression} never comes")
        return lambda at: at + every
    written = _CRON.fullmatch(expression)
    if written is None:
        raise TriggerError(f"{expression} is neither rate(…) nor cron(…) of six fields")
    cron = _Cron(
        _field(written[1], 0, 59),
        _field(written[2], 0, 23),
        _field(written[3], 1, 31),
        _field(written[4], 1, 12, _MONTHS),
        _field(written[5], 1, 7, _DAYS),
        _field(written[6], 1970, 2199),
    )
    return cron.after


def _field(text: str, lowest: int, highest: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            if span in ("*", "?"):
                start, end = lowest, highest
            else:
                start = (names or {}).get(first.upper()) or int(first)
                end = ((names or {}).get(last.upper()) or int(last)) if dash else highest if step else start
            if start < lowest or end > highest:
                raise ValueError
            found.update(range(start, end + 1, int(step) if step else 1))
        except ValueError:
            raise TriggerError(f"{text} is not a field of a cron expression between {lowest} and {highest}") from None
    return frozenset(found)


class Schedule:
    """Runs a function when its time has come. What was due while nothing ran is not made up for, as at EventBridge."""

    def __init__(self, source: ScheduleSource, region: str, started_at: datetime) -> None:
        self.source = source
        self.name = f"{source.function.full_name} < {source.expression}"
        self._region = region
        self._next_after = next_after(source.expression)
        self._due_at = self._next_after(started_at)
        self._retries: list[tuple[datetime, dict[str, Any], int]] = []

    def poll_once(self, now: datetime) -> tuple[int, int]:
        """Runs the function for what is due: how often it ran, and how often it failed."""
        due = [each for each in self._retries if each[0] <= now]
        self._retries = [each for each in self._retries if each[0] > now]
        if self._due_at is not None and self._due_at <= now:
            due.append((self._due_at, self.event(self._due_at), 0))
            self._due_at = self._next_after(now)
        return len(due), sum(not self._run(event, tries, now) for _, event, tries in due)

    def fire(self, now: datetime) -> None:
        """Runs the function at once, whatever its schedule says. Raises InvocationFailed when it fails."""
        invoke(self.source.function, self.event(now), self._region)

    def _run(self, event: dict[str, Any], tries: int, now: datetime) -> bool:
        try:
            invoke(self.source.function, event, self._region)
        except InvocationFailed:
            if tries < len(_RETRY_SECONDS):
                self._retries.append((now + timedelta(seconds=_RETRY_SECONDS[tries]), event, tries + 1))
            return False
        return True

    def event(self, at: datetime) -> dict[str, Any]:
        """The event of a scheduled rule."""
        rule = f"arn:aws:events:{self._region}:{ACCOUNT_PLACEHOLDER}:rule/{self.source.function.full_name}"
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_PLACEHOLDER,
            "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._region,
            "resources": [rule],
            "detail": {},
        }
