"""What a sales figure is, and how it is written as a table."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from contracts.sale import PlaceSold
from shared.money import Money, zero

# What a spreadsheet takes for the beginning of a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_QUARTER_MILLISECONDS: Final = 15 * 60 * 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

CSV_COLUMNS: Final = (
    "event_id",
    "event_name",
    "starts_at",
    "currency",
    "sold",
    "revenue",
    "tickets_refunded",
    "refunded",
    "net",
    "admitted",
    "inside",
)


class EventUnknown(Exception):
    """The event was not published, or is another organiser's."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"There are no figures of the event {event_id}.")


class PeriodBackwards(Exception):
    """A period that ends before it begins."""

    field = "to"

    def __init__(self) -> None:
        super().__init__("The period ends before it begins.")


class Period(msgspec.Struct, frozen=True):
    """From a moment up to, and without, another; None is open."""

    begins_at: datetime | None = None
    ends_at: datetime | None = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one order that share ticket type and price."""

    ticket_type_id: str
    ticket_type_name: str
    price: Money
    places: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold in one currency, whether it was given back later or not, and what was given back."""

    currency: str
    sold: int = 0
    revenue: int = 0
    tickets_refunded: int = 0
    refunded: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Both together. Raises ValueError for different currencies."""
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be reckoned together")
        return Figures(
            currency=self.currency,
            sold=self.sold + other.sold,
            revenue=self.revenue + other.revenue,
            tickets_refunded=self.tickets_refunded + other.tickets_refunded,
            refunded=self.refunded + other.refunded,
        )

    @property
    def net(self) -> int:
        """What remains of the revenue."""
        return self.revenue - self.refunded


class EventFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An event's figures: by currency, its own first, and how many tickets were ever admitted and are inside now.

    `capacity` is how many places it has now; None where no message has told yet.
    """

    event_id: str
    name: str | None
    starts_at: datetime | None
    time_zone: str | None
    by_currency: Sequence[Figures]
    admitted: int
    inside: int
    capacity: int | None = None


class DayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold and given back on one day of the venue's calendar, in one currency."""

    day: date
    figures: Figures


class TypeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold and given back of one ticket type, in one currency."""

    ticket_type_id: str
    name: str
    figures: Figures


class EventReport(msgspec.Struct, frozen=True, kw_only=True):
    """An event's figures in detail."""

    event: EventFigures
    by_ticket_type: Sequence[TypeFigures]
    by_day: Sequence[DayFigures]


def lines_of(places: Iterable[PlaceSold]) -> list[OrderLine]:
    """An order's places as lines, in a stable order."""
    counts: dict[tuple[str, int, str], int] = defaultdict(int)
    names: dict[str, str] = {}
    for place in places:
        counts[place.ticket_type_id, place.price.amount, place.price.currency] += 1
        names[place.ticket_type_id] = place.ticket_type_name
    return [
        OrderLine(ticket_type_id=type_id, ticket_type_name=names[type_id], price=Money(amount, currency), places=count)
        for (type_id, amount, currency), count in sorted(counts.items())
    ]


def total_of(places: Sequence[PlaceSold], currency: str) -> Money:
    """What places cost together. Raises MoneyError when one has a price in another currency."""
    return sum((place.price for place in places), zero(currency))


def period(begins_on: date | datetime | None, ends_before: date | datetime | None) -> Period:
    """A period of days or moments; days are UTC's. Raises PeriodBackwards."""
    asked = Period(_moment(begins_on), _moment(ends_before))
    if asked.begins_at is not None and asked.ends_at is not None and asked.ends_at < asked.begins_at:
        raise PeriodBackwards
    return asked


def quarter_hour(milliseconds: int) -> int:
    """Which quarter of an hour since 1970. Every time zone's day begins at one, so days are made of whole ones."""
    return milliseconds // _QUARTER_MILLISECONDS


def by_day(quarters: Mapping[tuple[int, str], Figures], time_zone: str) -> list[DayFigures]:
    """Figures of quarter hours as figures of the venue's days, oldest first, one for each currency."""
    zone = ZoneInfo(time_zone)
    days: dict[tuple[date, str], Figures] = {}
    for (quarter, currency), figures in quarters.items():
        day = (_EPOCH + timedelta(milliseconds=quarter * _QUARTER_MILLISECONDS)).astimezone(zone).date()
        key = (day, currency)
        days[key] = days.get(key, Figures(currency=currency)) + figures
    return [DayFigures(day=day, figures=figures) for (day, _), figures in sorted(days.items())]


def totals(events: Iterable[EventFigures]) -> list[Figures]:
    """The sums over events, one for each currency, by the currency's name."""
    sums: dict[str, Figures] = {}
    for event in events:
        for figures in event.by_currency:
            sums[figures.currency] = sums.get(figures.currency, Figures(currency=figures.currency)) + figures
    return [sums[currency] for currency in sorted(sums)]


def as_csv(events: Iterable[EventFigures]) -> str:
    """A table for a spreadsheet: one row for each event and currency, amounts in minor units.

    Who was admitted is told in an event's first row alone, so that a column's sum counts nobody twice. Texts that a
    spreadsheet would take for a formula are led in by an apostrophe.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    for event in events:
        for number, figures in enumerate(event.by_currency):
            row: list[Any] = [
                guarded(event.event_id),
                guarded(event.name or ""),
                event.starts_at.isoformat().replace("+00:00", "Z") if event.starts_at else "",
                guarded(figures.currency),
                figures.sold,
                figures.revenue,
                figures.tickets_refunded,
                figures.refunded,
                figures.net,
                "" if number else event.admitted,
                "" if number else event.inside,
            ]
            writer.writerow(row)
    return out.getvalue()


def guarded(text: str) -> str:
    """Text for a cell, which a spreadsheet shows and never runs."""
    # Blanks in front do not keep some spreadsheets from reading a formula.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text


def _moment(asked: date | datetime | None) -> datetime | None:
    if asked is None or isinstance(asked, datetime):
        return asked
    return datetime.combine(asked, time(), tzinfo=UTC)
