"""How the rows of payments become messages: one builder for each type the relay publishes.

A message's version is its outbox's: a row sent again by `republish` may have been written since without announcing.
"""

from __future__ import annotations

from typing import Any, Final

from contracts.payments import PaymentRefunded, PaymentSucceeded
from services.payments import repository
from services.payments.domain import Capture, Payment
from shared.messaging import Message
from shared.messaging.relay import Builder

Image = dict[str, Any]


class Incomplete(ValueError):
    """A row announces something it does not hold the facts of."""


def payment_succeeded(image: Image) -> Message:
    """`payments.payment_succeeded.v1` of a payment's row. The amount is what was taken, not what was asked for."""
    payment = repository.payment_of_image(image)
    capture = _capture(payment)
    return PaymentSucceeded(
        payment_id=payment.payment_id,
        version=_version(image),
        order_id=payment.order_id,
        organiser_id=payment.organiser_id,
        amount=capture.amount,
        provider=payment.provider,
        provider_reference=capture.reference,
        succeeded_at=capture.captured_at,
    )


def payment_refunded(image: Image) -> Message:
    """`payments.payment_refunded.v1` of a payment's row: all that was taken went back."""
    payment = repository.payment_of_image(image)
    if payment.refunded_at is None:
        raise Incomplete(f"{payment.payment_id} knows no refund")
    return PaymentRefunded(
        payment_id=payment.payment_id,
        version=_version(image),
        order_id=payment.order_id,
        organiser_id=payment.organiser_id,
        amount=_capture(payment).amount,
        refunded_at=payment.refunded_at,
    )


BUILDERS: Final[dict[str, Builder]] = {
    PaymentSucceeded.type_name: payment_succeeded,
    PaymentRefunded.type_name: payment_refunded,
}


def _version(image: Image) -> int:
    return int(image["outbox"]["version"])


def _capture(payment: Payment) -> Capture:
    if payment.capture is None:
        raise Incomplete(f"{payment.payment_id} knows no capture")
    return payment.capture
