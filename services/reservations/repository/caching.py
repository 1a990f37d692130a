"""This service's Redis, made when it is first used, and what the process itself remembers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from services.reservations.domain import Sale
from services.reservations.domain.waiting_room import Draw
from services.reservations.settings import settings
from shared.cache import Cache, Memory

_caches: list[Cache] = []

# What is on sale, for seconds only: a price change reaches every process that soon.
sales: Memory[Sale] = Memory(entries_max=512)
# What the last look at a pool found, and, where there is no Redis, that this process has looked a moment ago.
findings: Memory[bytes] = Memory(entries_max=4096)
looks: Memory[bool] = Memory(entries_max=4096)
# What is left of an event, until the end of the second.
documents: Memory[bytes] = Memory(entries_max=64)
# Which event a pool belongs to never changes.
events_of_pools: Memory[str] = Memory(entries_max=4096)
# Waiting rooms, or that an event has none, packed; and what their openings drew, which never changes.
rooms: Memory[bytes] = Memory(entries_max=4096)
draws: Memory[Draw] = Memory(entries_max=512)
# Until when nobody else counts what is left of an event, and that it was noted to be counted then.
counts: Memory[int] = Memory(entries_max=4096)
counts_noted: Memory[bool] = Memory(entries_max=4096)
# That there were places enough when this process counted them last.
enough_left: Memory[bool] = Memory(entries_max=4096)


def cache() -> Cache:
    """The cache, below the stage's prefix."""
    if not _caches:
        _caches.append(Cache(settings().redis_url, prefix=f"{settings().resource_prefix}:reservations"))
    return _caches[-1]


@contextmanager
def using(other: Cache) -> Iterator[Cache]:
    """Let another cache take its place, in this process, until the block ends; everything remembered is forgotten."""
    forget()
    _caches.append(other)
    try:
        yield other
    finally:
        _caches.remove(other)
        forget()


def forget() -> None:
    """Forget what this process remembers, as a new process would have."""
    sales.clear()
    findings.clear()
    looks.clear()
    documents.clear()
    events_of_pools.clear()
    rooms.clear()
    draws.clear()
    counts.clear()
    counts_noted.clear()
    enough_left.clear()
