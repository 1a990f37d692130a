"""Payments to test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.checkout import OrderToken
from services.payments.domain import Attempt, Capture, Payment, Refund
from shared import ids
from shared.money import Money

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
PAY_UNTIL = NOW + timedelta(minutes=10)
AMOUNT = Money(9000, "USD")
RETURN_URL = "http://127.0.0.1:8000/orders/1"


def sample_id(prefix: str, seed: int = 0) -> str:
    """An id that is the same every time."""
    return ids.new_id(prefix, NOW, seed.to_bytes(10, "big"))


def order_token(seed: int = 1, *, person_id: str | None = None, expires_at: datetime = PAY_UNTIL) -> OrderToken:
    """What orders gives a buyer to pay with."""
    return OrderToken(
        order_id=sample_id("ord", seed),
        event_id=sample_id("evt", 2),
        event_name="An Evening of Demonstrations",
        organiser_id=sample_id("org", 3),
        person_id=person_id or sample_id("per", 4),
        total=AMOUNT,
        expires_at=expires_at,
    )


def open_payment(seed: int = 1) -> Payment:
    """A payment whose first attempt is written down."""
    order = order_token(seed)
    return Payment(
        payment_id=ids.same_body("pay", order.order_id),
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        person_id=order.person_id,
        amount=order.total,
        description=order.event_name,
        pay_until=order.expires_at,
        provider="test",
        attempts=(Attempt(number=1, return_url=RETURN_URL),),
    )


def capture(reference: str = "chg_1", amount: Money = AMOUNT) -> Capture:
    """Money the provider took."""
    return Capture(reference=reference, checkout_id="chk_1", amount=amount, captured_at=NOW)


def refund(amount: Money = AMOUNT, reference: str = "rfd_1") -> Refund:
    """Money the provider gave back."""
    return Refund(reference=reference, amount=amount, refunded_at=NOW)
