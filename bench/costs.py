"""What an order and a loser cost: capacity units, requests that wait for an answer, and CPU of the use cases alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from bench.buying_through import STEPS, Sale, place_hold
from bench.figures import Cost
from bench.sale import Kind, OnSale, hold_body, people, put_on_sale
from bench.world import room
from shared import clock
from shared.data import consumed
from shared.ids import new_id

# One event each: kind, places, and places of one order.
_CASES: Final[tuple[tuple[Kind, int, int], ...]] = (
    ("general", 100, 2),
    ("general", 10_000, 2),
    ("general", 1_000_000, 2),
    ("seated", 2_200, 1),
    ("seated", 2_200, 8),
)
_ORDERS: Final = 30
_SOLD_OUT: Final = (100, 10_000)
_BLOCK_PLACES: Final = 25


class _Measured:
    """Sums over the runs of one step."""

    def __init__(self) -> None:
        self.runs = 0
        self.table_writes = self.index_writes = self.reads = self.cpu = 0.0
        self.dynamodb_calls = self.redis_calls = 0

    def run(self, step: Callable[[], None]) -> None:
        """Does the step once, and adds what it took."""
        with consumed() as meter, _redis_calls() as calls:
            started = time.thread_time()
            step()
            self.cpu += time.thread_time() - started
        self.runs += 1
        self.table_writes += meter.writes - meter.index_writes
        self.index_writes += meter.index_writes
        self.reads += meter.reads
        self.dynamodb_calls += meter.requests
        self.redis_calls += len(calls)

    def cost(self, event: OnSale, places: int, step: str) -> Cost:
        """The average."""
        return Cost(
            kind=event.kind,
            capacity=event.capacity,
            places=places,
            step=step,
            table_writes=self.table_writes / self.runs,
            index_writes=self.index_writes / self.runs,
            reads=self.reads / self.runs,
            dynamodb_calls=self.dynamodb_calls / self.runs,
            redis_calls=self.redis_calls / self.runs,
            cpu_ms=1000 * self.cpu / self.runs,
        )


def costs(say: Callable[[str], None]) -> list[Cost]:
    """The costs of every step of an order, and of those who come too late."""
    made: list[Cost] = []
    for kind, capacity, places in _CASES:
        say(f"  {kind}, {capacity:,} places, {places} an order")
        made += _order(put_on_sale(kind, capacity), places)
    for capacity in _SOLD_OUT:
        say(f"  sold out, {capacity:,} places")
        made += _losers(put_on_sale("general", capacity))
    return made


def _order(event: OnSale, places: int) -> list[Cost]:
    steps = {name: _Measured() for name in STEPS}
    for number, buyer in enumerate(people(_ORDERS + 1)):
        sale = Sale(buyer=buyer, event=event, quantity=places)
        for name, step in STEPS.items():
            # The first order finds nothing prepared; what that takes is taken once for an event, not for an order.
            measured = steps[name] if number else _Measured()
            measured.run(lambda step=step, sale=sale: step(sale))  # type: ignore[misc]
    return [measured.cost(event, places, name) for name, measured in steps.items()]


def _losers(event: OnSale) -> list[Cost]:
    """The first who comes too late, the first in another process, and those after them, with a key or without."""
    _sell_everything(event)
    made = []
    for step, number in (("first loser", 1), ("first loser of another process", 10)):
        measured = _Measured()
        for _ in range(number):
            room("reservations", "repository.caching").forget()
            measured.run(lambda: _lose(event, with_key=True))
        made.append(measured.cost(event, 1, step))
    for step, with_key in (("loser with an Idempotency-Key", True), ("loser without one", False)):
        measured = _Measured()
        for _ in range(_ORDERS):
            measured.run(lambda with_key=with_key: _lose(event, with_key=with_key))  # type: ignore[misc]
        made.append(measured.cost(event, 1, step))
    return made


def _sell_everything(event: OnSale) -> None:
    """Sells whole blocks straight in the table, which is quicker than so many orders and leaves the same rows."""
    reservations = room("reservations", "repository")
    until = room("reservations", "domain").SOLD_UNTIL
    now = clock.now()
    for block in range(-(-event.capacity // _BLOCK_PLACES)):
        slots = list(range(min(_BLOCK_PLACES, event.capacity - block * _BLOCK_PLACES)))
        reservations.take(new_id("hld"), {(event.pool_id, block): slots}, until, now=now)


def _lose(event: OnSale, *, with_key: bool) -> None:
    (buyer,) = people(1)
    refusals = room("reservations", "domain.refusals")
    sale = Sale(buyer=buyer, event=event, quantity=1, with_key=with_key)
    try:
        place_hold(sale)
    except refusals.SoldOut:
        return
    raise AssertionError(f"{hold_body(event, 1)} was held although everything is sold")


@contextmanager
def _redis_calls() -> Iterator[list[None]]:
    """Notes every command this process sends to Redis; a script is one, whatever it does inside."""
    from redis.connection import AbstractConnection

    calls: list[None] = []
    send = AbstractConnection.send_packed_command

    def noting(connection: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(None)
        return send(connection, *arguments, **options)  # type: ignore[no-untyped-call]

    AbstractConnection.send_packed_command = noting  # type: ignore[method-assign, assignment]
    try:
        yield calls
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]
