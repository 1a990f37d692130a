"""Where buckets are kept: in Redis for all processes together, and in this process while Redis is away."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from shared.cache import Cache, CacheDown, CacheUnasked
from shared.throttling.bucket import SECOND, Limit, Standing, standing, take
from shared.throttling.usage import KEPT_MILLISECONDS, Gathered, Metered

# An address or person is about 150 bytes here; who was seen longest ago gives way, and begins again with a full bucket.
KEPT_HERE_MAX: Final = 10_000

# By Redis' own clock, because those of many machines differ. It is `bucket.take`, in the numbers of Lua, which hold
# microseconds exactly until the year 2255; a key is gone when its bucket would be full, which is what absence means.
# Behind the buckets' keys may stand hashes of usage (shared/throttling/usage.py): the request is counted in the first,
# under the first or second of the names that follow the limits, and what was gathered before in whichever it names.
_TAKE_LUA: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('MGET', unpack(KEYS, 1, size))
local answer, after = {1}, {}
for i = 1, size do
  local depth, interval = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local before = math.min(math.max(tonumber(kept[i] or 0) - now, 0), depth)
  after[i] = math.max(before + cost * interval, 0)
  answer[i + 1] = before
  if after[i] > depth then answer[1] = 0 end
end
local function count(hash, field, number)
  if redis.call('HSETNX', hash, 'life', string.format('%.0f', now)) == 1 then
    redis.call('PEXPIRE', hash, ARGV[2 * size + 3])
  end
  redis.call('HINCRBY', hash, field, number)
end
if #KEYS > size then
  count(KEYS[size + 1], ARGV[2 * size + 5 - answer[1]], 1)
  for i = 2 * size + 6, #ARGV, 3 do count(KEYS[size + ARGV[i]], ARGV[i + 1], ARGV[i + 2]) end
end
if answer[1] == 0 then return answer end
for i = 1, size do
  answer[i + 1] = after[i]
  if after[i] == 0 then
    redis.call('DEL', KEYS[i])
  else
    redis.call('SET', KEYS[i], string.format('%.0f', now + after[i]), 'PX', math.ceil(after[i] / 1000))
  end
end
return answer
"""


class Bucket(NamedTuple):
    """Somebody's bucket. Buckets that are taken from together need one `{hash tag}` in their keys."""

    key: str
    limit: Limit


class Taken(NamedTuple):
    """What came of a request: let through or not, and how each of its buckets stands."""

    allowed: bool
    standings: tuple[Standing, ...]

    @property
    def wait_seconds(self) -> int:
        """After how many seconds it is worth asking again, 0 where it was let through."""
        return max((each.wait_seconds for each in self.standings), default=0)


class BucketsHere:
    """The buckets of this process alone, at most so many."""

    def __init__(self, kept_max: int = KEPT_HERE_MAX, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._kept_max = kept_max
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # When each would be full again, in microseconds of this process' clock; the one taken from last stands last.
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, buckets: Sequence[Bucket], cost: int = 1) -> Taken:
        """Take from all, or from none if one has not enough; a negative cost puts back."""
        limits = [bucket.limit for bucket in buckets]
        with self._lock:
            now = int(self._monotonic() * SECOND)
            taken, backlogs = take(limits, [self._full_at.get(bucket.key, now) - now for bucket in buckets], cost)
            for bucket, backlog in zip(buckets, backlogs, strict=True):
                self._full_at[bucket.key] = now + backlog
                self._full_at.move_to_end(bucket.key)
            while len(self._full_at) > self._kept_max:
                self._full_at.popitem(last=False)
        return _told(taken, limits, backlogs, cost)


class Buckets:
    """The buckets of all processes that share a Redis; those of this process where there is none."""

    def __init__(self, cache: Cache, here: BucketsHere | None = None) -> None:
        self.here = BucketsHere() if here is None else here
        self.gathered = Gathered()
        self._cache = cache
        self._script = cache.script("take", _TAKE_LUA)

    def take(self, buckets: Sequence[Bucket], cost: int = 1, metered: Metered | None = None) -> Taken:
        """Take from all in one round trip, or from none if one has not enough; a negative cost puts back.

        The same round trip counts the request for whom it is `metered`, taken or not; the first bucket is then that of
        the key. Without Redis each process counts for itself: of n processes, n times as much may pass.
        """
        keys = [bucket.key for bucket in buckets]
        arguments: list[str | int] = [cost, len(buckets)]
        for bucket in buckets:
            arguments += (bucket.limit.depth, bucket.limit.interval)
        before = [] if metered is None else self.gathered.take(metered.shard)
        if metered is not None:
            hashes = list(dict.fromkeys([metered.hash_key, *(hash_key for hash_key, _, _ in before)]))
            keys += hashes
            arguments += (KEPT_MILLISECONDS, metered.field(answered=True), metered.field(answered=False))
            for hash_key, field, number in before:
                arguments += (hashes.index(hash_key) + 1, field, number)
        try:
            answer = self._script.run(keys, arguments)
        except CacheUnasked:
            taken = self.here.take(buckets, cost)
            # Nothing was sent, so nothing can be counted twice. Without any Redis it would wait in vain.
            if metered is not None and self._cache.configured:
                self.gathered.put_back(metered.shard, before)
                self.gathered.add(metered, answered=taken.allowed)
            return taken
        except CacheDown:
            # It may have been counted. What nobody knows, nobody pays for.
            return self.here.take(buckets, cost)
        return _told(bool(answer[0]), [bucket.limit for bucket in buckets], answer[1:], cost)

    def take_here(self, buckets: Sequence[Bucket], cost: int = 1, metered: Metered | None = None) -> Taken:
        """Take without a round trip, from the buckets of this process; the next call that makes one tells of it."""
        taken = self.here.take(buckets, cost)
        if metered is not None and self._cache.configured:
            self.gathered.add(metered, answered=taken.allowed)
        return taken


def _told(taken: bool, limits: Sequence[Limit], backlogs: Sequence[int], cost: int) -> Taken:
    standings = [standing(limit, backlog, cost, taken=taken) for limit, backlog in zip(limits, backlogs, strict=True)]
    return Taken(taken, tuple(standings))
