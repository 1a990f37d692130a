"""DynamoDB's partitions on a virtual clock: what a table takes a second, where it says no, and how it splits for heat.

Documented, and kept to here: a partition takes 1,000 write units and 3,000 read units a second, one item included; a
new on-demand table has four partitions for its 4,000 write units, and more when it is warmed up in advance; a write to
an index that is throttled is refused to the table as well. Assumed, because AWS publishes no figures: a key's place is
a uniform hash of it; a partition keeps what it did not use for one second and no longer (the service's own bursts come
on top, and nobody may count on them); a partition that was at nine tenths of its rate for so many seconds is split in
the middle of what was written last, down to a single key and no further.
"""

from __future__ import annotations

import bisect
import hashlib
from typing import Final

WRITES_PER_SECOND: Final = 1000.0
READS_PER_SECOND: Final = 3000.0
NEW_TABLE_PARTITIONS: Final = 4
BURST_SECONDS: Final = 1.0
HOT_SHARE: Final = 0.9
# Times are whole steps of the virtual clock: a hundred of them are a second.
STEPS_PER_SECOND: Final = 100

_SPACE: Final = 1 << 64
_SAMPLE_MAX: Final = 256


def place_of(key: str) -> int:
    """Where a partition key lies between 0 and 2^64."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


class Bucket:
    """Units that come in at a steady rate and are kept for as long as the burst says."""

    __slots__ = ("_at", "_depth", "_left", "_per_step")

    def __init__(self, per_second: float) -> None:
        self._per_step = per_second / STEPS_PER_SECOND
        self._depth = per_second * BURST_SECONDS
        self._left = self._depth
        self._at = 0

    def take(self, units: float, step: int) -> bool:
        """Whether there was enough left; a refusal takes nothing."""
        if step > self._at:
            self._left = min(self._depth, self._left + (step - self._at) * self._per_step)
            self._at = step
        if units > self._left:
            return False
        self._left -= units
        return True


class Partition:
    """A range of keys, from `low` to the next partition's."""

    __slots__ = ("_reads", "_writes", "asked", "hot_seconds", "low", "places")

    def __init__(self, low: int) -> None:
        self.low = low
        self._writes = Bucket(WRITES_PER_SECOND)
        self._reads = Bucket(READS_PER_SECOND)
        self.asked = 0.0
        self.hot_seconds = 0
        self.places: list[int] = []

    def write(self, place: int, units: float, step: int) -> bool:
        """Whether it took a write."""
        self.asked += units
        if len(self.places) < _SAMPLE_MAX:
            self.places.append(place)
        return self._writes.take(units, step)

    def read(self, units: float, step: int) -> bool:
        """Whether it took a read."""
        return self._reads.take(units, step)


class Keyspace:
    """The partitions of one table or of one index."""

    def __init__(self, partitions: int, *, split_seconds: int | None = None) -> None:
        self._split_seconds = split_seconds
        self._every = [Partition(_SPACE * number // partitions) for number in range(partitions)]
        self._lows = [each.low for each in self._every]
        self.splits = 0
        self.busiest = 0.0

    @property
    def partitions(self) -> int:
        """How many there are by now."""
        return len(self._every)

    def write(self, key: str, units: float, step: int) -> bool:
        """Whether the partition of the key took so many write units."""
        place = place_of(key)
        return self._of(place).write(place, units, step)

    def read(self, key: str, units: float, step: int) -> bool:
        """Whether the partition of the key gave so many read units."""
        return self._of(place_of(key)).read(units, step)

    def second_over(self, step: int) -> None:
        """Notes how hot each partition was, and splits those that were so for long enough."""
        for partition in list(self._every):
            self.busiest = max(self.busiest, partition.asked)
            hot = partition.asked >= HOT_SHARE * WRITES_PER_SECOND
            partition.hot_seconds = partition.hot_seconds + 1 if hot else 0
            if self._split_seconds is not None and partition.hot_seconds >= self._split_seconds:
                self._split(partition)
            partition.asked = 0.0
            partition.places.clear()

    def _of(self, place: int) -> Partition:
        return self._every[bisect.bisect_right(self._lows, place) - 1]

    def _split(self, hot: Partition) -> None:
        """A new partition takes the upper half of the heat; a single key's heat cannot be halved."""
        places = sorted(hot.places)
        middle = places[len(places) // 2]
        # The key in the middle begins the new range; when it is the first one of all, the next key does.
        begin = next((place for place in places if place >= middle and place > places[0]), None)
        if begin is None or begin in self._lows:
            return
        made = Partition(begin)
        at = bisect.bisect_right(self._lows, begin)
        self._every.insert(at, made)
        self._lows.insert(at, begin)
        hot.hot_seconds = 0
        self.splits += 1
