"""Reporting's figures equal those of an independent ledger, however messages are repeated and shuffled.

The ledger keeps every fact once and adds up from scratch; it shares no code with the read model.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.catalog import EventPublished
from contracts.orders import OrderConfirmed, OrderRefunded
from contracts.reservations import PoolChanged
from contracts.tickets import TicketAdmitted
from services.reporting import repository
from services.reporting.domain import Period
from services.reporting.repository import figures
from shared import ids
from shared.messaging import Message
from tests.integration.reporting.test_read_model import current_state, hear
from tests.unit.reporting.sample_season import AT, confirmed, event, passages, refunded, resized

if TYPE_CHECKING:
    from sqlalchemy import Engine

Order = tuple[int, tuple[int, int], str, bool, tuple[int, ...]]
ORDERS = st.lists(
    st.tuples(
        st.integers(0, 1),  # which event
        st.tuples(st.integers(0, 3), st.integers(1, 3)),  # places of each ticket type
        st.sampled_from(["USD", "EUR"]),
        st.booleans(),  # refunded
        st.lists(st.integers(0, 4), max_size=3).map(tuple),  # how often each ticket passes a gate
    ),
    max_size=8,
)


def facts_of(orders: list[Order], organiser_id: str, sizes: Sequence[int] = ()) -> list[Message]:
    """What the services announce of these orders, in the order it happens; the first event's pool gets these sizes."""
    events = [event(organiser_id, name=name) for name in ("First", "Second")]
    facts: list[Message] = [*events, *resized(events[0], sizes)]
    for number, counts, currency, is_refunded, passed in orders:
        sale = confirmed(events[number], counts, currency=currency)
        facts.append(sale)
        for place, times in enumerate(passed[: len(sale.places)]):
            facts += passages(sale, place, [("in", "out")[turn % 2] for turn in range(times)])
        if is_refunded:
            facts.append(refunded(sale))
    return facts


def ledger(facts: list[Message]) -> dict[str, Any]:
    """What the facts add up to, by event."""
    money: dict[str, Counter[tuple[str, str]]] = {}
    where: dict[str, dict[str, tuple[int, str]]] = {}
    places: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, EventPublished):
            money[fact.event_id], where[fact.event_id] = Counter(), {}
            places[fact.event_id] = sum(pool.capacity for pool in fact.pools)
        if isinstance(fact, PoolChanged):
            places[fact.event_id] = fact.capacity
    for fact in facts:
        if isinstance(fact, OrderConfirmed):
            money[fact.event_id][fact.total.currency, "sold"] += len(fact.places)
            money[fact.event_id][fact.total.currency, "revenue"] += fact.total.amount
        if isinstance(fact, OrderRefunded):
            money[fact.event_id][fact.amount.currency, "tickets_refunded"] += len(fact.places)
            money[fact.event_id][fact.amount.currency, "refunded"] += fact.amount.amount
        if isinstance(fact, TicketAdmitted):
            latest = where[fact.event_id].get(fact.ticket_id, (0, ""))
            where[fact.event_id][fact.ticket_id] = max(latest, (fact.version, fact.direction))
    return {
        event_id: {
            "money": {key: count for key, count in money[event_id].items() if count},
            "admitted": len(where[event_id]),
            "inside": sum(direction == "in" for _, direction in where[event_id].values()),
            "capacity": places[event_id],
        }
        for event_id in money
    }


def reported(engine: Engine, organiser_id: str) -> dict[str, Any]:
    """The same, as the read model has it."""
    return {
        each.event_id: {
            "money": {
                (figures.currency, name): getattr(figures, name)
                for figures in each.by_currency
                for name in ("sold", "revenue", "tickets_refunded", "refunded")
                if getattr(figures, name)
            },
            "admitted": each.admitted,
            "inside": each.inside,
            "capacity": each.capacity,
        }
        for each in repository.sales(engine, organiser_id, Period())
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=ORDERS, sizes=st.lists(st.integers(1, 200), max_size=3), chance=st.randoms(use_true_random=False))
def test_figures_equal_the_ledgers(
    engine: Engine, orders: list[Order], sizes: list[int], chance: random.Random
) -> None:
    organiser_id = ids.new_id("org", AT)
    facts = facts_of(orders, organiser_id, sizes)
    delivered = [fact for fact in facts for _ in range(chance.choice((1, 1, 2, 3)))]
    chance.shuffle(delivered)
    hear(engine, delivered)
    assert reported(engine, organiser_id) == ledger(facts)
    # Emptied, and filled by what is left in the others' rows, again repeated and shuffled.
    repository.empty(engine)
    rebuilt = current_state(facts) * 2
    chance.shuffle(rebuilt)
    hear(engine, rebuilt)
    assert reported(engine, organiser_id) == ledger(facts)


@pytest.mark.parametrize("guard", ["_CONFIRM", "_KEEP_ADMISSION"])
def test_the_ledger_notices_a_model_that_counts_twice(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """The negative control: made to add instead of to replace, the model no longer equals the ledger."""
    organiser_id = ids.new_id("org", AT)
    facts = facts_of([(0, (2, 1), "USD", False, (2,))], organiser_id)
    hear(engine, facts)
    assert reported(engine, organiser_id) == ledger(facts)
    genuine = getattr(figures, guard)
    broken = {
        "_CONFIRM": genuine.partition("confirmed_version = excluded")[0]
        + " places = orders.places + excluded.places, total = orders.total + excluded.total",
        "_KEEP_ADMISSION": genuine.partition("version = CASE")[0]
        + " version = excluded.version, direction = excluded.direction",
    }
    monkeypatch.setattr(figures, guard, broken[guard])
    hear(engine, facts[::-1])
    assert reported(engine, organiser_id) != ledger(facts)
