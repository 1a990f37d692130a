"""What a round of measuring comes to."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

from bench.dollars import Dollars
from bench.heat_scenes import HeatFigures


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Orders placed by so many buyers at once. Times of one order in milliseconds, CPU in milliseconds an order.

    `busy` counts the answers "try again in a moment", after which the buyer did. `cpu` is apart for the gateway,
    DynamoDB Local, Redis, the emulator of the rest, and the buyers themselves.
    """

    kind: str
    way: str
    buyers: int
    orders: int
    seconds: float
    per_second: float
    p50: float
    p99: float
    busy: int = 0
    cpu: dict[str, float]


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Orders from the first hold to the last confirmation, with every trigger running.

    `seconds` is that whole time, `selling_seconds` the part of it until the last buyer had paid. Times of one order in
    milliseconds: `bought` from its hold until its buyer has paid, `confirmed` from then until the order is confirmed.
    CPU in milliseconds an order, until all of it was done, tickets and mails included.
    """

    buyers: int
    orders: int
    seconds: float
    selling_seconds: float
    per_second: float
    bought_p50: float
    bought_p99: float
    confirmed_p50: float
    confirmed_p99: float
    cpu: dict[str, float]


class Rush(msgspec.Struct, frozen=True, kw_only=True):
    """Many buyers on few places. Times in milliseconds; `late` are those who came after everything was paid."""

    buyers: int
    places: int
    sold: int
    sold_twice: int
    losers: int
    seconds: float
    losers_p50: float
    losers_p99: float
    late_p50: float
    late_p99: float
    busy: int
    answers: dict[str, int]
    late_answers: dict[str, int]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one step takes, on average: DynamoDB's units, tables and indexes apart, and calls that are waited for.

    Bytes are those of requests and answers, heads included; `script_us` is the time Redis says it spent on scripts.
    `sold` counts places of the event that were sold before. CPU is a median.
    """

    kind: str
    capacity: int
    places: int
    step: str
    table_writes: float
    index_writes: float
    reads: float
    dynamodb_calls: float
    redis_calls: float
    cpu_ms: float
    sold: int = 0
    dynamodb_bytes: float = 0.0
    redis_bytes: float = 0.0
    script_us: float = 0.0


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """CPU of one request, in microseconds, medians over the rounds; `target` is what the ratio should not exceed."""

    request: str
    kit_us: float
    bare_us: float
    target: float | None
    body_bytes: int
    rounds: int
    requests: int

    @property
    def ratio(self) -> float:
        """How many times the bare route's CPU the kit takes."""
        return self.kit_us / self.bare_us


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it ran."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load_before: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one run."""

    at: str
    repeats: int
    workers: int
    machine: Machine
    rounds: list[Round]
    wholes: list[Whole] = []
    rushes: list[Rush]
    costs: list[Cost]
    heat: HeatFigures | None = None
    dollars: Dollars | None = None
    overheads: list[Overhead] = []


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed. Refuses no values at all (ValueError)."""
    if not values:
        raise ValueError("a percentile of nothing")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median_round(rounds: Sequence[Round]) -> Round:
    """Repetitions of one round as one: the median of each figure by itself, and all the busy answers."""
    first = rounds[0]
    return Round(
        kind=first.kind,
        way=first.way,
        buyers=first.buyers,
        orders=first.orders,
        seconds=statistics.median(each.seconds for each in rounds),
        per_second=statistics.median(each.per_second for each in rounds),
        p50=statistics.median(each.p50 for each in rounds),
        p99=statistics.median(each.p99 for each in rounds),
        busy=sum(each.busy for each in rounds),
        cpu={name: statistics.median(each.cpu[name] for each in rounds) for name in first.cpu},
    )


def medians(rounds: Sequence[Round]) -> list[Round]:
    """One round for each kind, way and number of buyers, in the order they first came."""
    groups: dict[tuple[str, int, str], list[Round]] = {}
    for each in rounds:
        groups.setdefault((each.kind, each.buyers, each.way), []).append(each)
    return [median_round(group) for group in groups.values()]


def slowdown(rounds: Sequence[Round], product: Round, way: str) -> float:
    """How many times the time of the bare writes, done in that way, the same orders took through the product."""
    bare = next(
        each for each in rounds if each.way == way and (each.kind, each.buyers) == (product.kind, product.buyers)
    )
    return bare.per_second / product.per_second
