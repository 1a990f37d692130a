"""The routes of reservations, through Chalice, on a real table."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from chalice.local import NotAuthorizedError

from contracts.catalog import EventPublished, TicketType
from services.reservations import use_cases
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id
from tests.integration.reservations.box_limits import voucher
from tests.integration.reservations.box_office import event, general_pool, on_sale, ticket_type

Send = Callable[..., Any]
ME = new_id("per")


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.reservations.app import app

    return app


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request, signed in as somebody unless `person` is None."""

    def request(method: str, path: str, body: Any = None, *, person: str | None = ME, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            identity = Identity(person, "fan@example.org", "A Fan", new_id("ses"), {})
            sent["Authorization"] = f"Bearer {issue_access_token(identity, now=clock.now()).token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        raw = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        return getattr(client, method.lower())(path, headers=sent, body=raw)

    return request


def wanted(published: EventPublished, kind: TicketType, quantity: int = 2) -> dict[str, Any]:
    return {
        "event_id": published.event_id,
        "lines": [{"ticket_type_id": kind.ticket_type_id, "quantity": quantity}],
    }


def problem(answer: Any, status: int, slug: str, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert document["type"] == f"urn:stagedoor:problem:{slug}"
    assert document.get("field") == field
    return document


def test_a_hold_is_made_looked_at_and_let_go(send: Send) -> None:
    published, kind = on_sale(10)
    answer = send("POST", "/v1/holds", wanted(published, kind), Idempotency_Key="one")
    assert answer.status_code == 201, answer.body
    held = answer.json
    path = f"/v1/holds/{held['hold_id']}"
    assert answer.headers["Location"] == path
    assert (held["state"], held["total"]) == ("held", {"amount": 9000, "currency": "USD"})
    assert len(held["places"]) == 2
    again = send("POST", "/v1/holds", wanted(published, kind), Idempotency_Key="one")
    assert (again.status_code, again.json) == (201, held)
    token = held["hold_token"]
    assert send("GET", path, Hold_Token=token).json["state"] == "held"
    assert send("DELETE", path, Hold_Token=token).status_code == 204
    assert send("DELETE", path, Hold_Token=token).status_code == 204
    assert send("GET", path, Hold_Token=token).json["state"] == "released"


def test_holds_need_a_signed_in_buyer(send: Send) -> None:
    published, kind = on_sale(10)
    with pytest.raises(NotAuthorizedError):
        send("POST", "/v1/holds", wanted(published, kind), person=None)


def test_the_holds_token_is_needed_and_must_be_its_own(send: Send) -> None:
    published, kind = on_sale(10)
    held = send("POST", "/v1/holds", wanted(published, kind)).json
    other = send("POST", "/v1/holds", wanted(published, kind)).json
    path = f"/v1/holds/{held['hold_id']}"
    problem(send("GET", path), 422, "token-invalid", "Hold-Token")
    problem(send("DELETE", path, Hold_Token=held["hold_token"][:-3] + "abc"), 422, "token-invalid", "Hold-Token")
    problem(send("DELETE", path, Hold_Token=other["hold_token"]), 404, "not-found")
    problem(send("GET", path, Hold_Token=held["hold_token"], person=new_id("per")), 404, "not-found")


@pytest.mark.parametrize(
    ("change", "status", "slug", "field"),
    [
        ({"lines": []}, 422, "validation-failed", "$.lines"),
        ({"surprise": 1}, 422, "validation-failed", "$.surprise"),
        ({"lines": [{"ticket_type_id": "tty_x"}]}, 422, "quantity-or-seats", "$.lines[0]"),
        ({"lines": [{"ticket_type_id": "tty_x", "quantity": 0}]}, 422, "validation-failed", "$.lines[0].quantity"),
        ({"lines": [{"ticket_type_id": "tty_x", "quantity": "2"}]}, 422, "validation-failed", "$.lines[0].quantity"),
        ({"lines": [{"ticket_type_id": "x", "quantity": 1}]}, 422, "ticket-type-unknown", "$.lines[0].ticket_type_id"),
        ({"event_id": "evt_none"}, 404, "not-found", None),
    ],
)
def test_bad_requests_are_told_what_is_wrong(
    send: Send, change: dict[str, Any], status: int, slug: str, field: str | None
) -> None:
    published, kind = on_sale(3)
    problem(send("POST", "/v1/holds", wanted(published, kind) | change), status, slug, field)
    # Nothing was held: all three are still to be had.
    assert send("POST", "/v1/holds", wanted(published, kind, 3)).status_code == 201


def test_malformed_json_is_a_400(send: Send) -> None:
    problem(send("POST", "/v1/holds", "{"), 400, "malformed-json")


def test_limits_and_windows_are_refused_with_what_helps(send: Send) -> None:
    pool = general_pool(100)
    now = clock.now()
    soon, past = now + timedelta(hours=1), now - timedelta(hours=1)
    few = ticket_type(pool, "Few", places_per_order_max=2)
    early = ticket_type(pool, "Early", sale_starts_at=soon)
    ended = ticket_type(pool, "Ended", sale_ends_at=past)
    published = event([pool], [few, early, ended])
    use_cases.put_on_sale(published, now)
    answer = problem(send("POST", "/v1/holds", wanted(published, few, 3)), 422, "too-many-places", "$.lines[0]")
    assert answer["places_per_order_max"] == 2
    place = "$.lines[0].ticket_type_id"
    answer = problem(send("POST", "/v1/holds", wanted(published, early)), 409, "not-on-sale", place)
    assert answer["sale_starts_at"].startswith(soon.isoformat()[:19])
    problem(send("POST", "/v1/holds", wanted(published, ended)), 409, "sale-ended", place)


def test_held_and_sold_out_are_told_apart(send: Send) -> None:
    published, kind = on_sale(2)
    held = send("POST", "/v1/holds", wanted(published, kind)).json
    answer = problem(send("POST", "/v1/holds", wanted(published, kind, 1)), 409, "all-held")
    assert answer["next_free_at"] > held["expires_at"]
    send("DELETE", f"/v1/holds/{held['hold_id']}", Hold_Token=held["hold_token"])
    assert send("POST", "/v1/holds", wanted(published, kind, 2)).status_code == 201


def test_a_key_with_another_body_is_refused(send: Send) -> None:
    published, kind = on_sale(10)
    send("POST", "/v1/holds", wanted(published, kind), Idempotency_Key="one")
    answer = send("POST", "/v1/holds", wanted(published, kind, 3), Idempotency_Key="one")
    problem(answer, 422, "idempotency-key-reused", "Idempotency-Key")


def test_availability_is_for_everybody_and_has_an_etag(send: Send) -> None:
    published, _ = on_sale(10)
    path = f"/v1/availability/{published.event_id}"
    answer = send("GET", path, person=None)
    assert answer.status_code == 200, answer.body
    assert answer.json["pools"][0]["free"] == 10
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    same = send("GET", path, person=None, If_None_Match=answer.headers["ETag"])
    assert (same.status_code, same.body) == (304, "")
    problem(send("GET", f"/v1/availability/{new_id('evt')}", person=None), 404, "not-found")


def test_health_says_ready(send: Send) -> None:
    assert send("GET", "/health", person=None).status_code == 200


def test_a_hold_is_extended_and_replaced(send: Send) -> None:
    published, kind = on_sale(10)
    held = send("POST", "/v1/holds", wanted(published, kind)).json
    path = f"/v1/holds/{held['hold_id']}/extension"
    answer = send("POST", path, Hold_Token=held["hold_token"])
    assert answer.status_code == 200, answer.body
    longer = answer.json
    assert longer["expires_at"] > held["expires_at"]
    assert (longer["extended"], longer["hold_id"], longer["places"]) == (True, held["hold_id"], held["places"])
    assert send("POST", path, Hold_Token=held["hold_token"]).json == longer
    problem(send("POST", path, Hold_Token=longer["hold_token"]), 409, "hold-extended")
    problem(send("POST", path, Hold_Token="nothing"), 422, "token-invalid", "Hold-Token")
    problem(send("POST", path, Hold_Token=held["hold_token"], person=new_id("per")), 404, "not-found")
    changed = send("POST", "/v1/holds", wanted(published, kind, 10), Replaces=longer["hold_token"])
    assert changed.status_code == 201, changed.body
    assert changed.json["expires_at"] == longer["expires_at"]
    assert changed.json["hold_id"] != held["hold_id"]
    problem(send("POST", "/v1/holds", wanted(published, kind, 1), Replaces="nothing"), 422, "token-invalid", "Replaces")
    problem(send("POST", "/v1/holds", wanted(published, kind, 1)), 409, "all-held")


def test_limits_and_vouchers_have_problems_of_their_own(send: Send) -> None:
    pool = general_pool(100)
    few, club = ticket_type(pool, "Few", places_max=1), ticket_type(pool, "Club", access="voucher")
    gift = ticket_type(pool, "Gift", access="complimentary")
    published = msgspec.structs.replace(event([pool], [few, club, gift]), places_per_buyer_max=2)
    use_cases.put_on_sale(published, clock.now())
    assert send("POST", "/v1/holds", wanted(published, few, 1)).status_code == 201
    answer = problem(send("POST", "/v1/holds", wanted(published, few, 1)), 409, "type-all-held", "$.lines[0]")
    assert answer["ticket_type_id"] == few.ticket_type_id
    problem(send("POST", "/v1/holds", wanted(published, club, 1)), 403, "voucher-required", "$.lines[0].ticket_type_id")
    problem(send("POST", "/v1/holds", wanted(published, gift, 1)), 403, "members-only", "$.lines[0].ticket_type_id")
    body = wanted(published, club, 2)
    problem(send("POST", "/v1/holds", body | {"voucher": "NONE"}), 422, "voucher-unknown", "$.voucher")
    voucher(published, "CODE", uses_max=3)
    answer = problem(send("POST", "/v1/holds", body | {"voucher": "CODE"}), 409, "buyer-limit", "$.lines")
    assert (answer["places_per_buyer_max"], answer["places_left"]) == (2, 1)
    guest = {"guest": {"name": "A Guest", "email": "nobody"}}
    problem(send("POST", "/v1/holds", body | guest), 422, "validation-failed", "$.guest.email")
    zone = wanted(published, few, 1)
    zone["lines"][0]["zone"] = "A"
    problem(send("POST", "/v1/holds", zone), 422, "zone-unknown", "$.lines[0].zone")
