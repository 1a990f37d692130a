"""Events on sale and their pools: written when catalog publishes, read by every hold."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from contracts.catalog import EventPublished, Pool, SeatRun
from services.reservations.domain import GeneralLayout, Layout, Run, Sale, SeatedLayout, keeps_places
from services.reservations.domain.refusals import EventUnknown
from services.reservations.repository import caching
from services.reservations.repository.rows import EventFacts, EventRow, PoolRow, event_key, pack_runs, pool_key
from shared.data import AlreadyExists, StaleVersion, fetch, fetch_many, insert, replace

# How long a process goes on with the prices and limits it has read.
SALE_SECONDS: Final = 5.0
_CACHED_SECONDS: Final = 60.0


class _StoredPool(msgspec.Struct, frozen=True, array_like=True):
    pool_id: str
    kind: str
    capacity: int
    runs: bytes
    closed: bool = False
    given_up: int = 0


class _StoredSale(msgspec.Struct, frozen=True, array_like=True):
    version: int
    facts: EventFacts
    pools: list[_StoredPool]
    waited_for: list[str] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_StoredSale).decode


def layout_of(pool: Pool) -> Layout:
    """The layout of a pool as catalog publishes it."""
    if pool.kind == "general":
        return GeneralLayout(pool.capacity)
    return SeatedLayout([run_of(run) for run in pool.runs])


def run_of(run: SeatRun) -> Run:
    """A run as this service keeps it."""
    return Run(run.section, run.row, run.first, run.last, run.zone, run.accessible, run.companions)


def save_pool(pool: Pool, event_id: str, version: int, now: datetime) -> bool:
    """Keep a pool as of catalog's version; an older version changes nothing.

    False when the published shape would move or remove places that may be sold: the stored one then stays. It also
    stays, without a word, once the organiser has changed the pool while it was on sale.
    """
    published = layout_of(pool)
    while True:
        row = fetch(PoolRow, *pool_key(pool.pool_id))
        if row is not None and row.catalog_version >= version:
            return True
        steered = row is not None and bool(row.steered)
        kept = row is None or steered or keeps_places(row.layout(), published)
        target = row or PoolRow(*pool_key(pool.pool_id))
        target.event_id = event_id
        target.catalog_version = version
        if kept and not steered:
            target.kind = pool.kind
            target.capacity = published.capacity
            target.runs = pack_runs(published.runs) if isinstance(published, SeatedLayout) else None
        try:
            if row is None:
                insert(target, now=now)
            else:
                replace(target, now=now)
        except (AlreadyExists, StaleVersion):
            continue
        return kept


def save_event(event: EventPublished, now: datetime) -> bool:
    """Keep an event as of catalog's version. False when a version as new was there already."""
    facts = EventFacts(
        organiser_id=event.organiser_id,
        name=event.name,
        currency=event.currency,
        hold_seconds=event.hold_seconds,
        places_per_order_max=event.places_per_order_max,
        places_per_buyer_max=event.places_per_buyer_max,
        pool_ids=[pool.pool_id for pool in event.pools],
        ticket_types=list(event.ticket_types),
        time_zone=event.time_zone,
        starts_at=event.starts_at,
    )
    while True:
        row = fetch(EventRow, *event_key(event.event_id))
        if row is not None and row.catalog_version >= event.version:
            return False
        target = row or EventRow(*event_key(event.event_id))
        target.catalog_version = event.version
        target.facts = facts
        try:
            if row is None:
                insert(target, now=now)
            else:
                replace(target, now=now)
        except (AlreadyExists, StaleVersion):
            continue
        caching.sales.forget(event.event_id)
        caching.cache().invalidate_tag(event.event_id)
        return True


def event_of_pool(pool_id: str, now: datetime) -> str | None:
    """The event a pool belongs to, for ever; None when the pool is not known."""
    known = caching.events_of_pools.get(pool_id, now.timestamp())
    if known is None:
        row = fetch(PoolRow, *pool_key(pool_id), consistent=False)
        if row is None:
            return None
        known = row.event_id
        caching.events_of_pools.put(pool_id, known, float("inf"))
    return known


def sale_of(event_id: str, now: datetime) -> Sale:
    """What is on sale at an event: from this process's memory, Redis or the table. Raises EventUnknown."""
    known = caching.sales.get(event_id, now.timestamp())
    if known is not None:
        return known
    stored = _decode(
        caching.cache().get_or_load(f"sale:{{{event_id}}}", lambda: _load(event_id), _CACHED_SECONDS, (event_id,))
    )
    sale = _sale(event_id, stored)
    caching.sales.put(event_id, sale, now.timestamp() + SALE_SECONDS)
    return sale


def sale_now(event_id: str) -> Sale:
    """What is on sale at an event as the table has it at this moment. Raises EventUnknown."""
    return _sale(event_id, _decode(_load(event_id)))


@lru_cache(maxsize=64)
def _layout(kind: str, capacity: int, runs: bytes) -> Layout:
    # Cutting 20,000 seats into blocks takes milliseconds, and hardly ever comes out differently than the last time.
    return PoolRow(kind=kind, capacity=capacity, runs=runs).layout()


def _sale(event_id: str, stored: _StoredSale) -> Sale:
    return Sale(
        event_id=event_id,
        version=stored.version,
        organiser_id=stored.facts.organiser_id,
        name=stored.facts.name,
        currency=stored.facts.currency,
        hold_seconds=stored.facts.hold_seconds,
        places_per_order_max=stored.facts.places_per_order_max,
        ticket_types=tuple(stored.facts.ticket_types),
        layouts={pool.pool_id: _layout(pool.kind, pool.capacity, pool.runs) for pool in stored.pools},
        places_per_buyer_max=stored.facts.places_per_buyer_max,
        closed_pools=frozenset(pool.pool_id for pool in stored.pools if pool.closed),
        waited_for=frozenset(stored.waited_for),
        time_zone=stored.facts.time_zone,
        starts_at=stored.facts.starts_at,
        given_up={pool.pool_id: pool.given_up for pool in stored.pools if pool.given_up},
    )


def _load(event_id: str) -> bytes:
    row = fetch(EventRow, *event_key(event_id))
    if row is None:
        raise EventUnknown
    found = fetch_many(PoolRow, [pool_key(pool_id) for pool_id in row.facts.pool_ids])
    pools = [
        _StoredPool(pool_id, pool.kind, int(pool.capacity), pool.runs or b"", bool(pool.closed), int(pool.shrunk or 0))
        for pool_id in row.facts.pool_ids
        if (pool := found.get(pool_key(pool_id))) is not None
    ]
    return _encode(_StoredSale(int(row.catalog_version), row.facts, pools, sorted(row.waited_for or ())))
