"""Sales to test orders with: ids, places, holds and orders in every state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.hold import HeldPlace, HoldLine, HoldToken
from contracts.sale import Buyer, PlaceSold
from services.orders import domain
from services.orders.domain import Change, Order, OrderState
from shared import ids
from shared.money import Money

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)
PAY_UNTIL = NOW + timedelta(minutes=10)
PRICE = Money(4500, "USD")


def sample_id(prefix: str, seed: int = 0) -> str:
    """An id that is the same every time."""
    return ids.new_id(prefix, NOW, seed.to_bytes(10, "big"))


BUYER = Buyer(person_id=sample_id("per", 1), email="bea.buyer@example.com", name="Bea Buyer")
ORGANISER_ID = sample_id("org", 2)
PAYMENT_ID = sample_id("pay", 3)
OTHER_PAYMENT_ID = sample_id("pay", 4)


def hold_token(
    seats: int = 2, *, buyer: Buyer = BUYER, hold_id: str | None = None, expires_at: datetime = PAY_UNTIL
) -> HoldToken:
    """A hold of seats next to each other."""
    places = tuple(HeldPlace(3, slot, "Orchestra Left", "AA", str(101 + slot)) for slot in range(seats))
    line = HoldLine(
        pool_id=sample_id("pol", 5),
        ticket_type_id=sample_id("tty", 6),
        ticket_type_name="Standard, zone A",
        price=PRICE,
        places=places,
    )
    return HoldToken(
        hold_id=hold_id or sample_id("hld", 7),
        event_id=sample_id("evt", 8),
        event_name="An Evening of Demonstrations",
        organiser_id=ORGANISER_ID,
        person_id=buyer.person_id,
        lines=(line,),
        total=PRICE * seats,
        expires_at=expires_at,
    )


def pending_order(seats: int = 2) -> Order:
    """A new order."""
    hold = hold_token(seats)
    return Order(
        order_id=ids.same_body("ord", hold.hold_id),
        event_id=hold.event_id,
        organiser_id=hold.organiser_id,
        buyer=BUYER,
        places=hold.places(),
        total=hold.total,
        pay_until=hold.expires_at,
        placed_at=NOW,
    )


def changed(outcome: object) -> Order:
    """The order of a change that must have happened."""
    assert isinstance(outcome, Change)
    return outcome.order


def order_in(state: OrderState) -> Order:
    """An order that came to its state by the facts that lead there, paid by PAYMENT_ID where it is paid."""
    order = pending_order()
    if state is OrderState.PENDING:
        return order
    if state is OrderState.CANCELLED:
        return changed(domain.cancel(order, LATER))
    paid = changed(domain.receive_payment(order, PAYMENT_ID, order.total, LATER))
    if state is OrderState.PAID:
        return paid
    if state is OrderState.CONFIRMED:
        return changed(domain.confirm(paid, paid.places, LATER))
    refunding = changed(domain.refuse(paid, "places_taken", LATER))
    if state is OrderState.REFUNDING:
        return refunding
    assert state is OrderState.REFUNDED
    return changed(domain.receive_refund(refunding, PAYMENT_ID, paid.total, LATER))


def moved(order: Order) -> tuple[PlaceSold, ...]:
    """The order's places, each on another slot: what a confirmation of general admission may bring."""
    return tuple(
        PlaceSold(
            pool_id=place.pool_id,
            block=place.block + 1,
            slot=place.slot,
            ticket_type_id=place.ticket_type_id,
            ticket_type_name=place.ticket_type_name,
            price=place.price,
        )
        for place in order.places
    )
