"""What processes write down while they work, and what it means to the judge."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.fault.linearizability import places as judge
from tests.fault.linearizability.checker import Operation, short
from tests.fault.linearizability.checker import Path as Steps
from tests.fault.linearizability.places import Free, Gone, Lost, Move, Pin, Place, See, Sell, Shown, SomeSold, Take

UNKNOWN: Final = "unknown"


class Asked(msgspec.Struct, frozen=True, tag=True):
    """Written before a request is made: what is asked, of which hold or places, and the caller's own clock."""

    name: str
    kind: str
    begin: int
    now: int
    hold: str = ""
    places: tuple[Place, ...] = ()
    quantity: int = 0
    seated: bool = False


class Sent(msgspec.Struct, frozen=True, tag=True):
    """Written before a write goes out: the places it would give to the hold."""

    name: str
    hold: str
    places: tuple[Place, ...]
    until: int
    decides: bool


class LostAnswer(msgspec.Struct, frozen=True, tag=True):
    """The answer to the last write was lost, and it was sent again."""

    name: str


class Heard(msgspec.Struct, frozen=True, tag=True):
    """Written when the answer is there."""

    name: str
    end: int
    outcome: str
    hold: str = ""
    places: tuple[Place, ...] = ()
    until: int = 0


Line = Asked | Sent | LostAnswer | Heard
_decode = msgspec.json.Decoder(Line).decode


def read(folder: Path) -> list[Operation]:
    """The operations of all processes; one that wrote no end was cut off."""
    operations = []
    for file in sorted(folder.glob("history-*.jsonl")):
        lines = [_decode(line) for line in file.read_bytes().splitlines()]
        for name, group in itertools.groupby(lines, key=lambda line: line.name):
            operations.append(operation(list(group), name))
    return sorted(operations, key=lambda one: one.begin)


def operation(lines: Sequence[Line], name: str) -> Operation:
    """One operation from its lines."""
    asked = lines[0]
    assert isinstance(asked, Asked)
    heard = lines[-1] if isinstance(lines[-1], Heard) else Heard(name, 0, UNKNOWN)
    sent = [line for line in lines if isinstance(line, Sent)]
    # What was sent before an answer was lost is a write that may have been done, whatever came of the next one.
    doubtful = [lines[at - 1] for at, line in enumerate(lines) if isinstance(line, LostAnswer)]
    ghosts = [line for line in doubtful if isinstance(line, Sent)]
    known = heard.outcome != UNKNOWN
    paths = _PATHS[asked.kind](asked, heard, ghosts if known else sent)
    what = " ".join(short(place) for place in asked.places) or str(asked.quantity)
    whose = asked.hold[-4:] if asked.hold else ""
    given = " ".join(short(place) for place in heard.places)
    answered = f"{heard.outcome} {heard.hold[-4:]} {given}".rstrip()
    if ghosts:
        answered += " (sent again)"
    text = f"{asked.kind} {whose} {what} at {asked.now / 1000:.1f}"
    return Operation(name, asked.begin, heard.end if known else None, text, answered, tuple(paths))


def by_block(places: Iterable[Place]) -> list[tuple[Place, ...]]:
    """The places of each block, in the order in which the blocks come."""
    blocks: dict[tuple[str, int], list[Place]] = {}
    for place in places:
        blocks.setdefault(place[:2], []).append(place)
    return [tuple(block) for block in blocks.values()]


def _hold(asked: Asked, heard: Heard, sent: Sequence[Sent]) -> list[Steps]:
    now = asked.now // 1000
    takes = [Take(one.hold, one.places, one.until, now) for one in sent if one.places]
    if heard.outcome == UNKNOWN:
        # Every write but the last was answered by a refusal.
        return [(takes[-1],)] if takes else []
    end: Steps
    if heard.outcome == "held":
        end = (Take(heard.hold, heard.places, heard.until, now),)
    elif heard.outcome == "taken":
        touched = {place[:2] for place in heard.places}
        free = [place for place in asked.places if place not in heard.places and place[:2] in touched]
        end = (See(heard.places, tuple(free), now),)
    else:
        # "Sold out", "all held" and the like come from looks over many blocks, and claim nothing about one moment.
        end = ()
    return [end, *((ghost, *end) for ghost in takes)]


def _confirm(asked: Asked, heard: Heard, sent: Sequence[Sent]) -> list[Steps]:
    hold, places, now = asked.hold, asked.places, asked.now // 1000
    lost, sell = Lost(hold, places), Sell(hold, places)
    refused: Steps = (
        lost,
        Pin(hold, places, judge.REFUSED),
        *(Free(hold, block, sold_too=True) for block in by_block(places)),
    )
    if heard.outcome == UNKNOWN:
        moves = [(lost, Move(hold, one.places, now)) for one in sent if one.decides and one.places]
        return [(sell,), *([] if asked.seated else moves), refused]
    if heard.outcome == "confirmed":
        pinned = Pin(hold, heard.places, judge.confirmed(heard.places), first=False)
        ways: list[Steps] = [(lost, pinned)]
        if not asked.seated:
            # Places without names may be replaced, even by themselves when they came free meanwhile.
            ways.append((lost, Move(hold, heard.places, now)))
        if set(heard.places) == set(places):
            ways.insert(0, (sell,))
        # Sold by the copy whose answer was lost, refunded, and told from the record.
        return [*ways, (sell, lost, pinned)] if sent else ways
    if heard.outcome == "refused":
        return [refused]
    return [(lost,)]


def _release(asked: Asked, heard: Heard, sent: Sequence[Sent]) -> list[Steps]:
    blocks = by_block(asked.places)
    if heard.outcome == UNKNOWN:
        return [tuple(Free(asked.hold, block) for block in blocks)]
    clear: dict[bool, list[Steps]] = {
        False: [(Free(asked.hold, block, unsold=True),) for block in blocks],
        True: [(SomeSold(asked.hold, block), Free(asked.hold, block)) for block in blocks],
    }
    ways = itertools.product((False, True), repeat=len(blocks))
    return [
        tuple(step for number, sold in enumerate(way) for step in clear[sold][number])
        for way in ways
        if any(way) == (heard.outcome == "sold")
    ]


def _refund(asked: Asked, heard: Heard, sent: Sequence[Sent]) -> list[Steps]:
    pin = Pin(asked.hold, asked.places, judge.confirmed(asked.places))
    return [(pin, *(Free(asked.hold, block, sold_too=True) for block in by_block(asked.places)))]


def _show(asked: Asked, heard: Heard, sent: Sequence[Sent]) -> list[Steps]:
    now = asked.now // 1000
    blocks = by_block(asked.places)
    if heard.outcome == UNKNOWN:
        return []
    if heard.outcome not in ("held", "confirmed"):
        return [(Gone(asked.hold, block, now),) for block in blocks]
    # One look at several blocks is several reads, in any order.
    sold = heard.outcome == "confirmed" or None
    ways: list[Steps] = []
    for order in itertools.permutations(blocks):
        if sold:
            ways.append(tuple(Shown(asked.hold, block, now, sold=True) for block in order))
        else:
            for unsold in order:
                flags = [False if block == unsold else None for block in order]
                pairs = zip(order, flags, strict=True)
                ways.append(tuple(Shown(asked.hold, block, now, sold=flag) for block, flag in pairs))
    return ways


_PATHS: Final = {"hold": _hold, "confirm": _confirm, "release": _release, "refund": _refund, "show": _show}
