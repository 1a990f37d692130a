"""The rows of reservations' table, by partition key:

event#<event id>          the event as it is sold: limits and ticket types
pool#<pool id>            a pool's number and shape, its seat runs compressed
block#<pool id>#<number>  one block: p0 to p24, each [hold id in 16 bytes, until in epoch seconds]; absent is free
decision#<hold id>        the pinned answer to a paid order, where the blocks alone do not say it for ever
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)

from contracts.catalog import TicketType
from contracts.sale import PlaceSold
from services.reservations.domain import PLACES_PER_BLOCK_MAX, GeneralLayout, Layout, Run, SeatedLayout, Slots, Taken
from shared.data import BareRow, Row, ShapeAttribute

TABLE_VARIABLE: Final = "RESERVATIONS_TABLE_NAME"


class EventFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What of a published event decides over its sale."""

    organiser_id: str
    name: str
    currency: str
    hold_seconds: int
    places_per_order_max: int
    places_per_buyer_max: int | None = None
    pool_ids: list[str]
    ticket_types: list[TicketType]
    time_zone: str = "UTC"
    starts_at: datetime | None = None


class EventRow(Row):
    """An event on sale, as of catalog's version. `waited_for` is what people on its waiting lists wait for."""

    class Meta:
        table_variable = TABLE_VARIABLE

    catalog_version = NumberAttribute()
    facts: ShapeAttribute[EventFacts] = ShapeAttribute(EventFacts)
    waited_for = UnicodeSetAttribute(null=True)


class PoolRow(Row):
    """A pool of an event: a general one is a number, a seated one its runs.

    `capacity` counts the numbered places, and only grows. Once the organiser has `steered` a pool, catalog's messages
    leave its shape alone. `shrunk` of the places are withheld to make a general pool smaller; `wanted` is the capacity
    that a change is still on its way to, `cursor` the block below which it goes on, and `asked` which request it was.
    """

    class Meta:
        table_variable = TABLE_VARIABLE

    event_id = UnicodeAttribute()
    catalog_version = NumberAttribute()
    kind = UnicodeAttribute()
    capacity = NumberAttribute()
    runs = BinaryAttribute(null=True, legacy_encoding=False)
    closed = BooleanAttribute(null=True)
    steered = BooleanAttribute(null=True)
    shrunk = NumberAttribute(null=True)
    wanted = NumberAttribute(null=True)
    cursor = NumberAttribute(null=True)
    asked = UnicodeAttribute(null=True)
    organiser_id = UnicodeAttribute(null=True)

    def layout(self) -> Layout:
        """The pool cut into blocks."""
        if self.kind == "general":
            return GeneralLayout(int(self.capacity))
        return SeatedLayout(unpack_runs(self.runs or b""))


class SlotAttribute(Attribute[list[Any]]):
    """One slot of a block: whose it is and until when."""

    attr_type = "L"

    def serialize(self, value: list[Any]) -> Any:
        """The typed list DynamoDB keeps."""
        hold, until = value
        return [{"B": hold}, {"N": str(until)}]

    def deserialize(self, value: Any) -> list[Any]:
        """The hold and its until, as a Taken."""
        return [value[0]["B"], int(value[1]["N"])]


class BlockRow(BareRow):
    """A block of a pool: its slots and nothing else, so that all 25 of them fit one write unit."""

    class Meta:
        table_variable = TABLE_VARIABLE

    for _number in range(PLACES_PER_BLOCK_MAX):
        vars()[f"p{_number}"] = SlotAttribute(null=True)
    del _number

    def slots(self) -> Slots:
        """What is taken, by slot number."""
        return {
            int(name[1:]): Taken(*value)
            for name, value in self.attribute_values.items()
            if name[0] == "p" and name != "pk" and value is not None
        }


class DecisionRow(BareRow):
    """The answer to a paid order that no later look at the blocks may change: put once, never replaced."""

    class Meta:
        table_variable = TABLE_VARIABLE

    outcome = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    places: ShapeAttribute[list[PlaceSold]] = ShapeAttribute(list[PlaceSold], attr_type="L", null=True)


def event_key(event_id: str) -> tuple[str, str]:
    """Where an event lies."""
    return f"event#{event_id}", "event"


def pool_key(pool_id: str) -> tuple[str, str]:
    """Where a pool lies."""
    return f"pool#{pool_id}", "pool"


def block_key(pool_id: str, block: int) -> tuple[str, str]:
    """Where a block lies: a partition of its own."""
    return f"block#{pool_id}#{block}", "block"


def block_of_key(pk: str) -> tuple[str, int] | None:
    """The pool and number of the block with that partition key; None for another kind of row."""
    kind, _, rest = pk.partition("#")
    pool_id, _, number = rest.rpartition("#")
    return (pool_id, int(number)) if kind == "block" else None


class BlockChange(msgspec.Struct, frozen=True):
    """What one write did to a block: the slots it changed, with their untils then and `before` (0 for free)."""

    pool_id: str
    block: int
    untils: dict[int, int]
    freed: bool
    before: dict[int, int] = {}


def block_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> BlockChange | None:
    """The change between two images of a row, as plain data; None when the row is no block or was removed."""
    named = block_of_key(new.get("pk", ""))
    if named is None:
        return None
    slots = [slot for slot in range(PLACES_PER_BLOCK_MAX) if old.get(f"p{slot}") != new.get(f"p{slot}")]
    before, untils = ({slot: _until(image, slot) for slot in slots} for image in (old, new))
    return BlockChange(*named, untils, freed=0 in untils.values(), before=before)


def changed_pool(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    """The event and id of a pool that was changed; None for a new one and for another kind of row."""
    kind, _, pool_id = str(new.get("pk", "")).partition("#")
    return (str(new["event_id"]), pool_id) if kind == "pool" and old else None


def _until(image: Mapping[str, Any], slot: int) -> int:
    taken = image.get(f"p{slot}")
    return int(taken[1]) if taken else 0


def decision_key(hold_id: str) -> tuple[str, str]:
    """Where the pinned answer for a hold lies."""
    return f"decision#{hold_id}", "decision"


def pack_runs(runs: tuple[Run, ...]) -> bytes:
    """Runs as they are stored: 2,200 seats take about 300 bytes, because rows are much alike."""
    return zlib.compress(msgspec.msgpack.encode(runs), 9)


def unpack_runs(packed: bytes) -> tuple[Run, ...]:
    """The runs again."""
    return msgspec.msgpack.decode(zlib.decompress(packed), type=tuple[Run, ...])
