"""The read model on both databases: figures, duplicates, disorder, and a rebuild."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from contracts.catalog import EventPublished
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.reservations import PoolChanged
from contracts.tickets import TicketAdmitted
from services.reporting import domain, migrations, repository, use_cases
from services.reporting.database import engine_for
from services.reporting.domain import EventFigures, Figures, Period
from services.reporting.repository import figures
from shared import ids
from shared.messaging import Message
from tests.unit.reporting.sample_season import AT, confirmed, event, messages, passages, refunded, resized

if TYPE_CHECKING:
    from sqlalchemy import Engine

ORGANISER = ids.new_id("org", AT)


def hear(engine: Engine, heard: Iterable[Message]) -> None:
    """What the consumer does with each message."""
    for message in heard:
        match message:
            case EventPublished():
                use_cases.keep_event(message, engine)
            case PoolChanged():
                use_cases.keep_pool(message, engine)
            case OrderConfirmed():
                use_cases.count_sale(message, engine)
            case OrderRefunded():
                use_cases.count_refund(message, engine)
            case TicketAdmitted():
                use_cases.count_admission(message, engine)
            case _:
                raise AssertionError(message)


def season() -> list[Message]:
    """Two events, three sales, a refund and some who entered."""
    first, second = event(ORGANISER), event(ORGANISER, name="Bruckner 8", starts_at=AT + timedelta(days=40))
    kept, given_back = confirmed(first, (2, 1)), confirmed(first, (0, 2), at=AT + timedelta(hours=30))
    return messages(
        first,
        second,
        resized(first, (80, 120)),
        kept,
        given_back,
        refunded(given_back, at=AT + timedelta(days=5)),
        passages(kept, 0, ["in"]),
        passages(kept, 1, ["in", "out"]),
        passages(kept, 2, ["in", "out", "in"]),
    )


def of(engine: Engine, event_id: str) -> EventFigures:
    """One event's figures."""
    return next(each for each in repository.sales(engine, ORGANISER, Period()) if each.event_id == event_id)


def everything(engine: Engine, organiser_id: str = ORGANISER) -> bytes:
    """Every figure there is of an organiser, in one value."""
    sales = repository.sales(engine, organiser_id, Period())
    reports = [repository.event_report(engine, each.event_id, organiser_id) for each in sales]
    return msgspec.json.encode((sales, reports))


def test_the_figures_of_a_season(engine: Engine) -> None:
    hear(engine, season())
    first, second = repository.sales(engine, ORGANISER, Period())
    assert (first.name, second.name) == ("Mahler 9", "Bruckner 8")
    assert first.by_currency == [
        Figures(currency="USD", sold=5, revenue=2 * 4500 + 3 * 9000, tickets_refunded=2, refunded=18000)
    ]
    assert (first.admitted, first.inside) == (3, 2)
    assert (first.capacity, second.capacity) == (120, 100)
    # Nothing was sold of it yet, and it is there all the same.
    assert second.by_currency == [Figures(currency="USD")]


def test_an_event_in_detail(engine: Engine) -> None:
    heard = season()
    hear(engine, heard)
    first = heard[0]
    assert isinstance(first, EventPublished)
    report = repository.event_report(engine, first.event_id, ORGANISER)
    assert report is not None
    assert [
        (each.name, each.figures.sold, each.figures.revenue, each.figures.refunded) for each in report.by_ticket_type
    ] == [
        ("Zone 1", 2, 9000, 0),
        ("Zone 2", 3, 27000, 18000),
    ]
    assert [(each.day, each.figures.revenue, each.figures.refunded) for each in report.by_day] == [
        (date(2026, 9, 1), 18000, 0),
        (date(2026, 9, 2), 18000, 0),
        (date(2026, 9, 6), 0, 18000),
    ]
    for parts in (report.by_ticket_type, report.by_day):
        assert sum(each.figures.sold for each in parts) == report.event.by_currency[0].sold
        assert sum(each.figures.net for each in parts) == report.event.by_currency[0].net


def test_a_ticket_type_nobody_bought_is_in_the_report(engine: Engine) -> None:
    published = event(ORGANISER)
    hear(engine, [published, confirmed(published, (1,))])
    report = repository.event_report(engine, published.event_id, ORGANISER)
    assert report is not None
    assert [(each.name, each.figures.sold) for each in report.by_ticket_type] == [("Zone 1", 1), ("Zone 2", 0)]


def test_twice_and_backwards_is_the_same(engine: Engine) -> None:
    heard = season()
    hear(engine, heard)
    once = everything(engine)
    hear(engine, heard[::-1])
    hear(engine, heard)
    assert everything(engine) == once
    repository.empty(engine)
    hear(engine, [message for message in heard[::-1] for _ in range(2)])
    assert everything(engine) == once


