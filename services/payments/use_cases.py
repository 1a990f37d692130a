"""What buyers, orders and providers ask of payments: one function for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.checkout import OrderToken
from contracts.orders import OrderRefunding
from services.payments import domain, ledger, repository
from services.payments.domain import (
    AlreadyPaid,
    Attempt,
    AttemptState,
    ExtraCapture,
    OrderExpired,
    OrderNotYours,
    Payment,
    PaymentState,
)
from services.payments.providers import (
    ChargeRefunded,
    CheckoutClosed,
    CheckoutPaid,
    CheckoutRequest,
    Provider,
    ProviderUnavailable,
    RefundRequest,
)
from services.payments.repository import PaymentUnknown
from shared import ids


def open_checkout(order: OrderToken, person_id: str, return_url: str, provider: Provider, now: datetime) -> Payment:
    """A page to pay the order at: the open one again if there is one, a new attempt where the last came to nothing.

    The attempt is written down before the provider is asked, and the provider is asked under a key that follows from
    it: whoever comes after a crash in between, or at the same time, gets the same page. Raises OrderNotYours,
    OrderExpired, AlreadyPaid, TooManyAttempts, ProviderUnavailable, ProviderRefused.
    """
    if order.person_id != person_id:
        raise OrderNotYours("The order was made by somebody else.")
    if not order.total.amount:
        raise AlreadyPaid("The order costs nothing, so there is nothing to pay.")
    payment = _payment_for(order, return_url, provider, now)
    attempt = payment.attempt
    if attempt.state is AttemptState.OPEN:
        payment = _looked_at(payment, provider, now)
    payment = repository.change_payment(payment.payment_id, lambda stored: domain.retry(stored, return_url, now), now)
    attempt = payment.attempt
    if attempt.state is not AttemptState.PREPARED:
        return payment
    checkout = provider.open_checkout(
        CheckoutRequest(
            payment_id=payment.payment_id,
            attempt=attempt.number,
            amount=payment.amount,
            description=payment.description,
            return_url=attempt.return_url,
        )
    )
    return repository.change_payment(
        payment.payment_id,
        lambda stored: domain.checkout_opened(stored, attempt.number, checkout.checkout_id, checkout.url),
        now,
    )


def _payment_for(order: OrderToken, return_url: str, provider: Provider, now: datetime) -> Payment:
    """The order's payment, made if absent; only a payment that is not there yet is refused for its time here."""
    payment_id = ids.same_body("pay", order.order_id)
    if now >= order.expires_at:
        known = repository.find_payment(payment_id)
        if known is None:
            raise OrderExpired("The time to pay this order is over.")
        return known
    return repository.put_if_absent(
        Payment(
            payment_id=payment_id,
            event_id=order.event_id,
            organiser_id=order.organiser_id,
            person_id=order.person_id,
            amount=order.total,
            description=order.event_name,
            pay_until=order.expires_at,
            provider=provider.name,
            attempts=(Attempt(number=1, return_url=return_url),),
        ),
        now,
    )


def _looked_at(payment: Payment, provider: Provider, now: datetime) -> Payment:
    """The payment after asking the provider how its open page stands: its webhook may be late, and buyers are not."""
    attempt = payment.attempt
    if attempt.checkout_id is None:
        return payment
    try:
        state = provider.look_at_checkout(attempt.checkout_id)
    except ProviderUnavailable:
        # The page we know of is a better answer than none.
        return payment
    if state is AttemptState.PAID:
        raise AlreadyPaid("This order has been paid; the confirmation is on its way.")
    if state not in domain.CLOSED:
        return payment
    return repository.change_payment(
        payment.payment_id, lambda stored: domain.checkout_closed(stored, attempt.number, state), now
    )


