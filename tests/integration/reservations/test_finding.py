"""Finding the last places: bounded, honest about "sold out", and right when the hints are wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations import repository
from services.reservations.domain import SOLD_UNTIL, Wish, refusals
from services.reservations.repository import caching, hints
from services.reservations.repository.hints import Told
from services.reservations.use_cases import looking
from shared.data import consumed
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, hold, on_sale, where

BLOCKS = 30
LATER = OPENING + timedelta(seconds=1)


def sell(published: EventPublished, blocks: range, slots: range = range(25), until: int = SOLD_UNTIL) -> None:
    """Somebody else's sales, which no hint has heard of."""
    for block in blocks:
        repository.take(new_id("hld"), {(published.pools[0].pool_id, block): list(slots)}, until, now=OPENING)


def test_the_last_place_is_found_wherever_it_is(redis_or_none: str) -> None:
    published, kind = on_sale(BLOCKS * 25)
    sell(published, range(BLOCKS - 1))
    sell(published, range(BLOCKS - 1, BLOCKS), range(24))
    held = hold(published, kind, 1)
    assert where(held) == {(published.pools[0].pool_id, BLOCKS - 1, 24)}
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1, LATER)


def test_without_redis_a_request_that_finds_nothing_looks_at_few_blocks_and_asks_to_come_again(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SLICE_BLOCKS_ALONE", 10)
    published, kind = on_sale(BLOCKS * 25)
    sell(published, range(BLOCKS))
    answers: list[str] = []
    for second in range(3):
        with consumed() as meter, pytest.raises(refusals.Refusal) as refused:
            hold(published, kind, 1, OPENING + timedelta(seconds=second))
        answers.append(type(refused.value).__name__)
        assert meter.writes == 0
        assert meter.reads <= 8 + 10 + 4  # probes, a slice, and once the event itself
    # Not before every block was looked at.
    assert answers == ["Busy", "Busy", "SoldOut"]
    with consumed() as meter, pytest.raises(refusals.SoldOut):
        hold(published, kind, 1, OPENING + timedelta(seconds=3))
    assert meter.requests == 0


def test_without_redis_a_second_request_of_the_same_second_only_probes(no_redis: None) -> None:
    published, kind = on_sale(BLOCKS * 25)
    sell(published, range(BLOCKS), range(25), int(OPENING.timestamp()) + 60)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    caching.findings.clear()
    caching.looks.put(f"{published.event_id} {published.pools[0].pool_id} ", True, OPENING.timestamp() + 1)
    with consumed() as meter, pytest.raises(refusals.Busy) as refused:
        hold(published, kind, 1)
    assert (meter.reads, meter.writes) == (8, 0)
    assert refused.value.retry_after == 1


def test_with_redis_a_look_at_a_large_pool_goes_on_from_request_to_request(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(BLOCKS * 25)
    sell(published, range(BLOCKS))
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    monkeypatch.setattr(looking, "SLICE_BLOCKS", 10)
    published, kind = on_sale(BLOCKS * 25)
    sell(published, range(BLOCKS))
    answers = []
    for second in range(3):
        # A new process each time: what was looked at is known to all of them.
        caching.forget()
        with pytest.raises(refusals.Refusal) as refused:
            hold(published, kind, 1, OPENING + timedelta(seconds=second))
        answers.append(type(refused.value).__name__)
    assert answers == ["Busy", "Busy", "SoldOut"]


def test_places_that_come_back_during_a_look_make_it_worthless(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(2)
    sale = repository.sale_of(published.event_id, OPENING)
    demand = sale.demand(kind, Wish("any", 1))
    generation = hints.since(sale)
    hints.tell(sale, [Told((demand.pool_id, 0), {0: 0}, exact=True)], OPENING, freed=True)
    assert not hints.note_finding(sale, demand, b"sold out", generation)
    assert hints.note_finding(sale, demand, b"sold out", hints.since(sale))


def prepared(capacity: int) -> tuple[EventPublished, TicketType]:
    published, kind = on_sale(capacity)
    sale = repository.sale_of(published.event_id, OPENING)
    hints.prepare(sale, published.pools[0].pool_id, OPENING)
    return published, kind


def test_a_hint_that_is_wrong_costs_one_refused_write_and_one_exact_second_try() -> None:
    published, kind = prepared(25)
    sell(published, range(1), range(3))
    with consumed() as meter:
        held = hold(published, kind, 2)
    assert {slot for _, _, slot in where(held)} == {3, 4}
    assert meter.writes == 2
    with consumed() as meter:
        hold(published, kind, 2)
    assert meter.writes == 1, "the refusal has corrected the hint"


def test_places_that_the_hints_believe_gone_are_found_by_a_look() -> None:
    published, kind = prepared(50)
    sale = repository.sale_of(published.event_id, OPENING)
    pool_id = published.pools[0].pool_id
    believed = [Told((pool_id, block), dict.fromkeys(range(25), SOLD_UNTIL), exact=True) for block in range(2)]
    hints.tell(sale, believed, OPENING)
    assert len(where(hold(published, kind, 2))) == 2
    with consumed() as meter:
        hold(published, kind, 2)
    assert meter.requests == 1, "the look has corrected the hints"


def test_a_redis_that_forgot_everything_is_prepared_from_the_table() -> None:
    published, kind = prepared(50)
    first = hold(published, kind, 20)
    cache = caching.cache()
    keys = cache.execute(lambda client: list(client.scan_iter(cache.full_key(f"{{{published.event_id}}}*"))))
    assert keys
    cache.execute(lambda client: client.delete(*keys))
    with consumed() as meter:
        second = hold(published, kind, 30)
    assert not where(first) & where(second)
    # Read once (two blocks), then written at the first try.
    assert meter.requests == 2
    assert meter.reckoned_writes == 0


def test_buyers_at_the_same_moment_are_sent_to_different_places() -> None:
    published, kind = prepared(25)
    sale = repository.sale_of(published.event_id, OPENING)
    demand = sale.demand(kind, Wish("any", 1))
    picked = [hints.ask(sale, {demand: 5}, OPENING) for _ in range(5)]
    places = [place for one in picked if isinstance(one, hints.Picked) for place in one.places[demand]]
    assert len(places) == len(set(places)) == 25
    assert isinstance(hints.ask(sale, {demand: 1}, OPENING), hints.Short)
    # Whoever picked them died: some seconds later they are to be had again.
    later = OPENING + timedelta(seconds=hints.LEASE_SECONDS + 1)
    assert isinstance(hints.ask(sale, {demand: 25}, later), hints.Picked)


def test_a_million_places_are_prepared_and_sold(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(1_000_000)
    with consumed() as meter:
        seen = [hold(published, kind, 2) for _ in range(10)]
    assert len(set().union(*map(where, seen))) == 20
    assert meter.writes == 10
