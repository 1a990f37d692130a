"""What Redis believes of the blocks: where places are left. It may be wrong or gone; DynamoDB's conditions decide.

Everything of one event lies in one hash slot, so that a single call can answer a repeated request, take in what was
seen in the table, and pick places for all lines of a basket. Picked places are leased for some seconds, so that buyers
who come at the same moment are sent to different ones.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from services.reservations.domain import SOLD_UNTIL, Demand, Layout, Place, Sale, Slots
from services.reservations.domain.refusals import KeyOfAnotherRequest, SameRequestInFlight
from services.reservations.repository import blocks, caching
from services.reservations.repository.hints_lua import LUA, NOTE_LUA, SEED_LUA
from shared.cache import CacheDown, Script

# Refusals that leave the record of the key alone: it belongs to the other request.
KEY_REFUSALS: Final = (SameRequestInFlight, KeyOfAnotherRequest)
LEASE_SECONDS: Final = 5
HINT_SECONDS: Final = 6 * 3600
ANSWER_SECONDS: Final = 24 * 3600
# How long a repeated request is told to wait for the first one, should that one have died.
FLIGHT_SECONDS: Final = 10
# A pool is prepared from its blocks up to this many; a larger one is taken as untouched and corrected as it is met.
_READ_BLOCKS_MAX: Final = 1000
_SEED_CHUNK: Final = 500
_PREPARE_SECONDS: Final = 10


class Picked(msgspec.Struct, frozen=True):
    """Places to try, for each demand."""

    places: dict[Demand, tuple[Place, ...]]


class Short(msgspec.Struct, frozen=True):
    """The hints know no places for a demand; `finding` is what the last look at every block said, if it is known."""

    demand: Demand
    finding: bytes


class Repeated(msgspec.Struct, frozen=True):
    """The request was answered before; this was the answer."""

    answer: bytes


class Key(msgspec.Struct, frozen=True):
    """An Idempotency-Key of one person, and the hash of the request it came with."""

    name: str
    hash: str


class Told(msgspec.Struct, frozen=True):
    """What was seen of one block. `exact` is a writer's own knowledge and overrides leases."""

    block: tuple[str, int]
    untils: dict[int, int]
    exact: bool = False


def key_of(person_id: str, key: str, request: bytes) -> Key:
    """The record of an Idempotency-Key: one person's keys are no business of another's."""
    name = hashlib.blake2b(f"{person_id} {key}".encode(), digest_size=16).hexdigest()
    return Key(name, hashlib.blake2b(request, digest_size=16).hexdigest())


def seen(block: tuple[str, int], slots: Slots, layout: Layout, *, exact: bool = False) -> Told:
    """A block as it was read from the table: whatever is absent is free."""
    untils = {slot: slots[slot].until if slot in slots else 0 for slot in range(layout.size(block[1]))}
    return Told(block, untils, exact)


def ask(
    sale: Sale, wants: Mapping[Demand, int], now: datetime, *, key: Key | None = None, told: Sequence[Told] = ()
) -> Picked | Short | Repeated:
    """Pick places for all demands or for none, after taking in what was told.

    With `key` the request is noted as being answered, or its answer given when it was. Raises SameRequestInFlight,
    KeyOfAnotherRequest, and CacheDown when there is no Redis or another process is preparing the pool.
    """
    record = {"hash": key.hash, "milliseconds": FLIGHT_SECONDS * 1000} if key else None
    prepared = 0
    while True:
        kind, *rest = _run(sale, now, key, record, told, wants=wants)
        if kind != b"unprepared":
            break
        # The record of the key was made by this very call and must not stand in its own way.
        record = None
        if prepared > len(wants):
            raise CacheDown("the pool cannot be prepared")
        prepared += 1
        pool_id = list(wants)[int(rest[0])].pool_id
        try:
            prepare(sale, pool_id, now)
        except CacheDown:
            if key is not None:
                give_up(sale, key, now)
            raise
    if kind == b"answer":
        return Repeated(rest[0])
    if kind == b"flight":
        raise SameRequestInFlight
    if kind == b"other":
        raise KeyOfAnotherRequest
    demands = list(wants)
    if kind == b"short":
        return Short(demands[int(rest[0])], rest[1])
    picked = msgspec.msgpack.decode(rest[0], type=list[list[tuple[int, list[int]]]]) if demands else []
    return Picked(
        {
            demand: tuple(Place(demand.pool_id, block, slot) for block, slots in parts for slot in slots)
            for demand, parts in zip(demands, picked, strict=True)
        }
    )


def tell(
    sale: Sale,
    told: Sequence[Told],
    now: datetime,
    *,
    freed: bool = False,
    key: Key | None = None,
    answer: bytes | None = None,
) -> None:
    """Take in what was written or seen, and keep the answer of the request, in one call; without Redis nothing happens.

    `freed` says that places came back to sale: whatever looks have found is then void.
    """
    record: dict[str, Any] | None = None
    if key is not None and answer is not None:
        record = {"hash": key.hash, "answer": True, "milliseconds": ANSWER_SECONDS * 1000}
    if freed:
        caching.findings.clear()
    try:
        _run(sale, now, key, record, told, freed=freed, answer=answer or b"")
    except CacheDown:
        return


def give_up(sale: Sale, key: Key, now: datetime) -> None:
    """Forget that a request is being answered: it failed, and its repetition may try anew."""
    try:
        _run(sale, now, key, {"hash": key.hash, "forget": True})
    except CacheDown:
        return


