"""The gateway's threads: nothing is lost or done twice, order is kept, and the warm thread comes first."""

from __future__ import annotations

import threading

from runtime.gateway.threads import Threads

SECONDS_MAX = 10.0


def test_every_job_is_done_once_however_many_there_are() -> None:
    done: list[int] = []
    all_done = threading.Event()

    def work(job: int) -> None:
        done.append(job)
        if len(done) == 2000:
            all_done.set()

    threads: Threads[int] = Threads(8, work)

    def give(first: int) -> None:
        for job in range(first, first + 500):
            threads.give(job)

    givers = [threading.Thread(target=give, args=(first,)) for first in range(0, 2000, 500)]
    for giver in givers:
        giver.start()
    assert all_done.wait(SECONDS_MAX)
    assert sorted(done) == list(range(2000))


def test_jobs_that_find_no_thread_wait_in_their_order_and_are_counted() -> None:
    done: list[int] = []
    free, all_done = threading.Event(), threading.Event()

    def work(job: int) -> None:
        free.wait(SECONDS_MAX)
        done.append(job)
        if len(done) == 6:
            all_done.set()

    threads: Threads[int] = Threads(1, work)
    for job in range(6):
        threads.give(job)
    assert threads.waiting == 5
    free.set()
    assert all_done.wait(SECONDS_MAX)
    assert done == list(range(6))
    assert threads.waiting == 0


def test_so_many_are_done_at_once_and_no_more() -> None:
    together = threading.Barrier(3)
    done = threading.Semaphore(0)

    def work(job: int) -> None:
        # Breaks, and fails the test below, unless three are at it at once.
        together.wait(SECONDS_MAX)
        done.release()

    threads: Threads[int] = Threads(3, work)
    for job in range(6):
        threads.give(job)
    assert threads.waiting >= 2
    for _ in range(6):
        assert done.acquire(timeout=SECONDS_MAX)


def test_one_after_another_stays_with_one_thread() -> None:
    """A thread is idle again a moment after its job is done, so that the next one is given once it is."""
    seen: set[int] = set()
    done = threading.Semaphore(0)

    def work(job: int) -> None:
        seen.add(threading.get_ident())
        done.release()

    threads: Threads[int] = Threads(8, work)
    for job in range(50):
        threads.give(job)
        assert done.acquire(timeout=SECONDS_MAX)
        while len(threads._idle) < 8:
            pass
    assert len(seen) == 1
