"""How many places an event has: as it was published, until its organiser changes a pool while it is on sale.

Both publishers count versions of their own, so each has its own half of the row, and what reservations says of a pool
goes before what catalog published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from contracts.catalog import EventPublished
from contracts.reservations import PoolChanged
from services.reporting.repository.statements import rows, run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_KEEP_PUBLISHED: Final = """
    INSERT INTO pools (pool_id, event_id, organiser_id, published_version, published, steered_version, steered)
    VALUES (:pool_id, :event_id, :organiser_id, :version, :capacity, 0, 0)
    ON CONFLICT (pool_id) DO UPDATE SET published_version = excluded.published_version, published = excluded.published
    WHERE pools.published_version < excluded.published_version
"""
_KEEP_STEERED: Final = """
    INSERT INTO pools (pool_id, event_id, organiser_id, published_version, published, steered_version, steered)
    VALUES (:pool_id, :event_id, :organiser_id, 0, 0, :version, :capacity)
    ON CONFLICT (pool_id) DO UPDATE SET steered_version = excluded.steered_version, steered = excluded.steered
    WHERE pools.steered_version < excluded.steered_version
"""
_CAPACITIES: Final = """
    SELECT event_id, SUM(CASE WHEN steered_version > 0 THEN steered ELSE published END) AS capacity FROM pools
    WHERE organiser_id = :organiser_id AND (CAST(:event_id AS TEXT) IS NULL OR event_id = :event_id)
    GROUP BY event_id
"""


def keep_published(connection: Connection, message: EventPublished) -> None:
    """Keep the capacities of an event's pools as they were published, unless newer ones are there."""
    for pool in sorted(message.pools, key=lambda each: each.pool_id):
        run(
            connection,
            _KEEP_PUBLISHED,
            pool_id=pool.pool_id,
            event_id=message.event_id,
            organiser_id=message.organiser_id,
            version=message.version,
            capacity=pool.capacity,
        )


def keep_pool(engine: Engine, message: PoolChanged) -> None:
    """Keep the capacity of a pool as its organiser changed it, unless a newer one is there."""
    with engine.begin() as connection:
        run(
            connection,
            _KEEP_STEERED,
            pool_id=message.pool_id,
            event_id=message.event_id,
            organiser_id=message.organiser_id,
            version=message.version,
            capacity=message.capacity,
        )


def capacities(connection: Connection, asked: Mapping[str, Any]) -> dict[str, int]:
    """The places of each of an organiser's events, or of the one asked for."""
    return {str(row["event_id"]): int(row["capacity"]) for row in rows(connection, _CAPACITIES, asked)}


__all__: Sequence[str] = ["capacities", "keep_pool", "keep_published"]
