"""An on-sale at full heat on simulated partitions: what is throttled, and where.

The load is the product's own: each order's reads and writes with their real keys and item sizes (`bench.whole_sale`),
on the blocks that the hints' script would pick. Nothing is tried again; one refusal is a throttle. All steps of all
orders come at the same rate, as if no queue held anything back.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from bench.partitions import NEW_TABLE_PARTITIONS, STEPS_PER_SECOND, Keyspace
from bench.whole_sale import BLOCK, Step, Touch

BLOCK_PLACES: Final = 25
# When each step follows the hold, in seconds: so close that within the simulated time all of them overlap.
_DELAYS: Final = (0.0, 0.2, 0.4, 0.8, 0.9, 1.0, 1.1, 1.1, 1.2)

# How a block is picked: any that has room (general places), the first with room (seats), or, for the control of too
# few blocks, any of them for ever, as if places came back as fast as they go.
Picking = Literal["any", "first", "for ever"]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """So many orders a second, each for so many places, on so many blocks. Without a picking no block is written."""

    orders_per_second: int
    seconds: int
    places: int = 2
    blocks: int
    picking: Picking = "any"
    seed: int = 3


class Warmth(msgspec.Struct, frozen=True, kw_only=True):
    """How many partitions tables and indexes begin with, and after how many hot seconds one is split (None: never)."""

    partitions: int = NEW_TABLE_PARTITIONS
    split_seconds: int | None = None


class Place(msgspec.Struct, kw_only=True):
    """What one table, or index, had to bear."""

    name: str
    partitions: int
    writes_per_second: float
    reads_per_second: float
    throttled: int
    busiest_partition: float
    busiest_key: str
    busiest_key_units: float
    busiest_read_key: str
    busiest_read_units: float
    splits: int


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one simulated on-sale. `first_throttle` is in seconds; units of the busiest are of one second."""

    load: Load
    warmth: Warmth
    requests: int
    throttled: int
    throttled_last_second: int
    first_throttle: float | None
    sold_out_at: float | None
    places: list[Place]


