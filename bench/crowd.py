"""Jobs done by many at once, each of them timed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from bench.connection import Connection
from bench.figures import Round, percentile
from bench.processor import cpu_seconds
from bench.world import World

# One job: everything one buyer does over a connection; the answer is how it ended.
Job = Callable[[Connection], str]
DONE: Final = "ordered"
_ROUND_SECONDS_MAX: Final = 60.0
_STACK_BYTES: Final = 262_144


class CrowdFailed(Exception):
    """Not everybody got through: a round with failures in it is no measurement."""


class Outcome:
    """How the jobs ended, and the seconds each took."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.times: dict[str, list[float]] = {}

    @property
    def counts(self) -> Counter[str]:
        """How many jobs ended in each way."""
        return Counter({answer: len(times) for answer, times in self.times.items()})


def crowd(port: int, at_once: int, jobs: Sequence[Job]) -> Outcome:
    """Does all jobs over so many connections, each taking the next job when it is done with one. Raises CrowdFailed."""
    outcome = Outcome()
    waiting = iter(jobs)
    lock = threading.Lock()
    gate = threading.Barrier(at_once + 1, timeout=_ROUND_SECONDS_MAX)
    ends_at = time.monotonic() + _ROUND_SECONDS_MAX
    failures: list[str] = []

    def serve() -> None:
        try:
            connection = Connection(port)
        except OSError as trouble:
            failures.append(repr(trouble))
            gate.abort()
            return
        try:
            gate.wait()
            while time.monotonic() < ends_at and not failures:
                with lock:
                    job = next(waiting, None)
                if job is None:
                    return
                started = time.perf_counter()
                answer = job(connection)
                took = time.perf_counter() - started
                with lock:
                    outcome.times.setdefault(answer, []).append(took)
        except Exception as trouble:  # a thread's trouble is the whole round's, and is told by the one who waits
            failures.append(repr(trouble))
        finally:
            connection.close()

    before = threading.stack_size(_STACK_BYTES)
    threads = [threading.Thread(target=serve, daemon=True) for _ in range(at_once)]
    try:
        for thread in threads:
            thread.start()
    finally:
        threading.stack_size(before)
    try:
        gate.wait()
    except threading.BrokenBarrierError:
        raise CrowdFailed(f"not everybody could connect: {failures[:1]}") from None
    started = time.perf_counter()
    for thread in threads:
        thread.join(max(0.1, ends_at + 20.0 - time.monotonic()))
    outcome.seconds = time.perf_counter() - started
    done = sum(outcome.counts.values())
    if failures or done != len(jobs):
        raise CrowdFailed(f"{done} of {len(jobs)} got through; first trouble: {failures[:1] or 'out of time'}")
    return outcome


def measured(
    world: World, port: int, kind: str, way: str, at_once: int, jobs: Sequence[Job], busy: Sequence[str] = ()
) -> Round:
    """A round of orders, with the CPU time they took. Raises CrowdFailed when a job did not end in an order."""
    before = cpu_seconds(world.groups)
    outcome = crowd(port, at_once, jobs)
    after = cpu_seconds(world.groups)
    if set(outcome.counts) != {DONE}:
        raise CrowdFailed(f"{kind}, {way}, {at_once} at once: {dict(outcome.counts)}")
    times = [1000 * each for each in outcome.times[DONE]]
    return Round(
        kind=kind,
        way=way,
        buyers=at_once,
        orders=len(jobs),
        seconds=outcome.seconds,
        per_second=len(jobs) / outcome.seconds,
        p50=percentile(times, 0.5),
        p99=percentile(times, 0.99),
        busy=len(busy),
        cpu={name: 1000 * (after[name] - before[name]) / len(jobs) for name in after},
    )
