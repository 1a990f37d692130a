"""The routes of orders, through Chalice and on a real table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from chalice.local import NotAuthorizedError

from contracts.checkout import OrderToken
from contracts.hold import HoldToken
from contracts.payments import PaymentSucceeded
from services.orders import repository, use_cases
from shared import clock, ids
from shared.auth import sign_token, verify_token
from shared.data import consumed
from tests.integration.orders.conftest import Send

KEY = {"Idempotency_Key": "order-1"}
MakeHold = Callable[..., HoldToken]
HoldText = Callable[[HoldToken], str]


def order(send: Send, text: str, **options: Any) -> Any:
    return send("POST", "/v1/orders", {"hold_token": text}, **{**KEY, **options})


def pay(order_id: str, hold: HoldToken) -> None:
    message = PaymentSucceeded(
        payment_id=ids.same_body("pay", order_id),
        version=3,
        order_id=order_id,
        organiser_id=hold.organiser_id,
        amount=hold.total,
        provider="test",
        provider_reference="chg_1",
        succeeded_at=clock.now(),
    )
    use_cases.take_payment(message, clock.now())


def problem(answer: Any, status: int, slug: str, field: str | None = None) -> None:
    assert answer.status_code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["type"] == f"urn:stagedoor:problem:{slug}"
    assert answer.json.get("field") == field


def test_a_hold_becomes_an_order_with_a_token_to_pay_with(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    hold = make_hold()
    answer = order(send, hold_text(hold))
    assert answer.status_code == 201
    placed = answer.json
    assert placed["order_id"] == ids.same_body("ord", hold.hold_id)
    assert (placed["state"], placed["total"]) == ("pending", {"amount": 9000, "currency": "USD"})
    assert [place["seat"] for place in placed["places"]] == ["101", "102"]
    assert answer.headers["Location"] == f"/v1/orders/{placed['order_id']}"
    token = verify_token(placed["order_token"], "order", OrderToken)
    assert (token.order_id, token.total, token.person_id) == (placed["order_id"], hold.total, hold.person_id)
    assert (token.organiser_id, token.event_id, token.expires_at) == (
        hold.organiser_id,
        hold.event_id,
        hold.expires_at,
    )


def test_the_same_request_again_gives_the_same_answer_and_writes_nothing(
    send: Send, make_hold: MakeHold, hold_text: HoldText
) -> None:
    text = hold_text(make_hold())
    first = order(send, text)
    again = order(send, text)
    other_key = order(send, text, Idempotency_Key="order-2")
    assert first.json == again.json == other_key.json
    row = repository.find_order(first.json["order_id"])
    assert row is not None
    assert row.order.version == 1


def test_a_retry_after_the_hold_ran_out_still_finds_its_order(
    send: Send, make_hold: MakeHold, hold_text: HoldText
) -> None:
    hold = make_hold()
    text = hold_text(hold)
    first = order(send, text)
    with clock.fixed(hold.expires_at + timedelta(seconds=1)):
        again = order(send, text)
    assert again.status_code == 201
    assert again.json["order_id"] == first.json["order_id"]
    assert (first.json["state"], again.json["state"]) == ("pending", "expired")


def test_a_hold_that_ran_out_cannot_be_ordered(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    hold = make_hold(expires_at=clock.now() - timedelta(milliseconds=1))
    problem(order(send, hold_text(hold)), 410, "hold-expired")
    assert repository.find_order(ids.same_body("ord", hold.hold_id)) is None


def test_a_hold_is_ordered_by_its_buyer_alone(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    hold = make_hold(person_id=ids.new_id("per"))
    problem(order(send, hold_text(hold)), 403, "hold-not-yours")
    assert repository.find_order(ids.same_body("ord", hold.hold_id)) is None


def test_one_hold_is_one_order_whatever_else_another_token_says(
    send: Send, make_hold: MakeHold, hold_text: HoldText
) -> None:
    hold = make_hold()
    assert order(send, hold_text(hold)).status_code == 201
    other = make_hold(hold_id=hold.hold_id)
    answer = order(send, hold_text(other))
    problem(answer, 409, "hold-already-ordered")
    assert answer.json["order_id"] == ids.same_body("ord", hold.hold_id)


@pytest.mark.parametrize("spoil", ["garbage", "a.b.c", "", "audience", "signature"])
def test_a_token_that_is_not_ours_is_refused(send: Send, make_hold: MakeHold, hold_text: HoldText, spoil: str) -> None:
    text = {
        "audience": sign_token("order", make_hold(), clock.now() + timedelta(minutes=5)),
        "signature": hold_text(make_hold())[:-2] + "AA",
    }.get(spoil, spoil)
    slug = "token-invalid" if text else "validation-failed"
    problem(order(send, text), 422, slug, "$.hold_token")


@pytest.mark.parametrize(
    ("body", "status"), [("{", 400), ("[]", 422), ("{}", 422), ('{"hold_token": 1}', 422), ('{"other": "x"}', 422)]
)
def test_a_body_that_is_no_order_is_refused(send: Send, body: str, status: int) -> None:
    assert send("POST", "/v1/orders", body, **KEY).status_code == status


def test_an_idempotency_key_is_asked_for(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    answer = send("POST", "/v1/orders", {"hold_token": hold_text(make_hold())})
    problem(answer, 400, "idempotency-key-missing", "Idempotency-Key")


@pytest.mark.parametrize("method", ["get", "post"])
def test_strangers_are_sent_to_sign_in(send: Send, method: str) -> None:
    with pytest.raises(NotAuthorizedError):
        send(method, "/v1/orders", person=None)


def test_who_sees_an_order(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    hold = make_hold()
    path = f"/v1/orders/{order(send, hold_text(hold)).json['order_id']}"
    stranger = ids.new_id("per")
    assert send("GET", path).json["buyer"]["email"] == "bea.buyer@example.com"
    for role in ("owner", "manager", "box_office"):
        assert send("GET", path, person=stranger, roles={hold.organiser_id: role}).status_code == 200
    problem(send("GET", path, person=stranger), 404, "not-found")
    problem(send("GET", path, person=stranger, roles={hold.organiser_id: "scanner"}), 404, "not-found")
    problem(send("GET", path, person=stranger, roles={ids.new_id("org"): "owner"}), 404, "not-found")


@pytest.mark.parametrize("order_id", ["ord_1", "evt_00000000000000000000000000", "ord_" + "0" * 26])
def test_an_order_that_is_not_there_is_not_found(send: Send, order_id: str) -> None:
    problem(send("GET", f"/v1/orders/{order_id}"), 404, "not-found")
    problem(send("POST", f"/v1/orders/{order_id}/cancellation"), 404, "not-found")


def test_my_orders_come_newest_first_and_page_by_page(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    start = clock.now()
    placed = []
    for number in range(5):
        hold = make_hold(hold_id=ids.new_id("hld", start + timedelta(seconds=number)))
        placed.append(order(send, hold_text(hold)).json["order_id"])
    seen: list[str] = []
    path: str | None = "/v1/orders?limit=2"
    while path is not None:
        answer = send("GET", path)
        assert len(answer.json["items"]) <= 2
        seen += [item["order_id"] for item in answer.json["items"]]
        assert ("Link" in answer.headers) == (answer.json["next"] is not None)
        path = f"/v1/orders?limit=2&cursor={answer.json['next']}" if answer.json["next"] else None
    assert seen == placed[::-1]


def test_a_list_is_nobody_else_s(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    for _ in range(3):
        order(send, hold_text(make_hold()))
    cursor = send("GET", "/v1/orders?limit=1").json["next"]
    stranger = ids.new_id("per")
    assert send("GET", "/v1/orders", person=stranger).json == {"items": [], "next": None}
    problem(send("GET", f"/v1/orders?limit=1&cursor={cursor}", person=stranger), 400, "bad-cursor", "cursor")
    problem(send("GET", "/v1/orders?cursor=forged"), 400, "bad-cursor", "cursor")
    problem(send("GET", "/v1/orders?limit=0"), 422, "validation-failed", "limit")


def test_an_unpaid_order_is_given_up_once_and_for_all(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    path = f"/v1/orders/{order(send, hold_text(make_hold())).json['order_id']}/cancellation"
    problem(send("POST", path, person=ids.new_id("per")), 404, "not-found")
    first, again = send("POST", path), send("POST", path)
    assert (first.status_code, first.json["state"]) == (200, "cancelled")
    assert again.json == first.json


def test_a_paid_order_is_not_given_up(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    hold = make_hold()
    order_id = order(send, hold_text(hold)).json["order_id"]
    pay(order_id, hold)
    problem(send("POST", f"/v1/orders/{order_id}/cancellation"), 409, "order-not-cancellable")
    assert send("GET", f"/v1/orders/{order_id}").json["state"] == "paid"


def test_an_order_costs_two_round_trips_at_most(send: Send, make_hold: MakeHold, hold_text: HoldText) -> None:
    text = hold_text(make_hold())
    with consumed() as meter:
        assert order(send, text).status_code == 201
    assert meter.requests <= 2
