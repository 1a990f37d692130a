"""What payments publishes."""

from __future__ import annotations

from typing import ClassVar

from contracts.sale import Money, Time
from shared.messaging.message import Message


class PaymentSucceeded(Message, frozen=True, kw_only=True):
    """The provider has the buyer's money. `provider_reference` is the provider's own name for the payment."""

    type_name: ClassVar[str] = "payments.payment_succeeded.v1"

    payment_id: str
    version: int
    order_id: str
    organiser_id: str
    amount: Money
    provider: str
    provider_reference: str
    succeeded_at: Time


class PaymentRefunded(Message, frozen=True, kw_only=True):
    """The provider has sent the amount back."""

    type_name: ClassVar[str] = "payments.payment_refunded.v1"

    payment_id: str
    version: int
    order_id: str
    organiser_id: str
    amount: Money
    refunded_at: Time


MESSAGES: tuple[type[Message], ...] = (PaymentSucceeded, PaymentRefunded)
