"""What orders publishes."""

from __future__ import annotations

from typing import ClassVar

from contracts.sale import Buyer, Money, PlaceSold, Time
from shared.messaging.message import Message


class OrderPaid(Message, frozen=True, kw_only=True):
    """The money is in. Reservations alone hears it, and answers whether the places still are the buyer's."""

    type_name: ClassVar[str] = "orders.order_paid.v1"

    order_id: str
    version: int
    hold_id: str
    event_id: str
    organiser_id: str
    buyer: Buyer
    places: tuple[PlaceSold, ...]
    total: Money
    payment_id: str
    paid_at: Time


class OrderConfirmed(Message, frozen=True, kw_only=True):
    """The sale is complete; `places` are the confirmed ones."""

    type_name: ClassVar[str] = "orders.order_confirmed.v1"

    order_id: str
    version: int
    event_id: str
    organiser_id: str
    buyer: Buyer
    places: tuple[PlaceSold, ...]
    total: Money
    confirmed_at: Time


class OrderCancelled(Message, frozen=True, kw_only=True):
    """The order was given up before it was paid; its places may go to somebody else."""

    type_name: ClassVar[str] = "orders.order_cancelled.v1"

    order_id: str
    version: int
    hold_id: str
    event_id: str
    organiser_id: str
    places: tuple[PlaceSold, ...]
    cancelled_at: Time


class OrderRefunding(Message, frozen=True, kw_only=True):
    """The amount is owed to the buyer; payments pays it back."""

    type_name: ClassVar[str] = "orders.order_refunding.v1"

    order_id: str
    version: int
    event_id: str
    organiser_id: str
    payment_id: str
    amount: Money
    reason: str


class OrderRefunded(Message, frozen=True, kw_only=True):
    """The money is back with the buyer. `was_confirmed` says whether there were tickets to revoke and sales to undo.

    `confirmed_at` is then the time of that sale: a read model rebuilt from rows never hears `order_confirmed` of an
    order that was refunded since, and must place the sale in its day all the same.
    """

    type_name: ClassVar[str] = "orders.order_refunded.v1"

    order_id: str
    version: int
    hold_id: str
    event_id: str
    organiser_id: str
    buyer: Buyer
    places: tuple[PlaceSold, ...]
    amount: Money
    reason: str
    refunded_at: Time
    was_confirmed: bool
    confirmed_at: Time | None = None


MESSAGES: tuple[type[Message], ...] = (OrderPaid, OrderConfirmed, OrderCancelled, OrderRefunding, OrderRefunded)
