"""How the rows of orders become messages: one builder for each type the relay publishes.

A message's version is its outbox's: a row sent again by `republish` may have been written since without announcing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from contracts.orders import OrderCancelled, OrderConfirmed, OrderPaid, OrderRefunded, OrderRefunding
from services.orders import repository
from services.orders.domain import Order, RefundReason
from shared.messaging import Message
from shared.messaging.relay import Builder

Image = dict[str, Any]


class Incomplete(ValueError):
    """A row announces something it does not hold the facts of."""


def order_paid(image: Image) -> Message:
    """`orders.order_paid.v1` of an order's row."""
    order = repository.order_of_image(image)
    return OrderPaid(
        order_id=order.order_id,
        version=_version(image),
        hold_id=order.hold_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=order.places,
        total=order.total,
        payment_id=_payment_id(order),
        paid_at=_known(order.paid_at, "paid_at"),
    )


def order_confirmed(image: Image) -> Message:
    """`orders.order_confirmed.v1` of an order's row."""
    order = repository.order_of_image(image)
    return OrderConfirmed(
        order_id=order.order_id,
        version=_version(image),
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=order.places,
        total=order.total,
        confirmed_at=_known(order.confirmed_at, "confirmed_at"),
    )


def order_cancelled(image: Image) -> Message:
    """`orders.order_cancelled.v1` of an order's row."""
    order = repository.order_of_image(image)
    return OrderCancelled(
        order_id=order.order_id,
        version=_version(image),
        hold_id=order.hold_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        places=order.places,
        cancelled_at=_known(order.cancelled_at, "cancelled_at"),
    )


def order_refunding(image: Image) -> Message:
    """`orders.order_refunding.v1` of an order's row, or of a row for a payment beside the order's own."""
    if str(image["sk"]).startswith(repository.EXTRA_PREFIX):
        extra = repository.extra_of_image(image)
        return OrderRefunding(
            order_id=extra.order_id,
            version=_version(image),
            event_id=extra.event_id,
            organiser_id=extra.organiser_id,
            payment_id=extra.payment_id,
            amount=extra.amount,
            reason=RefundReason.SECOND_PAYMENT.value,
        )
    order = repository.order_of_image(image)
    return OrderRefunding(
        order_id=order.order_id,
        version=_version(image),
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        payment_id=_payment_id(order),
        amount=order.captured or order.total,
        reason=order.refund_reason or RefundReason.PAYMENT_REFUNDED.value,
    )


def order_refunded(image: Image) -> Message:
    """`orders.order_refunded.v1` of an order's row."""
    order = repository.order_of_image(image)
    return OrderRefunded(
        order_id=order.order_id,
        version=_version(image),
        hold_id=order.hold_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=order.places,
        amount=order.captured or order.total,
        reason=order.refund_reason or RefundReason.PAYMENT_REFUNDED.value,
        refunded_at=_known(order.refunded_at, "refunded_at"),
        was_confirmed=order.confirmed_at is not None,
        confirmed_at=order.confirmed_at,
    )


BUILDERS: Final[dict[str, Builder]] = {
    OrderPaid.type_name: order_paid,
    OrderConfirmed.type_name: order_confirmed,
    OrderCancelled.type_name: order_cancelled,
    OrderRefunding.type_name: order_refunding,
    OrderRefunded.type_name: order_refunded,
}

# Tickets wait for hold_confirmed, which has no row: where it was lost after orders had heard it, only reservations'
# answer to order_paid brings it back. That answer never changes, so asking again is harmless.
RETOLD: Final[dict[str, tuple[str, ...]]] = {OrderConfirmed.type_name: (OrderPaid.type_name,)}


def _version(image: Image) -> int:
    return int(image["outbox"]["version"])


def _payment_id(order: Order) -> str:
    if order.payment_id is None:
        raise Incomplete(f"{order.order_id} knows no payment")
    return order.payment_id


def _known(at: datetime | None, name: str) -> datetime:
    if at is None:
        raise Incomplete(f"the order knows no {name}")
    return at
