"""A payment, its attempts and its money: what follows from each fact, in every order."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from contracts.payments import PaymentRefunded, PaymentSucceeded
from services.payments import domain
from services.payments.domain import (
    ATTEMPTS_MAX,
    AlreadyPaid,
    AttemptState,
    Change,
    ExtraCapture,
    OrderExpired,
    Payment,
    PaymentState,
    ReturnUrlForeign,
    TooEarly,
    TooManyAttempts,
)
from shared.money import Money
from tests.unit.payments.sample_payment import AMOUNT, NOW, PAY_UNTIL, RETURN_URL, capture, open_payment, refund

PUBLIC_URL = "http://127.0.0.1:8000"


def changed(outcome: object) -> Payment:
    assert isinstance(outcome, Change)
    return outcome.payment


def payment_in(state: PaymentState) -> Payment:
    payment = changed(domain.checkout_opened(open_payment(), 1, "chk_1", "http://company/chk_1"))
    if state is PaymentState.OPEN:
        return payment
    succeeded = changed(domain.take_capture(payment, 1, capture()))
    if state is PaymentState.SUCCEEDED:
        return succeeded
    refunding = changed(domain.ask_refund(succeeded))
    if state is PaymentState.REFUNDING:
        return refunding
    return changed(domain.take_refund(refunding, refund()))


@pytest.mark.parametrize("state", list(PaymentState))
def test_the_sample_states_are_what_they_are_called(state: PaymentState) -> None:
    assert payment_in(state).state is state


def test_money_that_comes_in_is_announced_with_what_was_taken() -> None:
    outcome = domain.take_capture(payment_in(PaymentState.OPEN), 1, capture(amount=Money(1, "USD")))
    assert isinstance(outcome, Change)
    assert outcome.announce == PaymentSucceeded.type_name
    assert outcome.payment.capture == capture(amount=Money(1, "USD"))
    assert outcome.payment.attempt.state is AttemptState.PAID


@pytest.mark.parametrize("state", [PaymentState.SUCCEEDED, PaymentState.REFUNDING, PaymentState.REFUNDED])
def test_the_same_charge_twice_is_once_and_another_one_is_extra(state: PaymentState) -> None:
    payment = payment_in(state)
    assert domain.take_capture(payment, 1, capture()) is None
    extra = domain.take_capture(payment, 2, capture("chg_2"))
    assert isinstance(extra, ExtraCapture)
    assert extra.capture.reference == "chg_2"
    assert not extra.is_back
    assert domain.left_to_refund(extra.capture, extra.refunded) == AMOUNT


def test_a_closed_attempt_that_turns_out_to_be_paid_counts() -> None:
    closed = changed(domain.checkout_closed(payment_in(PaymentState.OPEN), 1, AttemptState.EXPIRED))
    second = changed(domain.retry(closed, RETURN_URL, NOW))
    paid = changed(domain.take_capture(second, 1, capture()))
    assert paid.state is PaymentState.SUCCEEDED
    assert [attempt.state for attempt in paid.attempts] == [AttemptState.PAID, AttemptState.PREPARED]
    with pytest.raises(AlreadyPaid):
        domain.retry(paid, RETURN_URL, NOW)


@pytest.mark.parametrize("outcome", domain.CLOSED)
def test_only_a_closed_attempt_is_followed_by_another(outcome: AttemptState) -> None:
    payment = payment_in(PaymentState.OPEN)
    assert domain.retry(payment, RETURN_URL, NOW) is None
    closed = changed(domain.checkout_closed(payment, 1, outcome))
    again = changed(domain.retry(closed, RETURN_URL, NOW))
    assert again.attempt.number == 2
    assert again.attempt.state is AttemptState.PREPARED
    assert domain.retry(again, RETURN_URL, NOW) is None


def test_a_prepared_attempt_is_used_and_not_followed_by_another() -> None:
    assert domain.retry(open_payment(), RETURN_URL, NOW) is None


@pytest.mark.parametrize("state", [PaymentState.SUCCEEDED, PaymentState.REFUNDING, PaymentState.REFUNDED])
def test_what_is_paid_cannot_be_paid_again(state: PaymentState) -> None:
    with pytest.raises(AlreadyPaid):
        domain.retry(payment_in(state), RETURN_URL, NOW)


def test_time_and_patience_end() -> None:
    payment = payment_in(PaymentState.OPEN)
    with pytest.raises(OrderExpired):
        domain.retry(payment, RETURN_URL, PAY_UNTIL)
    for _ in range(ATTEMPTS_MAX - 1):
        payment = changed(domain.checkout_closed(payment, payment.attempt.number, AttemptState.DECLINED))
        payment = changed(domain.retry(payment, RETURN_URL, PAY_UNTIL - timedelta(milliseconds=1)))
    payment = changed(domain.checkout_closed(payment, ATTEMPTS_MAX, AttemptState.DECLINED))
    with pytest.raises(TooManyAttempts):
        domain.retry(payment, RETURN_URL, NOW)


def test_a_page_that_closed_before_it_was_noted_stays_closed() -> None:
    closed = changed(domain.checkout_closed(open_payment(), 1, AttemptState.CANCELLED))
    noted = changed(domain.checkout_opened(closed, 1, "chk_1", "http://company/chk_1"))
    assert noted.attempt.state is AttemptState.CANCELLED
    assert noted.attempt.checkout_id == "chk_1"
    assert domain.checkout_opened(noted, 1, "chk_2", "http://company/chk_2") is None


@pytest.mark.parametrize("number", [0, 2, -1])
def test_an_attempt_nobody_knows_closes_nothing(number: int) -> None:
    assert domain.checkout_closed(payment_in(PaymentState.OPEN), number, AttemptState.EXPIRED) is None


def test_a_paid_attempt_does_not_close() -> None:
    assert domain.checkout_closed(payment_in(PaymentState.SUCCEEDED), 1, AttemptState.EXPIRED) is None


def test_a_refund_is_asked_for_once_and_never_before_the_money() -> None:
    with pytest.raises(TooEarly):
        domain.ask_refund(payment_in(PaymentState.OPEN))
    with pytest.raises(TooEarly):
        domain.take_refund(payment_in(PaymentState.OPEN), refund())
    assert domain.ask_refund(payment_in(PaymentState.REFUNDING)) is None
    assert domain.ask_refund(payment_in(PaymentState.REFUNDED)) is None


@pytest.mark.parametrize("state", [PaymentState.SUCCEEDED, PaymentState.REFUNDING])
def test_it_is_refunded_when_all_of_it_went_back(state: PaymentState) -> None:
    part = domain.take_refund(payment_in(state), refund(Money(4000, "USD")))
    assert part.announce is None
    assert part.payment.state is state
    assert part.payment.capture is not None
    assert domain.left_to_refund(part.payment.capture, part.payment.refunded) == Money(5000, "USD")
    rest = domain.take_refund(part.payment, refund(Money(5000, "USD"), "rfd_2"))
    assert rest.announce == PaymentRefunded.type_name
    assert rest.payment.state is PaymentState.REFUNDED
    assert rest.payment.refunded == AMOUNT


def test_every_change_is_a_new_version() -> None:
    payment = open_payment()
    assert changed(domain.take_capture(payment, 1, capture())).version == payment.version + 1
    assert msgspec.structs.replace(payment, version=9).version == 9


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8000/thanks?order=1#top",
        "HTTP://127.0.0.1:8000/",
        "http://127.0.0.1:8000",
    ],
)
def test_addresses_of_our_own_origin_are_taken(address: str) -> None:
    assert domain.check_return_url(address, PUBLIC_URL, "ord_1") == address


def test_without_an_address_the_order_s_page_is_it() -> None:
    assert domain.check_return_url(None, PUBLIC_URL + "/", "ord_1") == f"{PUBLIC_URL}/orders/ord_1"


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:8000/",
        "http://127.0.0.1:8001/",
        "http://127.0.0.1/",
        "http://evil.example/",
        "http://127.0.0.1:8000@evil.example/",
        "http://127.0.0.1:8000\\@evil.example/",
        "http://127.0.0.1:8000.evil.example/",
        "http://127.0.0.1:80x0/",
        "//127.0.0.1:8000/",
        "/thanks",
        "javascript:alert(1)",
        "http://127.0.0.1:8000/\nSet-Cookie: a",
        "http://127.0.0.1:8000/" + "a" * 1000,
        "",
    ],
)
def test_addresses_elsewhere_are_refused(address: str) -> None:
    with pytest.raises(ReturnUrlForeign):
        domain.check_return_url(address, PUBLIC_URL, "ord_1")