def show_payment(payment_id: str, person_id: str, organisers: list[str]) -> Payment:
    """A payment, for its buyer and those who look after the organiser's orders. Raises PaymentUnknown for others."""
    payment = repository.find_payment(payment_id) if ids.is_id("pay", payment_id) else None
    if payment is None or (payment.person_id != person_id and payment.organiser_id not in organisers):
        raise PaymentUnknown("There is no such payment.")
    return payment


def take_webhook(headers: Mapping[str, str], body: bytes, provider: Provider, now: datetime) -> bool:
    """Act on what the provider says; False when it is of no interest here.

    Nothing is acknowledged before all that follows from it is done, an extra charge's refund included: the provider's
    redelivery is what carries on after a crash. Raises WebhookForged, WebhookMalformed, PaymentUnknown,
    ProviderUnavailable, ProviderRefused.
    """
    fact = provider.read_webhook(headers, body, now)
    match fact:
        case CheckoutPaid():
            _take_capture(fact, now)
            extra = repository.find_extra(fact.payment_id, fact.capture.reference)
            if extra is not None:
                _give_back(extra, provider)
        case CheckoutClosed(payment_id=payment_id, attempt=number, outcome=outcome):
            _require_id(payment_id)
            repository.change_payment(payment_id, lambda payment: domain.checkout_closed(payment, number, outcome), now)
        case ChargeRefunded():
            # The charge's own webhook may come later than its refund's, so the charge is taken in first.
            _take_capture(fact, now)
            _take_refund(fact, now)
        case None:
            return False
    return True


def refund_payment(message: OrderRefunding, provider: Provider, now: datetime) -> None:
    """The order wants all the money back that its payment brought.

    The refund is done when the provider's webhook says so; until then the queue brings this again after every failure,
    under the same key. Raises PaymentUnknown, TooEarly, ProviderUnavailable, ProviderRefused.
    """
    _require_id(message.payment_id)
    payment = repository.change_payment(message.payment_id, domain.ask_refund, now)
    if payment.state is not PaymentState.REFUNDING or payment.capture is None:
        return
    provider.refund(
        RefundRequest(
            payment_id=payment.payment_id,
            charge=payment.capture.reference,
            amount=domain.left_to_refund(payment.capture, payment.refunded),
        )
    )


def _take_capture(fact: CheckoutPaid | ChargeRefunded, now: datetime) -> None:
    _require_id(fact.payment_id)
    capture = fact.capture

    def entry(payment: Payment) -> ledger.Entry:
        return ledger.capture_entry(
            charge=capture.reference, amount=capture.amount, at=capture.captured_at, **_accounts(payment)
        )

    repository.enter(fact.payment_id, entry, lambda payment: domain.take_capture(payment, fact.attempt, capture), now)


def _take_refund(fact: ChargeRefunded, now: datetime) -> None:
    refund = fact.refund

    def entry(payment: Payment) -> ledger.Entry:
        return ledger.refund_entry(
            refund=refund.reference, amount=refund.amount, at=refund.refunded_at, **_accounts(payment)
        )

    payment = repository.find_payment(fact.payment_id)
    if payment is None or payment.capture is None:
        raise PaymentUnknown(f"There is no payment {fact.payment_id} with a charge.")
    if payment.capture.reference == fact.capture.reference:
        repository.enter(fact.payment_id, entry, lambda stored: domain.take_refund(stored, refund), now)
    else:
        repository.enter_extra_refund(fact.payment_id, fact.capture.reference, refund.amount, entry(payment), now)


def _give_back(extra: ExtraCapture, provider: Provider) -> None:
    if not extra.is_back:
        amount = domain.left_to_refund(extra.capture, extra.refunded)
        provider.refund(RefundRequest(payment_id=extra.payment_id, charge=extra.capture.reference, amount=amount))


def _accounts(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "organiser_id": payment.organiser_id,
        "provider": payment.provider,
    }


def _require_id(payment_id: str) -> None:
    if not ids.is_id("pay", payment_id):
        raise PaymentUnknown("There is no such payment.")
