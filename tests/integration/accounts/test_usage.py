"""Usage from the request to the answer: counted, carried, shown to whom it concerns, and the end of a quota."""

from __future__ import annotations

import csv
import io
import os
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.accounts import repository
from services.accounts.app import carry_usage as scheduled
from services.accounts.domain.plans import month_after, month_begins, month_of
from services.accounts.domain.usage import Count
from services.accounts.use_cases import usage
from shared.cache import Breaker, Cache
from shared.data import consumed
from shared.http import throttle
from shared.throttling import Buckets, Plans, Usage, plans
from tests.integration.accounts.test_api_keys import exchange, make
from tests.integration.accounts.test_plans import change

SCHEDULED = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-28T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = NOW.date()


def save(organiser: Any, key: str, answered: int, refused: int = 0, day: date = TODAY, now: datetime = NOW) -> None:
    usage.save_counts(organiser.organiser_id, day, "life", {key: Count(answered, refused)}, now)


def show(send: Any, token: str, query: str = "", **headers: str) -> Any:
    return send("GET", f"/v1/usage{query}", token=token, **headers)


def of(organiser: Any, more: str = "") -> str:
    return f"?organiser_id={organiser.organiser_id}&from=2026-11-01&to=2026-11-30{more}"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts and carries in a Redis that a busy machine does not make seem gone."""
    cache = Cache(
        os.environ["REDIS_URL"],
        prefix=f"patient-{secrets.token_hex(6)}",
        timeout_milliseconds=30_000,
        breaker=Breaker(failures_max=10_000),
    )
    buckets, counts = Buckets(cache), Usage(cache)
    monkeypatch.setattr(throttle, "_buckets", lambda url, prefix: buckets)
    monkeypatch.setattr(repository, "metered", lambda: counts)


@pytest.mark.usefixtures("patient")
def test_what_a_key_asks_is_shown_to_it_and_its_organiser_after_the_next_carry(
    send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = make(send, organiser).json, make(send, organiser).json
    tokens = [exchange(send, one["api_key"]).json["access_token"] for one in (made, other)]
    monkeypatch.setenv("THROTTLING_ENABLED", "1")
    begun = datetime.now(UTC).date()
    period = f"from={begun}&to={begun + timedelta(days=1)}"
    for token, number in zip(tokens, (3, 2), strict=True):
        assert {show(send, token).status_code for _ in range(number)} == {200}
    assert send("GET", "/v1/people/me", token=tokens[0]).status_code == 403
    monkeypatch.setenv("THROTTLING_ENABLED", "0")
    for _ in range(2):
        scheduled(SCHEDULED, None)
    own = show(send, tokens[0], f"?{period}").json
    assert (own["answered"], own["refused"]) == (4, 0)
    assert {(one["api_key_id"], one["name"]) for one in own["items"]} == {(made["api_key_id"], "Website")}
    assert sum(month["answered"] for month in own["months"]) == 6, "the quota is the organiser's"
    everything = show(send, organiser.owner.access_token, f"?organiser_id={organiser.organiser_id}&{period}").json
    assert everything["answered"] == 6
    assert {one["api_key_id"] for one in everything["items"]} == {made["api_key_id"], other["api_key_id"]}


def test_usage_is_by_key_and_day_with_the_sum_and_the_share_of_the_quota(send: Any, organiser: Any) -> None:
    save(organiser, "key_a", 100_000, 7, date(2026, 11, 1))
    save(organiser, "key_b", 5_000, 0, date(2026, 11, 1))
    save(organiser, "key_a", 25_001)
    shown = show(send, organiser.owner.access_token, of(organiser)).json
    lines = [(one["day"], one["api_key_id"], one["answered"], one["refused"]) for one in shown["items"]]
    assert lines == [
        ("2026-11-01", "key_a", 100_000, 7),
        ("2026-11-01", "key_b", 5_000, 0),
        ("2026-11-28", "key_a", 25_001, 0),
    ]
    assert (shown["answered"], shown["refused"], shown["from"], shown["to"]) == (130_001, 7, "2026-11-01", "2026-11-30")
    quota = plans().plans.free.quota
    assert shown["months"] == [
        {"month": "2026-11", "plan": "free", "quota": quota, "answered": 130_001, "refused": 7, "used_percent": 26.0}
    ]


def test_a_period_has_its_days_and_its_months_and_no_others(send: Any, organiser: Any) -> None:
    for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 1)):
        save(organiser, "key_a", 1, 0, day)
    query = f"?organiser_id={organiser.organiser_id}&from=2026-10-31&to=2026-11-01"
    shown = show(send, organiser.owner.access_token, query).json
    assert [one["day"] for one in shown["items"]] == ["2026-10-31", "2026-11-01"]
    assert [(one["month"], one["answered"]) for one in shown["months"]] == [("2026-10", 1), ("2026-11", 1)]


def test_pages_are_bounded_follow_each_other_and_carry_the_whole_sum(send: Any, organiser: Any) -> None:
    for number in range(5):
        save(organiser, f"key_{number}", number + 1)
    seen, query = [], of(organiser, "&limit=2")
    while True:
        page = show(send, organiser.owner.access_token, query)
        assert page.status_code == 200
        assert page.json["answered"] == 15
        seen.append([one["answered"] for one in page.json["items"]])
        if page.json["next"] is None:
            break
        link = page.headers["Link"]
        assert link.startswith("</v1/usage?")
        query = link[len("</v1/usage") :].partition(">")[0]
    assert seen == [[1, 2], [3, 4], [5]]
    foreign = show(send, organiser.owner.access_token, query.replace("to=2026-11-30", "to=2026-11-29"))
    assert foreign.status_code == 400, "a cursor of another list"


def test_the_table_has_every_line_and_runs_no_formula(send: Any, organiser: Any) -> None:
    made = make(send, organiser, {"name": "=1+1", "role": "scanner", "scopes": ["tickets:read"]}).json
    save(organiser, made["api_key_id"], 3, 1)
    save(organiser, "key_z", 2)
    table = show(send, organiser.owner.access_token, of(organiser, "&limit=1"), Accept="text/csv")
    assert table.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(table.body.decode() if isinstance(table.body, bytes) else table.body)))
    assert rows == [
        ["day", "api_key_id", "name", "answered", "refused"],
        ["2026-11-28", made["api_key_id"], "'=1+1", "3", "1"],
        ["2026-11-28", "key_z", "", "2", "0"],
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("&from=2026-11-30&to=2026-11-01", "to"),
        ("&from=2026-01-01&to=2026-11-01", "to"),
        ("&from=2026-02-30", "from"),
        ("&to=yesterday", "to"),
        ("&limit=0", "limit"),
    ],
)
def test_a_period_that_cannot_be_is_refused_by_the_field(send: Any, organiser: Any, query: str, field: str) -> None:
    refused = show(send, organiser.owner.access_token, f"?organiser_id={organiser.organiser_id}{query}")
    assert (refused.status_code, refused.json["field"]) == (422, field)


def test_another_organisers_usage_is_not_found_by_people_nor_by_keys(send: Any, organiser: Any, stranger: Any) -> None:
    token = exchange(send, make(send, organiser).json["api_key"]).json["access_token"]
    assert show(send, token, of(stranger)).status_code == 404
    assert show(send, token, of(organiser)).status_code == 200
    assert show(send, organiser.owner.access_token, of(stranger)).status_code == 404
    nobody = show(send, organiser.owner.access_token)
    assert (nobody.status_code, nobody.json["field"]) == (422, "organiser_id")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Plans:
    """A free plan of ten requests a month, and a pro one of twenty."""
    change_ = msgspec.structs.replace
    chosen = plans()
    free, pro = change_(chosen.plans.free, quota=10), change_(chosen.plans.pro, quota=20)
    chosen = change_(chosen, plans=change_(chosen.plans, free=free, pro=pro))
    monkeypatch.setattr(usage, "plans", lambda: chosen)
    return chosen


def reached(organiser: Any, month: str = "2026-11") -> tuple[Any, int]:
    """What the month last announced, and under which version of its outbox."""
    row = repository.usage_month(organiser.organiser_id, month)
    return row.reached, (row.outbox or {}).get("version", 0)


def test_the_owners_are_told_once_at_80_and_once_at_100_percent(send: Any, organiser: Any, small: Plans) -> None:
    save(organiser, "key_a", 7)
    assert reached(organiser) == (None, 0)
    save(organiser, "key_a", 8)
    first, version = reached(organiser)
    assert (first.share, first.plan, first.quota, first.answered) == (80, "free", 10, 8)
    assert [one.email for one in first.owners] == [organiser.owner.email]
    save(organiser, "key_b", 1)
    assert reached(organiser) == (first, version), "between the two there is no news"
    save(organiser, "key_a", 20)
    second, later = reached(organiser)
    assert second.share == 100
    assert later > version
    for _ in range(2):
        save(organiser, "key_a", 30)
    assert reached(organiser) == (second, later)


def test_refused_requests_use_up_no_quota(organiser: Any, small: Plans) -> None:
    save(organiser, "key_a", 1, 1_000)
    assert reached(organiser) == (None, 0)


def test_of_two_shares_that_are_reached_at_once_the_larger_is_told(organiser: Any, small: Plans) -> None:
    save(organiser, "key_a", 50)
    assert reached(organiser)[0].share == 100


def test_a_larger_plan_has_a_quota_of_its_own_to_be_told_of(send: Any, organiser: Any, small: Plans) -> None:
    month = month_of(datetime.now(UTC))
    day = month_begins(month).date()
    save(organiser, "key_a", 10, 0, day)
    assert change(send, organiser, "pro").status_code == 200
    save(organiser, "key_a", 11, 0, day)
    assert reached(organiser, month)[0].plan == "free"
    save(organiser, "key_a", 16, 0, day)
    told = reached(organiser, month)[0]
    assert (told.plan, told.share, told.quota) == ("pro", 80, 20)


def test_once_the_quota_is_used_up_keys_get_no_tokens_until_the_month_ends_or_the_plan_grows(
    send: Any, organiser: Any, small: Plans
) -> None:
    made = [make(send, organiser).json for _ in range(2)]
    month = month_of(datetime.now(UTC))
    day = month_begins(month).date()
    token = exchange(send, made[0]["api_key"]).json["access_token"]
    save(organiser, made[0]["api_key_id"], 9, 0, day)
    assert exchange(send, made[1]["api_key"]).status_code == 201
    save(organiser, made[0]["api_key_id"], 10, 0, day)
    for one in made:
        refused = exchange(send, one["api_key"])
        assert (refused.status_code, refused.json["type"]) == (429, "urn:stagedoor:problem:quota-exhausted")
        left = month_begins(month_after(month)) - datetime.now(UTC)
        assert abs(int(refused.headers["Retry-After"]) - left.total_seconds()) < 60
    assert show(send, token).status_code == 200, "what is out runs on"
    wrong = send("POST", "/v1/access-tokens", {"api_key": made[0]["prefix"] + "0" * 64})
    assert wrong.status_code == 401, "whoever has no key is told nothing"
    assert change(send, organiser, "pro").status_code == 200
    assert exchange(send, made[0]["api_key"]).status_code == 201


def test_without_the_look_at_the_month_tokens_go_on_for_ever(
    send: Any, organiser: Any, small: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    made = make(send, organiser).json
    save(organiser, "key_a", 1_000, 0, month_begins(month_of(datetime.now(UTC))).date())
    monkeypatch.setattr("services.accounts.use_cases.api_keys.is_exhausted", lambda *_: False)
    assert exchange(send, made["api_key"]).status_code == 201


def test_a_carry_costs_three_reads_and_one_transaction_of_two_and_none_where_nothing_is_new(organiser: Any) -> None:
    save(organiser, "key_a", 1)
    for answered, writes in ((2, 4.0), (2, 0.0)):
        with consumed() as meter:
            save(organiser, "key_a", answered)
        assert meter.writes == writes
        assert meter.reads <= 3.0
