"""Withholdings: the row says which places one may have, and its plan is written before the first of them is touched.

A slot that the row does not name is never withheld under its id. One that it names may have gone to a buyer since: who
wants to know looks at the slots. So a crash loses nothing, and giving a place to a buyer needs no write here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from pynamodb.attributes import BinaryAttribute, BooleanAttribute, NumberAttribute, UnicodeAttribute

from services.reservations.domain import Place, by_block
from services.reservations.repository import off_sale
from services.reservations.repository.rows import TABLE_VARIABLE
from shared.data import AlreadyExists, Replace, Row, delete, fetch, insert, query_all, replace
from shared.ids import raw_bytes

_Masks = dict[int, int]


class WithholdingRow(Row):
    """Places of one pool that are kept off sale, packed as the bits of the slots by block.

    `places` may be withheld now, `left` are still to be, `missing` are so many of a general pool still to be found
    below the block `cursor`. `missed` were somebody else's, and `missed_count` so many were not to be found. What is
    `giving` is on its way back to sale; with `ending` the row goes after it.
    """

    class Meta:
        table_variable = TABLE_VARIABLE

    pool_id = UnicodeAttribute()
    name = UnicodeAttribute()
    places = BinaryAttribute(legacy_encoding=False)
    left = BinaryAttribute(null=True, legacy_encoding=False)
    missed = BinaryAttribute(null=True, legacy_encoding=False)
    giving = BinaryAttribute(null=True, legacy_encoding=False)
    missing = NumberAttribute(null=True)
    missed_count = NumberAttribute(null=True)
    cursor = NumberAttribute(null=True)
    ending = BooleanAttribute(null=True)
    asked = UnicodeAttribute(null=True)

    @property
    def withholding_id(self) -> str:
        """The id under which the slots are kept."""
        return str(self.sk)

    @property
    def event_id(self) -> str:
        """The event it belongs to."""
        return str(self.pk).partition("#")[2]

    def set_of(self, name: str) -> set[Place]:
        """The places that `places`, `left`, `missed` or `giving` names."""
        return unpack(str(self.pool_id), getattr(self, name))

    def keep(self, name: str, places: Iterable[Place]) -> None:
        """Let `places`, `left`, `missed` or `giving` name these."""
        setattr(self, name, pack(places))

    def is_complete(self) -> bool:
        """Whether nothing is left to do for what was asked last."""
        return not (self.set_of("left") or self.set_of("giving") or self.missing or self.ending)


def new_withholding(event_id: str, withholding_id: str, pool_id: str, name: str) -> WithholdingRow:
    """A row that is not yet written, without any places."""
    return WithholdingRow(*_key(event_id, withholding_id), pool_id=pool_id, name=name, places=pack(()))


def add(row: WithholdingRow, now: datetime) -> WithholdingRow:
    """Write the plan of a new withholding; answers the one that is there, which is the same one begun before."""
    try:
        insert(row, now=now)
    except AlreadyExists as exists:
        stored = exists.stored
        if isinstance(stored, WithholdingRow):
            return stored
        raise
    return row


def save(row: WithholdingRow, now: datetime) -> None:
    """Write a plan over the version that was read. Raises StaleVersion."""
    replace(row, now=now)


def end(row: WithholdingRow) -> None:
    """Forget a withholding that has no places any more. Raises ConditionRefused when it was changed since."""
    delete(row)


def find(event_id: str, withholding_id: str) -> WithholdingRow | None:
    """The withholding with that id, None when the event has none such."""
    return fetch(WithholdingRow, *_key(event_id, withholding_id))


def every(event_id: str) -> list[WithholdingRow]:
    """All withholdings of an event, oldest first."""
    return list(query_all(WithholdingRow, f"withholdings#{event_id}"))


def withhold(row: WithholdingRow, wanted: Iterable[Place], now: datetime) -> None:
    """Take free places off sale and write the row, in one transaction. Raises SlotsRefused, StaleVersion."""
    off_sale.withhold(raw_bytes(row.withholding_id), by_block(wanted), now, Replace(row))


def give_back(row: WithholdingRow, wanted: Iterable[Place], now: datetime) -> None:
    """Bring withheld places back to sale and write the row, in one transaction. Raises SlotsRefused, StaleVersion."""
    off_sale.give_back(raw_bytes(row.withholding_id), by_block(wanted), now, Replace(row))


def pack(places: Iterable[Place]) -> bytes:
    """Places of one pool in few bytes."""
    masks: _Masks = {}
    for place in places:
        masks[place.block] = masks.get(place.block, 0) | 1 << place.slot
    return msgspec.msgpack.encode(dict(sorted(masks.items())))


def unpack(pool_id: str, packed: bytes | None) -> set[Place]:
    """The places again."""
    masks: Mapping[int, int] = msgspec.msgpack.decode(packed, type=_Masks) if packed else {}
    slots = ((block, slot, mask) for block, mask in masks.items() for slot in range(mask.bit_length()))
    return {Place(pool_id, block, slot) for block, slot, mask in slots if mask >> slot & 1}


def _key(event_id: str, withholding_id: str) -> tuple[str, str]:
    return f"withholdings#{event_id}", withholding_id


__all__: Sequence[str] = [
    "WithholdingRow",
    "add",
    "end",
    "every",
    "find",
    "give_back",
    "new_withholding",
    "pack",
    "save",
    "unpack",
    "withhold",
]
