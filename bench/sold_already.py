"""Events of which much is sold already: the blocks are written in batches, as real rows, and Redis is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bench.sale import OnSale
from bench.world import room
from shared import clock
from shared.data import plain, transport
from shared.ids import new_id, raw_bytes

BLOCK_PLACES: Final = 25
# What DynamoDB takes in one request.
_BATCH: Final = 25
_TOLD: Final = 200


class NotSeeded(Exception):
    """DynamoDB left out some rows of a batch, or the rows are not the ones the product would write."""


def sell_already(event: OnSale, places: int) -> None:
    """Sells so many general places, spread evenly over the blocks, as picking at random does. Raises NotSeeded.

    It leaves what so many sales would have left: the rows of the blocks, and in Redis what the table's stream tells of
    them; Redis knows the pool before, as it does from the first hold on.
    """
    reservations = room("reservations", "repository")
    use_cases = room("reservations", "use_cases")
    now = clock.now()
    sale = reservations.sale_of(event.event_id, now)
    room("reservations", "repository.hints").prepare(sale, event.pool_id, now)
    items = list(_items(event, places))
    table = _table_of(event, items[0])
    for start in range(0, len(items), _BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + _BATCH]]
        answer = transport.send("BatchWriteItem", {"RequestItems": {table: puts}})
        if answer.get("UnprocessedItems"):
            raise NotSeeded("not all blocks were written")
    for start in range(0, len(items), _TOLD):
        images = (plain.from_item(item) for item in items[start : start + _TOLD])
        use_cases.correct_hints([reservations.block_change({}, image) for image in images], now)


def _items(event: OnSale, places: int) -> Iterator[plain.Item]:
    """The blocks' items, each sold to one buyer; a block takes its share of what is left."""
    until = str(room("reservations", "domain").SOLD_UNTIL)
    blocks = -(-event.capacity // BLOCK_PLACES)
    for block in range(blocks):
        share = places * (block + 1) // blocks - places * block // blocks
        sold = {"L": [{"B": raw_bytes(new_id("hld"))}, {"N": until}]}
        yield {
            "pk": {"S": f"block#{event.pool_id}#{block}"},
            "sk": {"S": "block"},
            **{f"p{slot}": sold for slot in range(share)},
        }


def _table_of(event: OnSale, first: plain.Item) -> str:
    """The table's name, after a look whether these items are what the product's own rows come to."""
    rows = room("reservations", "repository.rows")
    taken = {name: [value["L"][0]["B"], int(value["L"][1]["N"])] for name, value in first.items() if "L" in value}
    row: Any = rows.BlockRow(*rows.block_key(event.pool_id, 0), **taken)
    if row.serialize() != first:
        raise NotSeeded(f"a block is {row.serialize()} by now, not {first}")
    return str(row.table_name())
