"""Parameters and bodies of reporting's routes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from services.reporting.domain import EventFigures, EventReport, Figures
from shared.http import QueryParameters
from shared.money import Money

OrganiserId = Annotated[str, msgspec.Meta(pattern=r"^org_[0-9a-z]{26}$", description="an organiser's id")]
Moment = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2}))?$",
        description="a day of UTC's calendar, or a moment with its offset",
    ),
]


class SalesQuery(QueryParameters, frozen=True, kw_only=True):
    """Whose sales, and of which period: from a day or moment up to, and without, another."""

    organiser_id: OrganiserId
    begins: Moment | None = msgspec.field(default=None, name="from")
    ends: Moment | None = msgspec.field(default=None, name="to")


class AmountsView(msgspec.Struct, frozen=True, kw_only=True):
    """Figures in one currency. `sold` and `revenue` count what was given back later as well; `net` does not."""

    sold: int
    revenue: Money
    tickets_refunded: int
    refunded: Money
    net: Money

    @classmethod
    def of(cls, figures: Figures) -> AmountsView:
        """The view of figures."""
        return cls(**_amounts(figures))


class EventSalesView(AmountsView, frozen=True, kw_only=True):
    """An event's figures in its own currency; sales in others stand apart and are never added.

    `capacity` is how many places it has, as the organiser last changed it.
    """

    event_id: str
    name: str | None
    starts_at: datetime | None
    time_zone: str | None
    admitted: int
    inside: int
    capacity: int | None
    other_currencies: list[AmountsView]

    @classmethod
    def of_event(cls, event: EventFigures) -> EventSalesView:
        """The view of an event."""
        return cls(**_event(event))


class SalesView(msgspec.Struct, frozen=True, kw_only=True):
    """An organiser's events by their start, and the sums by currency."""

    organiser_id: str
    items: list[EventSalesView]
    totals: list[AmountsView]
    next: str | None = None


class TicketTypeSalesView(AmountsView, frozen=True, kw_only=True):
    """What was sold of one ticket type."""

    ticket_type_id: str
    name: str


class DaySalesView(AmountsView, frozen=True, kw_only=True):
    """What was sold, and what was given back, on one day of the venue's calendar."""

    day: date


class EventReportView(EventSalesView, frozen=True, kw_only=True):
    """An event's figures in detail."""

    by_ticket_type: list[TicketTypeSalesView]
    by_day: list[DaySalesView]

    @classmethod
    def of_report(cls, report: EventReport) -> EventReportView:
        """The view of a report."""
        return cls(
            **_event(report.event),
            by_ticket_type=[
                TicketTypeSalesView(ticket_type_id=each.ticket_type_id, name=each.name, **_amounts(each.figures))
                for each in report.by_ticket_type
            ],
            by_day=[DaySalesView(day=each.day, **_amounts(each.figures)) for each in report.by_day],
        )


def moment(text: str | None) -> date | datetime | None:
    """The day or moment a parameter names. Raises ValueError for one that the calendar does not have."""
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _amounts(figures: Figures) -> dict[str, Any]:
    return {
        "sold": figures.sold,
        "revenue": Money(figures.revenue, figures.currency),
        "tickets_refunded": figures.tickets_refunded,
        "refunded": Money(figures.refunded, figures.currency),
        "net": Money(figures.net, figures.currency),
    }


def _event(event: EventFigures) -> dict[str, Any]:
    own, *others = event.by_currency
    return {
        **_amounts(own),
        "event_id": event.event_id,
        "name": event.name,
        "starts_at": event.starts_at,
        "time_zone": event.time_zone,
        "admitted": event.admitted,
        "inside": event.inside,
        "capacity": event.capacity,
        "other_currencies": [AmountsView.of(figures) for figures in others],
    }
