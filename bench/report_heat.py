"""The report's part about heat: the simulated partitions of DynamoDB."""

from __future__ import annotations

from bench.heat_scenes import HALL_BLOCKS, PLACES, RATE, HeatFigures, blocks_a_second
from bench.partitions import BURST_SECONDS, NEW_TABLE_PARTITIONS
from bench.tables import Row, markdown


def heat_tables(heat: HeatFigures | None) -> list[list[Row]]:
    """The scenes, and the items they were played with."""
    if heat is None:
        return []
    scenes: list[Row] = [
        ("scene", "orders/s", "blocks", "partitions", "throttled", "first after", "in the last second", "busiest key")
    ]
    for scene in heat.scenes:
        first = "never" if scene.first_throttle is None else f"{scene.first_throttle:.2f} s"
        scenes.append(
            (
                scene.name,
                f"{scene.orders_per_second:,}",
                f"{scene.blocks:,}",
                str(scene.partitions),
                f"{100 * scene.throttled_share:.1f} %",
                first,
                f"{scene.throttled_last_second:,}",
                f"{scene.busiest_key}, {scene.busiest_key_units:,.0f}/s",
            )
        )
    items: list[Row] = [("table", "item", "bytes", "write units", "partitions that bear the rate")]
    for item in heat.items:
        warm = heat.warm_partitions.get(item.table)
        size = heat.full_block_bytes if item.item == "block" else item.item_bytes
        items.append((item.table, item.item, str(size), f"{item.units:.0f}", str(warm) if warm else "more than tried"))
    return [scenes, items]


def heat_section(heat: HeatFigures | None) -> str:
    """The section of the page."""
    if heat is None:
        return ""
    scenes, items = heat_tables(heat)
    least = f"{heat.least_blocks:,}" if heat.least_blocks else "more than was tried"
    breaks_at = f"{heat.counter_breaks_at:,}" if heat.counter_breaks_at else "no rate that was tried"
    return f"""## Heat: {RATE:,} orders a second for one event

A simulator (`bench/partitions.py`, virtual clock, {heat.seconds} s) of what DynamoDB documents: a partition takes 1,000
write units and 3,000 read units a second, one item included, and a new on-demand table has {NEW_TABLE_PARTITIONS} of
them. Assumed, because AWS publishes no figures: keys are hashed evenly, what is not used is kept for
{BURST_SECONDS:.0f} s, and a partition that was at nine tenths of its rate for so many seconds is split in the middle of
its heat. The load is one real sale of {PLACES} places from the hold to the mail, recorded as it touches the tables,
with its own keys and item sizes; every step comes at the full rate at once, which the queues of the cloud would not let
through (a consumer has ten functions at most). One refusal is a throttle; nothing is tried again.

{markdown(scenes)}

At this rate an event sells {blocks_a_second():,} blocks of 25 places each second, so the pool of {HALL_BLOCKS:,} blocks
is written to from end to end. No block is ever hot: it is full after a few writes. Were its places to come back at
once, so that the same blocks are written for ever, {least} blocks would do on {heat.least_blocks_partitions}
partitions. One counter item beside the blocks breaks at {breaks_at} orders/s, however many partitions there are. A
table as it is made bears a tenth of this on-sale: it has to be warmed up to the partitions below before the opening
(1,000 write units for each; an account's limits for a table may have to be raised first), or it throttles until it has
split, which takes rounds that last minutes in the world.

The largest item of each kind as it was written, a block with all its places:

{markdown(items)}
"""
