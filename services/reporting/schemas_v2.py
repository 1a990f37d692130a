"""Bodies of reporting's routes under /v2."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from services.reporting.domain import EventReport
from services.reporting.schemas import AmountsView


class EventReported(msgspec.Struct, frozen=True, kw_only=True):
    """The event that figures are of. `capacity` is how many places it has, as the organiser last changed it."""

    event_id: str
    name: str | None
    starts_at: datetime | None
    time_zone: str | None
    capacity: int | None


class DoorView(msgspec.Struct, frozen=True, kw_only=True):
    """How many tickets were ever admitted, and how many are inside now."""

    admitted: int
    inside: int


class TicketTypeAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold of one ticket type, in one currency."""

    ticket_type_id: str
    name: str
    amounts: AmountsView


class DayAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold, and what was given back, on one day of the venue's calendar, in one currency."""

    day: date
    amounts: AmountsView


class EventReportV2View(msgspec.Struct, frozen=True, kw_only=True):
    """An event's figures in detail: `amounts` has one entry for each currency, the event's own first.

    So no currency is a special case, where version 1 has the event's own beside the event's name and date and all
    others in a list of their own, which is easily overlooked in a sum.
    """

    event: EventReported
    door: DoorView
    amounts: list[AmountsView]
    by_ticket_type: list[TicketTypeAmounts]
    by_day: list[DayAmounts]

    @classmethod
    def of_report(cls, report: EventReport) -> EventReportV2View:
        """The view of a report."""
        event = report.event
        return cls(
            event=EventReported(
                event_id=event.event_id,
                name=event.name,
                starts_at=event.starts_at,
                time_zone=event.time_zone,
                capacity=event.capacity,
            ),
            door=DoorView(admitted=event.admitted, inside=event.inside),
            amounts=[AmountsView.of(figures) for figures in event.by_currency],
            by_ticket_type=[
                TicketTypeAmounts(
                    ticket_type_id=each.ticket_type_id, name=each.name, amounts=AmountsView.of(each.figures)
                )
                for each in report.by_ticket_type
            ],
            by_day=[DayAmounts(day=each.day, amounts=AmountsView.of(each.figures)) for each in report.by_day],
        )
