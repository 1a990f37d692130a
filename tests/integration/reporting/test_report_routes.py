"""The routes of reports, through Chalice."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from chalice.local import NotAuthorizedError

from contracts.catalog import EventPublished
from services.reporting import repository
from shared import clock, ids
from shared.auth import Identity, issue_access_token
from shared.messaging import Envelope, Message
from tests.unit.reporting.sample_season import AT, confirmed, event, passages, refunded

Get = Callable[..., Any]


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.reporting.app import app

    return app


@pytest.fixture
def organiser_id() -> str:
    """An organiser of its own for every test."""
    return ids.new_id("org")


@pytest.fixture
def published(app: Any, organiser_id: str) -> EventPublished:
    """An event with a sale, a refund and an admission, as the queue brings them."""
    from services.reporting.app import consumer

    made = event(organiser_id, name="=Mahler 9")
    kept, given_back = confirmed(made, (2,)), confirmed(made, (0, 1))
    heard: list[Message] = [made, kept, given_back, refunded(given_back), *passages(kept, 0, ["in"])]
    records = [
        {"messageId": str(number), "body": msgspec.json.encode(enclosed(message)).decode()}
        for number, message in enumerate(heard)
    ]
    assert consumer.handle({"Records": records}) == {"batchItemFailures": []}
    return made


def enclosed(message: Message) -> Envelope:
    """The message as it travels."""
    return Envelope(
        id="x|1|y",
        type=type(message).type_name,
        time=AT,
        source="tests",
        subject="x",
        data=msgspec.Raw(msgspec.json.encode(message)),
    )


@pytest.fixture
def get(client: Any, organiser_id: str) -> Get:
    """Asks as somebody with that role at the organiser."""

    def ask(path: str, role: str | None = "owner", at: str | None = None, **headers: str) -> Any:
        roles = {at or organiser_id: role} if role else {}
        identity = Identity(ids.new_id("per"), "a@b.example", "A", ids.new_id("ses"), roles)
        token = issue_access_token(identity, now=clock.now()).token
        return client.get(path, headers={"Authorization": f"Bearer {token}", **headers})

    return ask


def test_sales_by_event_with_totals(get: Get, published: EventPublished, organiser_id: str) -> None:
    answer = get(f"/v1/reports/sales?organiser_id={organiser_id}")
    assert answer.status_code == 200
    (item,) = answer.json["items"]
    assert (item["event_id"], item["name"], item["sold"], item["admitted"]) == (published.event_id, "=Mahler 9", 3, 1)
    assert item["revenue"] == {"amount": 18000, "currency": "USD"}
    assert item["refunded"] == {"amount": 9000, "currency": "USD"}
    assert item["net"] == {"amount": 9000, "currency": "USD"}
    assert item["other_currencies"] == []
    assert answer.json["totals"] == [
        {name: item[name] for name in ("sold", "revenue", "tickets_refunded", "refunded", "net")}
    ]
    assert answer.headers["Vary"] == "Accept"


def test_sales_as_a_table_without_formulas(get: Get, published: EventPublished, organiser_id: str) -> None:
    answer = get(f"/v1/reports/sales?organiser_id={organiser_id}", Accept="text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.body))
    assert (row["event_name"], row["revenue"], row["admitted"]) == ("'=Mahler 9", "18000", "1")
    both = get(f"/v1/reports/sales?organiser_id={organiser_id}", Accept="application/json, text/csv")
    assert both.headers["Content-Type"] == "application/json"


def test_one_event_in_detail(get: Get, published: EventPublished) -> None:
    report = get(f"/v1/reports/events/{published.event_id}/sales").json
    assert (report["sold"], report["revenue"]["amount"], report["admitted"], report["inside"]) == (3, 18000, 1, 1)
    assert [(each["name"], each["sold"]) for each in report["by_ticket_type"]] == [("Zone 1", 2), ("Zone 2", 1)]
    assert [each["day"] for each in report["by_day"]] == ["2026-09-01", "2026-09-02"]


def test_both_versions_tell_the_same_figures(get: Get, published: EventPublished) -> None:
    path = f"reports/events/{published.event_id}/sales"
    old, new = get(f"/v1/{path}").json, get(f"/v2/{path}").json
    names = ("sold", "revenue", "tickets_refunded", "refunded", "net")
    assert new["amounts"] == [{name: old[name] for name in names}, *old["other_currencies"]]
    assert new["event"] == {name: old[name] for name in ("event_id", "name", "starts_at", "time_zone", "capacity")}
    assert new["door"] == {"admitted": old["admitted"], "inside": old["inside"]}
    for part in ("by_ticket_type", "by_day"):
        assert [{**each.pop("amounts"), **each} for each in new[part]] == old[part]


def test_the_older_version_says_where_to_go_instead(get: Get, published: EventPublished) -> None:
    path = f"reports/events/{published.event_id}/sales"
    headers = get(f"/v1/{path}").headers
    assert headers["Deprecation"] == "@1796083200"
    assert headers["Sunset"] == "Tue, 01 Jun 2027 00:00:00 GMT"
    assert headers["Link"] == f'</v2/{path}>; rel="successor-version", </docs>; rel="deprecation"; type="text/html"'
    assert not {"Deprecation", "Sunset", "Link"} & set(get(f"/v2/{path}").headers)


def test_who_may_read_figures(get: Get, published: EventPublished, organiser_id: str) -> None:
    one = f"reports/events/{published.event_id}/sales"
    paths = (f"/v1/reports/sales?organiser_id={organiser_id}", f"/v1/{one}", f"/v2/{one}")
    for path in paths:
        for role in ("owner", "manager", "box_office"):
            assert get(path, role).status_code == 200
        assert get(path, "scanner").status_code == 403
        assert get(path, "owner", at=ids.new_id("org")).status_code == 404
    assert get(paths[1], None).status_code in (403, 404)
    unknown = get(f"/v1/reports/events/{ids.new_id('evt')}/sales")
    assert unknown.json["type"] == "urn:stagedoor:problem:event-unknown"


def test_nobody_reads_without_signing_in(client: Any, organiser_id: str) -> None:
    with pytest.raises(NotAuthorizedError):
        client.get(f"/v1/reports/sales?organiser_id={organiser_id}", headers={})


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("", "organiser_id"),
        ("organiser_id=org_1", "organiser_id"),
        ("organiser_id={}&from=yesterday", "from"),
        ("organiser_id={}&from=2026-02-30", "from"),
        ("organiser_id={}&to=2026-09-01T12:00", "to"),
        ("organiser_id={}&from=2026-09-02&to=2026-09-01", "to"),
        ("organiser_id={}&colour=red", "colour"),
    ],
)
def test_bad_parameters_are_named(get: Get, organiser_id: str, parameters: str, field: str) -> None:
    answer = get(f"/v1/reports/sales?{parameters.format(organiser_id)}")
    assert (answer.status_code, answer.json["field"]) == (422, field), answer.body


def test_a_period_may_be_days_or_moments(get: Get, published: EventPublished, organiser_id: str) -> None:
    def sold(period: str) -> int:
        return int(get(f"/v1/reports/sales?organiser_id={organiser_id}&{period}").json["items"][0]["sold"])

    assert sold("from=2026-09-01&to=2026-09-02") == 3
    assert sold("from=2026-09-02") == 0
    assert sold("from=2026-09-01T14:00:00%2B02:00") == 3
    assert sold("to=2026-09-01T12:00:00Z") == 0


def test_health_looks_at_the_database(client: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health").json["checks"]["database"] == "ready"

    def away(_: Any) -> bool:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(repository, "is_ready", away)
    answer = client.get("/health")
    assert (answer.status_code, answer.json["status"]) == (503, "degraded")
