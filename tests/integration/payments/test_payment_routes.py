"""The routes of payments, through Chalice, on a real table and against a real payment company."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from chalice.local import NotAuthorizedError

from contracts.checkout import OrderToken
from contracts.payments import PaymentRefunded, PaymentSucceeded
from runtime.payment_company.deliveries import signature
from services.payments import repository
from services.payments.providers.company import PaymentCompany
from shared import clock, ids
from shared.auth import sign_token
from shared.data import fetch
from shared.settings import Secret
from tests.integration.payments.conftest import WEBHOOK_SECRET, Caught, Send, Street

MakeOrder = Callable[..., OrderToken]
OrderText = Callable[[OrderToken], str]
PostWebhook = Callable[[Caught], Any]
DECLINED_CARD = "4000000000000002"

pytestmark = pytest.mark.usefixtures("provider")


def opened(send: Send, order: OrderToken, key: str = "pay-1", **body: Any) -> Any:
    content = {"order_token": sign_token("order", order, order.expires_at), **body}
    return send("POST", "/v1/payments", content, person=order.person_id, Idempotency_Key=key)


def problem(answer: Any, status: int, slug: str, field: str | None = None) -> None:
    assert answer.status_code == status, answer.body
    assert answer.json["type"] == f"urn:stagedoor:problem:{slug}"
    assert answer.json.get("field") == field


def outbox_types(payment_id: str) -> list[str]:
    row = fetch(repository.PaymentRow, payment_id, repository.PAYMENT_SK)
    assert row is not None
    return list(row.outbox["types"])


def test_an_order_token_opens_a_page(send: Send, make_order: MakeOrder, street: Street) -> None:
    order = make_order()
    answer = opened(send, order)
    assert answer.status_code == 201
    assert answer.json["payment_id"] == ids.same_body("pay", order.order_id)
    assert (answer.json["state"], answer.json["amount"]) == ("open", {"amount": 9000, "currency": "USD"})
    page = street.http.request("GET", answer.json["checkout_url"])
    assert page.status == 200
    assert "90.00 USD" in page.data.decode()
    assert "An Evening of Demonstrations" in page.data.decode()


def test_the_same_key_gives_the_same_answer_and_another_key_the_same_page(send: Send, make_order: MakeOrder) -> None:
    order = make_order()
    first = opened(send, order)
    assert opened(send, order).json == first.json
    other = opened(send, order, key="pay-2")
    assert other.json == first.json
    reused = opened(send, order, return_url="http://127.0.0.1:8000/else")
    problem(reused, 422, "idempotency-key-reused", "Idempotency-Key")


def test_a_payment_from_the_page_to_the_announcement(
    send: Send, make_order: MakeOrder, street: Street, post_webhook: PostWebhook
) -> None:
    order = make_order()
    payment = opened(send, order).json
    back = street.press(payment["checkout_url"], "pay")
    assert (back.status, back.headers["Location"]) == (
        303,
        f"http://127.0.0.1:8000/orders/{order.order_id}?checkout=paid",
    )
    webhook = street.caught()
    assert post_webhook(webhook).status_code == 202
    path = f"/v1/payments/{payment['payment_id']}"
    seen = send("GET", path, person=order.person_id).json
    assert (seen["state"], seen.get("checkout_url")) == ("succeeded", None)
    assert outbox_types(payment["payment_id"]) == [PaymentSucceeded.type_name]
    version = row_version(payment["payment_id"])
    assert post_webhook(webhook).status_code == 202
    assert row_version(payment["payment_id"]) == version
    problem(opened(send, order, key="pay-2"), 409, "already-paid")


def row_version(payment_id: str) -> int:
    payment = repository.find_payment(payment_id)
    assert payment is not None
    return payment.version


def test_who_paid_and_comes_back_before_the_webhook_is_not_sent_to_pay_again(
    send: Send, make_order: MakeOrder, street: Street
) -> None:
    order = make_order()
    payment = opened(send, order).json
    street.press(payment["checkout_url"], "pay")
    problem(opened(send, order, key="pay-2"), 409, "already-paid")


@pytest.mark.parametrize(("button", "card"), [("pay", DECLINED_CARD), ("cancel", "")])
def test_a_page_that_came_to_nothing_is_followed_by_a_new_one(
    send: Send, make_order: MakeOrder, street: Street, post_webhook: PostWebhook, button: str, card: str
) -> None:
    order = make_order()
    first = opened(send, order).json
    street.press(first["checkout_url"], button, card)
    # With a new key the provider is asked how the page stands, so the buyer need not wait for the webhook.
    second = opened(send, order, key="pay-2").json
    assert second["payment_id"] == first["payment_id"]
    assert second["checkout_url"] != first["checkout_url"]
    assert second["attempts"] == 2
    assert post_webhook(street.caught()).status_code == 202
    assert opened(send, order, key="pay-3").json == second
    street.press(second["checkout_url"], "pay")
    assert post_webhook(street.caught()).status_code == 202
    assert outbox_types(first["payment_id"]) == [PaymentSucceeded.type_name]


def test_a_page_can_be_opened_while_the_company_is_away_only_later(
    send: Send, make_order: MakeOrder, street: Street, provider: PaymentCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.payments import app as module

    order = make_order()
    nobody = PaymentCompany("http://127.0.0.1:9", Secret("k"), Secret("s"), sleep=lambda seconds: None)
    monkeypatch.setattr(module, "provider", nobody)
    problem(opened(send, order), 503, "provider-unavailable")
    payment = repository.find_payment(ids.same_body("pay", order.order_id))
    assert payment is not None
    assert payment.attempt.checkout_id is None
    monkeypatch.setattr(module, "provider", provider)
    answer = opened(send, order)
    assert answer.status_code == 201
    assert answer.json["attempts"] == 1
    # An open page we know of is a better answer than none, while the company is away again.
    monkeypatch.setattr(module, "provider", nobody)
    assert opened(send, order, key="pay-2").json == answer.json


def test_an_order_is_paid_by_its_buyer_alone(send: Send, make_order: MakeOrder, order_text: OrderText) -> None:
    order = make_order()
    body = {"order_token": order_text(order)}
    answer = send("POST", "/v1/payments", body, person=ids.new_id("per"), Idempotency_Key="k")
    problem(answer, 403, "order-not-yours")
    assert repository.find_payment(ids.same_body("pay", order.order_id)) is None


def test_an_order_past_its_time_cannot_be_paid(send: Send, make_order: MakeOrder) -> None:
    order = make_order(expires_at=clock.now() - timedelta(seconds=1))
    problem(opened(send, order), 410, "order-expired")
    assert repository.find_payment(ids.same_body("pay", order.order_id)) is None


@pytest.mark.parametrize("spoil", ["garbage", "audience"])
def test_a_token_that_is_not_ours_is_refused(send: Send, make_order: MakeOrder, spoil: str) -> None:
    order = make_order()
    text = sign_token("hold", order, order.expires_at) if spoil == "audience" else spoil
    answer = send("POST", "/v1/payments", {"order_token": text}, person=order.person_id, Idempotency_Key="k")
    problem(answer, 422, "token-invalid", "$.order_token")


def test_the_buyer_is_sent_back_to_our_own_pages_only(send: Send, make_order: MakeOrder, street: Street) -> None:
    order = make_order()
    problem(opened(send, order, return_url="http://evil.example/"), 422, "return-url-foreign", "$.return_url")
    assert street.books.charges() == []
    answer = opened(send, order, key="pay-2", return_url="http://127.0.0.1:8000/thanks?a=1")
    back = street.press(answer.json["checkout_url"], "cancel")
    assert back.headers["Location"] == "http://127.0.0.1:8000/thanks?a=1&checkout=cancelled"


def test_who_sees_a_payment(send: Send, make_order: MakeOrder) -> None:
    order = make_order()
    path = f"/v1/payments/{opened(send, order).json['payment_id']}"
    stranger = ids.new_id("per")
    assert send("GET", path, person=order.person_id).status_code == 200
    assert send("GET", path, person=stranger, roles={order.organiser_id: "box_office"}).status_code == 200
    problem(send("GET", path, person=stranger), 404, "not-found")
    problem(send("GET", path, person=stranger, roles={order.organiser_id: "scanner"}), 404, "not-found")
    problem(send("GET", "/v1/payments/pay_1", person=stranger), 404, "not-found")
    with pytest.raises(NotAuthorizedError):
        send("GET", path)


def paid_webhook(send: Send, order: OrderToken, street: Street) -> Caught:
    street.press(opened(send, order).json["checkout_url"], "pay")
    return street.caught()


def signed(body: bytes, age: timedelta = timedelta(), secret: str = WEBHOOK_SECRET) -> Caught:
    stamp = int((clock.now() - age).timestamp())
    return Caught({"Content-Type": "application/json", "Test-Signature": signature(secret, stamp, body)}, body)


def spoilt(webhook: Caught, how: str) -> Caught:
    match how:
        case "unsigned":
            return Caught({"Content-Type": "application/json"}, webhook.body)
        case "forged":
            return signed(webhook.body, secret="another secret")
        case "altered":
            return Caught(webhook.headers, webhook.body.replace(b"9000", b"9"))
        case _:
            return signed(webhook.body, age=timedelta(minutes=6))


@pytest.mark.parametrize("how", ["unsigned", "forged", "altered", "old"])
def test_a_webhook_that_is_not_the_company_s_changes_nothing(
    send: Send, make_order: MakeOrder, street: Street, post_webhook: PostWebhook, how: str
) -> None:
    order = make_order()
    webhook = paid_webhook(send, order, street)
    payment_id = ids.same_body("pay", order.order_id)
    before = repository.find_payment(payment_id)
    problem(post_webhook(spoilt(webhook, how)), 401, "webhook-forged")
    assert repository.find_payment(payment_id) == before
    assert repository.entries(payment_id) == []
    # The control: the very same webhook, not spoilt, is taken.
    assert post_webhook(webhook).status_code == 202
    assert repository.find_payment(payment_id) != before


def test_a_webhook_for_a_payment_nobody_knows_is_not_acknowledged(
    send: Send, make_order: MakeOrder, street: Street, post_webhook: PostWebhook
) -> None:
    order = make_order()
    content = json.loads(paid_webhook(send, order, street).body)
    content["checkout"]["metadata"]["payment_id"] = ids.new_id("pay")
    problem(post_webhook(signed(json.dumps(content).encode())), 404, "not-found")
    content["checkout"]["metadata"]["payment_id"] = "nonsense"
    problem(post_webhook(signed(json.dumps(content).encode())), 404, "not-found")


def test_webhooks_of_no_interest_and_of_no_sense(post_webhook: PostWebhook) -> None:
    assert post_webhook(signed(b'{"type": "payout.sent"}')).json == {"outcome": "ignored"}
    problem(post_webhook(signed(b'{"type": "checkout.paid"}')), 422, "webhook-malformed")
    problem(post_webhook(signed(b"{")), 422, "webhook-malformed")


def test_a_refund_made_at_the_company_is_announced(
    send: Send, make_order: MakeOrder, street: Street, post_webhook: PostWebhook
) -> None:
    order = make_order()
    webhook = paid_webhook(send, order, street)
    charge = street.books.charges()[0]["id"]
    street.books.refund("by hand", {"charge": charge, "amount": 9000, "currency": "USD"})
    refund = street.caught()
    # The refund comes first, and brings the charge along; the charge's own webhook is then nothing new.
    assert post_webhook(refund).status_code == 202
    payment_id = ids.same_body("pay", order.order_id)
    assert outbox_types(payment_id) == [PaymentRefunded.type_name]
    version = row_version(payment_id)
    assert post_webhook(webhook).status_code == 202
    assert post_webhook(refund).status_code == 202
    assert row_version(payment_id) == version
    assert [entry.entry_id.partition("#")[0] for entry in repository.entries(payment_id)] == ["capture", "refund"]
