"""Processes full of clients that take from one bucket as fast as they can."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any

import msgspec

from shared.cache import Cache
from shared.throttling import Bucket, Buckets, Limit

PROCESSES, THREADS = 4, 25
# Long enough that a busy machine is not taken for a Redis that is gone.
TIMEOUT_MILLISECONDS = 5000


class ReadThenWrite:
    """The negative control: a bucket that is read, reckoned with, and written back, in two steps."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def take(self, limit: Limit) -> bool:
        now = time.time() * 1_000_000
        backlog = max(0.0, float(self._cache.get("careless") or 0) - now) + limit.interval
        if backlog > limit.depth:
            return False
        self._cache.put("careless", str(now + backlog).encode(), 3600)
        return True


class Passed(msgspec.Struct, frozen=True):
    """How many were let through, and how long it took from before the first to after the last."""

    number: int
    seconds: float


def _client_of(url: str | None, limit: Limit, *, careless: bool, key: str = "somebody") -> Callable[[], bool]:
    cache = Cache(url, prefix="crowd", timeout_milliseconds=TIMEOUT_MILLISECONDS)
    if careless:
        bucket = ReadThenWrite(cache)
        return lambda: bucket.take(limit)
    buckets = Buckets(cache)
    return lambda: buckets.take([Bucket(key, limit)]).allowed


def _ask(url: str | None, limit: Limit, seconds: float, careless: bool, barrier: Barrier, results: Any) -> None:
    take = _client_of(url, limit, careless=careless)
    # Loads what is needed, so that the seconds are those of the bucket.
    _client_of(url, limit, careless=False, key="nobody")()
    ready = threading.Barrier(THREADS + 1)
    passed: list[int] = []

    def ask() -> None:
        ready.wait()
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += take()
        passed.append(number)

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait(60)
    begun = time.monotonic()
    ready.wait()
    for thread in threads:
        thread.join()
    # One clock for the machine, so that the processes' times can be put together.
    results.put((sum(passed), begun, time.monotonic()))


def let_through(
    url: str | None, limit: Limit, seconds: float, *, careless: bool = False, processes: int = PROCESSES
) -> Passed:
    """What `processes` times 25 clients get through in so many seconds."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes), context.Queue()
    running = [
        context.Process(target=_ask, args=(url, limit, seconds, careless, barrier, results)) for _ in range(processes)
    ]
    for process in running:
        process.start()
    answers = [results.get(timeout=90) for _ in running]
    for process in running:
        process.join(60)
    numbers, begun, ended = zip(*answers, strict=True)
    return Passed(sum(numbers), max(ended) - min(begun))
