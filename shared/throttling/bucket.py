"""The arithmetic of token buckets: pure, in whole microseconds, the same as the script that Redis runs.

A bucket is one number: how long it would take to be full again, its backlog. Every request adds an interval for each
token it costs, time takes it away; a request that would make it deeper than the burst is refused and adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

SECOND: Final = 1_000_000


class Limit(msgspec.Struct, frozen=True):
    """What a bucket lets through: `burst` at once after a rest, then one each `interval` (microseconds).

    `name` is what clients read in RateLimit headers.
    """

    name: str
    burst: int
    interval: int

    @classmethod
    def of(cls, name: str, *, rate: float, burst: int) -> Limit:
        """The limit of so many tokens a second. Rounded so that never more comes through, by a millionth of a second.

        Raises ValueError for a rate or burst that would let nothing through.
        """
        if not rate > 0 or burst < 1:
            raise ValueError(f"a limit lets something through: rate {rate} and burst {burst} do not")
        return cls(name, burst, -int(-SECOND // rate))

    @property
    def depth(self) -> int:
        """The backlog of the empty bucket, in microseconds."""
        return self.burst * self.interval


class Standing(msgspec.Struct, frozen=True):
    """How a bucket stands after a request: tokens left, seconds until it is full, seconds until the request may pass.

    Seconds are rounded up; `wait_seconds` is 0 where this bucket was no obstacle.
    """

    limit: Limit
    remaining: int
    full_seconds: int
    wait_seconds: int


def take(limits: Sequence[Limit], backlogs: Sequence[int], cost: int) -> tuple[bool, list[int]]:
    """Whether every bucket has `cost` tokens, and the backlogs then; if one has not, none is touched.

    A negative cost puts tokens back. A backlog deeper than the bucket (its limit was changed, or a clock went back)
    counts as empty.
    """
    before, after, taken = [], [], True
    for limit, backlog in zip(limits, backlogs, strict=True):
        depth = limit.depth
        kept = min(max(backlog, 0), depth)
        deeper = max(kept + cost * limit.interval, 0)
        before.append(kept)
        after.append(deeper)
        taken = taken and deeper <= depth
    return taken, after if taken else before


def standing(limit: Limit, backlog: int, cost: int, *, taken: bool) -> Standing:
    """How a bucket stands with that backlog, after a request of that cost was let through or refused."""
    wait = 0 if taken else max(0, backlog + cost * limit.interval - limit.depth)
    return Standing(limit, (limit.depth - backlog) // limit.interval, -(-backlog // SECOND), -(-wait // SECOND))
