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
from services.reservations.domain.refusals import AllHeld, Busy, NotTogether, Refusal, SoldOut, TooFewLeft
from services.reservations.repository import blocks, caching, hints
from services.reservations.repository.hints import Short, Since

# Blocks of one request's slice: with Redis one look serves everybody, without it every process looks for itself.
SLICE_BLOCKS: Final = 4000
SLICE_BLOCKS_ALONE: Final = 400
_TOLD_BLOCKS: Final = 200
_SOLD_SECONDS: Final = 30
_FOUND_SECONDS: Final = 5
# Long enough for those who wait for a look, too short for those who come after the next hold.
_SHARED_SECONDS: Final = 0.05
# How long this process goes by what it knows without asking Redis whether places came back, or the last was paid.
_MEMORY_SECONDS: Final = 1.0
_HELD_MEMORY_SECONDS: Final = 0.25


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What is left of a demand's places. `next_free` is the last second of the hold that ends first, 0 for no hold.

    `looked` counts the blocks looked at so far: a look is through when it is all of them. It was begun in the second
    `at` and is worth something before the second `until`. `again` says that the look before it found nothing free, and
    that nothing came back since.
    """

    free: int = 0
    room: int = 0
    next_free: int = 0
    looked: int = 0
    until: int = 0
    at: int = 0
    again: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Finding).decode


def remembered(sale: Sale, demand: Demand, now: datetime) -> Finding | None:
    """What this process knows of a demand's places."""
    known = caching.findings.get(_name(sale, demand), now.timestamp())
    return _decode(known) if known else None


def heard(sale: Sale, demand: Demand, now: datetime, short: Short) -> Finding | None:
    """What Redis has just said of a demand's places; worth the more where the hints know all of them to be gone.

    When a look found nothing free and nothing came back since, it is sold out as soon as all that was held is paid.
    What is answered with an `until` that is over is where the next look goes on.
    """
    if not short.finding:
        return None
    finding = _decode(short.finding)
    seconds = int(now.timestamp())
    if short.left == "gone" and finding.free == 0 and (finding.again or finding.looked == _total(sale, demand)):
        until = finding.at + _sold_seconds(sale, demand)
        finding = msgspec.structs.replace(finding, next_free=0, until=until, again=True)
    elif finding.again:
        finding = msgspec.structs.replace(finding, again=False)
    if seconds < finding.until:
        _remember(sale, demand, finding, now)
    return finding


def _remember(sale: Sale, demand: Demand, finding: Finding, now: datetime) -> None:
    gone = finding.free == 0 and finding.next_free == 0
    seconds = _MEMORY_SECONDS if gone else _HELD_MEMORY_SECONDS
    caching.findings.put(_name(sale, demand), _encode(finding), min(finding.until, now.timestamp() + seconds))


def judge(sale: Sale, demand: Demand, quantity: int, finding: Finding) -> None:
    """Refuse a demand that cannot be met by what was found; say nothing when it might be.

    Raises SoldOut, AllHeld, TooFewLeft, NotTogether, and for a limit what it has to say.
    """
    # While a large pool is looked at again, what was known before goes on to hold.
    if finding.again and finding.free == 0 and finding.next_free == 0:
        raise _too_few(sale, demand, 0, None)
    if finding.looked < len(sale.layouts[demand.pool_id].blocks_of(demand.zone)):
        return
    # Free from the second after the hold's last one.
    next_free_at = domain.moment(finding.next_free + 1) if finding.next_free else None
    if finding.free < quantity:
        raise _too_few(sale, demand, finding.free, next_free_at, finding.room)
    if demand.together and finding.room < quantity:
        raise NotTogether(finding.room)


def _too_few(sale: Sale, demand: Demand, free: int, next_free_at: datetime | None, room: int = 0) -> Refusal:
    quota = sale.quotas.get(demand.pool_id)
    if quota is not None:
        return quota.refusal(free, next_free_at)
    if free:
        return TooFewLeft(free, next_free_at, room=room)
    return SoldOut() if next_free_at is None else AllHeld(next_free_at)


def look(
    sale: Sale, demand: Demand, quantity: int, so_far: Finding | None, now: datetime, *, sold_too: bool = False
) -> None:
    """Look at the blocks, correct the hints by them, and return when places were found that may do.

    `sold_too` tells the hints of what is sold as well, which else a refused write does, block by block. Raises what
    `judge` does, Busy when the pool is so large that the next request must go on, and CacheDown.
    """
    began = hints.since(sale)
    start = so_far if so_far is not None and so_far.looked < _total(sale, demand) else None
    if start is None and so_far is not None and so_far.again:
        start = Finding(again=True)
    # Callers who come together share a look, and none gets one that began before places came back.
    key = f"{{{sale.event_id}}}:look:{hints.field_of(demand)}:{began.generation.decode()}:{int(now.timestamp())}"
    key += f":{start.looked if start else 0}:{sold_too:d}"

    def load() -> bytes:
        finding = look_further(sale, demand, start, now, SLICE_BLOCKS, correct=began, sold_too=sold_too)
        if hints.note_finding(sale, demand, _encode(finding), began):
            _remember(sale, demand, finding, now)
        return _encode(finding)

    finding = _decode(caching.cache().get_or_load(key, load, _SHARED_SECONDS))
    judge(sale, demand, quantity, finding)
    if finding.looked < _total(sale, demand) and finding.free < quantity:
        raise Busy


