"""What buyers, organisers and messages ask of orders: one function for each."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from contracts.checkout import OrderToken
from contracts.hold import Guest, HoldToken
from contracts.payments import PaymentRefunded, PaymentSucceeded
from contracts.reservations import HoldConfirmed, HoldRefused
from contracts.sale import Buyer
from services.orders import domain, repository
from services.orders.domain import HoldAlreadyOrdered, HoldExpired, HoldNotYours, Order
from services.orders.repository import OrderGone, OrderPage
from shared import ids

DIGEST_BYTES: Final = 16


class OrderUnknown(LookupError):
    """There is no such order, or none that the asker may know of: both look the same from outside."""


def place_order(hold: HoldToken, buyer: Buyer, now: datetime) -> Order:
    """Make the hold's one order, or find it made; both answer the order as it stands.

    The order's id follows from the hold's and it is put if absent, so this is its own idempotency record, also after
    the hold has run out. What costs nothing is paid in the same write. A guest whom the places are given to is the
    order's buyer by name and address. Raises HoldNotYours, HoldExpired, HoldAlreadyOrdered.
    """
    if hold.person_id != buyer.person_id:
        raise HoldNotYours("The hold was made by somebody else.")
    digest = hashlib.blake2b(msgspec.msgpack.encode(hold), digest_size=DIGEST_BYTES).digest()
    order = Order(
        order_id=ids.same_body("ord", hold.hold_id),
        event_id=hold.event_id,
        organiser_id=hold.organiser_id,
        buyer=buyer if hold.guest is None else _for_guest(buyer, hold.guest),
        places=hold.places(),
        total=hold.total,
        pay_until=hold.expires_at,
        placed_at=now,
    )
    if now < hold.expires_at:
        placed = domain.place(order)
        stored = repository.put_if_absent(
            placed.order if placed else order, digest, placed.announce if placed else None
        )
    else:
        found = repository.find_order(order.order_id)
        if found is None:
            raise HoldExpired("The hold has run out, and its places may be held by somebody else now.")
        stored = found
    if stored.digest != digest:
        raise HoldAlreadyOrdered(order.order_id)
    return stored.order


def order_token(order: Order, event_name: str) -> OrderToken:
    """What the buyer takes to payments to open a checkout with."""
    return OrderToken(
        order_id=order.order_id,
        event_id=order.event_id,
        event_name=event_name,
        organiser_id=order.organiser_id,
        person_id=order.buyer.person_id,
        total=order.total,
        expires_at=order.pay_until,
    )


def show_order(order_id: str, person_id: str, organisers: list[str]) -> Order:
    """An order, for its buyer and for those who look after the organiser's orders (`organisers` are the asker's).

    Raises OrderUnknown for everybody else.
    """
    found = repository.find_order(order_id) if ids.is_id("ord", order_id) else None
    if found is None:
        raise OrderUnknown("There is no such order.")
    if found.order.buyer.person_id != person_id and found.order.organiser_id not in organisers:
        raise OrderUnknown("There is no such order.")
    return found.order


def list_orders(person_id: str, limit: int, cursor: str | None) -> OrderPage:
    """A page of the buyer's own orders, newest first. Raises BadCursor."""
    return repository.page_of_buyer(person_id, limit, cursor)


def cancel_order(order_id: str, person_id: str, now: datetime) -> Order:
    """The buyer gives an order up that is not paid. Again is the same as once. Raises OrderUnknown, NotCancellable."""

    def decide(order: Order) -> domain.Change | None:
        if order.buyer.person_id != person_id:
            raise OrderUnknown("There is no such order.")
        return domain.cancel(order, now)

    if not ids.is_id("ord", order_id):
        raise OrderUnknown("There is no such order.")
    try:
        return repository.change_order(order_id, decide, now)
    except OrderGone as gone:
        raise OrderUnknown("There is no such order.") from gone


def take_payment(message: PaymentSucceeded, now: datetime) -> None:
    """Money came in: the order is paid, or the money goes back. Raises OrderGone."""
    repository.change_order(
        message.order_id,
        lambda order: domain.receive_payment(order, message.payment_id, message.amount, message.succeeded_at),
        now,
    )


def take_refund(message: PaymentRefunded, now: datetime) -> None:
    """The money is back with the buyer. Raises OrderGone."""
    repository.change_order(
        message.order_id,
        lambda order: domain.receive_refund(order, message.payment_id, message.amount, message.refunded_at),
        now,
    )


def take_confirmation(message: HoldConfirmed, now: datetime) -> None:
    """The places are the buyer's. Raises OrderGone, TooEarly."""
    repository.change_order(
        message.order_id, lambda order: domain.confirm(order, message.places, message.confirmed_at), now
    )


def take_refusal(message: HoldRefused, now: datetime) -> None:
    """The places are lost and the money goes back. Raises OrderGone, TooEarly."""
    repository.change_order(
        message.order_id, lambda order: domain.refuse(order, message.reason, message.refused_at), now
    )


def _for_guest(giver: Buyer, guest: Guest) -> Buyer:
    # The tickets are mailed to the guest; the order stays with whoever gave them away, and can be looked at there.
    return Buyer(person_id=giver.person_id, email=guest.email, name=guest.name)
