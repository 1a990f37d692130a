"""Every state of an order met with every fact: what follows, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.orders import OrderCancelled, OrderConfirmed, OrderPaid, OrderRefunded, OrderRefunding
from services.orders import domain
from services.orders.domain import Change, ExtraPayment, NotCancellable, Order, OrderState, TooEarly
from shared.money import Money
from tests.unit.orders.sample_sale import (
    LATER,
    OTHER_PAYMENT_ID,
    PAY_UNTIL,
    PAYMENT_ID,
    changed,
    moved,
    order_in,
    pending_order,
)

FACTS: dict[str, Callable[[Order], Change | ExtraPayment | None]] = {
    "cancel": lambda order: domain.cancel(order, LATER),
    "pay": lambda order: domain.receive_payment(order, PAYMENT_ID, order.total, LATER),
    "pay too little": lambda order: domain.receive_payment(order, PAYMENT_ID, Money(1, "USD"), LATER),
    "pay again": lambda order: domain.receive_payment(order, OTHER_PAYMENT_ID, order.total, LATER),
    "confirm": lambda order: domain.confirm(order, order.places, LATER),
    "refuse": lambda order: domain.refuse(order, "places_taken", LATER),
    "refund": lambda order: domain.receive_refund(order, PAYMENT_ID, order.total, LATER),
    "refund again": lambda order: domain.receive_refund(order, OTHER_PAYMENT_ID, order.total, LATER),
}

PAID, CONFIRMED = (OrderState.PAID, OrderPaid.type_name), (OrderState.CONFIRMED, OrderConfirmed.type_name)
CANCELLED = (OrderState.CANCELLED, OrderCancelled.type_name)
REFUNDING = (OrderState.REFUNDING, OrderRefunding.type_name)
REFUNDED = (OrderState.REFUNDED, OrderRefunded.type_name)
NOTHING = None
EXTRA, EXTRA_BACK = "extra refunding", "extra refunded"
REFUSED, EARLY = NotCancellable, TooEarly

# One line for each state, one column for each fact, in the order of FACTS.
TABLE = {
    OrderState.PENDING: (CANCELLED, PAID, REFUNDING, PAID, EARLY, EARLY, REFUNDED, REFUNDED),
    OrderState.CANCELLED: (NOTHING, REFUNDING, REFUNDING, REFUNDING, EARLY, EARLY, REFUNDED, REFUNDED),
    OrderState.PAID: (REFUSED, NOTHING, NOTHING, EXTRA, CONFIRMED, REFUNDING, REFUNDED, EXTRA_BACK),
    OrderState.CONFIRMED: (REFUSED, NOTHING, NOTHING, EXTRA, NOTHING, NOTHING, REFUNDED, EXTRA_BACK),
    OrderState.REFUNDING: (REFUSED, NOTHING, NOTHING, EXTRA, NOTHING, NOTHING, REFUNDED, EXTRA_BACK),
    OrderState.REFUNDED: (REFUSED, NOTHING, NOTHING, EXTRA, NOTHING, NOTHING, NOTHING, EXTRA_BACK),
}
CASES = [
    pytest.param(state, fact, expected, id=f"{state}, {fact}")
    for state, line in TABLE.items()
    for fact, expected in zip(FACTS, line, strict=True)
]


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(OrderState) - {OrderState.EXPIRED}
    assert len(CASES) == 48


@pytest.mark.parametrize(("state", "fact", "expected"), CASES)
def test_what_follows(state: OrderState, fact: str, expected: object) -> None:
    order = order_in(state)
    assert order.state is state
    if isinstance(expected, type):
        with pytest.raises(expected):
            FACTS[fact](order)
        return
    outcome = FACTS[fact](order)
    if isinstance(outcome, ExtraPayment):
        assert f"extra {outcome.state}" == expected
        assert (outcome.payment_id, outcome.amount) == (OTHER_PAYMENT_ID, order.total)
        assert outcome.order_id == order.order_id
    elif isinstance(outcome, Change):
        assert (outcome.order.state, outcome.announce) == expected
        assert outcome.order.version == order.version + 1
    else:
        assert expected is NOTHING


@pytest.mark.parametrize("fact", ["cancel", "pay", "pay too little", "confirm", "refuse", "refund"])
@pytest.mark.parametrize("state", list(TABLE))
def test_a_fact_that_was_taken_in_changes_nothing_the_second_time(state: OrderState, fact: str) -> None:
    order = order_in(state)
    try:
        outcome = FACTS[fact](order)
    except (NotCancellable, TooEarly):
        outcome = None
    if outcome is None:
        return
    assert FACTS[fact](changed(outcome)) is None


def test_the_first_payment_pays_even_past_the_time_of_the_order() -> None:
    order = pending_order()
    assert order.state_at(PAY_UNTIL) is OrderState.EXPIRED
    paid = changed(domain.receive_payment(order, PAYMENT_ID, order.total, PAY_UNTIL + timedelta(hours=1)))
    assert paid.state is OrderState.PAID
    assert paid.state_at(PAY_UNTIL + timedelta(hours=1)) is OrderState.PAID


def test_expired_is_read_from_the_very_second_on_and_only_of_a_pending_order() -> None:
    order = pending_order()
    assert order.state_at(PAY_UNTIL - timedelta(milliseconds=1)) is OrderState.PENDING
    assert order.state_at(PAY_UNTIL) is OrderState.EXPIRED
    assert order_in(OrderState.CANCELLED).state_at(PAY_UNTIL) is OrderState.CANCELLED


def test_a_wrong_amount_goes_back_as_it_came() -> None:
    order = pending_order()
    refunding = changed(domain.receive_payment(order, PAYMENT_ID, Money(order.total.amount, "EUR"), LATER))
    assert refunding.state is OrderState.REFUNDING
    assert refunding.captured == Money(order.total.amount, "EUR")
    assert refunding.refund_reason == "wrong_amount"


def test_a_cancelled_order_keeps_saying_so_while_its_late_payment_goes_back() -> None:
    cancelled = order_in(OrderState.CANCELLED)
    refunding = changed(domain.receive_payment(cancelled, PAYMENT_ID, cancelled.total, LATER))
    assert refunding.refund_reason == "order_cancelled"
    assert refunding.cancelled_at == LATER
    assert domain.cancel(refunding, LATER) is None


def test_a_confirmation_may_bring_other_places() -> None:
    paid = order_in(OrderState.PAID)
    confirmed = changed(domain.confirm(paid, moved(paid), LATER))
    assert confirmed.places == moved(paid) != paid.places


def test_a_refund_of_a_confirmed_order_remembers_the_sale() -> None:
    confirmed = order_in(OrderState.CONFIRMED)
    refunded = changed(domain.receive_refund(confirmed, PAYMENT_ID, confirmed.total, LATER))
    assert refunded.confirmed_at == LATER
    assert refunded.refund_reason == "payment_refunded"


def test_a_refund_keeps_the_reason_it_was_asked_for() -> None:
    assert order_in(OrderState.REFUNDED).refund_reason == "places_taken"