def prepare(sale: Sale, pool_id: str, now: datetime) -> None:
    """Let Redis know a pool's blocks, by one process at a time. Raises CacheDown when another one is at it."""
    layout = sale.layouts[pool_id]
    cache = caching.cache()
    lock = cache.full_key(f"{{{sale.event_id}}}:preparing:{pool_id}")
    if not cache.execute(lambda client: client.set(lock, b"1", nx=True, ex=_PREPARE_SECONDS)):
        raise CacheDown("another process is preparing the pool")
    try:
        every = range(layout.blocks)
        known: Mapping[tuple[str, int], Slots] = {}
        if layout.blocks <= _READ_BLOCKS_MAX:
            known = blocks.look_at(((pool_id, block) for block in every), consistent=False)
        zones = _zone_numbers(layout)
        for start in range(0, layout.blocks, _SEED_CHUNK):
            part = every[start : start + _SEED_CHUNK]
            seeds = []
            for block in part:
                slots = known.get((pool_id, block), {})
                untils = {slot: taken.until for slot, taken in slots.items()}
                stretches = layout.stretches(block)
                zone = zones[block] if zones else 0
                seeds.append((block, [1 if zones else 0, len(stretches), zone, *stretches], untils))
            request = {
                "now": int(now.timestamp()),
                "sold": SOLD_UNTIL,
                "seconds": HINT_SECONDS,
                "last": part[-1] == layout.blocks - 1,
                "blocks": seeds,
            }
            _script("seed", SEED_LUA).run(_pool_keys(sale, pool_id), [msgspec.msgpack.encode(request)])
    finally:
        cache.delete(f"{{{sale.event_id}}}:preparing:{pool_id}")


def generation(sale: Sale) -> bytes:
    """What changes whenever places come back to sale. Raises CacheDown."""
    name = caching.cache().full_key(_findings_key(sale))
    found = caching.cache().execute(lambda client: client.hget(name, "generation"))
    return found if isinstance(found, bytes) else b""


def note_finding(sale: Sale, demand: Demand, finding: bytes, read_generation: bytes) -> bool:
    """Keep what a look at every block found, unless places came back meanwhile. Raises CacheDown."""
    args: list[str | bytes | int | float] = [read_generation, field_of(demand), finding, HINT_SECONDS]
    return bool(_script("note", NOTE_LUA).run([_findings_key(sale)], args))


def field_of(demand: Demand) -> str:
    """The name of a demand's places among the findings: whether they must be neighbours makes no difference to it."""
    return f"{demand.pool_id} {demand.zone or ''}"


def _run(
    sale: Sale,
    now: datetime,
    key: Key | None,
    record: Mapping[str, Any] | None,
    told: Sequence[Told] = (),
    *,
    wants: Mapping[Demand, int] | None = None,
    freed: bool = False,
    answer: bytes = b"",
) -> list[Any]:
    pools = list(dict.fromkeys([one.block[0] for one in told] + [demand.pool_id for demand in wants or {}]))
    request: dict[str, Any] = {
        "now": int(now.timestamp()),
        "lease": LEASE_SECONDS,
        "sold": SOLD_UNTIL,
        "seconds": HINT_SECONDS,
        "seed": random.getrandbits(30),
        "freed": freed,
        "tell": [(pools.index(one.block[0]), one.block[1], one.untils, one.exact) for one in told],
        "want": [
            (
                pools.index(demand.pool_id),
                _zones_of(sale.layouts[demand.pool_id], demand.zone),
                quantity,
                demand.together,
                field_of(demand),
            )
            for demand, quantity in (wants or {}).items()
        ],
    }
    if record is not None:
        request["key"] = record
    name = key.name if key else "none"
    keys = [f"{{{sale.event_id}}}:request:{name}", _findings_key(sale)]
    for pool_id in pools:
        keys += _pool_keys(sale, pool_id)
    result: list[Any] = _script("ask", LUA).run(keys, [msgspec.msgpack.encode(request), answer])
    return result


def _findings_key(sale: Sale) -> str:
    return f"{{{sale.event_id}}}:findings"


def _pool_keys(sale: Sale, pool_id: str) -> list[str]:
    # The capacity is part of the name: a pool that has grown is prepared afresh.
    stem = f"{{{sale.event_id}}}:{pool_id}:{sale.layouts[pool_id].capacity}"
    return [f"{stem}:blocks", f"{stem}:room", f"{stem}:wake"]


def _zones_of(layout: Layout, zone: str | None) -> list[int]:
    if layout.kind == "general":
        return [0]
    zones = layout.zones()
    return [number for number, name in enumerate(zones, 1) if zone is None or name == zone]


def _zone_numbers(layout: Layout) -> dict[int, int]:
    """The zone's number of every seated block, empty for a general pool."""
    if layout.kind == "general":
        return {}
    return {block: number for number, zone in enumerate(layout.zones(), 1) for block in layout.blocks_of(zone)}


_scripts: dict[tuple[int, str], tuple[Any, Script]] = {}


def _script(name: str, lua: str) -> Script:
    cache = caching.cache()
    kept = _scripts.get((id(cache), name))
    # The cache itself is kept beside its script, because an id is free again once its owner is gone.
    if kept is None or kept[0] is not cache:
        kept = _scripts[id(cache), name] = (cache, cache.script(name, lua))
    return kept[1]
