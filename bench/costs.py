"""What an order and a loser cost: capacity units, requests that wait for an answer, bytes, and CPU of the use cases."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bench.buying_through import STEPS, Sale, place_hold
from bench.figures import Cost
from bench.sale import Kind, OnSale, hold_body, people, put_on_sale
from bench.sold_already import sell_already
from bench.traffic import traffic
from bench.world import room
from shared import clock
from shared.data import consumed

# Kind, places, places of one order, and places sold before. Those of one group take turns, so that what else happens
# on the machine meets all of them alike.
Case = tuple[Kind, int, int, int]
_GENERAL: Final[tuple[Case, ...]] = (
    ("general", 100, 2, 0),
    ("general", 10_000, 2, 0),
    ("general", 1_000_000, 2, 0),
    ("general", 100, 2, 50),
    ("general", 10_000, 2, 5_000),
    ("general", 1_000_000, 2, 500_000),
)
_SEATED: Final[tuple[Case, ...]] = (("seated", 2_200, 1, 0), ("seated", 2_200, 8, 0))
_ORDERS: Final = 40
# The orders are spread over so many events of a small size, or they would fill their few blocks while being measured.
_SMALL_EVENTS: Final = 10
_SMALL: Final = 1000
_LOSERS: Final = 60
_SOLD_OUT: Final = (100, 10_000, 1_000_000)
_TRIES_MAX: Final = 100


class _Measured:
    """Sums over the runs of one step; of the CPU, which others disturb, the median."""

    def __init__(self) -> None:
        self._runs = 0
        self._sums: dict[str, float] = {}
        self._cpu: list[float] = []

    def run(self, step: Callable[[], None]) -> None:
        """Does the step once, and adds what it took."""
        scripts = _script_microseconds()
        with consumed() as meter, traffic() as sent:
            started = time.thread_time()
            step()
            self._cpu.append(time.thread_time() - started)
        self._runs += 1
        taken = {
            "table_writes": meter.writes - meter.index_writes,
            "index_writes": meter.index_writes,
            "reads": meter.reads,
            "dynamodb_calls": meter.requests,
            "redis_calls": sent.redis_calls,
            "dynamodb_bytes": sent.dynamodb_bytes,
            "redis_bytes": sent.redis_bytes,
            "script_us": _script_microseconds() - scripts,
        }
        for name, value in taken.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def cost(self, case: Case, step: str) -> Cost:
        """The average."""
        kind, capacity, places, sold = case
        averages = {name: value / self._runs for name, value in self._sums.items()}
        cpu_ms = 1000 * statistics.median(self._cpu)
        return Cost(kind=kind, capacity=capacity, places=places, sold=sold, step=step, cpu_ms=cpu_ms, **averages)


def costs(say: Callable[[str], None]) -> list[Cost]:
    """The costs of every step of an order, and of those who come too late."""
    made: list[Cost] = []
    for group in (_GENERAL, _SEATED):
        events = {}
        for case in group:
            kind, capacity, places, sold = case
            say(f"  {kind}, {capacity:,} places, {sold:,} sold, {places} an order")
            events[case] = [put_on_sale(kind, capacity) for _ in range(_SMALL_EVENTS if capacity < _SMALL else 1)]
            for event in events[case] if sold else ():
                sell_already(event, sold)
        # The clock stands: what a process remembers for five seconds is read again once for everybody, and how many
        # orders share that is the machine's doing.
        with clock.fixed(clock.now()):
            made += _orders(events)
    for capacity in _SOLD_OUT:
        say(f"  sold out, {capacity:,} places")
        made += _losers(("general", capacity, 1, capacity))
    return made


def _orders(events: Mapping[Case, Sequence[OnSale]]) -> list[Cost]:
    steps = {(case, name): _Measured() for case in events for name in STEPS}
    for case, each in events.items():
        for event in each:
            # The first order finds nothing prepared; what that takes is taken once for an event, not for an order.
            _order(event, case[2], {name: _Measured() for name in STEPS})
    for number in range(_ORDERS):
        for case, each in events.items():
            _order(each[number % len(each)], case[2], {name: steps[case, name] for name in STEPS})
    return [measured.cost(case, name) for (case, name), measured in steps.items()]


def _order(event: OnSale, places: int, steps: Mapping[str, _Measured]) -> None:
    (buyer,) = people(1)
    sale = Sale(buyer=buyer, event=event, quantity=places)
    for name, step in STEPS.items():
        steps[name].run(lambda step=step: step(sale))  # type: ignore[misc]


def _losers(case: Case) -> list[Cost]:
    """The first who comes too late, the first in another process, and those after them, with a key or without."""
    event = put_on_sale("general", case[1])
    sell_already(event, case[1])
    made = []
    first, tries = _Measured(), [0]
    room("reservations", "repository.caching").forget()
    first.run(lambda: tries.append(_lose(event, with_key=True)))
    requests = "" if tries[-1] == 1 else f", {tries[-1]} requests"
    made.append(first.cost(case, f"first loser{requests}"))
    measured = _Measured()
    for _ in range(10):
        room("reservations", "repository.caching").forget()
        measured.run(lambda: tries.append(_lose(event, with_key=True)))
    made.append(measured.cost(case, "first loser of another process"))
    for step, with_key in (("loser with an Idempotency-Key", True), ("loser without one", False)):
        measured = _Measured()
        for _ in range(_LOSERS):
            measured.run(lambda with_key=with_key: tries.append(_lose(event, with_key=with_key)))  # type: ignore[misc]
        made.append(measured.cost(case, step))
    return made


def _lose(event: OnSale, *, with_key: bool) -> int:
    """Comes too late; answers how often one had to ask, because a large pool is looked at in slices."""
    (buyer,) = people(1)
    refusals = room("reservations", "domain.refusals")
    for tries in range(1, _TRIES_MAX):
        try:
            place_hold(Sale(buyer=buyer, event=event, quantity=1, with_key=with_key))
        except refusals.SoldOut:
            return tries
        except refusals.Busy:
            continue
        raise AssertionError(f"{hold_body(event, 1)} was held although everything is sold")
    raise AssertionError(f"nobody was told within {_TRIES_MAX} requests that everything is sold")


def _script_microseconds() -> float:
    """How long Redis has worked on scripts, as it says itself."""
    stats: dict[str, Any] = _redis().info("commandstats")
    return float(sum(stats.get(f"cmdstat_{name}", {}).get("usec", 0) for name in ("evalsha", "eval")))


_clients: list[Any] = []


def _redis() -> Any:
    import redis

    if not _clients:
        _clients.append(redis.Redis.from_url(os.environ["REDIS_URL"]))
    return _clients[0]
