"""Counting what the places of a pool are: for the public page, and for those who steer the sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from services.reservations import domain, repository
from services.reservations.domain import Layout, Slots, Tally
from shared.ids import raw_bytes

# A larger general pool is counted by sample: reading 40,000 blocks for a number on a page would be absurd.
COUNTED_BLOCKS_MAX: Final = 4000
_SAMPLE_BLOCKS: Final = 400


class Count(NamedTuple):
    """What was seen of a pool's blocks, and what their places are by zone and whether in a bay.

    `sampled` says that some were seen and stand for all.
    """

    seen: Mapping[tuple[str, int], Slots]
    by_zone: Mapping[tuple[str, bool], Tally]
    sampled: bool

    def ordinary(self, zone: str | None) -> Tally:
        """What the places of a zone, or of all, are without its bays."""
        return sum((one for (name, bay), one in self.by_zone.items() if not bay and zone in (None, name)), Tally())

    def of(self, zone: str | None) -> Tally:
        """What the places of a zone are, or of all."""
        return sum((one for (name, _), one in self.by_zone.items() if zone in (None, name)), Tally())


def is_counted(layout: Layout) -> bool:
    """Whether every place of the pool is counted, rather than reckoned from some."""
    return layout.kind == "seated" or layout.blocks <= COUNTED_BLOCKS_MAX


def count(pool_id: str, layout: Layout, now: int) -> Count:
    """What the places of a pool are at `now`, as the table has them."""
    numbers: list[int] = list(range(layout.blocks))
    if not is_counted(layout):
        numbers = domain.probe_order(numbers, 0, _SAMPLE_BLOCKS)
    seen = repository.look_at((pool_id, number) for number in numbers)
    looked = sum(layout.size(number) for number in numbers)
    sums: defaultdict[tuple[str, bool], Tally] = defaultdict(Tally)
    bays = set(layout.bays_of(None))
    # A pool that gives places up holds them itself.
    holder = raw_bytes(pool_id)
    for (_, number), slots in seen.items():
        sums[layout.zone_of(number), number in bays] += domain.tally(slots, layout.size(number), holder, now)
    if looked == layout.capacity:
        return Count(seen, sums, False)
    scale = layout.capacity / looked
    return Count(seen, {zone: one.times(scale) for zone, one in sums.items()}, True)
