"""Messages that make mails."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contracts.accounts import QuotaOwner, QuotaReached
from contracts.orders import OrderRefunded
from contracts.reservations import PlacesOffered
from contracts.sale import Buyer, PlaceSold
from contracts.tickets import Document, TicketIssued, TicketsIssued
from shared import ids
from shared.money import Money

AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


def issued(**changes: Any) -> TicketsIssued:
    """Two tickets for a concert."""
    message = TicketsIssued(
        order_id=ids.new_id("ord", AT),
        version=1,
        event_id=ids.new_id("evt", AT),
        organiser_id=ids.new_id("org", AT),
        event_name="Mahler: Symphony No. 9",
        starts_at=datetime(2026, 10, 1, 23, 30, tzinfo=UTC),
        time_zone="America/New_York",
        venue_name="David Geffen Hall",
        buyer=Buyer(person_id=ids.new_id("per", AT), email="bea.buyer@example.com", name="Bea Büyer"),
        tickets=tuple(
            TicketIssued(
                ticket_id=ids.new_id("tkt", AT), ticket_type_name="Standard", section="Orchestra", row="C", seat=seat
            )
            for seat in ("12", "13")
        ),
        document=Document(bucket="nowhere", key="tickets/none.pdf", sha256="00"),
    )
    return msgspec.structs.replace(message, **changes)


def refunded(sale: TicketsIssued, **changes: Any) -> OrderRefunded:
    """The refund of that order."""
    message = OrderRefunded(
        order_id=sale.order_id,
        version=6,
        hold_id=ids.same_body("hld", sale.order_id),
        event_id=sale.event_id,
        organiser_id=sale.organiser_id,
        buyer=sale.buyer,
        places=tuple(
            PlaceSold(
                pool_id=ids.new_id("pol", AT),
                block=0,
                slot=slot,
                ticket_type_id=ids.new_id("tty", AT),
                ticket_type_name="Standard",
                price=Money(4500, "USD"),
            )
            for slot in range(2)
        ),
        amount=Money(9000, "USD"),
        reason="payment_refunded",
        refunded_at=AT,
        was_confirmed=True,
        confirmed_at=AT,
    )
    return msgspec.structs.replace(message, **changes)


def offered(sale: TicketsIssued, **changes: Any) -> PlacesOffered:
    """Two seats for somebody who waited for them."""
    price = Money(4500, "USD")
    message = PlacesOffered(
        entry_id=ids.new_id("wle", AT),
        version=3,
        hold_id=ids.new_id("hld", AT),
        event_id=sale.event_id,
        event_name=sale.event_name,
        organiser_id=sale.organiser_id,
        time_zone=sale.time_zone,
        buyer=sale.buyer,
        ticket_type_name="Standard",
        places=tuple(
            PlaceSold(
                pool_id=ids.new_id("pol", AT),
                block=0,
                slot=slot,
                ticket_type_id=ids.new_id("tty", AT),
                ticket_type_name="Standard",
                price=price,
                section="Orchestra",
                row="C",
                seat=str(12 + slot),
            )
            for slot in range(2)
        ),
        total=price * 2,
        offered_at=AT,
        expires_at=AT + timedelta(minutes=30),
    )
    return msgspec.structs.replace(message, **changes)


def quota_reached(share: int = 80, **changes: Any) -> QuotaReached:
    """Two owners whose keys have used a good deal of November."""
    token = secrets.token_hex(6)
    message = QuotaReached(
        organiser_id=ids.new_id("org", AT),
        version=3,
        organiser_name="Aurora Concerts",
        month="2026-11",
        plan="pro",
        share=share,
        quota=5_000_000,
        answered=4_000_120,
        reached_at=AT,
        owners=[
            QuotaOwner(person_id=ids.new_id("per", AT), name=name, email=f"{name}.{token}@example.com")
            for name in ("ann", "ben")
        ],
    )
    return msgspec.structs.replace(message, **changes)
