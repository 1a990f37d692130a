"""What messages do to an order on a real table: twice, late, in any order, at the same time, with answers lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from contracts.hold import HoldToken
from contracts.orders import OrderPaid, OrderRefunding
from contracts.payments import PaymentRefunded, PaymentSucceeded
from contracts.reservations import HoldConfirmed, HoldRefused
from contracts.sale import Buyer
from services.orders import domain, repository, use_cases
from services.orders.app import consume
from services.orders.domain import Change, NotCancellable, Order, OrderState, TooEarly
from shared import clock, ids
from shared.data import StaleVersion, fetch, replace, transport, wire
from shared.messaging import Message
from shared.messaging.message import Envelope
from shared.money import Money

MakeHold = Callable[..., HoldToken]


@pytest.fixture
def order(make_hold: MakeHold, buyer: Buyer) -> Order:
    """A new order."""
    return use_cases.place_order(make_hold(), buyer, clock.now())


def succeeded(order: Order, payment_id: str | None = None, amount: Money | None = None) -> PaymentSucceeded:
    return PaymentSucceeded(
        payment_id=payment_id or ids.same_body("pay", order.order_id),
        version=3,
        order_id=order.order_id,
        organiser_id=order.organiser_id,
        amount=amount or order.total,
        provider="test",
        provider_reference="chg_1",
        succeeded_at=clock.now(),
    )


def refunded(order: Order, payment_id: str | None = None) -> PaymentRefunded:
    return PaymentRefunded(
        payment_id=payment_id or ids.same_body("pay", order.order_id),
        version=5,
        order_id=order.order_id,
        organiser_id=order.organiser_id,
        amount=order.total,
        refunded_at=clock.now(),
    )


def confirmed(order: Order) -> HoldConfirmed:
    return HoldConfirmed(
        hold_id=order.hold_id,
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=order.places,
        total=order.total,
        payment_id=ids.same_body("pay", order.order_id),
        confirmed_at=clock.now(),
    )


def refused(order: Order) -> HoldRefused:
    return HoldRefused(
        hold_id=order.hold_id,
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        reason="places_taken",
        refused_at=clock.now(),
    )


def delivered(*messages: Message) -> list[str]:
    """Brings messages through the app's own trigger; the ids of the records that are to come again."""
    records = []
    for number, message in enumerate(messages):
        envelope = Envelope(
            id=f"test|{number}",
            type=message.type_name,
            time=clock.now(),
            source="test",
            subject="test",
            data=msgspec.Raw(msgspec.json.encode(message)),
        )
        body = msgspec.json.encode(envelope).decode()
        records.append({"messageId": str(number), "body": body, "attributes": {}, "receiptHandle": "r"})
    answer = consume({"Records": records}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def now(order: Order) -> Order:
    found = repository.find_order(order.order_id)
    assert found is not None
    return found.order


def test_a_sale(order: Order) -> None:
    assert delivered(succeeded(order), confirmed(order)) == []
    assert now(order).state is OrderState.CONFIRMED
    assert now(order).version == 3


def test_everything_twice_is_everything_once(order: Order) -> None:
    messages = (succeeded(order), confirmed(order))
    assert delivered(*messages, *messages, *reversed(messages)) == []
    assert (now(order).state, now(order).version) == (OrderState.CONFIRMED, 3)


def test_a_confirmation_before_the_payment_comes_again(order: Order) -> None:
    assert delivered(confirmed(order), succeeded(order)) == ["0"]
    assert delivered(confirmed(order)) == []
    assert now(order).state is OrderState.CONFIRMED


def test_a_refusal_gives_the_money_back(order: Order) -> None:
    assert delivered(succeeded(order), refused(order)) == []
    assert now(order).state is OrderState.REFUNDING
    assert delivered(refunded(order), refused(order), confirmed(order)) == []
    assert (now(order).state, now(order).refund_reason) == (OrderState.REFUNDED, "places_taken")


def test_a_refund_before_its_payment(order: Order) -> None:
    assert delivered(refunded(order), succeeded(order)) == []
    assert now(order).state is OrderState.REFUNDED


def test_a_message_for_an_order_nobody_knows_comes_again(order: Order) -> None:
    stranger = msgspec.structs.replace(succeeded(order), order_id=ids.new_id("ord"))
    assert delivered(stranger, succeeded(order)) == ["0"]
    assert now(order).state is OrderState.PAID


def test_a_second_payment_goes_back_and_the_order_does_not_notice(order: Order) -> None:
    second = ids.new_id("pay")
    assert delivered(succeeded(order), succeeded(order, second), succeeded(order, second)) == []
    assert now(order).version == 2
    extra = repository.find_extra(order.order_id, second)
    assert extra is not None
    assert (extra.state, extra.amount, extra.version) == (OrderState.REFUNDING, order.total, 1)
    row = fetch(repository.ExtraPaymentRow, order.order_id, f"extra#{second}")
    assert row is not None
    assert row.outbox["types"] == [OrderRefunding.type_name]
    assert delivered(refunded(order, second), refunded(order, second), succeeded(order, second)) == []
    extra = repository.find_extra(order.order_id, second)
    assert extra is not None
    assert (extra.state, extra.version) == (OrderState.REFUNDED, 2)
    assert delivered(confirmed(order)) == []
    assert now(order).state is OrderState.CONFIRMED


def test_a_second_payment_whose_refund_is_heard_of_first_is_not_refunded_again(order: Order) -> None:
    second = ids.new_id("pay")
    assert delivered(succeeded(order), refunded(order, second), succeeded(order, second)) == []
    row = fetch(repository.ExtraPaymentRow, order.order_id, f"extra#{second}")
    assert row is not None
    assert row.outbox["types"] == []
    assert row.state == OrderState.REFUNDED


def test_a_wrong_amount_goes_back(order: Order) -> None:
    assert delivered(succeeded(order, amount=Money(1, "EUR"))) == []
    assert (now(order).state, now(order).captured) == (OrderState.REFUNDING, Money(1, "EUR"))


def test_the_payment_and_the_cancellation_race_and_one_of_them_wins(make_hold: MakeHold, buyer: Buyer) -> None:
    for _ in range(12):
        order = use_cases.place_order(make_hold(), buyer, clock.now())
        barrier = threading.Barrier(2)

        def cancel(order: Order = order, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                use_cases.cancel_order(order.order_id, buyer.person_id, clock.now())
            except NotCancellable:
                return False
            return True

        def pay(order: Order = order, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            use_cases.take_payment(succeeded(order), clock.now())

        with ThreadPoolExecutor(2) as pool:
            cancelling, paying = pool.submit(cancel), pool.submit(pay)
            paying.result()
            cancelled = cancelling.result()
        state = now(order).state
        assert state is (OrderState.REFUNDING if cancelled else OrderState.PAID)


def test_many_tries_at_once_make_one_order(make_hold: MakeHold, buyer: Buyer) -> None:
    hold = make_hold()
    barrier = threading.Barrier(8)

    def place() -> Order:
        barrier.wait()
        return use_cases.place_order(hold, buyer, clock.now())

    with ThreadPoolExecutor(8) as pool:
        orders = [future.result() for future in [pool.submit(place) for _ in range(8)]]
    assert len({(order.order_id, order.placed_at, order.version) for order in orders}) == 1


@pytest.fixture
def lose_answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the next writes happen and loses their answers on the way back."""
    carry = transport.carry
    left = [0]

    def lossy(operation: str, request: dict[str, Any], seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if left[0] and operation != "GetItem":
            left[0] -= 1
            raise wire.Lost("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "carry", lossy)

    def lose(count: int) -> None:
        left[0] = count

    return lose


def test_lost_answers_do_no_harm(make_hold: MakeHold, buyer: Buyer, lose_answers: Callable[[int], None]) -> None:
    lose_answers(1)
    order = use_cases.place_order(make_hold(), buyer, clock.now())
    for message in (succeeded(order), confirmed(order), succeeded(order, ids.new_id("pay"))):
        lose_answers(1)
        assert delivered(message) == []
    assert (now(order).state, now(order).version) == (OrderState.CONFIRMED, 3)


def test_a_change_made_without_the_version_would_undo_another(order: Order) -> None:
    """The control of the races: the row says no to whoever read it before the last change."""
    row = fetch(repository.OrderRow, order.order_id, repository.ORDER_SK)
    assert row is not None
    delivered(succeeded(order))
    row.state = OrderState.CANCELLED.value
    with pytest.raises(StaleVersion):
        replace(row, now=clock.now(), announce=(OrderPaid.type_name,))
    assert now(order).state is OrderState.PAID


def test_a_decision_is_made_anew_on_what_the_row_has_become(order: Order) -> None:
    seen: list[OrderState] = []

    def decide(current: Order) -> Change | None:
        seen.append(current.state)
        if len(seen) == 1:
            delivered(succeeded(order))
        if current.payment_id is None:
            return domain.cancel(current, clock.now())
        return domain.confirm(current, current.places, clock.now())

    changed = repository.change_order(order.order_id, decide, clock.now())
    assert seen == [OrderState.PENDING, OrderState.PAID]
    assert changed.state is OrderState.CONFIRMED


def test_who_brings_a_fact_too_early_is_told_so(order: Order) -> None:
    with pytest.raises(TooEarly):
        use_cases.take_refusal(refused(order), clock.now())
