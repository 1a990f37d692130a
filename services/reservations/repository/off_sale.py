"""Places kept off sale: the slots change in one transaction with the row that says how many there are.

So whatever crashes, and however many work at the same time, the row and the blocks agree: a writer whose row has moved
on changes no slot. Transactions cost twice, which those who steer a sale may pay; buyers never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path

from services.reservations.domain import WITHHELD_UNTIL, Slots
from services.reservations.repository.rows import BlockRow, block_key
from shared.data import Check, Delete, Insert, Replace, StaleVersion, TransactionRefused, Update, transact

Block = tuple[str, int]
Wanted = Mapping[Block, Sequence[int]]
Beside = Insert | Replace | Update | Delete | Check

# Few enough that buyers of these blocks are seldom in the way.
BLOCKS_PER_WRITE: Final = 24


class SlotsRefused(Exception):
    """Some slots were not as expected, and nothing was written; `blocks` are those that refused, as they are."""

    def __init__(self, blocks: Mapping[Block, Slots]) -> None:
        super().__init__("a place is not as it was seen")
        self.blocks = dict(blocks)


def withhold(holder: bytes, wanted: Wanted, now: datetime, beside: Beside) -> None:
    """Take free slots off sale together with the write beside. Raises SlotsRefused, StaleVersion."""
    seconds = int(now.timestamp())
    updates = {
        block: Update(
            BlockRow,
            *block_key(*block),
            actions=[_slot(slot).set([holder, WITHHELD_UNTIL]) for slot in slots],
            condition=_every(_slot(slot).does_not_exist() | (_slot(slot)[1] < seconds) for slot in slots),
        )
        for block, slots in wanted.items()
    }
    _write(updates, now, beside)


def give_back(holder: bytes, wanted: Wanted, now: datetime, beside: Beside) -> None:
    """Bring slots that the holder withholds back to sale, with the write beside. Raises SlotsRefused, StaleVersion."""
    updates = {
        block: Update(
            BlockRow,
            *block_key(*block),
            actions=[_slot(slot).remove() for slot in slots],
            condition=_every(_is_withheld(slot, holder) for slot in slots),
        )
        for block, slots in wanted.items()
    }
    _write(updates, now, beside)


def _write(updates: Mapping[Block, Update], now: datetime, beside: Beside) -> None:
    try:
        transact(beside, *updates.values(), now=now)
    except TransactionRefused as refused:
        reason = refused.blames(beside)
        if reason is not None:
            raise StaleVersion(reason.old) from refused
        blamed = {block: refused.blames(one) for block, one in updates.items()}
        raise SlotsRefused(
            {
                block: reason.old.slots() if isinstance(reason.old, BlockRow) else {}
                for block, reason in blamed.items()
                if reason is not None
            }
        ) from refused


def _is_withheld(slot: int, holder: bytes) -> Condition:
    withheld: Condition = (_slot(slot)[0] == holder) & (_slot(slot)[1] == WITHHELD_UNTIL)
    return withheld


def _slot(slot: int) -> Path:
    return Path(getattr(BlockRow, f"p{slot}"))


def _every(conditions: Iterable[Condition]) -> Condition:
    both: Condition | None = None
    for condition in conditions:
        both = condition if both is None else both & condition
    if both is None:
        raise ValueError("a write without any place")
    return both
