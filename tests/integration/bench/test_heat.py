"""The design's real keys and items on simulated partitions: 10,000 orders a second for one event, and what breaks."""

from __future__ import annotations

import msgspec
import pytest

from bench.heat import Load, Warmth, breaking_rate, only, simulate, with_counter
from bench.heat_scenes import COUNTER_KEY, HALL_BLOCKS, RATE, SALE_TABLES
from bench.sale import put_on_sale
from bench.whole_sale import Step, Touch, full_block_bytes, whole_sale, with_late_payments

SECONDS = 4
WARM = Warmth(partitions=96)


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """One real sale of two places, from the hold to the mail, as it touched the tables."""
    return whole_sale(put_on_sale("general", 1000), 2)


def load(**changed: object) -> Load:
    return Load(**{"orders_per_second": RATE, "seconds": SECONDS, "blocks": HALL_BLOCKS, **changed})  # type: ignore[arg-type]


def test_the_sale_is_the_one_the_budget_speaks_of(steps: list[Step]) -> None:
    budgeted = ("hold", "order", "paid", "places sold")
    assert [step.table_writes for step in steps if step.name in budgeted] == [1, 1, 1, 1]
    for step in steps:
        written = sum(touch.units for touch in step.touches if touch.write and not touch.index)
        read = sum(touch.units for touch in step.touches if not touch.write)
        assert (written, read) == (step.table_writes, step.reads), f"{step.name}: touches and measured units differ"
    assert full_block_bytes() < 1024, "a block is one unit however full it is"


def test_ten_thousand_orders_a_second_for_one_event_throttle_nowhere(steps: list[Step]) -> None:
    outcome = simulate(load(), steps, WARM)
    assert outcome.throttled == 0
    assert outcome.sold_out_at is None
    for place in outcome.places:
        assert place.busiest_key_units < 50, f"a hot key in {place.name}: {place.busiest_key}"
        assert place.busiest_read_units < 50, f"a hot key in {place.name}: {place.busiest_read_key}"


def test_an_item_that_every_order_reads_would_be_found(steps: list[Step]) -> None:
    fact = Touch(table="tickets", key="evt_one", item="facts", units=0.5, write=False)
    reading = [msgspec.structs.replace(steps[0], touches=(fact, *steps[0].touches)), *steps[1:]]
    outcome = simulate(load(), only(reading, "tickets"), WARM)
    assert outcome.throttled > 0
    assert outcome.places[0].busiest_read_key == "evt_one"


def test_payments_that_all_come_late_are_borne_as_well(steps: list[Step]) -> None:
    late = with_late_payments(steps)
    (decision,) = [touch for step in late for touch in step.touches if touch.item == "decision" and touch.write]
    assert (decision.units, decision.item_bytes < 1024) == (2, True)
    assert simulate(load(), only(late, *SALE_TABLES), WARM).throttled == 0


@pytest.mark.parametrize("picking", ["any", "first"])
def test_general_places_and_seats_are_both_borne_by_the_two_tables_of_a_sale(steps: list[Step], picking: str) -> None:
    assert simulate(load(picking=picking), only(steps, *SALE_TABLES), Warmth(partitions=40)).throttled == 0


def test_one_counter_item_breaks_at_what_one_partition_takes(steps: list[Step]) -> None:
    counted = only(with_counter(steps, COUNTER_KEY), "reservations")
    at = breaking_rate(counted, WARM, (500, 900, 1000, 1150, 1300, 2000), 10)
    assert at == 1150
    outcome = simulate(load(), counted, WARM)
    (place,) = outcome.places
    assert outcome.throttled > 0.7 * SECONDS * RATE
    assert place.busiest_key == COUNTER_KEY


def test_too_few_blocks_break_and_enough_of_them_do_not(steps: list[Step]) -> None:
    reservations = only(steps, "reservations")
    shares = [
        simulate(load(blocks=blocks, picking="for ever"), reservations, Warmth(partitions=40)).throttled
        for blocks in (10, 400)
    ]
    assert shares[0] > 0
    assert shares[1] == 0


def test_a_new_table_throttles_until_it_has_split_for_heat(steps: list[Step]) -> None:
    sale = only(steps, *SALE_TABLES)
    assert simulate(load(), sale, Warmth()).throttled_last_second > 0
    splitting = simulate(load(seconds=8), sale, Warmth(split_seconds=1))
    assert splitting.throttled > 0
    assert splitting.throttled_last_second == 0
    assert all(place.splits > 0 for place in splitting.places)
