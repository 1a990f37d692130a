"""The provider port: what payments needs of a payment company, in this service's own words.

An adapter turns its company's API and webhooks into these. Every call that moves money carries a key under which the
company does it once, because the answer to any of them may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from services.payments.domain import AttemptState, Capture, Refund
from shared.money import Money


class ProviderError(Exception):
    """The provider did not do what it was asked."""


class ProviderUnavailable(ProviderError):
    """No usable answer came. Whether it was done is not known: ask again with the same key."""


class ProviderRefused(ProviderError):
    """The provider understood and said no; asking again as it is will not help."""


class WebhookForged(Exception):
    """The webhook's signature is missing, wrong or too old. What it says was not even read."""


class WebhookMalformed(Exception):
    """The webhook is the provider's, but does not say what it must."""


class CheckoutRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A page to be opened for one attempt of a payment."""

    payment_id: str
    attempt: int
    amount: Money
    description: str
    return_url: str

    @property
    def key(self) -> str:
        """The same for every call for this attempt, so that they all get the same page."""
        return f"{self.payment_id}#{self.attempt}"


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """The provider's page."""

    checkout_id: str
    url: str


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Money of one charge to be given back."""

    payment_id: str
    charge: str
    amount: Money

    @property
    def key(self) -> str:
        """The same for every call that asks for this much of this charge."""
        return f"{self.payment_id}#{self.charge}#{self.amount.amount}"


class CheckoutPaid(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says: an attempt brought money."""

    payment_id: str
    attempt: int
    capture: Capture


class CheckoutClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says: an attempt came to nothing."""

    payment_id: str
    attempt: int
    outcome: AttemptState


class ChargeRefunded(msgspec.Struct, frozen=True, kw_only=True):
    """The provider says: money of a charge went back. Carries the charge too: its own webhook may come later."""

    payment_id: str
    attempt: int
    capture: Capture
    refund: Refund


Fact = CheckoutPaid | CheckoutClosed | ChargeRefunded


class Provider(Protocol):
    """A payment company."""

    name: str

    def open_checkout(self, request: CheckoutRequest) -> Checkout:
        """The page for an attempt, made on the first call. Raises ProviderUnavailable, ProviderRefused."""

    def look_at_checkout(self, checkout_id: str) -> AttemptState:
        """How a page stands now. Raises ProviderUnavailable, ProviderRefused."""

    def refund(self, request: RefundRequest) -> str:
        """Give money back; answers the provider's name for the refund. Raises ProviderUnavailable, ProviderRefused."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Fact | None:
        """What a webhook says, None when it is of no interest here. Raises WebhookForged, WebhookMalformed."""
