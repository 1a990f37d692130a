"""The read model: every message lands in a row of its own key, and its version decides whether it is news.

So a message that comes twice, late or in another order leaves the same rows, and the figures follow from the rows
alone: emptied and filled again by `republish`, they come out equal. The SQL is what SQLite and PostgreSQL share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from contracts.catalog import EventPublished
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.tickets import TicketAdmitted
from services.reporting import domain
from services.reporting.domain import EventFigures, EventReport, Figures, Period, TypeFigures
from services.reporting.repository.pools import capacities, keep_published
from services.reporting.repository.statements import rows, run
from shared import clock

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

TABLES: Final = ("events", "ticket_types", "orders", "order_lines", "admissions", "pools")

_KEEP_EVENT: Final = """
    INSERT INTO events (event_id, version, organiser_id, name, starts_at, time_zone, currency)
    VALUES (:event_id, :version, :organiser_id, :name, :starts_at, :time_zone, :currency)
    ON CONFLICT (event_id) DO UPDATE SET
        version = excluded.version, organiser_id = excluded.organiser_id, name = excluded.name,
        starts_at = excluded.starts_at, time_zone = excluded.time_zone, currency = excluded.currency
    WHERE events.version < excluded.version
"""
_KEEP_TICKET_TYPE: Final = """
    INSERT INTO ticket_types (event_id, ticket_type_id, name, version)
    VALUES (:event_id, :ticket_type_id, :name, :version)
    ON CONFLICT (event_id, ticket_type_id) DO UPDATE SET name = excluded.name, version = excluded.version
    WHERE ticket_types.version < excluded.version
"""
# A refund tells all of the sale it undoes, because after it nobody sends the confirmation again: whichever of the two
# comes first makes the row, and the other adds its own half.
_INSERT_ORDER: Final = """
    INSERT INTO orders (order_id, event_id, organiser_id, currency, places, total,
        confirmed_version, confirmed_at, refunded_version, refunded_at, refunded)
    VALUES (:order_id, :event_id, :organiser_id, :currency, :places, :total,
        :confirmed_version, :confirmed_at, :refunded_version, :refunded_at, :refunded)
    ON CONFLICT (order_id) DO UPDATE SET
"""
_CONFIRM: Final = f"""{_INSERT_ORDER}
        confirmed_version = excluded.confirmed_version, confirmed_at = excluded.confirmed_at,
        places = excluded.places, total = excluded.total
    WHERE orders.confirmed_version < excluded.confirmed_version
"""
_REFUND: Final = f"""{_INSERT_ORDER}
        refunded_version = excluded.refunded_version, refunded_at = excluded.refunded_at, refunded = excluded.refunded
    WHERE orders.refunded_version < excluded.refunded_version
"""
_KEEP_LINE: Final = """
    INSERT INTO order_lines (order_id, ticket_type_id, price, name, places)
    VALUES (:order_id, :ticket_type_id, :price, :name, :places)
    ON CONFLICT (order_id, ticket_type_id, price) DO NOTHING
"""
_KEEP_ADMISSION: Final = """
    INSERT INTO admissions (ticket_id, event_id, organiser_id, version, direction, first_at)
    VALUES (:ticket_id, :event_id, :organiser_id, :version, :direction, :at)
    ON CONFLICT (ticket_id) DO UPDATE SET
        version = CASE WHEN admissions.version < excluded.version THEN excluded.version ELSE admissions.version END,
        direction = CASE WHEN admissions.version < excluded.version THEN excluded.direction
            ELSE admissions.direction END,
        first_at = CASE WHEN excluded.first_at < admissions.first_at THEN excluded.first_at ELSE admissions.first_at END
"""

# The cast tells PostgreSQL the type of a parameter that may be absent.
_ONE_OR_ALL: Final = "(CAST(:event_id AS TEXT) IS NULL OR event_id = :event_id)"
_SOLD: Final = f"""
    SELECT event_id, currency, SUM(places) AS places, SUM(total) AS amount FROM orders
    WHERE organiser_id = :organiser_id AND {_ONE_OR_ALL} AND confirmed_at >= :begins AND confirmed_at < :ends
    GROUP BY event_id, currency
