"""A payment: the money for one order, whatever number of tries it takes.

    open → succeeded → refunding → refunded      (a refund the order did not ask for goes from succeeded to refunded)

Each try is an attempt with a checkout of its own at the provider. A closed checkout may still turn out to be paid, so
two attempts can both bring money: the first capture is the payment's, every other one is extra and goes back at once.
Facts from the provider may come twice and in any order; what is known already answers None.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from contracts.payments import PaymentRefunded, PaymentSucceeded
from shared import ids
from shared.money import Money, zero

# A buyer who was declined so often is stopped, and so is a program that tries stolen cards.
ATTEMPTS_MAX: Final = 12
RETURN_URL_LENGTH_MAX: Final = 1000
MEMBERS_WHO_SEE_PAYMENTS: Final = ("owner", "manager", "box_office")


class PaymentState(enum.StrEnum):
    """Where a payment stands."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class AttemptState(enum.StrEnum):
    """Where one try stands. `prepared` is written down, but the provider may not have been asked yet."""

    PREPARED = "prepared"
    OPEN = "open"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    PAID = "paid"


CLOSED: Final = (AttemptState.DECLINED, AttemptState.CANCELLED, AttemptState.EXPIRED)


class PaymentError(Exception):
    """What a payment refuses."""


class OrderNotYours(PaymentError):
    """The order token was given to somebody else."""


class OrderExpired(PaymentError):
    """The time to pay the order is over."""


class AlreadyPaid(PaymentError):
    """The money is in, or on its way back: there is nothing left to pay."""


class TooManyAttempts(PaymentError):
    """The payment was tried too often."""


class ReturnUrlForeign(PaymentError):
    """The return address leads to another origin than this shop's."""


class TooEarly(PaymentError):
    """A refund was asked for money that has not been seen to come in. It must be asked for again."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One try to pay, with the provider's checkout once it is known. Attempts are numbered from 1."""

    number: int
    return_url: str
    state: AttemptState = AttemptState.PREPARED
    checkout_id: str | None = None
    checkout_url: str | None = None


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """Money the provider took. `reference` is its own name for the charge."""

    reference: str
    checkout_id: str
    amount: Money
    captured_at: datetime


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money the provider gave back out of one charge. `reference` is its own name for the refund."""

    reference: str
    amount: Money
    refunded_at: datetime


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The money for one order; the payment's id is the order's with another prefix."""

    payment_id: str
    event_id: str
    organiser_id: str
    person_id: str
    amount: Money
    description: str
    pay_until: datetime
    provider: str
    attempts: tuple[Attempt, ...]
    state: PaymentState = PaymentState.OPEN
    version: int = 1
    capture: Capture | None = None
    refunded: Money | None = None
    refunded_at: datetime | None = None

    @property
    def order_id(self) -> str:
        """The order this pays for."""
        return ids.same_body("ord", self.payment_id)

    @property
    def attempt(self) -> Attempt:
        """The latest try."""
        return self.attempts[-1]


class ExtraCapture(msgspec.Struct, frozen=True, kw_only=True):
    """A charge beside the payment's own: it goes back, and the payment does not notice."""

    payment_id: str
    capture: Capture
    refunded: Money
    version: int = 1

    @property
    def is_back(self) -> bool:
        """Whether all of it was given back."""
        return not self.refunded < self.capture.amount


class Change(msgspec.Struct, frozen=True):
    """The payment as it is from now on, and the type of the message that tells the others, if any does."""

    payment: Payment
    announce: str | None = None


def _changed(payment: Payment, announce: str | None = None, **fields: object) -> Change:
    return Change(msgspec.structs.replace(payment, version=payment.version + 1, **fields), announce)


