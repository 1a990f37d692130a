"""What an organiser pays for, month by month: which plan it has, and when a change takes effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, get_args

PlanName = Literal["free", "pro", "partner"]
# The smallest first.
PLAN_NAMES: Final[tuple[PlanName, ...]] = get_args(PlanName)
# Of the months in which a plan was changed, so many are remembered: older ones are closed long since.
CHANGES_KEPT: Final = 24


class QuotaExhausted(Exception):
    """The organiser's keys have used up the month's quota; in `retry_after` seconds the next month begins."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("this month's requests are used up; a larger plan takes effect at once")
        self.retry_after = retry_after


def month_of(moment: datetime) -> str:
    """The month by UTC's calendar: `2026-11`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def month_begins(month: str) -> datetime:
    """Its first moment. Raises ValueError for what is no month."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)


def month_after(month: str) -> str:
    """The month that follows."""
    begins = month_begins(month)
    return month_of(begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1))


def month_before(month: str) -> str:
    """The month it follows."""
    begins = month_begins(month)
    year, number = (begins.year - 1, 12) if begins.month == 1 else (begins.year, begins.month - 1)
    return month_of(begins.replace(year=year, month=number))


def seconds_left(moment: datetime) -> int:
    """Seconds until the month ends, rounded up."""
    left = month_begins(month_after(month_of(moment))) - moment
    return left.days * 86_400 + left.seconds + (left.microseconds > 0)


def plan_in(changes: Mapping[str, str], month: str) -> PlanName:
    """The plan of a month: the one that was last changed to until then, free where none was."""
    latest = max((since for since in changes if since <= month), default=None)
    name = changes[latest] if latest is not None else "free"
    return next((known for known in PLAN_NAMES if known == name), "free")


def planned(changes: Mapping[str, str], month: str) -> tuple[PlanName, str] | None:
    """The change that takes effect after that month, and in which."""
    later = min((since for since in changes if since > month), default=None)
    return None if later is None else (plan_in(changes, later), later)


def changed(changes: Mapping[str, str], month: str, plan: PlanName) -> dict[str, str]:
    """The changes, with one asked for in that month.

    A larger plan takes effect at once and for the whole month, a smaller one with the next month: so the plan a month
    is invoiced by is the largest it had, and nobody buys a quota for a day.
    """
    kept = {since: name for since, name in changes.items() if since <= month}
    now = plan_in(kept, month)
    if PLAN_NAMES.index(plan) > PLAN_NAMES.index(now):
        kept[month] = plan
    elif plan != now:
        kept[month_after(month)] = plan
    return dict(sorted(kept.items())[-CHANGES_KEPT:])
