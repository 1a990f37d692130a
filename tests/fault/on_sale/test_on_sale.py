"""An on-sale under load on real processes, while its parts die one after another; at the end everything adds up.

Redis is killed and comes back empty, DynamoDB throttles, relays and consumers die with messages in hand, and so do the
gateway's processes. STAGEDOOR_ON_SALE_ROUNDS runs the faults more often, on a larger hall.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.catalog import EventPublished
from tests.fault.on_sale.audit import Books, Untrue, check, check_given_once, read_books, unsettled
from tests.fault.on_sale.buyers import Fleet, wait_until
from tests.fault.on_sale.theatre import PRICE, Theatre

ROUNDS = int(os.environ.get("STAGEDOOR_ON_SALE_ROUNDS", "1"))
# One worker does both, one after the other: each of them keeps all cores busy.
pytestmark = [pytest.mark.xdist_group("on-sale-under-faults"), pytest.mark.timeout(600 * ROUNDS)]

CAPACITY, BUYERS, WORKERS, HOLD_SECONDS = 80 * ROUNDS, 6, 2, 6
STEP_SECONDS_MAX, SETTLE_SECONDS_MAX = 30.0, 120.0 * ROUNDS
CONTROL_EVENTS, CONTROL_SECONDS = 8, 8.0


@contextmanager
def theatre(folder: Path, **how: bool) -> Iterator[Theatre]:
    running = Theatre(folder, workers=WORKERS, **how)
    try:
        running.start()
        yield running
    finally:
        running.stop()


def books_of(running: Theatre, event: EventPublished, fleet: Fleet) -> Books:
    capacity = event.pools[0].capacity
    return read_books(
        running.names,
        event.pools[0].pool_id,
        capacity,
        HOLD_SECONDS,
        PRICE.amount,
        running.charges(),
        fleet.ledger.told,
    )


def settled(running: Theatre, event: EventPublished, fleet: Fleet) -> Books:
    """The books when all that was begun has come to its end."""

    def nothing_waits() -> bool:
        # Mails wait a minute for the claim of a sender who was killed, and change nothing of the sale.
        left = {name: count for name, count in running.messages_left().items() if "notifications" not in name}
        return not left and not unsettled(books_of(running, event, fleet))

    try:
        wait_until("the end of everything that was begun", nothing_waits, SETTLE_SECONDS_MAX)
    except AssertionError as late:
        waiting = unsettled(books_of(running, event, fleet))
        raise AssertionError(f"{late}: {waiting}, {running.messages_left()}\n{running.last_words()}") from None
    fleet.ask_for_orders()
    return books_of(running, event, fleet)


class Faults:
    """Things that go wrong, one after another, while people buy."""

    def __init__(self, running: Theatre, fleet: Fleet) -> None:
        self._running = running
        self._fleet = fleet
        self.replaced: list[bool] = []

    def everything(self) -> None:
        """Every fault once. Between them, some more people buy."""
        running = self._running
        running.front.throttled_share = 0.1
        self._more_holds(8)
        running.kill_redis()
        self._more_holds(8)
        running.kill_consumers()
        self._worker_dies()
        running.start_redis()
        self._more_holds(8)
        running.start_consumers()
        self._nothing_but_throttles()
        self._worker_dies()
        running.kill_redis()
        self._more_holds(4)
        running.kill_consumers()
        running.start_redis()
        running.start_consumers()
        self._more_holds(8)

    def _more_holds(self, number: int) -> None:
        ledger = self._fleet.ledger
        before, away = len(ledger.told), ledger.turned_away.total()
        # When all is held or sold there is nothing more to hold; then those who are turned away count.
        wait_until(
            f"{number} more holds",
            lambda: len(ledger.told) + (ledger.turned_away.total() - away) // 4 >= before + number,
            STEP_SECONDS_MAX,
            ledger,
        )

    def _worker_dies(self) -> None:
        dead = self._running.kill_oldest_worker()
        self._more_holds(4)
        wait_until(
            "a new worker",
            lambda: dead not in self._running.workers() and len(self._running.workers()) == WORKERS,
            STEP_SECONDS_MAX,
        )
        self.replaced.append(True)

    def _nothing_but_throttles(self) -> None:
        front = self._running.front
        before = front.throttled
        front.throttled_share = 1.0
        wait_until("throttles", lambda: front.throttled >= before + 40, STEP_SECONDS_MAX)
        front.throttled_share = 0.1
        self._more_holds(4)


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Books, Fleet, Theatre]]:
    """An on-sale with faults, and what stood in the books when it was over."""
    began = time.monotonic()
    with theatre(tmp_path_factory.mktemp("on-sale")) as running:
        event = running.publish(CAPACITY, HOLD_SECONDS)
        fleet = Fleet(running.address, event, BUYERS, seed=11)
        ready = time.monotonic()
        fleet.start()
        try:
            faults = Faults(running, fleet)
            for _ in range(ROUNDS):
                faults.everything()
        finally:
            fleet.stop()
        over = time.monotonic()
        running.front.throttled_share = 0.0
        books = settled(running, event, fleet)
        assert len(faults.replaced) == 2 * ROUNDS
        requests = running.front.throttled + running.front.forwarded
        print(
            f"\n{fleet.ledger}; {dict(Counter(order.state for order in books.orders.values()))}; "
            f"{running.front.throttled} of {requests} requests throttled; killed {dict(Counter(running.killed))}; "
            f"start {ready - began:.1f} s, sale {over - ready:.1f} s, settling {time.monotonic() - over:.1f} s"
        )
        yield books, fleet, running


def test_everything_adds_up_after_an_on_sale_full_of_faults(sale: tuple[Books, Fleet, Theatre]) -> None:
    books, fleet, running = sale
    check(books)
    states = Counter(order.state for order in books.orders.values())
    assert states["confirmed"] >= 10, "too little was sold for the audit to say anything"
    assert running.front.throttled >= 40
    assert Counter(running.killed) == {"Redis": 2 * ROUNDS, "triggers": 2 * ROUNDS, "worker": 2 * ROUNDS}
    assert not fleet.ledger.odd, "somebody was left without an answer"


def sells_twice(running: Theatre, seed: int) -> bool:
    """Whether a small event without the guard has a double sale before it is sold out."""
    event = running.publish(25, HOLD_SECONDS)
    fleet = Fleet(running.address, event, BUYERS, seed=seed)

    def finds_it() -> bool:
        try:
            check_given_once(books_of(running, event, fleet))
        except Untrue:
            return True
        return False

    fleet.start()
    try:
        wait_until("a double sale", finds_it, CONTROL_SECONDS, fleet.ledger)
    except AssertionError:
        return False
    finally:
        fleet.stop()
    return True


def test_without_the_guard_the_same_audit_finds_the_double_sale(tmp_path: Path) -> None:
    """The negative control: blocks accept every hold, and Redis keeps nobody apart.

    Two have to look at one place in the same moment, and an event is sold out after some dozens of looks, so that there
    are several events.
    """
    with theatre(tmp_path, with_redis=False, unguarded=True) as running:
        assert any(sells_twice(running, seed) for seed in range(CONTROL_EVENTS))
        assert running.front.widened