def check_return_url(return_url: str | None, public_url: str, order_id: str) -> str:
    """Where the buyer is sent after paying; the order's own page when none is named.

    Raises ReturnUrlForeign for any other origin than `public_url`'s, so that our checkout cannot send people elsewhere.
    """
    if return_url is None:
        return f"{public_url.rstrip('/')}/orders/{order_id}"
    # Browsers read a backslash as a slash and drop control characters, which can move the host.
    odd = any(not 32 < ord(letter) < 127 or letter == "\\" for letter in return_url)
    if odd or len(return_url) > RETURN_URL_LENGTH_MAX or _origin(return_url) != _origin(public_url):
        raise ReturnUrlForeign(f"The return address must be a page of {public_url}.")
    return return_url


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def retry(payment: Payment, return_url: str, now: datetime) -> Change | None:
    """Another try when the latest is closed. None when that one can still be paid.

    Raises AlreadyPaid, OrderExpired, TooManyAttempts.
    """
    if payment.state is not PaymentState.OPEN or payment.attempt.state is AttemptState.PAID:
        raise AlreadyPaid("This order has been paid.")
    if now >= payment.pay_until:
        raise OrderExpired("The time to pay this order is over.")
    if payment.attempt.state not in CLOSED:
        return None
    if len(payment.attempts) >= ATTEMPTS_MAX:
        raise TooManyAttempts("This payment was tried too often.")
    attempt = Attempt(number=payment.attempt.number + 1, return_url=return_url)
    return _changed(payment, attempts=(*payment.attempts, attempt))


def checkout_opened(payment: Payment, number: int, checkout_id: str, checkout_url: str) -> Change | None:
    """The provider has a page for that attempt. None when that is known."""
    attempt = payment.attempts[number - 1]
    if attempt.checkout_id is not None:
        return None
    state = AttemptState.OPEN if attempt.state is AttemptState.PREPARED else attempt.state
    opened = msgspec.structs.replace(attempt, state=state, checkout_id=checkout_id, checkout_url=checkout_url)
    return _changed(payment, attempts=_with(payment, opened))


def checkout_closed(payment: Payment, number: int, outcome: AttemptState) -> Change | None:
    """That attempt came to nothing. None when it is known to have ended."""
    if not 1 <= number <= len(payment.attempts):
        return None
    attempt = payment.attempts[number - 1]
    if attempt.state in CLOSED or attempt.state is AttemptState.PAID:
        return None
    return _changed(payment, attempts=_with(payment, msgspec.structs.replace(attempt, state=outcome)))


def take_capture(payment: Payment, number: int, capture: Capture) -> Change | ExtraCapture | None:
    """Money came in, maybe through a try that was given up. None when this charge is the payment's own already."""
    if payment.capture is not None:
        if payment.capture.reference == capture.reference:
            return None
        return ExtraCapture(payment_id=payment.payment_id, capture=capture, refunded=zero(capture.amount.currency))
    attempts = payment.attempts
    if 1 <= number <= len(attempts):
        attempts = _with(payment, msgspec.structs.replace(attempts[number - 1], state=AttemptState.PAID))
    return _changed(
        payment,
        PaymentSucceeded.type_name,
        state=PaymentState.SUCCEEDED,
        attempts=attempts,
        capture=capture,
        refunded=zero(capture.amount.currency),
    )


def ask_refund(payment: Payment) -> Change | None:
    """The order wants the money back. None when that is known or done. Raises TooEarly while no money was seen."""
    if payment.capture is None:
        raise TooEarly(f"No money has come in for {payment.payment_id} yet.")
    if payment.state is PaymentState.SUCCEEDED:
        return _changed(payment, state=PaymentState.REFUNDING)
    return None


def take_refund(payment: Payment, refund: Refund) -> Change:
    """Some or all of the payment's own money went back; it is refunded when all of it has.

    That the same refund is not counted twice is for the ledger to say. Raises TooEarly while no money was seen.
    """
    if payment.capture is None or payment.refunded is None:
        raise TooEarly(f"No money has come in for {payment.payment_id} yet.")
    refunded = payment.refunded + refund.amount
    if refunded < payment.capture.amount:
        return _changed(payment, refunded=refunded)
    return _changed(
        payment,
        PaymentRefunded.type_name,
        state=PaymentState.REFUNDED,
        refunded=refunded,
        refunded_at=refund.refunded_at,
    )


def left_to_refund(capture: Capture, refunded: Money | None) -> Money:
    """How much of a charge has not gone back."""
    return capture.amount - (refunded or zero(capture.amount.currency))


def _with(payment: Payment, attempt: Attempt) -> tuple[Attempt, ...]:
    return tuple(attempt if known.number == attempt.number else known for known in payment.attempts)
