"""The adapter to the payment company: webhooks verified before they are read, calls that survive lost answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from runtime.payment_company.deliveries import signature
from services.payments.domain import AttemptState
from services.payments.providers import (
    ChargeRefunded,
    CheckoutClosed,
    CheckoutPaid,
    CheckoutRequest,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    WebhookForged,
    WebhookMalformed,
)
from services.payments.providers.company import TRIES_MAX, PaymentCompany, verify_signature
from shared.money import Money
from shared.settings import Secret

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
SECRET = "webhook secret"
CHARGE = {"id": "chg_1", "amount": 9000, "currency": "USD", "captured_at": NOW.timestamp()}
CHECKOUT = {"id": "chk_1", "state": "paid", "metadata": {"payment_id": "pay_1", "attempt": 2}}
REQUEST = CheckoutRequest(
    payment_id="pay_1", attempt=2, amount=Money(9000, "USD"), description="A concert", return_url="http://shop/"
)


class Wire:
    """Stands in for the connection pool: answers what it was given, one after the other, and notes what was sent."""

    def __init__(self, *answers: tuple[int, Any] | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **options: Any) -> Any:
        self.sent.append({"method": method, "url": url, **options})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content = answer
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        return urllib3.HTTPResponse(body=raw, status=status)


def company(wire: Wire | None = None) -> PaymentCompany:
    http: Any = wire or Wire()
    return PaymentCompany("http://company/", Secret("key"), Secret(SECRET), http=http, sleep=lambda seconds: None)


def webhook(kind: str = "checkout.paid", **about: Any) -> bytes:
    return json.dumps({"id": "whk_1", "type": kind, "checkout": CHECKOUT, **about}).encode()


def read(body: bytes, *, at: datetime = NOW, header: str | None = None) -> Any:
    headers = {"TEST-Signature": header if header is not None else signature(SECRET, int(at.timestamp()), body)}
    return company().read_webhook(headers, body, NOW)


def test_what_a_paid_checkout_says() -> None:
    fact = read(webhook(charge=CHARGE))
    assert isinstance(fact, CheckoutPaid)
    assert (fact.payment_id, fact.attempt) == ("pay_1", 2)
    assert (fact.capture.reference, fact.capture.amount) == ("chg_1", Money(9000, "USD"))
    assert fact.capture.captured_at == NOW


def test_what_a_refund_says() -> None:
    fact = read(
        webhook(
            "refund.succeeded",
            charge=CHARGE,
            refund={"id": "rfd_1", "amount": 9000, "refunded_at": NOW.timestamp()},
        )
    )
    assert isinstance(fact, ChargeRefunded)
    assert (fact.capture.reference, fact.refund.reference) == ("chg_1", "rfd_1")
    assert fact.refund.amount == Money(9000, "USD")


@pytest.mark.parametrize("outcome", [AttemptState.DECLINED, AttemptState.CANCELLED, AttemptState.EXPIRED])
def test_what_a_closed_checkout_says(outcome: AttemptState) -> None:
    assert read(webhook(f"checkout.{outcome}")) == CheckoutClosed(payment_id="pay_1", attempt=2, outcome=outcome)


def test_what_is_of_no_interest_is_not_read_further() -> None:
    assert read(json.dumps({"type": "payout.sent"}).encode()) is None


FORGERIES = {
    "unsigned": "",
    "no signature": "t=1777629600",
    "no time": "v1=00",
    "two times": "t=1,t=2,v1=00",
    "time is no number": "t=now,v1=00",
    "time beyond any": "t=" + "9" * 40 + ",v1=00",
    "another secret": signature("another secret", int(NOW.timestamp()), webhook(charge=CHARGE)),
    "another body": signature(SECRET, int(NOW.timestamp()), webhook(charge={**CHARGE, "amount": 1})),
    "body alone": f"t={int(NOW.timestamp())},v1="
    + hmac.new(SECRET.encode(), webhook(charge=CHARGE), hashlib.sha256).hexdigest(),
    "non-ascii": "t=1777629600,v1=é",
}


@pytest.mark.parametrize("header", FORGERIES.values(), ids=FORGERIES)
def test_forged_webhooks_are_refused(header: str) -> None:
    with pytest.raises(WebhookForged):
        read(webhook(charge=CHARGE), header=header)


def test_a_webhook_altered_by_one_byte_is_refused() -> None:
    body = webhook(charge=CHARGE)
    header = signature(SECRET, int(NOW.timestamp()), body)
    assert read(body, header=header) is not None
    with pytest.raises(WebhookForged):
        read(body.replace(b"9000", b"9001"), header=header)


def test_a_body_is_not_parsed_before_it_is_verified() -> None:
    with pytest.raises(WebhookForged):
        read(b"{", header="t=1,v1=00")


@pytest.mark.parametrize("age", [timedelta(minutes=5), timedelta(minutes=-5), timedelta()])
def test_a_signature_of_now_is_taken(age: timedelta) -> None:
    assert read(webhook(charge=CHARGE), at=NOW - age) is not None


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1)])
def test_a_recording_is_refused_however_well_signed(age: timedelta) -> None:
    with pytest.raises(WebhookForged):
        read(webhook(charge=CHARGE), at=NOW - age)


def test_one_good_signature_among_several_is_enough() -> None:
    body = webhook(charge=CHARGE)
    stamp = int(NOW.timestamp())
    both = signature("old secret", stamp, body) + "," + signature(SECRET, stamp, body).partition(",")[2]
    verify_signature(SECRET, both, body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"type": "checkout.paid"}',
        webhook(),
        webhook(charge={**CHARGE, "amount": "9000"}),
        webhook(charge={**CHARGE, "currency": "dollars"}),
        webhook(charge={**CHARGE, "captured_at": 1e300}),
        webhook(charge={**CHARGE, "captured_at": 1e12}),
        webhook("refund.succeeded", charge=CHARGE),
        b"\xff\xfe",
    ],
)
def test_what_is_signed_but_makes_no_sense_is_malformed(body: bytes) -> None:
    with pytest.raises(WebhookMalformed):
        read(body)


def test_a_checkout_is_opened_under_a_key_that_follows_from_the_attempt() -> None:
    wire = Wire((201, {"id": "chk_1", "url": "http://company/checkouts/chk_1"}))
    checkout = company(wire).open_checkout(REQUEST)
    assert (checkout.checkout_id, checkout.url) == ("chk_1", "http://company/checkouts/chk_1")
    sent = wire.sent[0]
    assert sent["headers"]["Idempotency-Key"] == "pay_1#2"
    assert json.loads(sent["body"])["metadata"] == {"payment_id": "pay_1", "attempt": 2}


@pytest.mark.parametrize(
    "trouble",
    [
        urllib3.exceptions.ReadTimeoutError(None, "", ""),  # type: ignore[arg-type]
        urllib3.exceptions.ProtocolError("reset"),
        (503, {}),
        (429, {}),
        (200, b"<html>"),
    ],
)
def test_a_lost_answer_is_asked_for_again_under_the_same_key(trouble: Any) -> None:
    wire = Wire(trouble, trouble, (201, {"id": "rfd_1"}))
    request = RefundRequest(payment_id="pay_1", charge="chg_1", amount=Money(9000, "USD"))
    assert company(wire).refund(request) == "rfd_1"
    assert len({(sent["headers"]["Idempotency-Key"], sent["body"]) for sent in wire.sent}) == 1
    assert len(wire.sent) == 3


def test_after_the_last_try_the_provider_counts_as_unavailable() -> None:
    wire = Wire(*[(500, {})] * TRIES_MAX)
    with pytest.raises(ProviderUnavailable):
        company(wire).look_at_checkout("chk_1")
    assert wire.answers == []


def test_a_no_is_not_asked_for_again() -> None:
    wire = Wire((422, {"error": "no"}))
    with pytest.raises(ProviderRefused):
        company(wire).open_checkout(REQUEST)
    assert len(wire.sent) == 1


@pytest.mark.parametrize("answer", [{"id": "chk_1"}, {"id": 1, "url": "http://company/"}])
def test_an_answer_that_lacks_something_is_no_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable):
        company(Wire((201, answer))).open_checkout(REQUEST)


def test_a_state_nobody_knows_is_not_guessed_at() -> None:
    with pytest.raises(ProviderUnavailable):
        company(Wire((200, {"state": "blue"}))).look_at_checkout("chk_1")