"""
_REFUNDED: Final = f"""
    SELECT event_id, currency, SUM(places) AS places, SUM(refunded) AS amount FROM orders
    WHERE organiser_id = :organiser_id AND {_ONE_OR_ALL} AND refunded_at >= :begins AND refunded_at < :ends
    GROUP BY event_id, currency
"""
_ADMITTED: Final = f"""
    SELECT event_id, COUNT(*) AS admitted, SUM(CASE WHEN direction = 'in' THEN 1 ELSE 0 END) AS inside FROM admissions
    WHERE organiser_id = :organiser_id AND {_ONE_OR_ALL} AND first_at >= :begins AND first_at < :ends
    GROUP BY event_id
"""
_BY_TYPE: Final = """
    SELECT l.ticket_type_id, MAX(l.name) AS name, o.currency, SUM(l.places) AS sold,
        SUM(l.places * l.price) AS revenue,
        SUM(CASE WHEN o.refunded_version > 0 THEN l.places ELSE 0 END) AS tickets_refunded,
        SUM(CASE WHEN o.refunded_version > 0 THEN l.places * l.price ELSE 0 END) AS refunded
    FROM order_lines l JOIN orders o ON o.order_id = l.order_id
    WHERE o.event_id = :event_id AND o.organiser_id = :organiser_id
    GROUP BY l.ticket_type_id, o.currency
"""
_SOLD_BY_QUARTER: Final = """
    SELECT confirmed_at / 900000 AS quarter, currency, SUM(places) AS places, SUM(total) AS amount FROM orders
    WHERE event_id = :event_id AND organiser_id = :organiser_id GROUP BY confirmed_at / 900000, currency
"""
_REFUNDED_BY_QUARTER: Final = """
    SELECT refunded_at / 900000 AS quarter, currency, SUM(places) AS places, SUM(refunded) AS amount FROM orders
    WHERE event_id = :event_id AND organiser_id = :organiser_id AND refunded_version > 0
    GROUP BY refunded_at / 900000, currency
"""
_BEGINNING: Final = -(2**62)
_END: Final = 2**62


class _Event(msgspec.Struct, frozen=True):
    """What is known of an event."""

    event_id: str
    name: str
    starts_at: datetime
    time_zone: str
    currency: str


def keep_event(engine: Engine, message: EventPublished) -> None:
    """Keep an event's name, time and currency, and its ticket types' names, unless newer ones are there."""
    with engine.begin() as connection:
        run(
            connection,
            _KEEP_EVENT,
            event_id=message.event_id,
            version=message.version,
            organiser_id=message.organiser_id,
            name=message.name,
            starts_at=clock.epoch_milliseconds(message.starts_at),
            time_zone=message.time_zone,
            currency=message.currency,
        )
        # In the order of their keys, as everywhere: two writers of several rows then cannot wait for each other.
        for ticket_type in sorted(message.ticket_types, key=lambda each: each.ticket_type_id):
            run(
                connection,
                _KEEP_TICKET_TYPE,
                event_id=message.event_id,
                ticket_type_id=ticket_type.ticket_type_id,
                name=ticket_type.name,
                version=message.version,
            )
        keep_published(connection, message)


def keep_sale(engine: Engine, message: OrderConfirmed) -> None:
    """Count a confirmed order."""
    with engine.begin() as connection:
        run(
            connection,
            _CONFIRM,
            **_order(message, message.total.currency, message.total.amount),
            confirmed_version=message.version,
            confirmed_at=clock.epoch_milliseconds(message.confirmed_at),
            refunded_version=0,
            refunded_at=None,
            refunded=0,
        )
        _keep_lines(connection, message)


def keep_refund(engine: Engine, message: OrderRefunded) -> None:
    """Count an order's refund, and the sale it undoes where that was not heard of. Of no sale, nothing is counted."""
    if not message.was_confirmed:
        return
    total = domain.total_of(message.places, message.amount.currency)
    refunded_at = clock.epoch_milliseconds(message.refunded_at)
    with engine.begin() as connection:
        run(
            connection,
            _REFUND,
            **_order(message, message.amount.currency, total.amount),
            confirmed_version=0,
            confirmed_at=clock.epoch_milliseconds(message.confirmed_at) if message.confirmed_at else refunded_at,
            refunded_version=message.version,
            refunded_at=refunded_at,
            refunded=message.amount.amount,
        )
        _keep_lines(connection, message)


