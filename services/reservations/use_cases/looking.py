"""Looking at every block: the only way to say that nothing is left, remembered so that few have to look.

A look goes over a large pool in slices, one for each request that needs it; until it is through, the answer is "try
again". What it finds is void as soon as places come back to sale.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from services.reservations import domain
from services.reservations.domain import Demand, Sale, Slots
from services.reservations.domain.refusals import AllHeld, Busy, NotTogether, SoldOut, TooFewLeft
from services.reservations.repository import blocks, caching, hints

# Blocks of one request's slice: with Redis one look serves everybody, without it every process looks for itself.
SLICE_BLOCKS: Final = 4000
SLICE_BLOCKS_ALONE: Final = 400
_SOLD_SECONDS: Final = 30
_FOUND_SECONDS: Final = 5
# Long enough for those who wait for a look, too short for those who come after the next hold.
_SHARED_SECONDS: Final = 0.05
# How long this process goes by what it knows without asking Redis whether places came back.
_MEMORY_SECONDS: Final = 1


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What is left of a demand's places. `next_free` is the last second of the hold that ends first, 0 for no hold.

    `looked` counts the blocks looked at so far: a look is through when it is all of them. It is worth something before
    the second `until`.
    """

    free: int = 0
    room: int = 0
    next_free: int = 0
    looked: int = 0
    until: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Finding).decode


def remembered(sale: Sale, demand: Demand, now: datetime, raw: bytes = b"") -> Finding | None:
    """What is known of a demand's places: as Redis has just said (`raw`), or from this process's memory."""
    name = _name(sale, demand)
    known = raw or caching.findings.get(name, now.timestamp())
    if not known:
        return None
    finding = _decode(known)
    if finding.until <= now.timestamp():
        return None
    if raw:
        caching.findings.put(name, raw, min(finding.until, now.timestamp() + _MEMORY_SECONDS))
    return finding


def judge(sale: Sale, demand: Demand, quantity: int, finding: Finding) -> None:
    """Refuse a demand that cannot be met by what was found; say nothing when it might be.

    Raises SoldOut, AllHeld, TooFewLeft, NotTogether.
    """
    if finding.looked < len(sale.layouts[demand.pool_id].blocks_of(demand.zone)):
        return
    # Free from the second after the hold's last one.
    next_free_at = domain.moment(finding.next_free + 1) if finding.next_free else None
    if finding.free == 0:
        if next_free_at is None:
            raise SoldOut
        raise AllHeld(next_free_at)
    if finding.free < quantity:
        raise TooFewLeft(finding.free, next_free_at)
    if demand.together and finding.room < quantity:
        raise NotTogether(finding.room)


def look(sale: Sale, demand: Demand, quantity: int, so_far: Finding | None, now: datetime) -> None:
    """Look at the blocks, correct the hints by them, and return when places were found that may do.

    Raises what `judge` does, Busy when the pool is so large that the next request must go on, and CacheDown.
    """
    generation = hints.generation(sale)
    start = so_far if so_far is not None and so_far.looked < _total(sale, demand) else None
    # Callers who come together share a look, and none gets one that began before places came back.
    key = f"{{{sale.event_id}}}:look:{hints.field_of(demand)}:{generation.decode()}:{int(now.timestamp())}"
    key += f":{start.looked if start else 0}"

    def load() -> bytes:
        finding = look_further(sale, demand, start, now, SLICE_BLOCKS, correct=True)
        if hints.note_finding(sale, demand, _encode(finding), generation):
            until = min(finding.until, now.timestamp() + _MEMORY_SECONDS)
            caching.findings.put(_name(sale, demand), _encode(finding), until)
        return _encode(finding)

    finding = _decode(caching.cache().get_or_load(key, load, _SHARED_SECONDS))
    judge(sale, demand, quantity, finding)
    if finding.looked < _total(sale, demand) and finding.free < quantity:
        raise Busy


def look_alone(sale: Sale, demand: Demand, quantity: int, now: datetime) -> Mapping[tuple[str, int], Slots]:
    """Look without Redis: a slice at most once a second, remembered by this process alone; answers blocks with room.

    Raises what `judge` does, and Busy.
    """
    name = _name(sale, demand)
    so_far = remembered(sale, demand, now)
    if so_far is not None:
        judge(sale, demand, quantity, so_far)
        if so_far.looked == _total(sale, demand):
            so_far = None
    if caching.findings.get(f"{name} looked", now.timestamp()) is not None:
        raise Busy
    caching.findings.put(f"{name} looked", b"1", now.timestamp() + 1)
    roomy: dict[tuple[str, int], Slots] = {}
    finding = look_further(sale, demand, so_far, now, SLICE_BLOCKS_ALONE, correct=False, roomy=roomy)
    caching.findings.put(name, _encode(finding), min(finding.until, now.timestamp() + 5 * _MEMORY_SECONDS))
    judge(sale, demand, quantity, finding)
    if not roomy:
        raise Busy
    return roomy


def look_further(
    sale: Sale,
    demand: Demand,
    so_far: Finding | None,
    now: datetime,
    blocks_max: int,
    *,
    correct: bool,
    roomy: dict[tuple[str, int], Slots] | None = None,
) -> Finding:
    """Look at the next blocks, at most so many, and add what they hold to what was found so far."""
    layout = sale.layouts[demand.pool_id]
    start = so_far or Finding()
    numbers = layout.blocks_of(demand.zone)[start.looked : start.looked + blocks_max]
    seen = blocks.look_at((demand.pool_id, number) for number in numbers)
    seconds = int(now.timestamp())
    free, room, next_free = start.free, start.room, start.next_free
    for (_, number), slots in seen.items():
        open_slots = domain.free_slots(slots, layout.size(number), seconds)
        free += len(open_slots)
        room = max(room, domain.room(open_slots, layout.stretches(number), layout.kind == "seated"))
        held = [taken.until for taken in slots.values() if seconds <= taken.until < domain.SOLD_UNTIL]
        next_free = min([next_free, *held] if next_free else held, default=0)
        if open_slots and roomy is not None:
            roomy[demand.pool_id, number] = slots
    if correct:
        # What is sold the hints may believe free: a refusal will tell them. What is not, nothing else would.
        told = [
            hints.seen(block, slots, layout)
            for block, slots in seen.items()
            if any(taken.until < domain.SOLD_UNTIL for taken in slots.values()) or len(slots) < layout.size(block[1])
        ]
        for first in range(0, len(told), 200):
            hints.tell(sale, told[first : first + 200], now)
    looked = start.looked + len(numbers)
    return Finding(free, room, next_free, looked, _worth_until(free, next_free, seconds, layout.blocks))


def _worth_until(free: int, next_free: int, now: int, pool_blocks: int) -> int:
    if free == 0 and next_free == 0:
        return now + _SOLD_SECONDS
    # A look at 40,000 blocks is dear: it is repeated less often.
    until = now + _FOUND_SECONDS + pool_blocks // 400
    return min(until, next_free + 1) if next_free else until


def _total(sale: Sale, demand: Demand) -> int:
    return len(sale.layouts[demand.pool_id].blocks_of(demand.zone))


def _name(sale: Sale, demand: Demand) -> str:
    return f"{sale.event_id} {hints.field_of(demand)}"


__all__ = ["Finding", "judge", "look", "look_alone", "look_further", "remembered"]