def look_alone(
    sale: Sale, demand: Demand, quantity: int, now: datetime, probed: Mapping[tuple[str, int], Slots] | None = None
) -> Mapping[tuple[str, int], Slots]:
    """Look without Redis: a slice at most once a second, remembered by this process alone; answers blocks with room.

    Where the blocks `probed` just now are all there are, that was the look. Raises what `judge` does, and Busy.
    """
    if probed is not None and len(probed) == _total(sale, demand):
        finding = _added_up(sale, demand, Finding(), probed, now)
        _remember(sale, demand, finding, now)
        judge(sale, demand, quantity, finding)
        return probed
    name = _name(sale, demand)
    so_far = remembered(sale, demand, now)
    if so_far is not None:
        judge(sale, demand, quantity, so_far)
        if so_far.looked == _total(sale, demand):
            so_far = None
    if caching.looks.get(name, now.timestamp()) is not None:
        raise Busy
    caching.looks.put(name, True, now.timestamp() + 1)
    roomy: dict[tuple[str, int], Slots] = {}
    finding = look_further(sale, demand, so_far, now, SLICE_BLOCKS_ALONE, roomy=roomy)
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
    correct: Since | None = None,
    sold_too: bool = False,
    roomy: dict[tuple[str, int], Slots] | None = None,
) -> Finding:
    """Look at the next blocks, at most so many, and add what they hold to what was found so far.

    `correct` is what was known before the look began, for those who let the hints know what was seen.
    """
    layout = sale.layouts[demand.pool_id]
    start = so_far or Finding()
    numbers = layout.blocks_of(demand.zone)[start.looked : start.looked + blocks_max]
    seen = blocks.look_at((demand.pool_id, number) for number in numbers)
    if roomy is not None:
        seconds = int(now.timestamp())
        roomy.update({one: slots for one, slots in seen.items() if _is_any_free(slots, layout.size(one[1]), seconds)})
    if correct is not None:
        # What is sold the hints may believe free: a refusal will tell them. What is not, nothing else would.
        told = [
            hints.seen(block, slots, layout, as_of=correct.moment)
            for block, slots in seen.items()
            if sold_too or _is_any_free(slots, layout.size(block[1]), domain.WITHHELD_UNTIL)
        ]
        for first in range(0, len(told), _TOLD_BLOCKS):
            hints.tell(sale, told[first : first + _TOLD_BLOCKS], now)
    return _added_up(sale, demand, start, seen, now)


def _added_up(
    sale: Sale, demand: Demand, start: Finding, seen: Mapping[tuple[str, int], Slots], now: datetime
) -> Finding:
    layout = sale.layouts[demand.pool_id]
    seconds = int(now.timestamp())
    free, room, next_free = start.free, start.room, start.next_free
    for (_, number), slots in seen.items():
        open_slots = domain.free_slots(slots, layout.size(number), seconds)
        free += len(open_slots)
        room = max(room, domain.room(open_slots, layout.stretches(number), layout.kind == "seated"))
        held = [taken.until for taken in slots.values() if seconds <= taken.until < domain.WITHHELD_UNTIL]
        next_free = min([next_free, *held] if next_free else held, default=0)
    looked = start.looked + len(seen)
    until = _worth_until(sale, demand, free, next_free, seconds)
    again = start.again and looked < _total(sale, demand)
    return Finding(free, room, next_free, looked, until, start.at or seconds, again)


def _is_any_free(slots: Slots, size: int, at: int) -> bool:
    return len(slots) < size or any(taken.until < at for taken in slots.values())


def _worth_until(sale: Sale, demand: Demand, free: int, next_free: int, now: int) -> int:
    if free == 0 and next_free == 0:
        return now + _sold_seconds(sale, demand)
    # A look at 40,000 blocks is dear: it is repeated less often.
    until = now + _FOUND_SECONDS + _total(sale, demand) // 400
    return min(until, next_free + 1) if next_free else until


def _sold_seconds(sale: Sale, demand: Demand) -> int:
    return _SOLD_SECONDS + _total(sale, demand) // 100


def _total(sale: Sale, demand: Demand) -> int:
    return len(sale.layouts[demand.pool_id].blocks_of(demand.zone))


def _name(sale: Sale, demand: Demand) -> str:
    return f"{sale.event_id} {hints.field_of(demand)}"


__all__ = ["Finding", "heard", "judge", "look", "look_alone", "look_further", "remembered"]