def keep_admission(engine: Engine, message: TicketAdmitted) -> None:
    """Count a ticket's entry, and whether it is inside by its latest passage."""
    with engine.begin() as connection:
        run(
            connection,
            _KEEP_ADMISSION,
            ticket_id=message.ticket_id,
            event_id=message.event_id,
            organiser_id=message.organiser_id,
            version=message.version,
            direction=message.direction,
            at=clock.epoch_milliseconds(message.admitted_at),
        )


def sales(engine: Engine, organiser_id: str, period: Period, event_id: str | None = None) -> list[EventFigures]:
    """Every event of an organiser, or the one named, by its start, with what was sold and admitted in a period."""
    asked = {
        "organiser_id": organiser_id,
        "event_id": event_id,
        "begins": clock.epoch_milliseconds(period.begins_at) if period.begins_at else _BEGINNING,
        "ends": clock.epoch_milliseconds(period.ends_at) if period.ends_at else _END,
    }
    with engine.connect() as connection:
        events = _events(connection, asked)
        figures = _merged(rows(connection, _SOLD, asked), rows(connection, _REFUNDED, asked), "event_id")
        places = capacities(connection, asked)
        admitted = {row["event_id"]: row for row in rows(connection, _ADMITTED, asked)}
    by_event: dict[str, dict[str, Figures]] = defaultdict(dict)
    for (event_id, currency), each in figures.items():
        by_event[event_id][currency] = each
    # Of an event whose publication has not arrived yet, the figures are known already and the name is not.
    strange = sorted(by_event.keys() - events.keys())
    return [
        _event_figures(
            event_id,
            events.get(event_id),
            by_event.get(event_id, {}),
            admitted.get(event_id, {}),
            places.get(event_id),
        )
        for event_id in [*events, *strange]
    ]


def event_report(engine: Engine, event_id: str, organiser_id: str) -> EventReport | None:
    """One event's figures, by ticket type and by day; None when it is not known as that organiser's."""
    found = sales(engine, organiser_id, Period(), event_id)
    if not found:
        return None
    event = found[0]
    asked = {"event_id": event_id, "organiser_id": organiser_id}
    with engine.connect() as connection:
        types = {
            row["ticket_type_id"]: row["name"]
            for row in rows(
                connection, "SELECT ticket_type_id, name FROM ticket_types WHERE event_id = :event_id", asked
            )
        }
        by_type = _by_type(rows(connection, _BY_TYPE, asked), types, event.by_currency[0].currency)
        quarters = _merged(
            rows(connection, _SOLD_BY_QUARTER, asked), rows(connection, _REFUNDED_BY_QUARTER, asked), "quarter"
        )
    return EventReport(event=event, by_ticket_type=by_type, by_day=domain.by_day(quarters, event.time_zone or "UTC"))


def organiser_of(engine: Engine, event_id: str) -> str | None:
    """Whose event it is, from its publication or else its first sale; None when nothing is known of it."""
    with engine.connect() as connection:
        for table in ("events", "orders"):
            found = rows(
                connection,
                f"SELECT organiser_id FROM {table} WHERE event_id = :event_id LIMIT 1",
                {"event_id": event_id},
            )
            if found:
                return str(found[0]["organiser_id"])
    return None


def empty(engine: Engine) -> dict[str, int]:
    """Forget everything, so that a republish fills it anew; answers how many rows each table had."""
    with engine.begin() as connection:
        return {table: run(connection, f"DELETE FROM {table}") for table in TABLES}


