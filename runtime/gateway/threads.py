"""The threads that answer requests: work goes to the one that was free last, whose memory is still warm."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")


class Threads(Generic[Job]):
    """So many threads, each with one job at a time; jobs beyond that wait in the order in which they came.

    `work` does one job and must not raise. A thread that has finished takes the next waiting job without a wake-up.
    """

    def __init__(self, number: int, work: Callable[[Job], None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._idle: list[queue.SimpleQueue[Job]] = []
        self._waiting: deque[Job] = deque()
        for each in range(number):
            own: queue.SimpleQueue[Job] = queue.SimpleQueue()
            self._idle.append(own)
            threading.Thread(target=self._run, args=(own,), name=f"gateway-{each}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """How many jobs no thread has taken yet."""
        return len(self._waiting)

    def give(self, job: Job) -> None:
        """Has a job done as soon as a thread is free."""
        with self._lock:
            if not self._idle:
                self._waiting.append(job)
                return
            own = self._idle.pop()
        own.put(job)

    def _run(self, own: queue.SimpleQueue[Job]) -> None:
        while True:
            job = own.get()
            while True:
                self._work(job)
                with self._lock:
                    if not self._waiting:
                        self._idle.append(own)
                        break
                    job = self._waiting.popleft()
