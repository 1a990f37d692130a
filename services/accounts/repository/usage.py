"""What API keys used: counts in Redis, days and months in the table, and the months that are closed.

A day's row has, for each key, what each life of its counter said last; the month's row has their sum, and both are
written together, each over the version that was read. So no count is ever in the one and not in the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache

from pynamodb.attributes import UnicodeAttribute

from contracts.accounts import QuotaReached
from services.accounts.domain.usage import Count, Reached, Statement
from shared.cache import Cache
from shared.data import (
    AlreadyExists,
    BareRow,
    Insert,
    IntegerAttribute,
    MomentAttribute,
    Replace,
    Row,
    ShapeAttribute,
    fetch,
    insert,
    query_all,
    transact,
)
from shared.throttling import Usage


class UsageDayRow(Row):
    """What an organiser's keys used on a day of UTC: by key, by the life of the counter."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    counts: ShapeAttribute[dict[str, dict[str, Count]]] = ShapeAttribute(dict[str, dict[str, Count]])

    @property
    def day(self) -> date:
        """Which day it is."""
        return date.fromisoformat(str(self.sk).rpartition("#")[2])


class UsageMonthRow(Row):
    """The sum of an organiser's days in a month; it announces that a share of the quota was reached."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    organiser_id = UnicodeAttribute()
    month = UnicodeAttribute()
    answered = IntegerAttribute(default=0)
    refused = IntegerAttribute(default=0)
    reached: ShapeAttribute[Reached] = ShapeAttribute(Reached, null=True)

    @property
    def used(self) -> Count:
        """The sum."""
        return Count(self.answered, self.refused)


class StatementRow(BareRow):
    """A closed month of an organiser. Never changed."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    statement: ShapeAttribute[Statement] = ShapeAttribute(Statement)


class ClosedRow(BareRow):
    """That a month is closed, for all organisers."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    closed_at = MomentAttribute()


def metered() -> Usage:
    """The counts in Redis."""
    return _usage(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))


def usage_day(organiser_id: str, day: date) -> UsageDayRow:
    """The day as the table has it now, or an empty one that is not written yet."""
    key = f"organiser#{organiser_id}", f"usage#{day.isoformat()}"
    return fetch(UsageDayRow, *key) or UsageDayRow(*key, counts={})


def usage_month(organiser_id: str, month: str) -> UsageMonthRow:
    """The month as the table has it now, or an empty one that is not written yet."""
    key = f"month#{month}", f"organiser#{organiser_id}"
    return fetch(UsageMonthRow, *key) or UsageMonthRow(*key, organiser_id=organiser_id, month=month)


def save_usage(day: UsageDayRow, month: UsageMonthRow, *, announces: bool, now: datetime) -> None:
    """Put a day and its month, each over the version that was read. Raises TransactionRefused, and did neither then."""
    announce = [QuotaReached.type_name] if announces else []
    transact(
        Replace(day) if day.version else Insert(day),
        Replace(month, announce=announce) if month.version else Insert(month, announce=announce),
        now=now,
    )


def usage_days(organiser_id: str, first: date, last: date) -> list[UsageDayRow]:
    """The organiser's days from the first to the last, in order."""
    between = f"usage#{first.isoformat()}", f"usage#{last.isoformat()}"
    return list(query_all(UsageDayRow, f"organiser#{organiser_id}", sk_between=between))


def usage_months(month: str) -> Iterator[UsageMonthRow]:
    """Every organiser's month that has requests."""
    return query_all(UsageMonthRow, f"month#{month}", sk_prefix="organiser#", consistent=True)


def statement(organiser_id: str, month: str) -> Statement | None:
    """The organiser's closed month; None where it is not closed, or there is nothing in it."""
    row = fetch(StatementRow, f"month#{month}", f"statement#{organiser_id}")
    return None if row is None else row.statement


def statements(month: str) -> Iterator[Statement]:
    """Every organiser's of a closed month."""
    return (row.statement for row in query_all(StatementRow, f"month#{month}", sk_prefix="statement#", consistent=True))


def add_statement(made: Statement, now: datetime) -> bool:
    """Put an organiser's closed month, if there is none yet; whether there was none."""
    try:
        insert(StatementRow(f"month#{made.month}", f"statement#{made.organiser_id}", statement=made), now=now)
    except AlreadyExists:
        return False
    return True


def is_closed(month: str) -> bool:
    """Whether every organiser's month is closed."""
    return fetch(ClosedRow, f"month#{month}", "closed") is not None


def close(month: str, now: datetime) -> None:
    """Keep that every organiser's month is closed."""
    try:
        insert(ClosedRow(f"month#{month}", "closed", closed_at=now), now=now)
    except AlreadyExists:
        return


@lru_cache(maxsize=4)
def _usage(url: str | None, resource_prefix: str) -> Usage:
    return Usage(Cache(url, prefix=resource_prefix))
