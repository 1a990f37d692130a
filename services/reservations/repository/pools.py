"""Pools while they are on sale: the row that says how large one is, and the places a smaller one has given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from contracts.reservations import PoolChanged
from services.reservations.domain import Layout, SeatedLayout
from services.reservations.repository import caching, off_sale
from services.reservations.repository.rows import PoolRow, pack_runs, pool_key
from shared.data import Replace, fetch, replace
from shared.ids import raw_bytes

_ANNOUNCED = (PoolChanged.type_name,)


def pool(pool_id: str) -> PoolRow | None:
    """The pool's row as it is now."""
    return fetch(PoolRow, *pool_key(pool_id))


def offered(row: PoolRow) -> int:
    """How many places the pool has for sale, sold ones included: those it has given up do not count."""
    return int(row.capacity) - int(row.shrunk or 0)


def change_pool(row: PoolRow, layout: Layout, now: datetime) -> None:
    """Put a changed pool over the version that was read, and announce it. Raises StaleVersion."""
    row.steered = True
    row.capacity = layout.capacity
    row.runs = pack_runs(layout.runs) if isinstance(layout, SeatedLayout) else None
    replace(row, now=now, announce=_ANNOUNCED)
    forget(row.event_id)


def give_up(row: PoolRow, wanted: Mapping[tuple[str, int], Sequence[int]], now: datetime) -> None:
    """Take free places of a pool off sale for good, and count them in its row, in one transaction.

    Raises SlotsRefused when somebody was faster, and StaleVersion; the row's count is then as it was.
    """
    before = row.shrunk
    row.shrunk = int(before or 0) + sum(len(slots) for slots in wanted.values())
    try:
        off_sale.withhold(raw_bytes(pool_id_of(row)), wanted, now, Replace(row, announce=_ANNOUNCED))
    except BaseException:
        row.shrunk = before
        raise
    forget(row.event_id)


def note_progress(row: PoolRow, now: datetime) -> None:
    """Keep how far a change has come, where no places were given up with it. Raises StaleVersion."""
    replace(row, now=now)
    forget(row.event_id)


def pool_id_of(row: PoolRow) -> str:
    """The id of the pool."""
    return str(row.pk).partition("#")[2]


def forget(event_id: str) -> None:
    """Let this process and Redis read the event's pools again; other processes go on for some seconds."""
    caching.sales.forget(event_id)
    caching.cache().invalidate_tag(event_id)