def is_ready(engine: Engine) -> bool:
    """Whether the database answers."""
    with engine.connect() as connection:
        return len(rows(connection, "SELECT 1 AS one", {})) == 1


def _order(message: OrderConfirmed | OrderRefunded, currency: str, total: int) -> dict[str, Any]:
    return {
        "order_id": message.order_id,
        "event_id": message.event_id,
        "organiser_id": message.organiser_id,
        "currency": currency,
        "places": len(message.places),
        "total": total,
    }


def _keep_lines(connection: Connection, message: OrderConfirmed | OrderRefunded) -> None:
    for line in domain.lines_of(message.places):
        run(
            connection,
            _KEEP_LINE,
            order_id=message.order_id,
            ticket_type_id=line.ticket_type_id,
            price=line.price.amount,
            name=line.ticket_type_name,
            places=line.places,
        )


def _events(connection: Connection, asked: Mapping[str, Any]) -> dict[str, _Event]:
    statement = f"""
        SELECT event_id, name, starts_at, time_zone, currency FROM events
        WHERE organiser_id = :organiser_id AND {_ONE_OR_ALL} ORDER BY starts_at, event_id
    """
    return {
        row["event_id"]: _Event(
            event_id=row["event_id"],
            name=row["name"],
            starts_at=clock.from_epoch_milliseconds(row["starts_at"]),
            time_zone=row["time_zone"],
            currency=row["currency"],
        )
        for row in rows(connection, statement, asked)
    }


def _merged(
    sold: list[Mapping[str, Any]], refunded: list[Mapping[str, Any]], by: str
) -> dict[tuple[Any, str], Figures]:
    """What was sold and what was given back, by something and by currency."""
    # PostgreSQL sums 64-bit numbers as decimals.
    merged: dict[tuple[Any, str], Figures] = {}
    for row in sold:
        key = (row[by], row["currency"])
        merged[key] = Figures(currency=row["currency"], sold=int(row["places"]), revenue=int(row["amount"]))
    for row in refunded:
        key = (row[by], row["currency"])
        merged[key] = merged.get(key, Figures(currency=row["currency"])) + Figures(
            currency=row["currency"], tickets_refunded=int(row["places"]), refunded=int(row["amount"])
        )
    return merged


def _event_figures(
    event_id: str,
    event: _Event | None,
    by_currency: Mapping[str, Figures],
    admitted: Mapping[str, Any],
    capacity: int | None,
) -> EventFigures:
    # Its own currency first, also before anything was sold; an unknown event's are told by name.
    own = event.currency if event is not None else min(by_currency)
    order = [own, *sorted(by_currency.keys() - {own})]
    return EventFigures(
        event_id=event_id,
        name=event.name if event else None,
        starts_at=event.starts_at if event else None,
        time_zone=event.time_zone if event else None,
        by_currency=[by_currency.get(currency, Figures(currency=currency)) for currency in order],
        admitted=int(admitted.get("admitted", 0)),
        inside=int(admitted.get("inside", 0)),
        capacity=capacity,
    )


def _by_type(rows: list[Mapping[str, Any]], names: Mapping[str, str], currency: str) -> list[TypeFigures]:
    found = [
        TypeFigures(
            ticket_type_id=row["ticket_type_id"],
            name=names.get(row["ticket_type_id"], row["name"]),
            figures=Figures(
                currency=row["currency"],
                sold=int(row["sold"]),
                revenue=int(row["revenue"]),
                tickets_refunded=int(row["tickets_refunded"]),
                refunded=int(row["refunded"]),
            ),
        )
        for row in rows
    ]
    unsold = names.keys() - {each.ticket_type_id for each in found}
    found += [
        TypeFigures(ticket_type_id=type_id, name=names[type_id], figures=Figures(currency=currency))
        for type_id in unsold
    ]
    return sorted(found, key=lambda each: (each.name, each.ticket_type_id, each.figures.currency))
