"""Closing a month: once, whatever crashes, from what the month really was; and who reads it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime import __main__ as commands
from services.accounts import repository
from services.accounts.domain.usage import Count
from services.accounts.repository import usage as rows
from services.accounts.use_cases import statements, usage
from shared.data import insert, transport
from shared.ids import new_id
from shared.throttling import plans
from tests.integration.accounts.test_api_keys import make
from tests.property.crashes import Crash, crash_at_write

# Each test closes a month of its own, because a month is closed for everybody at once.
pytestmark = pytest.mark.xdist_group("statements")


def use(organiser_id: str, key: str, answered: int, day: date, refused: int = 0) -> None:
    usage.save_counts(organiser_id, day, "life", {key: Count(answered, refused)}, datetime(2026, 1, 1, tzinfo=UTC))


def pay(organiser_id: str, **changes: str) -> None:
    """Plans as an owner would have asked for them, at the time."""
    row = repository.plan(organiser_id)
    row.changes = {month[1:].replace("_", "-"): plan for month, plan in changes.items()}
    insert(row, now=datetime(2026, 1, 1, tzinfo=UTC))


def read(send: Any, organiser: Any, month: str, token: str | None = None) -> Any:
    path = f"/v1/organisers/{organiser.organiser_id}/statements/{month}"
    return send("GET", path, token=token or organiser.owner.access_token)


def test_a_month_is_closed_two_hours_after_its_end_with_its_plan_price_and_keys(send: Any, organiser: Any) -> None:
    made = make(send, organiser).json
    pay(organiser.organiser_id, m2031_02="pro", m2031_04="partner")
    use(organiser.organiser_id, made["api_key_id"], 5, date(2031, 3, 1), 2)
    use(organiser.organiser_id, made["api_key_id"], 6, date(2031, 3, 31))
    use(organiser.organiser_id, "key_gone", 1, date(2031, 3, 9))
    use(organiser.organiser_id, made["api_key_id"], 1000, date(2031, 4, 1))
    assert statements.close_month(datetime(2031, 4, 1, 1, 59, tzinfo=UTC)) == 0
    assert read(send, organiser, "2031-03").status_code == 404
    assert statements.close_month(datetime(2031, 4, 1, 2, tzinfo=UTC)) >= 1
    shown = read(send, organiser, "2031-03").json
    pro = plans().plans.pro
    assert pro.price is not None
    assert (shown["plan"], shown["price"]["amount"], shown["quota"]) == ("pro", pro.price.amount, pro.quota)
    assert (shown["answered"], shown["refused"]) == (12, 2)
    assert shown["keys"] == sorted(
        [
            {"api_key_id": made["api_key_id"], "name": "Website", "answered": 11, "refused": 2},
            {"api_key_id": "key_gone", "name": "", "answered": 1, "refused": 0},
        ],
        key=lambda one: str(one["api_key_id"]),
    )
    assert shown["closed_at"] == "2031-04-01T02:00:00Z"


def test_a_closed_month_does_not_change_any_more(send: Any, organiser: Any) -> None:
    use(organiser.organiser_id, "key_a", 5, date(2032, 3, 1))
    at = datetime(2032, 4, 1, 3, tzinfo=UTC)
    statements.close_month(at)
    before = read(send, organiser, "2032-03").json
    use(organiser.organiser_id, "key_a", 50, date(2032, 3, 2))
    assert statements.close_month(at + timedelta(hours=1)) == 0
    assert read(send, organiser, "2032-03").json == before


@pytest.mark.parametrize(("write", "done"), [(0, False), (0, True), (1, False), (1, True), (2, False)])
def test_a_close_that_crashes_goes_on_where_it_stopped(write: int, done: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Those who only pay, in other tests, would be closed first.
    monkeypatch.setattr(repository, "plans", lambda: iter(()))
    year = 2040 + 2 * write + done
    organisers = [new_id("org") for _ in range(2)]
    for number, organiser_id in enumerate(organisers):
        use(organiser_id, "key_a", 10 + number, date(year, 3, 5))
    at = datetime(year, 4, 1, 3, tzinfo=UTC)
    with pytest.raises(Crash), crash_at_write(write, done=done):
        statements.close_month(at)
    assert statements.invoices(f"{year}-03") is None
    statements.close_month(at + timedelta(hours=1))
    table = statements.invoices(f"{year}-03")
    assert table is not None
    rows = list(csv.DictReader(io.StringIO(table)))
    assert sorted((row["organiser_id"], row["answered"]) for row in rows) == sorted(
        (organiser_id, str(10 + number)) for number, organiser_id in enumerate(organisers)
    )
    assert statements.close_month(at + timedelta(hours=2)) == 0


def test_without_the_condition_a_second_close_rewrites_what_was_invoiced(
    organiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: put if absent is what keeps a statement as it was."""
    use(organiser.organiser_id, "key_a", 5, date(2033, 3, 1))
    at = datetime(2033, 4, 1, 3, tzinfo=UTC)
    statements.close_month(at)
    use(organiser.organiser_id, "key_a", 50, date(2033, 3, 2))
    again = statements._statement(organiser.organiser_id, "2033-03", "free", at)
    assert not repository.add_statement(again, at)

    def put(row: Any, *, now: datetime) -> None:
        transport.send("PutItem", {"TableName": row.table_name(), "Item": row.serialize()})

    monkeypatch.setattr(rows, "insert", put)
    assert repository.add_statement(again, at)
    found = repository.statement(organiser.organiser_id, "2033-03")
    assert found is not None
    assert found.answered == 55


def test_who_pays_and_uses_nothing_is_invoiced_and_who_does_neither_is_not(send: Any, organiser: Any) -> None:
    paying = new_id("org")
    pay(paying, m2034_01="partner", m2034_04="free")
    statements.close_month(datetime(2034, 4, 1, 3, tzinfo=UTC))
    found = repository.statement(paying, "2034-03")
    assert found is not None
    assert (found.plan, found.answered, found.keys) == ("partner", 0, [])
    assert read(send, organiser, "2034-03").status_code == 404
    statements.close_month(datetime(2034, 5, 1, 3, tzinfo=UTC))
    assert repository.statement(paying, "2034-04") is None


def test_the_command_writes_all_statements_of_a_closed_month(
    organiser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "read_environment", lambda state: {})
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    use(organiser.organiser_id, "key_a", 5, date(2036, 3, 1))
    assert commands.invoices("2036-03", tmp_path) == 1
    assert not (tmp_path / "build").exists()
    statements.close_month(datetime(2036, 4, 1, 3, tzinfo=UTC))
    assert commands.invoices("2036-03", tmp_path) == 0
    written = (tmp_path / "build" / "invoices-2036-03.csv").read_text()
    rows = [row for row in csv.DictReader(io.StringIO(written)) if row["organiser_id"] == organiser.organiser_id]
    assert [(row["plan"], row["price"], row["key_answered"]) for row in rows] == [("free", "0", "5")]


def test_a_statement_is_its_organisers_alone(send: Any, organiser: Any, stranger: Any) -> None:
    use(organiser.organiser_id, "key_a", 5, date(2035, 3, 1))
    statements.close_month(datetime(2035, 4, 1, 3, tzinfo=UTC))
    assert read(send, organiser, "2035-03").status_code == 200
    assert read(send, organiser, "2035-03", stranger.owner.access_token).status_code == 404
    for month in ("2035-13", "next", "2035-3", "2035-03%20"):
        assert read(send, organiser, month).status_code == 404
