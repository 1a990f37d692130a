"""What orders takes and answers over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec

from contracts.sale import PlaceSold
from services.orders.domain import Order, OrderState
from shared.http import VERBATIM, RequestBody
from shared.money import Money

# A token of the most places a hold can have is about 3 KB.
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=12_288), VERBATIM]


class PlaceOrder(RequestBody, frozen=True, kw_only=True):
    """The hold to be ordered, as the token that `POST /v1/holds` answered."""

    hold_token: Token


class OrderView(msgspec.Struct, kw_only=True):
    """An order as its reader sees it. `expired` is the state of a pending one whose time to pay is over."""

    order_id: str
    state: OrderState
    hold_id: str
    event_id: str
    organiser_id: str
    places: tuple[PlaceSold, ...]
    total: Money
    created_at: datetime
    expires_at: datetime
    buyer: BuyerView
    payment_id: str | None = None
    refund_reason: str | None = None
    paid_at: datetime | None = None
    confirmed_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded_at: datetime | None = None


class BuyerView(msgspec.Struct, kw_only=True):
    """Who ordered."""

    person_id: str
    name: str
    email: str


class OrderPlaced(OrderView, kw_only=True):
    """A new order, with the token that `POST /v1/payments` opens its checkout with."""

    order_token: str


def order_view(order: Order, now: datetime) -> OrderView:
    """The order as it is to be shown at that time."""
    return OrderView(**_fields(order, now))


def order_placed(order: Order, now: datetime, order_token: str) -> OrderPlaced:
    """The order as the answer to placing it."""
    return OrderPlaced(order_token=order_token, **_fields(order, now))


def _fields(order: Order, now: datetime) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "state": order.state_at(now),
        "hold_id": order.hold_id,
        "event_id": order.event_id,
        "organiser_id": order.organiser_id,
        "places": order.places,
        "total": order.total,
        "created_at": order.placed_at,
        "expires_at": order.pay_until,
        "buyer": BuyerView(person_id=order.buyer.person_id, name=order.buyer.name, email=order.buyer.email),
        "payment_id": order.payment_id,
        "refund_reason": order.refund_reason,
        "paid_at": order.paid_at,
        "confirmed_at": order.confirmed_at,
        "cancelled_at": order.cancelled_at,
        "refunded_at": order.refunded_at,
    }
