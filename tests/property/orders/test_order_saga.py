"""An order under a storm of messages: twice, late, in any order, with a crash at any write.

The world around the order is a model of its own that shares no code with the service: payments that bring and give back
money, reservations that decide once for each hold. What the order's row announces is read from the table after every
step, as its stream would show it. Whatever happens, when all messages have been delivered a paid order is confirmed or
its money is back, never both and never neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.hold import HeldPlace, HoldLine, HoldToken
from contracts.orders import OrderCancelled, OrderConfirmed, OrderPaid, OrderRefunded, OrderRefunding
from contracts.payments import PaymentRefunded, PaymentSucceeded
from contracts.reservations import HoldConfirmed, HoldRefused
from contracts.sale import Buyer
from services.orders import domain, repository, use_cases
from services.orders.announcements import BUILDERS
from services.orders.domain import NotCancellable, Order, OrderState, TooEarly
from shared import clock, ids
from shared.data import plain, transport
from shared.messaging import Message
from shared.money import Money
from tests.property.crashes import Crash, crash_at_write

PRICE = Money(4500, "USD")
BUYER = Buyer(person_id=ids.new_id("per"), email="bea.buyer@example.com", name="Bea Buyer")
# From where to where an order may go, as DESIGN has it; a refund may come before its payment is known.
STEPS = {
    "pending": {"paid", "cancelled", "refunding", "refunded"},
    "paid": {"confirmed", "refunding", "refunded"},
    "confirmed": {"refunded"},
    "cancelled": {"refunding", "refunded"},
    "refunding": {"refunded"},
    "refunded": set(),
}


@dataclass
class Purse:
    """One payment as the world knows it: what it took from the buyer and what it gave back."""

    payment_id: str
    taken: int = 0
    returned: int = 0


@dataclass
class World:
    """What is true outside the order: money, and the one decision about the hold."""

    purses: list[Purse]
    places_are_there: bool
    in_the_air: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    announced: dict[str, Message] = field(default_factory=dict)

    def say(self, message: Message) -> None:
        """Sends a message on its way."""
        self.in_the_air.append(message)
        self.said.append(message)


def new_hold(price: Money = PRICE) -> HoldToken:
    line = HoldLine(
        pool_id=ids.new_id("pol"),
        ticket_type_id=ids.new_id("tty"),
        ticket_type_name="Standard",
        price=price,
        places=(HeldPlace(0, 0), HeldPlace(0, 1)),
    )
    return HoldToken(
        hold_id=ids.new_id("hld"),
        event_id=ids.new_id("evt"),
        event_name="A concert",
        organiser_id=ids.new_id("org"),
        person_id=BUYER.person_id,
        lines=(line,),
        total=price * 2,
        expires_at=clock.now() + timedelta(minutes=10),
    )


class OrderUnderStorm(RuleBasedStateMachine):
    """One order, two payments, and messages in any order."""

    # Most stories leave out what ends them early, or few orders would live to be confirmed.
    @initialize(
        places_are_there=st.booleans(),
        mood=st.sampled_from(["calm", "calm", "cancels", "refunds", "both"]),
        free=st.sampled_from([False, False, True]),
    )
    def order_is_placed(self, places_are_there: bool, mood: str, free: bool) -> None:
        self.cancels, self.refunds = mood in ("cancels", "both"), mood in ("refunds", "both")
        self.free = free
        self.order = use_cases.place_order(new_hold(Money(0, "USD") if free else PRICE), BUYER, clock.now())
        self.world = World([Purse(ids.new_id("pay")), Purse(ids.new_id("pay"))], places_are_there)
        self.path = ["paid" if free else "pending"]
        self.overhear()

    @rule(amount=st.sampled_from([9000, 9000, 9000, 9000, 1]))
    @precondition(lambda self: not all(purse.taken for purse in self.world.purses))
    def buyer_pays(self, amount: int) -> None:
        purse = next(purse for purse in self.world.purses if not purse.taken)
        purse.taken = amount
        self.world.say(
            PaymentSucceeded(
                payment_id=purse.payment_id,
                version=2,
                order_id=self.order.order_id,
                organiser_id=self.order.organiser_id,
                amount=Money(amount, "USD"),
                provider="test",
                provider_reference=f"chg_{purse.payment_id}",
                succeeded_at=clock.now(),
            )
        )

    @rule(which=st.sampled_from([0, 1]))
    @precondition(lambda self: self.refunds and any(purse.taken for purse in self.world.purses))
    def organiser_refunds_at_the_company(self, which: int) -> None:
        self.give_back(self.world.purses[which])

    @rule(crash=st.none() | st.tuples(st.integers(0, 2), st.booleans()))
    @precondition(lambda self: self.cancels)
    def buyer_cancels(self, crash: tuple[int, bool] | None) -> None:
        def cancel() -> None:
            try:
                use_cases.cancel_order(self.order.order_id, BUYER.person_id, clock.now())
            except NotCancellable:
                assert self.stored().payment_id is not None

        self.perhaps_crashing(cancel, crash)

    @rule(data=st.data(), keep=st.booleans(), crash=st.none() | st.tuples(st.integers(0, 2), st.booleans()))
    @precondition(lambda self: self.world.in_the_air)
    def a_message_arrives(self, data: st.DataObject, keep: bool, crash: tuple[int, bool] | None) -> None:
        place = data.draw(st.integers(0, len(self.world.in_the_air) - 1))
        message = self.world.in_the_air[place]
        delivered = self.perhaps_crashing(lambda: self.deliver(message), crash)
        if delivered and not keep:
            self.world.in_the_air.remove(message)

    @rule(data=st.data())
    @precondition(lambda self: self.world.said)
    def an_old_message_arrives_again(self, data: st.DataObject) -> None:
        self.deliver(self.world.said[data.draw(st.integers(0, len(self.world.said) - 1))])

    @invariant()
    def no_more_goes_back_than_came_in(self) -> None:
        for purse in self.world.purses:
            assert purse.returned <= purse.taken

    @invariant()
    def it_moves_only_where_an_order_may_go(self) -> None:
        state = self.stored().state.value
        if state != self.path[-1]:
            # A step may be skipped over by the look, never by the order: each look follows one delivery.
            assert state in STEPS[self.path[-1]], self.path
            self.path.append(state)

    def teardown(self) -> None:
        """Delivers what is left until nothing new is said, then everything ever said once more, the latest first."""
        if not hasattr(self, "world"):
            return
        self.settle()
        self.account()
        self.world.in_the_air = self.world.said[::-1]
        self.settle()
        self.account()

    def settle(self) -> None:
        for _ in range(50):
            waiting, self.world.in_the_air = self.world.in_the_air, []
            if not waiting:
                return
            for message in waiting:
                if not self.deliver(message):
                    self.world.in_the_air.append(message)
                self.it_moves_only_where_an_order_may_go()
        assert self.world.in_the_air == [], "messages are left that nobody takes"

    def account(self) -> None:
        order = self.stored()
        kept = sum(purse.taken - purse.returned for purse in self.world.purses)
        taken = sum(purse.taken for purse in self.world.purses)
        types = [type(message) for message in self.world.announced.values()]
        if order.state is OrderState.CONFIRMED:
            assert kept == order.total.amount
            assert self.world.places_are_there
            assert OrderRefunded not in types
        else:
            assert kept == 0, "money was kept for an order that was not confirmed"
            # An order for nothing needs no payment to be paid, and so it ends one way or the other in any case.
            assert order.state is (OrderState.REFUNDED if taken or self.free else order.state)
            assert order.state in (OrderState.PENDING, OrderState.CANCELLED, OrderState.REFUNDED)
        assert types.count(OrderConfirmed) <= 1
        assert types.count(OrderPaid) <= 1

    def perhaps_crashing(self, action: Any, crash: tuple[int, bool] | None) -> bool:
        """Does it, or dies in the middle; False when it has to be brought again."""
        if crash is None:
            outcome = action()
        else:
            number, done = crash
            try:
                with crash_at_write(number, done=done):
                    outcome = action()
            except Crash:
                outcome = False
        self.overhear()
        return outcome is not False

    def deliver(self, message: Message) -> bool:
        """Brings a message to whom it is for; False when it is refused for now."""
        now = clock.now()
        try:
            match message:
                case PaymentSucceeded():
                    use_cases.take_payment(message, now)
                case PaymentRefunded():
                    use_cases.take_refund(message, now)
                case HoldConfirmed():
                    use_cases.take_confirmation(message, now)
                case HoldRefused():
                    use_cases.take_refusal(message, now)
                case OrderPaid():
                    self.decide(message)
                case OrderRefunding():
                    asked = [purse for purse in self.world.purses if purse.payment_id == message.payment_id]
                    assert asked, "money is to go back that never came in"
                    purse = asked[0]
                    assert message.amount.amount == purse.taken
                    self.give_back(purse)
                case OrderCancelled() | OrderConfirmed() | OrderRefunded():
                    pass
        except TooEarly:
            return False
        finally:
            self.overhear()
        return True

    def decide(self, paid: OrderPaid) -> None:
        """Reservations: one decision for a hold, told again as often as it is asked."""
        common = {
            "hold_id": paid.hold_id,
            "order_id": paid.order_id,
            "event_id": paid.event_id,
            "organiser_id": paid.organiser_id,
        }
        if self.world.places_are_there:
            answer: Message = HoldConfirmed(
                buyer=paid.buyer,
                places=paid.places,
                total=paid.total,
                payment_id=paid.payment_id,
                confirmed_at=paid.paid_at,
                **common,
            )
        else:
            answer = HoldRefused(reason="places_taken", refused_at=paid.paid_at, **common)
        self.world.say(answer)

    def give_back(self, purse: Purse) -> None:
        """The payment company: all of it once, told again as often as it is asked."""
        if not purse.taken:
            return
        purse.returned = purse.taken
        self.world.say(
            PaymentRefunded(
                payment_id=purse.payment_id,
                version=4,
                order_id=self.order.order_id,
                organiser_id=self.order.organiser_id,
                amount=Money(purse.taken, "USD"),
                refunded_at=self.order.placed_at,
            )
        )

    def overhear(self) -> None:
        """Takes in what the rows announce now, as the relay would from the stream."""
        request = {
            "TableName": repository.OrderRow.table_name(),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": self.order.order_id}},
            "ConsistentRead": True,
        }
        for item in transport.send("Query", request)["Items"]:
            image = plain.from_item(item)
            for type_name in image["outbox"]["types"]:
                key = f"{image['sk']}|{image['outbox']['version']}|{type_name}"
                if key not in self.world.announced:
                    message = BUILDERS[type_name](image)
                    self.world.announced[key] = message
                    self.world.say(message)

    def stored(self) -> Order:
        found = repository.find_order(self.order.order_id)
        assert found is not None
        return found.order


STORM = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
    database=None,
)


def test_a_paid_order_ends_in_its_confirmation_or_in_its_money_back() -> None:
    run_state_machine_as_test(OrderUnderStorm, settings=STORM)


def ignore_second_payment(order: Order, payment_id: str, amount: Money, at: Any) -> Any:
    outcome = RIGHT["receive_payment"](order, payment_id, amount, at)
    return None if isinstance(outcome, domain.ExtraPayment) else outcome


def confirm_whatever_the_state(order: Order, places: Any, at: Any) -> Any:
    paid = msgspec.structs.replace(order, state=OrderState.PAID)
    return RIGHT["confirm"](paid, places, at) if order.payment_id else None


def take_any_amount(order: Order, payment_id: str, amount: Money, at: Any) -> Any:
    return RIGHT["receive_payment"](order, payment_id, order.total, at)


def forget_late_payments(order: Order, payment_id: str, amount: Money, at: Any) -> Any:
    return None if order.state is OrderState.CANCELLED else RIGHT["receive_payment"](order, payment_id, amount, at)


def wait_for_nothing(order: Order) -> Any:
    return None


def give_nothing_back(order: Order, reason: str, at: Any) -> Any:
    return RIGHT["refuse"](msgspec.structs.replace(order, captured=PRICE), reason, at)


RIGHT: dict[str, Any] = {
    "receive_payment": domain.receive_payment,
    "confirm": domain.confirm,
    "refuse": domain.refuse,
}


@pytest.mark.parametrize(
    ("guard", "broken"),
    [
        pytest.param("receive_payment", ignore_second_payment, id="a second payment is ignored"),
        pytest.param("receive_payment", take_any_amount, id="any amount pays"),
        pytest.param("receive_payment", forget_late_payments, id="a payment for a cancelled order is forgotten"),
        pytest.param("confirm", confirm_whatever_the_state, id="a confirmation counts in every state"),
        pytest.param("place", wait_for_nothing, id="an order for nothing waits to be paid"),
        pytest.param("refuse", give_nothing_back, id="of an order for nothing, money goes back"),
    ],
)
def test_without_the_guard_the_storm_finds_it_out(guard: str, broken: Any) -> None:
    """The negative controls: each guard of the domain taken out in turn, met by the same storms every time."""
    with mock.patch.object(domain, guard, broken), pytest.raises(AssertionError):
        run_state_machine_as_test(OrderUnderStorm, settings=settings(STORM, max_examples=200, derandomize=True))
