"""Figures as they are reckoned and written."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from services.reporting.domain import (
    CSV_COLUMNS,
    EventFigures,
    Figures,
    PeriodBackwards,
    as_csv,
    by_day,
    guarded,
    lines_of,
    period,
    quarter_hour,
    totals,
)
from services.reporting.schemas import moment
from shared import ids
from tests.unit.reporting.sample_season import AT, confirmed, event

USD = Figures(currency="USD", sold=3, revenue=13500, tickets_refunded=1, refunded=4500)
EUR = Figures(currency="EUR", sold=1, revenue=4000)


def figures(*by_currency: Figures, name: str | None = "Mahler 9") -> EventFigures:
    return EventFigures(
        event_id="evt_1", name=name, starts_at=AT, time_zone="UTC", by_currency=by_currency, admitted=2, inside=1
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_currencies_are_never_added() -> None:
    with pytest.raises(ValueError, match="cannot be reckoned together"):
        USD + EUR
    assert [(each.currency, each.revenue, each.net) for each in totals([figures(USD, EUR), figures(USD)])] == [
        ("EUR", 4000, 4000),
        ("USD", 27000, 18000),
    ]


def test_a_table_has_a_row_for_each_currency_and_counts_nobody_twice() -> None:
    table = rows(as_csv([figures(USD, EUR)]))
    assert [(row["currency"], row["revenue"], row["net"]) for row in table] == [
        ("USD", "13500", "9000"),
        ("EUR", "4000", "4000"),
    ]
    assert [row["admitted"] for row in table] == ["2", ""]
    assert table[0]["starts_at"] == "2026-09-01T12:00:00Z"
    assert as_csv([]) == ",".join(CSV_COLUMNS) + "\r\n"


@pytest.mark.parametrize(
    "name",
    ['=HYPERLINK("http://evil.example")', "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1"],
)
def test_no_name_becomes_a_formula(name: str) -> None:
    assert guarded(name) == f"'{name}"
    (row,) = rows(as_csv([figures(USD, name=name)]))
    assert row["event_name"].startswith("'")


@pytest.mark.parametrize("name", ["Mahler 9", "A = B", 'Die "Neunte", heute', "北京", ""])
def test_ordinary_names_are_written_as_they_are(name: str) -> None:
    assert guarded(name) == name
    (row,) = rows(as_csv([figures(USD, name=name)]))
    assert row["event_name"] == name


def test_a_day_is_the_venues_day() -> None:
    late = quarter_hour(int(datetime(2026, 9, 2, 3, 59, tzinfo=UTC).timestamp() * 1000))
    after_midnight = quarter_hour(int(datetime(2026, 9, 2, 4, 0, tzinfo=UTC).timestamp() * 1000))
    days = by_day({(late, "USD"): USD, (after_midnight, "USD"): USD}, "America/New_York")
    assert [day.day for day in days] == [date(2026, 9, 1), date(2026, 9, 2)]
    # A zone whose days begin three quarters past UTC's hours.
    nepal = quarter_hour(int(datetime(2026, 9, 1, 18, 15, tzinfo=UTC).timestamp() * 1000))
    assert [day.day for day in by_day({(nepal, "USD"): USD, (nepal - 1, "USD"): USD}, "Asia/Kathmandu")] == [
        date(2026, 9, 1),
        date(2026, 9, 2),
    ]


def test_days_of_two_currencies_stand_apart() -> None:
    days = by_day({(0, "USD"): USD, (0, "EUR"): EUR, (1, "USD"): USD}, "UTC")
    assert [(day.figures.currency, day.figures.sold) for day in days] == [("EUR", 1), ("USD", 6)]


def test_a_period_has_an_order() -> None:
    assert period(date(2026, 9, 1), None).begins_at == datetime(2026, 9, 1, tzinfo=UTC)
    assert period(AT, AT).ends_at == AT
    with pytest.raises(PeriodBackwards):
        period(date(2026, 9, 2), date(2026, 9, 1))


def test_a_parameter_names_a_day_or_a_moment() -> None:
    assert moment("2026-09-01") == date(2026, 9, 1)
    assert moment("2026-09-01T14:00+02:00") == AT
    assert moment(None) is None
    with pytest.raises(ValueError, match="out of range"):
        moment("2026-02-30")


def test_an_orders_places_are_lines() -> None:
    sale = confirmed(event(ids.new_id("org", AT)), (2, 1))
    lines = sorted((line.ticket_type_name, line.places, line.price.amount) for line in lines_of(sale.places))
    assert lines == [("Zone 1", 2, 4500), ("Zone 2", 1, 9000)]
    assert lines_of(sale.places) == lines_of(sale.places[::-1])
