"""The states of an order, and what each fact that reaches it makes of it.

    pending → paid → confirmed          pending → cancelled
              paid → refunding → refunded
    pending, cancelled → refunding → refunded     (a payment that is wrong, or late for a cancelled order)
    paid → refunded                               (nothing was captured, so nothing has to go back first)

An order that costs nothing begins as paid: no payment will ever come for it.

Every function here takes an order and a fact and says what follows, so facts may come twice, late and in any order:
what was already taken in answers None. Nothing waits for time: an order past its time is still pending, and says so
only when it is read.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import msgspec

from contracts.orders import OrderCancelled, OrderConfirmed, OrderPaid, OrderRefunded, OrderRefunding
from contracts.sale import Buyer, PlaceSold
from shared import ids
from shared.money import Money


class OrderState(enum.StrEnum):
    """Where an order stands. `expired` is never stored: it is what a pending order past its time looks like."""

    PENDING = "pending"
    PAID = "paid"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    EXPIRED = "expired"


class RefundReason(enum.StrEnum):
    """Why orders itself gives money back; reservations' own words for a refused hold stand beside these."""

    WRONG_AMOUNT = "wrong_amount"
    ORDER_CANCELLED = "order_cancelled"
    SECOND_PAYMENT = "second_payment"
    PAYMENT_REFUNDED = "payment_refunded"


# Members who may look at the organiser's orders. Scanners see tickets at the door, and no buyer's name or e-mail.
MEMBERS_WHO_SEE_ORDERS: Final = ("owner", "manager", "box_office")


class OrderError(Exception):
    """What an order refuses."""


class HoldNotYours(OrderError):
    """The hold was made by somebody else."""


class HoldExpired(OrderError):
    """The hold has run out, so nothing is kept for the buyer any more."""


class HoldAlreadyOrdered(OrderError):
    """The hold already has an order, and it was made from another request."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"The hold already has the order {order_id}, made from a different request.")
        self.order_id = order_id
        self.extra = {"order_id": order_id}


class NotCancellable(OrderError):
    """Only an order that is not paid can be cancelled by its buyer."""


class TooEarly(OrderError):
    """A fact came before the one it follows from. Whoever brought it must bring it again."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer commits to. `pay_until` is the end of the hold; `version` counts the changes of state from 1."""

    order_id: str
    event_id: str
    organiser_id: str
    buyer: Buyer
    places: tuple[PlaceSold, ...]
    total: Money
    pay_until: datetime
    placed_at: datetime
    state: OrderState = OrderState.PENDING
    version: int = 1
    payment_id: str | None = None
    captured: Money | None = None
    refund_reason: str | None = None
    paid_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded_at: datetime | None = None

    @property
    def hold_id(self) -> str:
        """The hold this order came from: both ids are one and the same ULID."""
        return ids.same_body("hld", self.order_id)

    def state_at(self, now: datetime) -> OrderState:
        """The state as a reader should see it: a pending order past its time is expired."""
        if self.state is OrderState.PENDING and now >= self.pay_until:
            return OrderState.EXPIRED
        return self.state


class ExtraPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment beside the one the order lives on: it goes back, and the order does not notice."""

    order_id: str
    event_id: str
    organiser_id: str
    payment_id: str
    amount: Money
    state: OrderState
    version: int = 1


class Change(msgspec.Struct, frozen=True):
    """The order as it is from now on, and the type of the message that tells the others."""

    order: Order
    announce: str


def _changed(order: Order, state: OrderState, announce: str, **fields: object) -> Change:
    return Change(msgspec.structs.replace(order, state=state, version=order.version + 1, **fields), announce)


def place(order: Order) -> Change | None:
    """What a new order is at once when it costs nothing: paid, and announced so. None when there is money to wait for.

    It bears the id of the payment it would have, because everybody downstream knows a paid order by one.
    """
    if order.total.amount:
        return None
    paid = msgspec.structs.replace(
        order,
        state=OrderState.PAID,
        payment_id=ids.same_body("pay", order.order_id),
        captured=order.total,
        paid_at=order.placed_at,
    )
    return Change(paid, OrderPaid.type_name)


def cancel(order: Order, at: datetime) -> Change | None:
    """The buyer gives the order up. None when that was done before, whatever became of it since.

    Raises NotCancellable when money has come in.
    """
    if order.cancelled_at is not None:
        return None
    if order.state is not OrderState.PENDING:
        raise NotCancellable(f"An order that is {order.state} cannot be cancelled any more.")
    return _changed(order, OrderState.CANCELLED, OrderCancelled.type_name, cancelled_at=at)


def receive_payment(order: Order, payment_id: str, amount: Money, at: datetime) -> Change | ExtraPayment | None:
    """Money came in. The right amount for a pending order is tried to be confirmed, even past the order's time.

    Anything else goes back: a wrong amount, a payment for a cancelled order, a second payment (as ExtraPayment, because
    the order itself stays as it is). None when this payment is known.
    """
    if order.payment_id == payment_id:
        return None
    if order.payment_id is not None:
        return _extra(order, payment_id, amount, OrderState.REFUNDING)
    taken_in = {"payment_id": payment_id, "captured": amount, "paid_at": at}
    if order.state is OrderState.CANCELLED:
        reason = RefundReason.ORDER_CANCELLED
    elif amount != order.total:
        reason = RefundReason.WRONG_AMOUNT
    else:
        return _changed(order, OrderState.PAID, OrderPaid.type_name, **taken_in)
    return _changed(order, OrderState.REFUNDING, OrderRefunding.type_name, refund_reason=reason.value, **taken_in)


def confirm(order: Order, places: tuple[PlaceSold, ...], at: datetime) -> Change | None:
    """The places are the buyer's for good. They may differ from those ordered, where any place of a pool will do.

    None when that is known, or when the money is on its way back. Raises TooEarly when the order is not paid yet.
    """
    if order.state is OrderState.PAID:
        return _changed(order, OrderState.CONFIRMED, OrderConfirmed.type_name, places=places, confirmed_at=at)
    _require_paid(order)
    return None


def refuse(order: Order, reason: str, at: datetime) -> Change | None:
    """The places are lost, so the money goes back, where there was any. None when that is known.

    A confirmed order stays confirmed: reservations decides once for each hold, so a refusal after it is a stray. Raises
    TooEarly when the order is not paid yet.
    """
    if order.state is OrderState.PAID:
        if order.captured is not None and not order.captured.amount:
            return _changed(order, OrderState.REFUNDED, OrderRefunded.type_name, refund_reason=reason, refunded_at=at)
        return _changed(order, OrderState.REFUNDING, OrderRefunding.type_name, refund_reason=reason)
    _require_paid(order)
    return None


def receive_refund(order: Order, payment_id: str, amount: Money, at: datetime) -> Change | ExtraPayment | None:
    """A payment went back in full. None when that is known.

    It may come before the payment itself is known, and without the order having asked for it (the organiser can refund
    at the provider): money that is back with the buyer ends the order in every state.
    """
    if order.payment_id not in (None, payment_id):
        return _extra(order, payment_id, amount, OrderState.REFUNDED)
    if order.state is OrderState.REFUNDED:
        return None
    reason = order.refund_reason or RefundReason.PAYMENT_REFUNDED.value
    captured = order.captured or amount
    return _changed(
        order,
        OrderState.REFUNDED,
        OrderRefunded.type_name,
        payment_id=payment_id,
        captured=captured,
        refund_reason=reason,
        refunded_at=at,
    )


def _extra(order: Order, payment_id: str, amount: Money, state: OrderState) -> ExtraPayment:
    return ExtraPayment(
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        payment_id=payment_id,
        amount=amount,
        state=state,
    )


def _require_paid(order: Order) -> None:
    if order.payment_id is None:
        raise TooEarly(f"The order {order.order_id} is {order.state}: its payment is not known yet.")
