"""A thousand callers in several processes miss the same value at the same moment."""

from __future__ import annotations

import multiprocessing
import threading
import time
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from runtime.parts import Part
from shared.cache import Cache

PROCESSES = 4
THREADS = 250


def miss(url: str, barrier: Barrier, loads: Any, locked: bool) -> None:
    """One process: its threads ask for the value all at once, and every load is counted where all can see it."""
    cache = Cache(url, prefix="s", timeout_milliseconds=5000)
    cache.ping()

    def load() -> bytes:
        with loads.get_lock():
            loads.value += 1
        time.sleep(0.1)
        return b"value"

    ready = threading.Barrier(THREADS + 1)
    answers: list[bytes] = []

    def ask() -> None:
        ready.wait()
        answers.append(cache.get_or_load("popular", load, 60, ["tag"], locked=locked))

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait(30)
    ready.wait()
    for thread in threads:
        thread.join()
    assert answers == [b"value"] * THREADS


def loads_of_all(url: str, locked: bool) -> int:
    context = multiprocessing.get_context("spawn")
    barrier, loads = context.Barrier(PROCESSES), context.Value("i", 0)
    processes = [context.Process(target=miss, args=(url, barrier, loads, locked)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    return int(loads.value)


@pytest.mark.parametrize("locked", [True, False], ids=["one loader at a time", "control: without the lock"])
def test_a_thousand_misses_make_one_load(redis_of_its_own: Part, locked: bool) -> None:
    loads = loads_of_all(str(redis_of_its_own.variables["REDIS_URL"]), locked)
    if locked:
        assert loads == 1
    else:
        assert loads > 1
