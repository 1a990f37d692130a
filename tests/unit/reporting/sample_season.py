"""Messages of a little season: events, sales, refunds and admissions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.catalog import EventPublished, Pool, TicketType, Venue
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.reservations import PoolChanged
from contracts.sale import Buyer, PlaceSold
from contracts.tickets import TicketAdmitted
from shared import ids
from shared.messaging import Message
from shared.money import Money, total

AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
BUYER = Buyer(person_id=ids.new_id("per", AT), email="bea.buyer@example.com", name="Bea Buyer")


def event(
    organiser_id: str, *, name: str = "Mahler 9", prices: Sequence[int] = (4500, 9000), **changes: Any
) -> EventPublished:
    """An event with a ticket type for each price."""
    message = EventPublished(
        event_id=ids.new_id("evt", AT),
        version=2,
        organiser_id=organiser_id,
        organiser_name="Philharmonic",
        name=name,
        starts_at=AT + timedelta(days=30),
        time_zone="America/New_York",
        venue=Venue(venue_id=ids.new_id("ven", AT), name="Hall", city="New York"),
        currency="USD",
        hold_seconds=600,
        places_per_order_max=10,
        pools=(Pool(pool_id=ids.new_id("pol", AT), kind="general", name="All", capacity=100),),
        ticket_types=tuple(
            TicketType(
                ticket_type_id=ids.new_id("tty", AT), name=f"Zone {number}", price=Money(price, "USD"), pool_id="pol_x"
            )
            for number, price in enumerate(prices, start=1)
        ),
    )
    return msgspec.structs.replace(message, **changes)


def confirmed(
    of: EventPublished, counts: Sequence[int] = (2,), *, at: datetime = AT, currency: str | None = None, **changes: Any
) -> OrderConfirmed:
    """An order of so many places of each ticket type."""
    places = tuple(
        PlaceSold(
            pool_id=of.pools[0].pool_id,
            block=0,
            slot=slot,
            ticket_type_id=ticket_type.ticket_type_id,
            ticket_type_name=ticket_type.name,
            price=Money(ticket_type.price.amount, currency or ticket_type.price.currency),
        )
        for ticket_type, count in zip(of.ticket_types, counts, strict=False)
        for slot in range(count)
    )
    message = OrderConfirmed(
        order_id=ids.new_id("ord", at),
        version=3,
        event_id=of.event_id,
        organiser_id=of.organiser_id,
        buyer=BUYER,
        places=places,
        total=total((place.price for place in places), currency or of.currency),
        confirmed_at=at,
    )
    return msgspec.structs.replace(message, **changes)


def refunded(sale: OrderConfirmed, *, at: datetime = AT + timedelta(days=1), **changes: Any) -> OrderRefunded:
    """The refund of that sale in full."""
    message = OrderRefunded(
        order_id=sale.order_id,
        version=sale.version + 2,
        hold_id=ids.same_body("hld", sale.order_id),
        event_id=sale.event_id,
        organiser_id=sale.organiser_id,
        buyer=sale.buyer,
        places=sale.places,
        amount=sale.total,
        reason="payment_refunded",
        refunded_at=at,
        was_confirmed=True,
        confirmed_at=sale.confirmed_at,
    )
    return msgspec.structs.replace(message, **changes)


def passages(
    sale: OrderConfirmed, place: int, directions: Sequence[str], *, at: datetime = AT + timedelta(days=30)
) -> list[TicketAdmitted]:
    """One ticket's way in and out, a minute apart."""
    ticket_id = ids.derived_id("tkt", sale.order_id, place)
    return [
        TicketAdmitted(
            admission_id=ids.new_id("adm", at),
            version=number,
            ticket_id=ticket_id,
            event_id=sale.event_id,
            organiser_id=sale.organiser_id,
            gate_id="gat_main",
            direction="in" if direction == "in" else "out",
            admitted_at=at + timedelta(minutes=number),
        )
        for number, direction in enumerate(directions, start=1)
    ]


def resized(of: EventPublished, capacities: Sequence[int], *, at: datetime = AT) -> list[PoolChanged]:
    """Its only pool, made so large one after the other."""
    return [
        PoolChanged(
            pool_id=of.pools[0].pool_id,
            version=number,
            event_id=of.event_id,
            organiser_id=of.organiser_id,
            kind="general",
            capacity=capacity,
            closed=False,
            changed_at=at + timedelta(minutes=number),
        )
        for number, capacity in enumerate(capacities, start=2)
    ]


def messages(*groups: Message | Sequence[Message]) -> list[Message]:
    """All of them in one list."""
    flat: list[Message] = []
    for group in groups:
        flat += [group] if isinstance(group, Message) else group
    return flat
