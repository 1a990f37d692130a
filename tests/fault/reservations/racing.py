"""Runners of races: processes whose threads all begin at the same moment."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import BlockRow, blocks, caching, hints
from services.reservations.schemas import PlaceHold
from services.reservations.use_cases import picking
from shared.cache import Cache
from shared.data.errors import Unavailable
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, where

Spot = tuple[str, int, int]


class Race(NamedTuple):
    """What the buyers of a race want, and which guards they have. `url` None: without Redis.

    `patient` buyers wait for whoever is writing as long as it takes on a busy machine. All of them buy `tries` times.
    """

    request: PlaceHold
    url: str | None
    prefix: str
    guarded: bool = True
    tries: int = 1
    patient: bool = False


def run(race: Race, processes: int, threads: int) -> tuple[list[list[Spot]], dict[str, int]]:
    """Let all buyers loose at once; answers the places of each winner, and how many were refused, by reason."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(processes), context.Queue()
    runners = [context.Process(target=_process, args=(race, threads, barrier, results)) for _ in range(processes)]
    for runner in runners:
        runner.start()
    winners: list[list[Spot]] = []
    losers: dict[str, int] = {}
    for _ in runners:
        won, lost = results.get(timeout=90)
        winners += won
        for reason, count in lost.items():
            losers[reason] = losers.get(reason, 0) + count
    for runner in runners:
        runner.join(30)
    return winners, losers


def _process(race: Race, threads: int, barrier: Barrier, results: Any) -> None:
    if not race.guarded:
        remove_the_condition()
    if race.patient:
        picking.WAITS_SECONDS = (*picking.WAITS_SECONDS, *[1.0] * 20)
        hints.PATIENCE_SECONDS = 20.0
    with caching.using(Cache(race.url, prefix=race.prefix, timeout_milliseconds=5000)):
        # What is on sale is known before the start, so that all meet at the write.
        use_cases.availability(race.request.event_id, OPENING)
        won: list[list[Spot]] = []
        lost: dict[str, int] = {}
        lock = threading.Lock()

        def buy() -> None:
            for _ in range(race.tries):
                try:
                    held = use_cases.place_hold(race.request, new_id("per"), None, OPENING)
                except (refusals.Refusal, Unavailable) as refused:
                    with lock:
                        lost[type(refused).__name__] = lost.get(type(refused).__name__, 0) + 1
                else:
                    with lock:
                        won.append(sorted(where(held)))

        at_once([buy] * threads, before=lambda: barrier.wait(60))
        results.put((won, lost))


def at_once(calls: Sequence[Callable[[], None]], before: Callable[[], object] = lambda: None) -> None:
    """Run each in a thread of its own, all released by one barrier."""
    ready = threading.Barrier(len(calls) + 1)

    def wait_and(call: Callable[[], None]) -> None:
        ready.wait(60)
        call()

    threads = [threading.Thread(target=wait_and, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    before()
    ready.wait(60)
    for thread in threads:
        thread.join()


def remove_the_condition() -> None:
    """The negative control: a hold that takes whatever it finds."""
    anything = BlockRow.pk.exists() | BlockRow.pk.does_not_exist()
    blocks._is_free = lambda slot, now, own: anything
