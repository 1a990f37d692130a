"""What payments takes and answers over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from services.payments.domain import AttemptState, Payment, PaymentState
from shared.http import VERBATIM, RequestBody
from shared.money import Money

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=12_288), VERBATIM]


class OpenCheckout(RequestBody, frozen=True, kw_only=True):
    """The order to be paid, as the token that `POST /v1/orders` answered, and where to send the buyer afterwards."""

    order_token: Token
    return_url: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None


class PaymentView(msgspec.Struct, kw_only=True):
    """A payment as its reader sees it. `checkout_url` is there while it can be paid at."""

    payment_id: str
    order_id: str
    state: PaymentState
    amount: Money
    attempts: int
    checkout_url: str | None = None
    expires_at: datetime
    succeeded_at: datetime | None = None
    refunded_at: datetime | None = None


class WebhookTaken(msgspec.Struct, kw_only=True):
    """What became of a webhook: `taken`, or `ignored` when it is of no interest here."""

    outcome: str


def payment_view(payment: Payment) -> PaymentView:
    """The payment as it is to be shown."""
    attempt = payment.attempt
    payable = payment.state is PaymentState.OPEN and attempt.state is AttemptState.OPEN
    return PaymentView(
        payment_id=payment.payment_id,
        order_id=payment.order_id,
        state=payment.state,
        amount=payment.amount,
        attempts=len(payment.attempts),
        checkout_url=attempt.checkout_url if payable else None,
        expires_at=payment.pay_until,
        succeeded_at=payment.capture.captured_at if payment.capture else None,
        refunded_at=payment.refunded_at,
    )
