"""The rules of plans and usage: when a plan takes effect, what a day adds up to, and when somebody is told."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from services.accounts.domain import plans, usage
from services.accounts.domain.usage import Count, KeyUse, Reached, Statement
from shared.money import Money


def test_months_follow_each_other_over_the_years() -> None:
    assert plans.month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "2026-12"
    assert plans.month_of(datetime(2027, 1, 1, 1, tzinfo=UTC).astimezone()) == "2027-01"
    assert (plans.month_after("2026-12"), plans.month_after("2026-01")) == ("2027-01", "2026-02")
    assert (plans.month_before("2027-01"), plans.month_before("2026-03")) == ("2026-12", "2026-02")


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 30, 23, 59, 58, 500_000, tzinfo=UTC), 2),
        (datetime(2026, 11, 1, tzinfo=UTC), 30 * 86_400),
        (datetime(2028, 2, 1, tzinfo=UTC), 29 * 86_400),
    ],
)
def test_the_seconds_until_the_month_ends_are_rounded_up(moment: datetime, seconds: int) -> None:
    assert plans.seconds_left(moment) == seconds


def test_a_larger_plan_is_for_this_month_and_a_smaller_one_for_the_next() -> None:
    changes = plans.changed({}, "2026-11", "pro")
    assert changes == {"2026-11": "pro"}
    changes = plans.changed(changes, "2026-11", "partner")
    assert changes == {"2026-11": "partner"}
    changes = plans.changed(changes, "2026-11", "free")
    assert [plans.plan_in(changes, month) for month in ("2026-10", "2026-11", "2026-12", "2027-05")] == [
        "free",
        "partner",
        "free",
        "free",
    ]
    assert plans.planned(changes, "2026-11") == ("free", "2026-12")
    assert plans.planned(changes, "2026-12") is None


def test_asking_for_the_plan_there_is_takes_back_what_was_planned() -> None:
    changes = plans.changed({"2026-10": "partner"}, "2026-11", "pro")
    assert plans.planned(changes, "2026-11") == ("pro", "2026-12")
    assert plans.changed(changes, "2026-11", "partner") == {"2026-10": "partner"}


def test_the_plan_of_a_month_that_is_over_does_not_change_any_more() -> None:
    """Somebody who buys a larger plan in the hours before a month is closed is not invoiced for it."""
    changes = plans.changed({"2026-10": "pro"}, "2026-12", "partner")
    assert plans.plan_in(changes, "2026-11") == "pro"
    for number in range(60):
        changes = plans.changed(changes, f"{2027 + number // 12}-{number % 12 + 1:02}", "free" if number % 2 else "pro")
    assert len(changes) <= plans.CHANGES_KEPT


def test_a_plan_that_is_no_more_is_the_free_one() -> None:
    assert plans.plan_in({"2026-10": "gold"}, "2026-11") == "free"


def test_what_counters_say_is_the_same_however_often_and_in_whatever_order() -> None:
    said = [("a", {"k": Count(3)}), ("a", {"k": Count(5, 1)}), ("b", {"k": Count(2), "m": Count(1)})]
    expected = {"k": Count(7, 1), "m": Count(1)}
    for order in (said, said[::-1], said * 3, [said[1], said[2], said[0], said[2]]):
        day: dict[str, dict[str, Count]] = {}
        for life, counts in order:
            day = usage.carried(day, life, counts)
        assert usage.by_key(day) == expected
    assert usage.carried(day, "a", {"k": Count(4)}) == day, "a counter that went back"


@pytest.mark.parametrize(
    ("answered", "quota", "share"),
    [
        (0, 10, 0),
        (7, 10, 0),
        (8, 10, 80),
        (9, 10, 80),
        (10, 10, 100),
        (99, 10, 100),
        (79, 99, 0),
        (80, 99, 80),
        (9, None, 0),
    ],
)
def test_a_share_is_reached_and_never_rounded_up_to(answered: int, quota: int | None, share: int) -> None:
    assert usage.share_reached(answered, quota) == share


def test_a_share_is_news_once_for_each_plan() -> None:
    told = Reached(
        plan="free", share=80, quota=10, answered=8, at=datetime(2026, 11, 3, tzinfo=UTC), organiser_name="A", owners=[]
    )
    assert usage.is_news(80, "free", None)
    assert not usage.is_news(0, "free", None)
    assert not usage.is_news(80, "free", told)
    assert usage.is_news(100, "free", told)
    assert usage.is_news(80, "pro", told)


def test_a_period_is_this_month_until_today_where_nothing_is_said() -> None:
    today = date(2026, 11, 28)
    assert usage.period(None, None, today) == (date(2026, 11, 1), today)
    assert usage.period(date(2026, 11, 5), None, today) == (date(2026, 11, 5), today)
    assert usage.period(None, date(2026, 3, 9), today) == (date(2026, 3, 1), date(2026, 3, 9))
    assert usage.period(date(2026, 12, 24), None, today) == (date(2026, 12, 24), date(2026, 12, 24))
    longest = today - timedelta(days=usage.PERIOD_DAYS_MAX - 1)
    assert usage.period(longest, today, today) == (longest, today)
    for first, last in ((longest - timedelta(days=1), today), (today, longest)):
        with pytest.raises(usage.PeriodBackwards):
            usage.period(first, last, today)


def test_invoices_have_a_line_for_each_key_and_one_for_who_used_none() -> None:
    month, closed_at = "2026-11", datetime(2026, 12, 1, 2, tzinfo=UTC)
    used = Statement(
        organiser_id="org_1",
        organiser_name=" =HYPERLINK(1)",
        plan="pro",
        price=Money(4900, "USD"),
        quota=100,
        answered=7,
        refused=1,
        keys=[
            KeyUse(api_key_id="key_1", name="A, b", answered=5, refused=0),
            KeyUse(api_key_id="key_2", name="B", answered=2, refused=1),
        ],
        month=month,
        closed_at=closed_at,
    )
    idle = Statement(
        organiser_id="org_2",
        organiser_name="Idle",
        plan="partner",
        price=Money(39900, "USD"),
        quota=None,
        answered=0,
        refused=0,
        keys=[],
        month=month,
        closed_at=closed_at,
    )
    rows = list(csv.reader(io.StringIO(usage.statements_csv([used, idle]))))
    assert rows[1:] == [
        ["2026-11", "org_1", "' =HYPERLINK(1)", "pro", "4900", "USD", "100", "7", "key_1", "A, b", "5", "0"],
        ["2026-11", "org_1", "' =HYPERLINK(1)", "pro", "4900", "USD", "100", "7", "key_2", "B", "2", "1"],
        ["2026-11", "org_2", "Idle", "partner", "39900", "USD", "", "0", "", "", "0", "0"],
    ]
    assert len(rows[0]) == len(rows[1])
