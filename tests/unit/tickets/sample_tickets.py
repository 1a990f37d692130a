"""Events, sales and tickets to test with; every call makes new ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.catalog import EventPublished, Pool, TicketType, Venue
from contracts.orders import OrderRefunded
from contracts.reservations import HoldConfirmed
from contracts.sale import Buyer, PlaceSold
from services.tickets.domain import EventFacts, SigningKeys, Ticket, place_label
from shared import ids
from shared.money import Money, total

AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
KEYS = SigningKeys({"2026-b": "the current secret", "2026-a": "the one before"})


def published(**changes: Any) -> EventPublished:
    """A concert whose doors are open at AT."""
    message = EventPublished(
        event_id=ids.new_id("evt", AT),
        version=2,
        organiser_id=ids.new_id("org", AT),
        organiser_name="Stadtphilharmonie",
        name="Mahler: Symphony No. 9",
        starts_at=AT + timedelta(hours=1),
        doors_at=AT - timedelta(minutes=30),
        time_zone="America/New_York",
        venue=Venue(venue_id=ids.new_id("ven", AT), name="David Geffen Hall", city="New York"),
        currency="USD",
        hold_seconds=600,
        places_per_order_max=10,
        pools=(Pool(pool_id=ids.new_id("pol", AT), kind="seated", name="Hall", capacity=100),),
        ticket_types=(
            TicketType(
                ticket_type_id=ids.new_id("tty", AT), name="Standard", price=Money(4500, "USD"), pool_id="pol_unused"
            ),
        ),
    )
    return msgspec.structs.replace(message, **changes)


def places(count: int, *, seated: bool = True, slot: int = 0) -> tuple[PlaceSold, ...]:
    """Neighbouring places of one new pool."""
    pool_id, ticket_type_id = ids.new_id("pol", AT), ids.new_id("tty", AT)
    return tuple(
        PlaceSold(
            pool_id=pool_id,
            block=number // 25,
            slot=number % 25,
            ticket_type_id=ticket_type_id,
            ticket_type_name="Standard",
            price=Money(4500, "USD"),
            section="Orchestra" if seated else None,
            row="C" if seated else None,
            seat=str(number + 1) if seated else None,
        )
        for number in range(slot, slot + count)
    )


def confirmed(event: EventPublished, count: int = 2, **changes: Any) -> HoldConfirmed:
    """A paid order of so many seats."""
    sold = places(count)
    hold_id = ids.new_id("hld", AT)
    message = HoldConfirmed(
        hold_id=hold_id,
        order_id=ids.same_body("ord", hold_id),
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        buyer=Buyer(person_id=ids.new_id("per", AT), email="bea.buyer@example.com", name="Bea Büyer"),
        places=sold,
        total=total((place.price for place in sold), "USD"),
        payment_id=ids.new_id("pay", AT),
        confirmed_at=AT,
    )
    return msgspec.structs.replace(message, **changes)


def refunded(sale: HoldConfirmed, **changes: Any) -> OrderRefunded:
    """The refund of that sale."""
    message = OrderRefunded(
        order_id=sale.order_id,
        version=5,
        hold_id=sale.hold_id,
        event_id=sale.event_id,
        organiser_id=sale.organiser_id,
        buyer=sale.buyer,
        places=sale.places,
        amount=sale.total,
        reason="payment_refunded",
        refunded_at=AT + timedelta(hours=2),
        was_confirmed=True,
        confirmed_at=sale.confirmed_at,
    )
    return msgspec.structs.replace(message, **changes)


def facts(**changes: Any) -> EventFacts:
    """The same concert as tickets keep it."""
    event = published()
    kept = EventFacts(
        event_id=event.event_id,
        version=event.version,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        starts_at=event.starts_at,
        doors_at=event.doors_at,
        time_zone=event.time_zone,
        venue_name=event.venue.name,
        venue_city=event.venue.city,
    )
    return msgspec.structs.replace(kept, **changes)


def ticket(event: EventFacts, **changes: Any) -> Ticket:
    """A ticket of that event, outside."""
    ticket_id = ids.new_id("tkt", AT)
    made = Ticket(
        ticket_id=ticket_id,
        order_id=ids.new_id("ord", AT),
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        person_id=ids.new_id("per", AT),
        section="Orchestra",
        row="C",
        seat="12",
        ticket_type_name="Standard",
        price=Money(4500, "USD"),
        code=KEYS.sign(ticket_id=ticket_id, event_id=event.event_id, label=place_label("Orchestra", "C", "12")),
    )
    return msgspec.structs.replace(made, **changes)
