"""One order after another through the use cases of this process, from the hold to the confirmed order.

Payments, the queues and the relays are left out: what they carry is handed over by hand, as the consumers would do.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bench.sale import OnSale, hold_body
from bench.world import room
from contracts.hold import HoldToken
from contracts.orders import OrderPaid
from contracts.payments import PaymentSucceeded
from contracts.reservations import HoldConfirmed
from contracts.sale import Buyer, PlaceSold
from shared import clock
from shared.auth import verify_token
from shared.ids import new_id
from shared.money import Money


class NotConfirmed(Exception):
    """A paid order was refused, though its hold had not run out."""


class Sale(msgspec.Struct, kw_only=True):
    """One order on its way, as much of it as the next step needs."""

    buyer: Buyer
    event: OnSale
    quantity: int
    with_key: bool = True
    hold: HoldToken | None = None
    order_id: str = ""
    confirmed: HoldConfirmed | None = None


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """What an order's answer over HTTP says of it."""

    order_id: str
    hold_id: str
    event_id: str
    organiser_id: str
    places: tuple[PlaceSold, ...]
    total: Money


def place_hold(sale: Sale) -> None:
    """Keeps the places."""
    reservations = room("reservations", "use_cases")
    request = msgspec.convert(hold_body(sale.event, sale.quantity), room("reservations", "schemas").PlaceHold)
    now = clock.now()
    key = new_id("msg") if sale.with_key else None
    view: Any = reservations.place_hold(request, sale.buyer.person_id, key, now)
    sale.hold = verify_token(view.hold_token, reservations.AUDIENCE, HoldToken, now=now)


def place_order(sale: Sale) -> None:
    """Orders what is held."""
    order: Any = room("orders", "use_cases").place_order(sale.hold, sale.buyer, clock.now())
    sale.order_id = order.order_id


def take_payment(sale: Sale) -> None:
    """Hears that the money is in."""
    pay(_placed(sale))


def confirm_places(sale: Sale) -> None:
    """Sells the places for good."""
    sale.confirmed = confirm(_placed(sale), sale.buyer)


def confirm_order(sale: Sale) -> None:
    """Closes the order."""
    room("orders", "use_cases").take_confirmation(sale.confirmed, clock.now())


# From the buyer's first click to the end, by the names the report gives them.
STEPS = {
    "hold": place_hold,
    "order": place_order,
    "paid": take_payment,
    "places sold": confirm_places,
    "order confirmed": confirm_order,
}


def finish(placed: Placed, buyer: Buyer) -> None:
    """Brings an order that was placed over HTTP to its end. Raises NotConfirmed."""
    pay(placed)
    room("orders", "use_cases").take_confirmation(confirm(placed, buyer), clock.now())


def pay(placed: Placed) -> None:
    """Tells orders that the money is in."""
    message = PaymentSucceeded(
        payment_id=_payment_id(placed),
        version=1,
        order_id=placed.order_id,
        organiser_id=placed.organiser_id,
        amount=placed.total,
        provider="test",
        provider_reference="bench",
        succeeded_at=clock.now(),
    )
    room("orders", "use_cases").take_payment(message, clock.now())


def confirm(placed: Placed, buyer: Buyer) -> HoldConfirmed:
    """Asks reservations whether the places are the buyer's. Raises NotConfirmed."""
    message = OrderPaid(
        order_id=placed.order_id,
        version=2,
        hold_id=placed.hold_id,
        event_id=placed.event_id,
        organiser_id=placed.organiser_id,
        buyer=buyer,
        places=placed.places,
        total=placed.total,
        payment_id=_payment_id(placed),
        paid_at=clock.now(),
    )
    answer = room("reservations", "use_cases").answer_paid_order(message, clock.now())
    if not isinstance(answer, HoldConfirmed):
        raise NotConfirmed(placed.order_id)
    return answer


def _placed(sale: Sale) -> Placed:
    hold = sale.hold
    assert hold is not None
    return Placed(
        order_id=sale.order_id,
        hold_id=hold.hold_id,
        event_id=hold.event_id,
        organiser_id=hold.organiser_id,
        places=hold.places(),
        total=hold.total,
    )


def _payment_id(placed: Placed) -> str:
    return f"pay_{placed.order_id.partition('_')[2]}"
