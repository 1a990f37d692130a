"""What a sale costs in the table's units and in round trips, as DynamoDB reports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.reservations import use_cases
from services.reservations.domain import SOLD_UNTIL, refusals
from services.reservations.repository import BlockRow, PoolRow, caching, look_at, take
from services.reservations.repository.rows import block_key, pool_key
from services.reservations.schemas import LineAsked
from shared.cache import Cache
from shared.data import consumed, fetch
from shared.data.plain import item_bytes
from shared.ids import new_id
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    event,
    hold,
    on_sale,
    paid,
    refunded,
    rows,
    seated_pool,
    ticket_type,
    where,
)


class CountingCache(Cache):
    """A cache that counts its round trips."""

    calls = 0

    def execute(self, call: Callable[[Any], Any]) -> Any:
        self.calls += 1
        return super().execute(call)


@pytest.mark.parametrize("until", [SOLD_UNTIL, int(OPENING.timestamp()) + 600])
def test_a_full_block_fits_one_write_unit(until: int) -> None:
    pool_id = new_id("pol")
    block = pool_id, 999_999
    for slot in range(25):
        take(new_id("hld"), {block: [slot]}, until, now=OPENING)
    row = fetch(BlockRow, *block_key(*block))
    assert row is not None
    assert len(row.slots()) == 25
    size = item_bytes(row.serialize())
    assert size <= 1024
    with consumed() as meter, pytest.raises(Exception, match="somebody else's"):
        take(new_id("hld"), {block: [24]}, until, now=OPENING)
    assert meter.writes == 1


@pytest.mark.parametrize("quantity", [1, 2, 8, 25])
def test_hold_confirm_and_release_write_one_unit_each_for_any_number_of_places_of_a_block(quantity: int) -> None:
    published, kind = on_sale(2500)
    hold(published, kind, 1)  # prepares the hints, once for a pool
    with consumed() as held_meter:
        held = hold(published, kind, quantity)
    assert len({place.block for place in held.places}) == 1
    order = paid(published, held)
    with consumed() as confirm_meter:
        use_cases.answer_paid_order(order, OPENING)
    assert (held_meter.writes, held_meter.reads, held_meter.requests) == (1, 0, 1)
    assert (confirm_meter.writes, confirm_meter.reads, confirm_meter.requests) == (1, 0, 1)


def test_a_refund_writes_its_decision_and_the_block() -> None:
    published, kind = on_sale(50)
    held = hold(published, kind, 2)
    order = paid(published, held)
    use_cases.answer_paid_order(order, OPENING)
    with consumed() as meter:
        use_cases.take_back_refunded_order(refunded(order, held.places, was_confirmed=True), OPENING)
    assert meter.writes == 2


def test_a_hold_takes_three_round_trips_and_a_loser_none() -> None:
    published, kind = on_sale(4)
    cache = CountingCache(caching.cache()._url, prefix=caching.cache().full_key("counting"))
    line = LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2)
    with caching.using(cache):
        use_cases.place_hold(basket(published, line), "per_first", "key-1", OPENING)
        cache.calls = 0
        with consumed() as meter:
            held = use_cases.place_hold(basket(published, line), "per_second", "key-2", OPENING)
        assert cache.calls + meter.requests == 3
        use_cases.answer_paid_order(paid(published, held), OPENING)
        with pytest.raises(refusals.AllHeld):
            hold(published, kind, 1)
        cache.calls = 0
        with consumed() as meter:
            for person in range(20):
                with pytest.raises(refusals.AllHeld):
                    hold(published, kind, 1, person_id=f"per_{person}")
        assert (meter.requests, cache.calls) == (0, 0)
        # Another process has to ask Redis, and no more.
        caching.findings.clear()
        with consumed() as meter, pytest.raises(refusals.AllHeld):
            hold(published, kind, 1)
        assert (meter.requests, cache.calls) == (0, 1)


def test_a_pool_of_2200_seats_is_a_small_item() -> None:
    hall = [run for section in range(8) for run in rows(f"Section {section}", "ABCD"[section % 4], *[25] * 11)]
    pool = seated_pool(hall)
    assert pool.capacity == 2200
    use_cases.put_on_sale(event([pool], [ticket_type(pool, zone="A")]), OPENING)
    row = fetch(PoolRow, *pool_key(pool.pool_id))
    assert row is not None
    assert item_bytes(row.serialize()) < 1024


def test_publishing_writes_pools_and_no_blocks() -> None:
    with consumed() as meter:
        published, _ = on_sale(1_000_000)
    assert meter.writes <= 4
    pool_id = published.pools[0].pool_id
    assert all(not slots for slots in look_at((pool_id, block) for block in range(100)).values())


def test_k_places_of_a_block_cost_what_one_costs_when_they_are_sold_out_again() -> None:
    published, kind = on_sale(25)
    held = hold(published, kind, 25)
    assert len(where(held)) == 25
    with consumed() as meter:
        use_cases.answer_paid_order(paid(published, held), OPENING)
    assert meter.writes == 1