class _Blocks:
    """Which block the next order's places come from."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._random = random.Random(load.seed)
        self._open = list(range(load.blocks))
        self._room = [BLOCK_PLACES] * load.blocks

    def pick(self) -> int | None:
        """A block, or None when all are sold out."""
        if not self._open:
            return None
        if self._load.picking == "for ever":
            return self._random.randrange(self._load.blocks)
        at = self._random.randrange(len(self._open)) if self._load.picking == "any" else len(self._open) - 1
        block = self._open[at]
        self._room[block] -= self._load.places
        if self._room[block] < self._load.places:
            self._open[at] = self._open[-1]
            self._open.pop()
        return block


class _Store:
    """A table or an index while it is under load."""

    def __init__(self, name: str, warmth: Warmth) -> None:
        self.name = name
        self.keyspace = Keyspace(warmth.partitions, split_seconds=warmth.split_seconds)
        self.writes = self.reads = 0.0
        self.throttled = 0
        # Of writes and of reads: what each key takes in the second that runs, and the most any took in one.
        self._second: tuple[dict[str, float], ...] = ({}, {})
        self._busiest = [("", 0.0), ("", 0.0)]

    def take(self, key: str, units: float, write: bool, step: int) -> bool:
        counts = self._second[not write]
        counts[key] = counts.get(key, 0.0) + units
        if write:
            self.writes += units
            taken = self.keyspace.write(key, units, step)
        else:
            self.reads += units
            taken = self.keyspace.read(key, units, step)
        self.throttled += not taken
        return taken

    def second_over(self, step: int) -> None:
        self.keyspace.second_over(step)
        for number, counts in enumerate(self._second):
            busiest = max(counts.items(), key=lambda each: each[1], default=("", 0.0))
            if busiest[1] > self._busiest[number][1]:
                self._busiest[number] = busiest
            counts.clear()

    def outcome(self, seconds: float) -> Place:
        return Place(
            name=self.name,
            partitions=self.keyspace.partitions,
            writes_per_second=self.writes / seconds,
            reads_per_second=self.reads / seconds,
            throttled=self.throttled,
            busiest_partition=self.keyspace.busiest,
            busiest_key=self._busiest[0][0],
            busiest_key_units=self._busiest[0][1],
            busiest_read_key=self._busiest[1][0],
            busiest_read_units=self._busiest[1][1],
            splits=self.keyspace.splits,
        )


def simulate(load: Load, steps: Sequence[Step], warmth: Warmth) -> Heat:
    """Runs the on-sale for its seconds, in hundredths of a second."""
    stores: dict[tuple[str, bool], _Store] = {}
    for touch in (touch for step in steps for touch in step.touches):
        name = f"{touch.table}, listing" if touch.index else touch.table
        stores.setdefault((touch.table, touch.index), _Store(name, warmth))
    blocks = _Blocks(load)
    sold: list[tuple[int, int | None]] = []
    requests = throttled = before = 0
    first: float | None = None
    sold_out_at: float | None = None
    end = load.seconds * STEPS_PER_SECOND
    for now in range(end):
        begun = now * load.orders_per_second // STEPS_PER_SECOND
        for _ in range((now + 1) * load.orders_per_second // STEPS_PER_SECOND - begun):
            block = blocks.pick()
            if block is None and sold_out_at is None:
                sold_out_at = now / STEPS_PER_SECOND
            sold.append((len(sold), block))
        for touch, order, block in _due(load, steps, sold, now):
            requests += 1
            if not stores[touch.table, touch.index].take(_key(touch, order, block), touch.units, touch.write, now):
                throttled += 1
                first = now / STEPS_PER_SECOND if first is None else first
        if (now + 1) % STEPS_PER_SECOND == 0:
            for store in stores.values():
                store.second_over(now)
            if now + 1 == end - STEPS_PER_SECOND:
                before = throttled
    return Heat(
        load=load,
        warmth=warmth,
        requests=requests,
        throttled=throttled,
        throttled_last_second=throttled - before,
        first_throttle=first,
        sold_out_at=sold_out_at,
        places=[store.outcome(load.seconds) for store in stores.values()],
    )


def least_blocks(
    orders_per_second: int, seconds: int, steps: Sequence[Step], warmth: Warmth, numbers: Sequence[int]
) -> int | None:
    """The least of some numbers of blocks, ascending, from which on all bear the load for ever; None when none does."""
    least = None
    for blocks in reversed(numbers):
        load = Load(orders_per_second=orders_per_second, seconds=seconds, blocks=blocks, picking="for ever")
        if simulate(load, steps, warmth).throttled:
            break
        least = blocks
    return least


def least_partitions(load: Load, steps: Sequence[Step], sizes: Sequence[int]) -> int | None:
    """The first of some numbers of partitions, ascending, that bears the load without a throttle."""
    return next((size for size in sizes if simulate(load, steps, Warmth(partitions=size)).throttled == 0), None)


def with_counter(steps: Sequence[Step], key: str) -> list[Step]:
    """The control: the same sale, if each hold also counted down one item of the pool."""
    hold = steps[0]
    counter = Touch(table=hold.service, key=key, units=1, write=True)
    return [msgspec.structs.replace(hold, touches=(counter, *hold.touches)), *steps[1:]]


def breaking_rate(steps: Sequence[Step], warmth: Warmth, rates: Sequence[int], seconds: int) -> int | None:
    """The first of some rates, ascending, at which something is throttled."""
    for rate in rates:
        load = Load(orders_per_second=rate, seconds=seconds, blocks=rate * seconds)
        if simulate(load, steps, warmth).throttled:
            return rate
    return None


def only(steps: Sequence[Step], *tables: str) -> list[Step]:
    """The steps with the touches of some tables alone."""
    return [
        msgspec.structs.replace(step, touches=tuple(touch for touch in step.touches if touch.table in tables))
        for step in steps
    ]


def _due(
    load: Load, steps: Sequence[Step], sold: Sequence[tuple[int, int | None]], now: int
) -> Iterator[tuple[Touch, int, int]]:
    """What the orders that are at one of their steps now touch. A loser of a sold-out event touches nothing."""
    for step, delay in zip(steps, _DELAYS, strict=True):
        at = now - round(delay * STEPS_PER_SECOND)
        if at < 0 or not step.touches:
            continue
        first = at * load.orders_per_second // STEPS_PER_SECOND
        for order, block in sold[first : (at + 1) * load.orders_per_second // STEPS_PER_SECOND]:
            if block is not None:
                for touch in step.touches:
                    yield touch, order, block


def _key(touch: Touch, order: int, block: int) -> str:
    key = touch.key
    if key.endswith(BLOCK):
        return f"{key[: -len(BLOCK)]}{block}"
    return f"{key}{order}" if "<" in key else key
