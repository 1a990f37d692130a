"""Blocks: every change of who has a place is one conditional write, or one transaction over several blocks.

DynamoDB alone decides. A condition speaks of the slots it changes and of nothing else, so buyers of different places
of one block do not get into each other's way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action

from services.reservations.domain import SOLD_UNTIL, Passing, Place, Slots
from services.reservations.repository.rows import BlockRow, DecisionRow, block_key, decision_key
from shared.data import ConditionRefused, Insert, TransactionRefused, Update, Write, fetch_many, transact, update
from shared.ids import raw_bytes

Block = tuple[str, int]
Wanted = Mapping[Block, Sequence[int]]

# DynamoDB takes a hundred writes in one transaction; one is kept for a decision.
BLOCKS_PER_HOLD_MAX: Final = 99


class BlocksRefused(Exception):
    """Some block said no, and nothing was written. `blocks` are those that did, as they are."""

    def __init__(self, blocks: Mapping[Block, Slots], decided: DecisionRow | None = None) -> None:
        super().__init__("a place is somebody else's")
        self.blocks = dict(blocks)
        self.decided = decided


def take(
    hold_id: str,
    wanted: Wanted,
    until: int,
    *,
    now: datetime,
    decision: DecisionRow | None = None,
    passing: Passing | None = None,
    beside: Sequence[Write] = (),
) -> dict[Block, Slots]:
    """Hold free places (or sell them at once: until SOLD_UNTIL); a hold that has run out is free, as is an own one.

    All places or none. One block is one write, and its slots afterwards are answered; several blocks are a transaction,
    together with the decision when there is one. Slots that are `passing` to the hold may be taken as well, and those
    of them that are not wanted come free if the rest of them shall. Writes `beside` are done with it or not at all.
    Raises BlocksRefused, and TransactionRefused when a write beside was to blame.
    """
    hold = raw_bytes(hold_id)
    seconds = int(now.timestamp())
    own = hold if decision is not None else None
    if passing is None:
        conditions = {block: _all(_is_free(slot, seconds, own) for slot in slots) for block, slots in wanted.items()}
        return _write(hold, wanted, conditions, until, now, decision, beside=beside)
    taken = [Place(*block, slot) for block, slots in wanted.items() for slot in slots]
    freed = passing.left_by(taken)
    parts: defaultdict[Block, list[Condition]] = defaultdict(list)
    for place in taken:
        free = _is_free(place.slot, seconds, own)
        passes = place in passing.slots
        parts[place.pool_id, place.block].append(free | _passes(place.slot, passing) if passes else free)
    for block, slots in freed.items():
        parts[block] += (_passes(slot, passing) for slot in slots)
    conditions = {block: _all(every) for block, every in parts.items()}
    return _write(hold, wanted, conditions, until, now, decision, freed, beside)


def prolong(hold_id: str, wanted: Wanted, until: int, longer: int, *, now: datetime) -> None:
    """Keep places that the hold has until one second for `longer`, all of them or none. Raises BlocksRefused."""
    hold = raw_bytes(hold_id)
    conditions = {block: _all(_is_held(slot, hold, until) for slot in slots) for block, slots in wanted.items()}
    _write(hold, wanted, conditions, longer, now, None)


def sell(hold_id: str, wanted: Wanted, *, now: datetime) -> dict[Block, Slots]:
    """Confirm held places for good, if the hold still has every one of them, run out or not. Raises BlocksRefused."""
    hold = raw_bytes(hold_id)
    conditions = {block: _all(_is_of(slot, hold) for slot in slots) for block, slots in wanted.items()}
    return _write(hold, wanted, conditions, SOLD_UNTIL, now, None)


def let_go(hold_id: str, block: Block, slots: Sequence[int], *, sold_too: bool, now: datetime) -> Slots:
    """Free places of one block that the hold has; sold ones only with `sold_too`. Raises BlocksRefused.

    Answers the block's slots afterwards. A resend finds the slots absent and is refused: the caller looks what is left
    of the hold in the old item, which is nothing.
    """
    hold = raw_bytes(hold_id)
    conditions = [_is_of(slot, hold) for slot in slots]
    if not sold_too:
        conditions += [_path(slot)[1] != SOLD_UNTIL for slot in slots]
    try:
        row = update(
            BlockRow,
            *block_key(*block),
            actions=_remove(slots),
            condition=_all(conditions),
            now=now,
            own_effect=lambda old: all(slot not in old.slots() for slot in slots),
        )
    except ConditionRefused as refused:
        raise BlocksRefused({block: _slots(refused.old)}) from refused
    return row.slots()


def look_at(blocks: Iterable[Block], *, consistent: bool = True) -> dict[Block, Slots]:
    """The slots of these blocks; a block that nobody has held from yet has none."""
    wanted = list(blocks)
    found = fetch_many(BlockRow, (block_key(*block) for block in wanted), consistent=consistent)
    return {block: _slots(found.get(block_key(*block))) for block in wanted}


def decision_of(hold_id: str) -> DecisionRow | None:
    """The pinned answer for a hold, if there is one."""
    pk, sk = decision_key(hold_id)
    return fetch_many(DecisionRow, [(pk, sk)]).get((pk, sk))


def _write(
    hold: bytes,
    wanted: Wanted,
    conditions: Mapping[Block, Condition],
    until: int,
    now: datetime,
    decision: DecisionRow | None,
    freed: Wanted = MappingProxyType({}),
    beside: Sequence[Write] = (),
) -> dict[Block, Slots]:
    if len(conditions) == 1 and decision is None and not beside:
        ((block, slots),) = wanted.items()
        try:
            row = update(
                BlockRow,
                *block_key(*block),
                actions=_assign(hold, slots, until) + _remove(freed.get(block, ())),
                condition=conditions[block],
                now=now,
                own_effect=lambda old: all(old.slots().get(slot) == (hold, until) for slot in slots),
            )
        except ConditionRefused as refused:
            raise BlocksRefused({block: _slots(refused.old)}) from refused
        return {block: row.slots()}
    updates = {
        block: Update(
            BlockRow,
            *block_key(*block),
            actions=_assign(hold, wanted.get(block, ()), until) + _remove(freed.get(block, ())),
            condition=condition,
        )
        for block, condition in conditions.items()
    }
    pinned = Insert(decision) if decision is not None else None
    every: list[Write] = [*updates.values(), *([pinned] if pinned else []), *beside]
    try:
        transact(*every, now=now)
    except TransactionRefused as refused:
        if any(refused.blames(one) for one in beside):
            raise
        blamed = {block: refused.blames(one) for block, one in updates.items()}
        reason = refused.blames(pinned) if pinned else None
        decided = reason.old if reason is not None and isinstance(reason.old, DecisionRow) else None
        raise BlocksRefused(
            {block: _slots(reason.old) for block, reason in blamed.items() if reason is not None}, decided
        ) from refused
    return {}


def _assign(hold: bytes, slots: Sequence[int], until: int) -> list[Action]:
    return [_path(slot).set([hold, until]) for slot in slots]


def _remove(slots: Sequence[int]) -> list[Action]:
    return [_path(slot).remove() for slot in slots]


def _passes(slot: int, passing: Passing) -> Condition:
    passes: Condition = _is_of(slot, passing.hold) & (_path(slot)[1] != SOLD_UNTIL)
    return passes


def _is_free(slot: int, now: int, own: bytes | None) -> Condition:
    free: Condition = _path(slot).does_not_exist() | (_path(slot)[1] < now)
    return free if own is None else free | _is_of(slot, own)


def _is_held(slot: int, hold: bytes, until: int) -> Condition:
    held: Condition = _is_of(slot, hold) & (_path(slot)[1] == until)
    return held


def _is_of(slot: int, hold: bytes) -> Condition:
    return _path(slot)[0] == hold


def _path(slot: int) -> Path:
    return Path(getattr(BlockRow, f"p{slot}"))


def _all(conditions: Iterable[Condition]) -> Condition:
    both: Condition | None = None
    for condition in conditions:
        both = condition if both is None else both & condition
    if both is None:
        raise ValueError("a write without any place")
    return both


def _slots(row: object) -> Slots:
    return row.slots() if isinstance(row, BlockRow) else {}
