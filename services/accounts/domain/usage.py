"""Requests of API keys: how counts become a day, a day a month, and when an organiser has to be told."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from shared.money import Money

# Counts wait in Redis for four days at most, so no day before these can have news.
DAYS_CARRIED: Final = 4
# A period that is asked for: three months of fifty keys are 4,600 lines at most.
PERIOD_DAYS_MAX: Final = 92
# At these shares of the quota, in per cent, the owners are told.
SHARES_TOLD: Final = (80, 100)
# Counts of a month's last minute may still be on their way when the next begins.
CLOSES_AFTER: Final = timedelta(hours=2)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class PeriodBackwards(Exception):
    """The period ends before it begins, or is longer than may be asked for at once."""

    field = "to"


class Count(msgspec.Struct, frozen=True, array_like=True):
    """Requests that were answered, whatever the answer, and those refused because they were too many."""

    answered: int = 0
    refused: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.answered + other.answered, self.refused + other.refused)

    def __sub__(self, other: Count) -> Count:
        return Count(self.answered - other.answered, self.refused - other.refused)

    def at_least(self, other: Count) -> Count:
        """The larger of each."""
        return Count(max(self.answered, other.answered), max(self.refused, other.refused))


# By key, then by the life of the counter that said so.
Day = Mapping[str, Mapping[str, Count]]


def carried(kept: Day, life: str, said: Mapping[str, Count]) -> dict[str, dict[str, Count]]:
    """The day, with what a counter says now of its whole life.

    Counters only grow and say everything each time, so that saying it again, late, or twice at once changes nothing.
    """
    day = {key: dict(lives) for key, lives in kept.items()}
    for key, count in said.items():
        lives = day.setdefault(key, {})
        lives[life] = lives.get(life, Count()).at_least(count)
    return day


def by_key(day: Day) -> dict[str, Count]:
    """The requests of each key on a day: the sum over the lives of its counters."""
    return {key: total(lives.values()) for key, lives in sorted(day.items())}


def total(counts: Iterable[Count]) -> Count:
    """The sum."""
    return sum(counts, Count())


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is told when a quota runs out."""

    person_id: str
    name: str
    email: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """That a share of the quota of a plan was used up in a month, and who is told."""

    plan: str
    share: int
    quota: int
    answered: int
    at: datetime
    organiser_name: str
    owners: list[Owner]


def share_reached(answered: int, quota: int | None) -> int:
    """The largest of the told shares that so many requests are; 0 below all of them, or without a quota."""
    if quota is None:
        return 0
    return max((share for share in SHARES_TOLD if answered * 100 >= share * quota), default=0)


def is_news(share: int, plan: str, told: Reached | None) -> bool:
    """Whether the owners were not told of that share of that plan's quota yet, nor of a larger one."""
    return share > (told.share if told is not None and told.plan == plan else 0)


def period(begins: date | None, ends: date | None, today: date) -> tuple[date, date]:
    """The days asked for, both included: from the first of this month until today, where nothing is said.

    Raises PeriodBackwards, also for more than PERIOD_DAYS_MAX days.
    """
    last = ends if ends is not None else max(today, begins or today)
    first = begins if begins is not None else last.replace(day=1)
    if last < first:
        raise PeriodBackwards("the period ends before it begins")
    if (last - first).days >= PERIOD_DAYS_MAX:
        raise PeriodBackwards(f"a period has {PERIOD_DAYS_MAX} days at most")
    return first, last


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a key used on a day."""

    day: date
    api_key_id: str
    name: str
    answered: int
    refused: int


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a key used in a month."""

    api_key_id: str
    name: str
    answered: int
    refused: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A month that is closed, as it is invoiced. Requests that were refused cost nothing."""

    organiser_id: str
    organiser_name: str
    month: str
    plan: str
    price: Money
    quota: int | None
    answered: int
    refused: int
    keys: list[KeyUse]
    closed_at: datetime


def lines_csv(lines: Iterable[Line]) -> str:
    """Usage as a table."""
    rows = ((one.day.isoformat(), one.api_key_id, one.name, one.answered, one.refused) for one in lines)
    return _csv(("day", "api_key_id", "name", "answered", "refused"), rows)


def statements_csv(statements: Iterable[Statement]) -> str:
    """Closed months as a table: one line for each key, none of them left out that made a request.

    A line repeats its statement's plan, price in minor units, quota and sum; who made no requests has one line.
    """
    head = ("month", "organiser_id", "organiser_name", "plan", "price", "currency", "quota", "answered")
    nobody: list[KeyUse | None] = [None]
    rows = [
        (
            *(one.month, one.organiser_id, one.organiser_name, one.plan, one.price.amount, one.price.currency),
            *("" if one.quota is None else one.quota, one.answered),
            *((use.api_key_id, use.name, use.answered, use.refused) if use is not None else ("", "", 0, 0)),
        )
        for one in statements
        for use in (one.keys or nobody)
    ]
    return _csv((*head, "api_key_id", "key_name", "key_answered", "key_refused"), rows)


def _csv(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def _safe(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: names are what people typed."""
    # Blanks in front do not keep some spreadsheets from reading a formula.
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
