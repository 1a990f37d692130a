"""What messages and people ask of reporting."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from contracts.catalog import EventPublished
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.reservations import PoolChanged
from contracts.tickets import TicketAdmitted
from services.reporting import domain, repository
from services.reporting.domain import EventFigures, EventReport
from shared.auth import Identity

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Scanners count at the door; what was taken in is not theirs to know.
READERS: Final = ("owner", "manager", "box_office")


def keep_event(message: EventPublished, engine: Engine) -> None:
    """Keep what reports show of an event."""
    repository.keep_event(engine, message)


def keep_pool(message: PoolChanged, engine: Engine) -> None:
    """Keep how large a pool is now."""
    repository.keep_pool(engine, message)


def count_sale(message: OrderConfirmed, engine: Engine) -> None:
    """Count a confirmed order, once."""
    repository.keep_sale(engine, message)


def count_refund(message: OrderRefunded, engine: Engine) -> None:
    """Count a refund of a confirmed order, once."""
    repository.keep_refund(engine, message)


def count_admission(message: TicketAdmitted, engine: Engine) -> None:
    """Count a ticket that passed a gate, once."""
    repository.keep_admission(engine, message)


def sales(
    organiser_id: str,
    identity: Identity,
    engine: Engine,
    *,
    begins_on: date | datetime | None = None,
    ends_before: date | datetime | None = None,
) -> list[EventFigures]:
    """An organiser's events with their figures of a period, for its owners, managers and box office.

    Raises NotFound for strangers, Forbidden for other roles, PeriodBackwards.
    """
    identity.require_member(organiser_id, *READERS)
    return repository.sales(engine, organiser_id, domain.period(begins_on, ends_before))


def event_sales(event_id: str, identity: Identity, engine: Engine) -> EventReport:
    """One event's figures in detail, for the same readers. Raises EventUnknown, also for strangers, and Forbidden."""
    organiser_id = repository.organiser_of(engine, event_id)
    if organiser_id is None or not identity.is_member(organiser_id):
        raise domain.EventUnknown(event_id)
    identity.require_member(organiser_id, *READERS)
    report = repository.event_report(engine, event_id, organiser_id)
    if report is None:
        raise domain.EventUnknown(event_id)
    return report
