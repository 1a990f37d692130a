"""How a pool is cut into blocks: pure arithmetic, so that a pool's item need not list them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

PLACES_PER_BLOCK_MAX: Final = 25


class Place(NamedTuple):
    """One place of an event: a numbered slot of a block of a pool."""

    pool_id: str
    block: int
    slot: int


class Run(msgspec.Struct, frozen=True, array_like=True):
    """Neighbouring seats `first` to `last` of one row in one price zone.

    An `accessible` run is a bay: wheelchair places, and among them `companions` for who comes along. Runs stored before
    there were bays have neither.
    """

    section: str
    row: str
    first: int
    last: int
    zone: str
    accessible: bool = False
    companions: tuple[int, ...] = ()


class Seat(NamedTuple):
    """A seat as its label says it."""

    section: str
    row: str
    number: int


class Stretch(NamedTuple):
    """Seats next to each other inside a block: the slots `start` to `start + length - 1`, of run number `run`."""

    run: int
    first: int
    start: int
    length: int


class BlockShape(NamedTuple):
    """A block of seats: one zone of one section, and the stretches of neighbours in it.

    The block of a bay has one stretch and nothing but seats of that bay.
    """

    zone: str
    stretches: tuple[Stretch, ...]
    accessible: bool = False

    @property
    def size(self) -> int:
        """How many places the block has."""
        last = self.stretches[-1]
        return last.start + last.length


class GeneralLayout:
    """A pool of places without names: blocks of 25 in a row, the last one shorter."""

    kind: Literal["general", "seated"] = "general"

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.blocks = -(-capacity // PLACES_PER_BLOCK_MAX)

    def zones(self) -> tuple[str, ...]:
        """General places have one zone without a name."""
        return ("",)

    def blocks_of(self, zone: str | None) -> Sequence[int]:
        """The numbers of the blocks where places of that zone are; all of them for None."""
        return range(self.blocks)

    def bays_of(self, zone: str | None) -> Sequence[int]:
        """General places have no bays."""
        return ()

    def zone_of(self, block: int) -> str:
        """General places have one zone without a name."""
        return ""

    def size(self, block: int) -> int:
        """How many places the block has."""
        return min(PLACES_PER_BLOCK_MAX, self.capacity - block * PLACES_PER_BLOCK_MAX)

    def stretches(self, block: int) -> tuple[int, ...]:
        """The lengths of what counts as neighbours: any places of a general block do."""
        return (self.size(block),)

    def seat(self, block: int, slot: int) -> Seat | None:
        """General places have no seat."""
        return None


class SeatedLayout:
    """A pool of seats, cut into blocks of neighbours. Blocks never mix sections or zones, and a bay has its own.

    Whoever asks for any seats gets none of a bay: those are found by `bays_of` alone, or named by their label.
    """

    kind: Literal["general", "seated"] = "seated"

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        self.shapes = _cut(self.runs)
        self.blocks = len(self.shapes)
        self.capacity = sum(run.last - run.first + 1 for run in self.runs)
        by_zone: defaultdict[str, list[int]] = defaultdict(list)
        bays: defaultdict[str, list[int]] = defaultdict(list)
        self._rows: defaultdict[tuple[str, str], list[tuple[int, int, int, int]]] = defaultdict(list)
        for number, shape in enumerate(self.shapes):
            (bays if shape.accessible else by_zone)[shape.zone].append(number)
            for stretch in shape.stretches:
                run = self.runs[stretch.run]
                last = stretch.first + stretch.length - 1
                self._rows[run.section, run.row].append((stretch.first, last, number, stretch.start))
        self._zones = tuple(dict.fromkeys(shape.zone for shape in self.shapes))
        self._by_zone = {zone: tuple(by_zone[zone]) for zone in self._zones}
        self._bays = {zone: tuple(blocks) for zone, blocks in bays.items()}
        ordinary = tuple(number for number, shape in enumerate(self.shapes) if not shape.accessible)
        # Most halls have bays in some blocks or none at all; a range is smaller than the numbers it stands for.
        self._ordinary: Sequence[int] = range(self.blocks) if len(ordinary) == self.blocks else ordinary

    def zones(self) -> tuple[str, ...]:
        """The price zones, in the order of the runs."""
        return self._zones

    def blocks_of(self, zone: str | None) -> Sequence[int]:
        """The numbers of the blocks where places of that zone are, best first, of all zones for None; never bays."""
        return self._ordinary if zone is None else self._by_zone.get(zone, ())

    def bays_of(self, zone: str | None) -> Sequence[int]:
        """The numbers of the blocks of the bays of that zone, in the order of the runs; of all zones for None."""
        if zone is not None:
            return self._bays.get(zone, ())
        return [number for number, shape in enumerate(self.shapes) if shape.accessible]

    def zone_of(self, block: int) -> str:
        """The price zone of a block, bay or not."""
        return self.shapes[block].zone

    def bay_of(self, block: int) -> int | None:
        """Which bay a block belongs to, as the number of its run; None for ordinary seats."""
        shape = self.shapes[block]
        return shape.stretches[0].run if shape.accessible else None

    def is_companion(self, block: int, slot: int) -> bool:
        """Whether the seat is for who comes along with a wheelchair place of its bay."""
        bay = self.bay_of(block)
        return bay is not None and self.seat(block, slot).number in self.runs[bay].companions

    def size(self, block: int) -> int:
        """How many places the block has."""
        return self.shapes[block].size

    def stretches(self, block: int) -> tuple[int, ...]:
        """The lengths of the stretches of neighbours, in the order of the slots."""
        return tuple(stretch.length for stretch in self.shapes[block].stretches)

    def seat(self, block: int, slot: int) -> Seat:
        """The seat of a slot."""
        for stretch in self.shapes[block].stretches:
            if slot < stretch.start + stretch.length:
                run = self.runs[stretch.run]
                return Seat(run.section, run.row, stretch.first + slot - stretch.start)
        raise IndexError(f"block {block} has no slot {slot}")

    def find(self, seat: Seat) -> tuple[int, int] | None:
        """The block and slot of a seat; None when the plan has no such seat."""
        for first, last, block, start in self._rows.get((seat.section, seat.row), ()):
            if first <= seat.number <= last:
                return block, start + seat.number - first
        return None


Layout = GeneralLayout | SeatedLayout


def _cut(runs: Sequence[Run]) -> tuple[BlockShape, ...]:
    """Cut runs into blocks: whole runs together while they fit, a run that is too long into equal parts, bays apart.

    What is appended to the runs later only fills the last block or adds new ones, so places sold keep their numbers.
    """
    shapes: list[BlockShape] = []
    section: str | None = None
    for index, run in enumerate(runs):
        first = run.first
        for length in _parts(run.last - run.first + 1):
            last = shapes[-1] if shapes else None
            fits = last is not None and section == run.section and last.zone == run.zone
            if last and fits and not (last.accessible or run.accessible) and last.size + length <= PLACES_PER_BLOCK_MAX:
                shapes[-1] = BlockShape(run.zone, (*last.stretches, Stretch(index, first, last.size, length)))
            else:
                shapes.append(BlockShape(run.zone, (Stretch(index, first, 0, length),), run.accessible))
            section = run.section
            first += length
    return tuple(shapes)


def _parts(length: int) -> list[int]:
    count = -(-length // PLACES_PER_BLOCK_MAX)
    return [length // count + (1 if part < length % count else 0) for part in range(count)]


def keeps_places(stored: Layout, published: Layout) -> bool:
    """Whether every place of the stored layout has the same number in the published one: it only grew."""
    if isinstance(stored, GeneralLayout) and isinstance(published, GeneralLayout):
        return published.capacity >= stored.capacity
    if isinstance(stored, SeatedLayout) and isinstance(published, SeatedLayout):
        return published.runs[: len(stored.runs)] == stored.runs
    return False
