"""An organiser's plan: free unless changed, larger at once, smaller with the next month, and by owners alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.accounts import repository
from services.accounts.repository.plans import PlanRow
from services.accounts.use_cases import plans as use_cases
from shared.auth import verify_access_token
from shared.data import Insert, Replace, transact
from shared.throttling import plans
from tests.integration.accounts.test_api_keys import exchange, make

MID_NOVEMBER = datetime(2026, 11, 15, 12, tzinfo=UTC)


def path_of(organiser: Any) -> str:
    return f"/v1/organisers/{organiser.organiser_id}/plan"


def change(send: Any, organiser: Any, plan: str, token: str | None = None) -> Any:
    return send("PUT", path_of(organiser), {"plan": plan}, token or organiser.owner.access_token)


def test_an_organiser_has_the_free_plan_and_is_shown_what_there_is(send: Any, organiser: Any) -> None:
    shown = send("GET", path_of(organiser), token=organiser.owner.access_token).json
    assert (shown["plan"], shown["price"]["amount"], shown["next_plan"]) == ("free", 0, None)
    assert [one["plan"] for one in shown["offered"]] == ["free", "pro", "partner"]
    pro = plans().plans.pro
    assert pro.price is not None
    assert shown["offered"][1] == {
        "plan": "pro",
        "price": {"amount": pro.price.amount, "currency": pro.price.currency},
        "quota": pro.quota,
        "rate": pro.rate,
        "burst": pro.burst,
    }


def test_a_larger_plan_is_in_the_next_token_and_a_smaller_one_waits_for_the_month(send: Any, organiser: Any) -> None:
    key = make(send, organiser).json["api_key"]
    given = exchange(send, key).json
    assert (given["plan"], verify_access_token(given["access_token"]).plan) == ("free", "free")
    # The token of the owner is of today, so the month that follows is seen by the rows alone.
    larger = change(send, organiser, "partner").json
    assert (larger["plan"], larger["next_plan"]) == ("partner", None)
    claims = verify_access_token(exchange(send, key).json["access_token"])
    assert (claims.plan, claims.api_key_id) == ("partner", claims.sub)
    for _ in range(2):
        smaller = change(send, organiser, "pro").json
        assert (smaller["plan"], smaller["next_plan"]) == ("partner", "pro")
        assert smaller["next_month"] > smaller["month"]
    back = change(send, organiser, "partner").json
    assert (back["plan"], back["next_plan"]) == ("partner", None)


@pytest.mark.parametrize("role", ["manager", "box_office"])
def test_nobody_but_owners_changes_it(send: Any, organiser: Any, join: Any, renewed: Any, role: str) -> None:
    other = join()
    members = f"/v1/organisers/{organiser.organiser_id}/members"
    assert send("POST", members, {"email": other.email, "role": role}, organiser.owner.access_token).status_code == 201
    assert change(send, organiser, "pro", renewed(other).access_token).status_code == 403
    assert repository.plan(organiser.organiser_id).changes == {}


def test_a_plan_that_there_is_not_is_refused_and_a_strangers_is_not_found(
    send: Any, organiser: Any, stranger: Any
) -> None:
    for plan in ("gold", "anonymous", ""):
        refused = change(send, organiser, plan)
        assert (refused.status_code, refused.json["field"]) == (422, "$.plan")
    assert change(send, organiser, "pro", stranger.owner.access_token).status_code == 404
    assert send("GET", path_of(organiser), token=stranger.owner.access_token).status_code == 404
    assert repository.plan(organiser.organiser_id).changes == {}


def test_an_owner_who_is_deposed_at_that_moment_changes_nothing(
    send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write asks for the role again; without that, the change would go through."""
    real = repository.save_plan

    def deposed(row: PlanRow, giver: Any, now: datetime) -> None:
        giver.role = "nobody"
        real(row, giver, now)

    monkeypatch.setattr(repository, "save_plan", deposed)
    assert change(send, organiser, "pro").status_code == 409
    assert repository.plan(organiser.organiser_id).changes == {}

    def unasked(row: PlanRow, giver: Any, now: datetime) -> None:
        transact(Replace(row) if row.version else Insert(row), now=now)

    monkeypatch.setattr(repository, "save_plan", unasked)
    assert change(send, organiser, "pro").status_code == 200


def test_two_changes_at_once_are_one_after_the_other(
    send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, others = repository.save_plan, iter([True])

    def overtaken(row: PlanRow, giver: Any, now: datetime) -> None:
        if next(others, False):
            other = PlanRow(row.pk, row.sk, organiser_id=row.organiser_id, changes={"2026-01": "partner"})
            real(other, giver, now)
        real(row, giver, now)

    monkeypatch.setattr(repository, "save_plan", overtaken)
    owner = verify_access_token(organiser.owner.access_token).identity
    row = use_cases.change_plan(organiser.organiser_id, "pro", owner, MID_NOVEMBER)
    assert row.changes == {"2026-01": "partner", "2026-12": "pro"}
