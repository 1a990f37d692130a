"""What Redis believes of the blocks: where places are left. It may be wrong or gone; DynamoDB's conditions decide.

Everything of one event lies in one hash slot, so that a single call can answer a repeated request, take in what was
seen in the table, and pick places for all lines of a basket. Picked places are leased for some seconds, so that buyers
who come at the same moment are sent to different ones.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec

from services.reservations.domain import CANDIDATES_MAX, WITHHELD_UNTIL, Demand, Layout, Place, Sale, Slots
from services.reservations.domain.refusals import KeyOfAnotherRequest, SameRequestInFlight
from services.reservations.repository import blocks, caching
from services.reservations.repository.hints_lua import LUA, NOTE_LUA, SEED_LUA, SINCE_LUA
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
# The states of blocks as the scripts write them; another form must not meet what a former release has left.
_FORM: Final = 2
_PREPARE_SECONDS: Final = 10
# How long a buyer waits while another process prepares the pool, and in which steps, before going on without hints.
PATIENCE_SECONDS = 1.5
_STEP_SECONDS: Final = (0.02, 0.3)


_encode = msgspec.msgpack.Encoder().encode
_decode_picked = msgspec.msgpack.Decoder(list[list[tuple[int, list[int]]]]).decode


class Picked(msgspec.Struct, frozen=True):
    """Places to try, for each demand."""

    places: dict[Demand, tuple[Place, ...]]


class Short(msgspec.Struct, frozen=True):
    """The hints know no places for a demand; `finding` is what the last look at every block said, if it is known.

    What they believe of the demand's places is `left`: some "leased" to buyers who are writing now, some "held" (or
    free, but too few), or all of them "gone": sold or withheld.
    """

    demand: Demand
    finding: bytes
    left: Literal["leased", "held", "gone"] = "held"


class Repeated(msgspec.Struct, frozen=True):
    """The request was answered before; this was the answer."""

    answer: bytes


class Key(msgspec.Struct, frozen=True):
    """An Idempotency-Key of one person, and the hash of the request it came with."""

    name: str
    hash: str


class Told(msgspec.Struct, frozen=True):
    """What was seen of one block: the untils of some slots, 0 for free.

    `exact` is a writer's own knowledge and overrides everything. What a look saw is good as of its beginning
    (`Since.moment`), and what one write changed where the slot was as `before`; else both only add to what is taken.
    """

    block: tuple[str, int]
    untils: dict[int, int]
    exact: bool = False
    before: dict[int, int] | None = None
    as_of: float | None = None


class Since(NamedTuple):
    """When a look began: the generation of the findings, and the microseconds of Redis's clock."""

    generation: bytes
    moment: float


def key_of(person_id: str, key: str, request: bytes) -> Key:
    """The record of an Idempotency-Key: one person's keys are no business of another's."""
    name = hashlib.blake2b(f"{person_id} {key}".encode(), digest_size=16).hexdigest()
    return Key(name, hashlib.blake2b(request, digest_size=16).hexdigest())


def seen(
    block: tuple[str, int], slots: Slots, layout: Layout, *, exact: bool = False, as_of: float | None = None
) -> Told:
    """A block as it was read from the table: whatever is absent is free."""
    untils = {slot: slots[slot].until if slot in slots else 0 for slot in range(layout.size(block[1]))}
    return Told(block, untils, exact, as_of=as_of)


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
        try:
            if prepared > len(wants):
                raise CacheDown("the pool cannot be prepared")
            prepared += 1
            prepare(sale, list(wants)[int(rest[0])].pool_id, now)
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
        return Short(demands[int(rest[0])], rest[1], rest[2].decode())
    picked = _decode_picked(rest[0]) if demands else []
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
    freed: bool | None = False,
    key: Key | None = None,
    answer: bytes | None = None,
) -> None:
    """Take in what was written or seen, and keep the answer of the request, in one call; without Redis nothing happens.

    It is sent and not waited for: the places are in the table, and the buyer needs no word from Redis to have them.
    `freed` says that places came back to sale: whatever looks have found is then void. None leaves that to Redis, which
    knows whether they had come back already.
    """
    record: dict[str, Any] | None = None
    if key is not None and answer is not None:
        record = {"hash": key.hash, "answer": True, "milliseconds": ANSWER_SECONDS * 1000}
    if freed is not False:
        caching.findings.clear()
    elif any(until >= WITHHELD_UNTIL for one in told for until in one.untils.values()):
        # The last held place may be sold now, and then nothing is left to wait for.
        _forget_findings(sale, {one.block[0] for one in told})
    try:
        keys, args = _call(sale, now, key, record, told, freed=1 if freed is None else freed, answer=answer or b"")
        _script("ask", LUA).send(keys, args)
    except CacheDown:
        return


def give_up(sale: Sale, key: Key, now: datetime) -> None:
    """Forget that a request is being answered: it failed, and its repetition may try anew."""
    try:
        _run(sale, now, key, {"hash": key.hash, "forget": True})
    except CacheDown:
        return