def test_versions_are_what_makes_disorder_harmless(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: without the comparison of versions, an old message overwrites a new one."""
    old = event(ORGANISER)
    new = msgspec.structs.replace(old, version=3, name="Renamed")
    hear(engine, [new, old])
    assert of(engine, old.event_id).name == "Renamed"
    monkeypatch.setattr(figures, "_KEEP_EVENT", figures._KEEP_EVENT.partition("WHERE")[0])
    hear(engine, [old])
    assert of(engine, old.event_id).name == "Mahler 9"


def test_a_pool_made_larger_on_sale_counts_before_a_later_publication(engine: Engine) -> None:
    published = event(ORGANISER)
    hear(engine, resized(published, (120,)))
    hear(engine, [published])
    assert of(engine, published.event_id).capacity == 120
    pool = msgspec.structs.replace(published.pools[0], capacity=90)
    hear(engine, [msgspec.structs.replace(published, version=3, pools=(pool,))])
    assert of(engine, published.event_id).capacity == 120


def current_state(heard: Iterable[Message]) -> list[Message]:
    """What a republish sends: of every row its last announcement, so of a refunded order the refund alone."""
    last: dict[str, Message] = {}
    for message in heard:
        match message:
            case OrderConfirmed() | OrderRefunded():
                last[message.order_id] = message
            case EventPublished():
                last[message.event_id] = message
            case PoolChanged():
                last[message.pool_id] = message
            case TicketAdmitted():
                last[message.admission_id] = message
    return list(last.values())


def test_emptied_and_rebuilt_from_the_rows_of_others_the_figures_are_equal(engine: Engine) -> None:
    heard = season()
    hear(engine, heard)
    before = everything(engine)
    gone = repository.empty(engine)
    assert gone == {"events": 2, "ticket_types": 4, "orders": 2, "order_lines": 3, "admissions": 3, "pools": 2}
    assert repository.sales(engine, ORGANISER, Period()) == []
    hear(engine, current_state(heard))
    assert everything(engine) == before


def test_the_refund_of_an_order_that_was_never_confirmed_is_no_sale(engine: Engine) -> None:
    published = event(ORGANISER)
    sale = confirmed(published)
    hear(engine, [published, refunded(sale, was_confirmed=False, confirmed_at=None)])
    assert of(engine, published.event_id).by_currency == [Figures(currency="USD")]


def test_currencies_stand_apart(engine: Engine) -> None:
    published = event(ORGANISER)
    hear(engine, [published, confirmed(published, (1,)), confirmed(published, (1,), currency="EUR")])
    assert of(engine, published.event_id).by_currency == [
        Figures(currency="USD", sold=1, revenue=4500),
        Figures(currency="EUR", sold=1, revenue=4500),
    ]
    report = repository.event_report(engine, published.event_id, ORGANISER)
    assert report is not None
    assert sorted(each.figures.currency for each in report.by_day) == ["EUR", "USD"]


def test_sales_heard_before_their_event_are_counted_and_named_later(engine: Engine) -> None:
    published = event(ORGANISER)
    hear(engine, [confirmed(published, (1,))])
    assert of(engine, published.event_id).name is None
    assert repository.organiser_of(engine, published.event_id) == ORGANISER
    hear(engine, [published])
    assert of(engine, published.event_id).name == "Mahler 9"


def test_tenants_do_not_see_each_other(engine: Engine) -> None:
    other = ids.new_id("org", AT)
    mine, theirs = event(ORGANISER), event(other)
    hear(engine, [mine, theirs, confirmed(mine, (1,)), confirmed(theirs, (3,))])
    assert [each.event_id for each in repository.sales(engine, ORGANISER, Period())] == [mine.event_id]
    assert repository.event_report(engine, theirs.event_id, ORGANISER) is None


def test_a_period_counts_sales_refunds_and_admissions_by_their_own_times(engine: Engine) -> None:
    published = event(ORGANISER)
    sale = confirmed(published, (2,), at=AT)
    later = refunded(sale, at=AT + timedelta(days=3))
    hear(engine, messages(published, sale, later, passages(sale, 0, ["in"], at=AT + timedelta(days=30))))

    def during(begins: datetime | None, ends: datetime | None) -> Any:
        (figures,) = repository.sales(engine, ORGANISER, Period(begins, ends))
        own = figures.by_currency[0]
        return own.sold, own.tickets_refunded, figures.admitted

    day = timedelta(days=1)
    assert during(None, None) == (2, 2, 1)
    assert during(AT, AT + day) == (2, 0, 0)
    # The beginning counts, the end does not.
    assert during(AT - day, AT) == (0, 0, 0)
    assert during(AT + 3 * day, AT + 4 * day) == (0, 2, 0)
    assert during(AT + 29 * day, None) == (0, 0, 1)


def test_many_consumers_at_once_lose_nothing(engine: Engine) -> None:
    published = event(ORGANISER)
    sales = [confirmed(published, (1, 1)) for _ in range(12)]
    heard = messages(published, sales, [refunded(sale) for sale in sales[:4]]) * 2
    barrier, troubles = threading.Barrier(4), []

    def consume(number: int) -> None:
        barrier.wait()
        try:
            hear(engine, heard[number::4])
        except Exception as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert of(engine, published.event_id).by_currency == [
        Figures(currency="USD", sold=24, revenue=12 * 13500, tickets_refunded=8, refunded=4 * 13500)
    ]


def test_migrations_run_once_and_wait_for_each_other(engine: Engine) -> None:
    assert [migrations.migrate(engine) for _ in range(2)] == [len(migrations.MIGRATIONS)] * 2
    numbers = [number for number, _ in migrations.MIGRATIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    with engine.begin() as connection:
        for table in (*repository.TABLES, "schema_versions"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    barrier, troubles = threading.Barrier(4), []

    def start() -> None:
        barrier.wait()
        try:
            migrations.migrate(engine)
        except Exception as trouble:
            troubles.append(trouble)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    hear(engine, season())
    assert len(repository.sales(engine, ORGANISER, Period())) == 2


def test_the_command_empties_what_the_environment_names(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/reporting.sqlite3"
    hear(engine_for(url), season())
    told = subprocess.run(
        [sys.executable, "-m", "services.reporting.empty"],
        env={"DATABASE_URL": url, "STAGEDOOR_ENVIRONMENT_FILE": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "orders: 2 rows removed" in told
    assert repository.sales(engine_for(url), ORGANISER, Period()) == []


def test_a_period_of_the_domain_is_what_the_query_takes() -> None:
    asked = domain.period(date(2026, 9, 1), date(2026, 9, 2))
    assert asked.ends_at is not None
    assert asked.begins_at == asked.ends_at - timedelta(days=1)
