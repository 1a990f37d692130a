"""The scenes of `bench.heat` that the report shows: the on-sale as it is, how little would do, and what breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bench.heat import (
    BLOCK_PLACES,
    Heat,
    Load,
    Picking,
    Warmth,
    breaking_rate,
    least_blocks,
    least_partitions,
    only,
    simulate,
    with_counter,
)
from bench.partitions import NEW_TABLE_PARTITIONS
from bench.sale import put_on_sale
from bench.whole_sale import Step, full_block_bytes, whole_sale, with_late_payments

RATE: Final = 10_000
SECONDS: Final = 10
PLACES: Final = 2
HALL_BLOCKS: Final = 40_000
COUNTER_KEY: Final = "counter of the pool"
_PARTITIONS: Final = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 72, 80, 96, 128)
_BLOCKS: Final = (10, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800)
_RATES: Final = (500, 900, 1000, 1050, 1100, 1150, 1200, 1500, 2000)
_TOO_FEW: Final = 30
SALE_TABLES: Final = ("reservations", "orders")


class ItemSize(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it was written in a sale of two places, and the most write units one write of it took."""

    table: str
    item: str
    item_bytes: int
    units: float


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated on-sale in a line. `busiest_key` is the one with the most units in a second, in any table."""

    name: str
    orders_per_second: int
    blocks: int
    partitions: int
    throttled_share: float
    first_throttle: float | None
    throttled_last_second: int
    busiest_partition: float
    busiest_key: str
    busiest_key_units: float


class HeatFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator found. Numbers of partitions are the least of those that were tried."""

    seconds: int
    full_block_bytes: int
    items: list[ItemSize]
    warm_partitions: dict[str, int | None]
    least_blocks: int | None
    least_blocks_partitions: int
    counter_breaks_at: int | None
    scenes: list[Scene]


def heat(say: Callable[[str], None]) -> HeatFigures:
    """Records one real sale and plays it at full heat on the simulator."""
    steps = whole_sale(put_on_sale("general", 10_000), PLACES)
    tables = list(dict.fromkeys(touch.table for step in steps for touch in step.touches))
    warm = {table: least_partitions(_load(), only(steps, table), _PARTITIONS) for table in tables}
    say(f"  partitions that bear {RATE:,} orders/s: {warm}")
    sale = only(steps, *SALE_TABLES)
    enough = max(number or _PARTITIONS[-1] for number in warm.values())
    sale_enough = max(warm[table] or _PARTITIONS[-1] for table in SALE_TABLES)
    reservations = only(steps, "reservations")
    least = least_blocks(RATE, SECONDS, reservations, Warmth(partitions=sale_enough), _BLOCKS)
    counted = only(with_counter(steps, COUNTER_KEY), "reservations")
    late = with_late_payments(steps)
    breaks_at = breaking_rate(counted, Warmth(partitions=sale_enough), _RATES, SECONDS)
    say(f"  least blocks {least}; one counter item breaks at {breaks_at} orders/s")
    warmed = Warmth(partitions=sale_enough)
    fresh = Warmth(partitions=NEW_TABLE_PARTITIONS)
    splitting = Warmth(partitions=NEW_TABLE_PARTITIONS, split_seconds=1)
    late_sale = only(late, *SALE_TABLES)
    scenes = [
        _scene("everything from hold to mail", _load(), steps, Warmth(partitions=enough)),
        _scene("reservations and orders", _load(), sale, warmed),
        _scene("the same, seats: the first block with room", _load("first"), sale, warmed),
        _scene("the same, every payment after the hold's end", _load(), late_sale, Warmth(partitions=enough)),
        _scene("reservations, blocks written for ever", _for_ever(least), reservations, warmed),
        _scene("control: too few blocks", _for_ever(_TOO_FEW), reservations, warmed),
        _scene("control: a counter beside the blocks", _load(), counted, warmed),
        _scene("control: new tables, not warmed up", _load(), sale, fresh),
        _scene("new tables that split after 1 hot second", _load(), sale, splitting),
    ]
    return HeatFigures(
        seconds=SECONDS,
        full_block_bytes=full_block_bytes(),
        items=_items(late),
        warm_partitions=warm,
        least_blocks=least,
        least_blocks_partitions=sale_enough,
        counter_breaks_at=breaks_at,
        scenes=scenes,
    )


def _load(picking: Picking = "any") -> Load:
    return Load(orders_per_second=RATE, seconds=SECONDS, places=PLACES, blocks=HALL_BLOCKS, picking=picking)


def _for_ever(blocks: int | None) -> Load:
    number = blocks or _BLOCKS[-1]
    return Load(orders_per_second=RATE, seconds=SECONDS, places=PLACES, blocks=number, picking="for ever")


def _scene(name: str, load: Load, steps: Sequence[Step], warmth: Warmth) -> Scene:
    outcome: Heat = simulate(load, steps, warmth)
    hottest = max(outcome.places, key=lambda place: place.busiest_key_units)
    return Scene(
        name=name,
        orders_per_second=load.orders_per_second,
        blocks=load.blocks,
        partitions=warmth.partitions,
        throttled_share=outcome.throttled / outcome.requests,
        first_throttle=outcome.first_throttle,
        throttled_last_second=outcome.throttled_last_second,
        busiest_partition=max(place.busiest_partition for place in outcome.places),
        busiest_key=f"{hottest.name}: {_kind(hottest.busiest_key)}",
        busiest_key_units=hottest.busiest_key_units,
    )


def _kind(key: str) -> str:
    """A key without its ids."""
    return key.partition("#")[0].partition("_")[0]


def _items(steps: Sequence[Step]) -> list[ItemSize]:
    largest: dict[tuple[str, str], ItemSize] = {}
    for touch in (touch for step in steps for touch in step.touches if touch.write and not touch.index):
        known = largest.get((touch.table, touch.item))
        if known is None or touch.item_bytes > known.item_bytes:
            made = ItemSize(table=touch.table, item=touch.item, item_bytes=touch.item_bytes, units=touch.units)
            largest[touch.table, touch.item] = made
    return list(largest.values())


def blocks_a_second() -> int:
    """How many blocks an on-sale at that rate sells out each second."""
    return RATE * PLACES // BLOCK_PLACES