def prepare(sale: Sale, pool_id: str, now: datetime) -> None:
    """Let Redis know a pool's blocks, by one process at a time; return when it does.

    Raises CacheDown when another process is at it for too long.
    """
    cache = caching.cache()
    lock = cache.full_key(f"{{{sale.event_id}}}:preparing:{pool_id}")
    ready = cache.full_key(_pool_keys(sale, pool_id)[0])
    patience = time.monotonic() + PATIENCE_SECONDS
    step, step_max = _STEP_SECONDS
    while not cache.execute(lambda client: client.set(lock, b"1", nx=True, ex=_PREPARE_SECONDS)):
        if time.monotonic() > patience:
            raise CacheDown("another process is preparing the pool")
        time.sleep(random.uniform(step / 2, step))
        step = min(2 * step, step_max)
        if cache.execute(lambda client: client.hexists(ready, "ready")):
            return
    try:
        # The one before may have been ready between this caller's question and its lock.
        if not cache.execute(lambda client: client.hexists(ready, "ready")):
            _seed(sale, pool_id, now)
    finally:
        cache.delete(f"{{{sale.event_id}}}:preparing:{pool_id}")


def _seed(sale: Sale, pool_id: str, now: datetime) -> None:
    layout = sale.layouts[pool_id]
    every = range(layout.blocks)
    known: Mapping[tuple[str, int], Slots] = {}
    if layout.blocks <= _READ_BLOCKS_MAX:
        known = blocks.look_at(((pool_id, block) for block in every), consistent=False)
    zones = _zone_numbers(layout)
    together = 1 if layout.kind == "seated" else 0
    for start in range(0, layout.blocks, _SEED_CHUNK):
        part = every[start : start + _SEED_CHUNK]
        seeds = []
        for block in part:
            untils = {slot: taken.until for slot, taken in known.get((pool_id, block), {}).items()}
            stretches = layout.stretches(block)
            # Bays are of no zone that anybody is sent to.
            seeds.append((block, [together, len(stretches), zones.get(block, 0), *stretches], untils))
        last = part[-1] == layout.blocks - 1
        request = (int(now.timestamp()), WITHHELD_UNTIL, HINT_SECONDS, last, seeds)
        _script("seed", SEED_LUA).run(_pool_keys(sale, pool_id), [_encode(request)])


def since(sale: Sale) -> Since:
    """What a look must know before it begins, to tell what happens meanwhile. Raises CacheDown."""
    generation, moment = _script("since", SINCE_LUA).run([_findings_key(sale)])
    return Since(generation, float(moment))


def note_finding(sale: Sale, demand: Demand, finding: bytes, began: Since) -> bool:
    """Keep what a look at every block found, unless places came back since it began. Raises CacheDown."""
    args: list[str | bytes | int | float] = [began.generation, field_of(demand), finding, HINT_SECONDS]
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
) -> list[Any]:
    result: list[Any] = _script("ask", LUA).run(*_call(sale, now, key, record, told, wants=wants))
    return result


def _call(
    sale: Sale,
    now: datetime,
    key: Key | None,
    record: Mapping[str, Any] | None,
    told: Sequence[Told] = (),
    *,
    wants: Mapping[Demand, int] | None = None,
    freed: bool | int = False,
    answer: bytes = b"",
) -> tuple[list[str], list[bytes]]:
    """The script's keys and arguments."""
    pools = list(dict.fromkeys([one.block[0] for one in told] + [demand.pool_id for demand in wants or {}]))
    request = (
        int(now.timestamp()),
        LEASE_SECONDS,
        WITHHELD_UNTIL,
        HINT_SECONDS,
        random.getrandbits(30),
        freed,
        CANDIDATES_MAX,
        record,
        [(pools.index(one.block[0]), one.block[1], one.untils, one.exact, one.before, one.as_of) for one in told],
        [
            (
                pools.index(demand.pool_id),
                _zones_of(sale.layouts[demand.pool_id], demand.zone),
                quantity,
                demand.together,
                field_of(demand),
            )
            for demand, quantity in (wants or {}).items()
        ],
    )
    name = key.name if key else "none"
    keys = [f"{{{sale.event_id}}}:request:{name}", _findings_key(sale)]
    for pool_id in pools:
        keys += _pool_keys(sale, pool_id)
    return keys, [_encode(request), answer]


def _forget_findings(sale: Sale, pool_ids: Iterable[str]) -> None:
    for pool_id in pool_ids:
        for zone in ("", *(sale.layouts[pool_id].zones() if pool_id in sale.layouts else ())):
            caching.findings.forget(f"{sale.event_id} {pool_id} {zone}")


def _findings_key(sale: Sale) -> str:
    return f"{{{sale.event_id}}}:findings"


def _pool_keys(sale: Sale, pool_id: str) -> list[str]:
    # The capacity is part of the name, so that a pool that has grown is prepared afresh, and the form of the states.
    stem = f"{{{sale.event_id}}}:{pool_id}:{sale.layouts[pool_id].capacity}:{_FORM}"
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
