"""What API keys use, counted for each key and day of UTC where their tokens are taken, and read from there.

The counts of a day lie in Redis, sixteen hashes of them, each beside the buckets of the keys it counts: so the script
that takes tokens counts in the same step. A hash carries the moment it was made, its `life`: one that was lost and made
anew begins at nothing under another life, so whoever carries the counts away by life never takes them for smaller.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

from shared.cache import Cache

SHARDS: Final = 16
# A process without Redis remembers so many counts, each about 200 bytes; what comes beyond it nobody pays for.
GATHERED_MAX: Final = 10_000
# Of what was gathered, so much goes with one call: a script keeps all others waiting.
SENT_MAX: Final = 100
# Longer than anybody who carries counts away can be expected to stand still.
KEPT_MILLISECONDS: Final = 4 * 86_400_000

_ANSWERED, _REFUSED = "+", "-"

_CHANGED_LUA: Final = """
local life = redis.call('HGET', KEYS[1], 'life')
if not life then return {} end
local carried = {}
if redis.call('HGET', KEYS[2], 'life') == life then
  local pairs_ = redis.call('HGETALL', KEYS[2])
  for i = 1, #pairs_, 2 do carried[pairs_[i]] = pairs_[i + 1] end
end
local answer, now = {life}, redis.call('HGETALL', KEYS[1])
for i = 1, #now, 2 do
  if now[i] ~= 'life' and carried[now[i]] ~= now[i + 1] then
    answer[#answer + 1] = now[i]
    answer[#answer + 1] = now[i + 1]
  end
end
return answer
"""
_CARRIED_LUA: Final = """
if redis.call('HGET', KEYS[1], 'life') ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[2], 'life') ~= ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], 'life', ARGV[1], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""


class Metered(NamedTuple):
    """Whose request is counted, and on which day of UTC: a key, and the one who answers for it."""

    owner: str
    key: str
    day: date

    @property
    def shard(self) -> int:
        """Which of the hashes counts it: all keys of an owner are in the same."""
        return zlib.crc32(self.owner.encode()) % SHARDS

    @property
    def hash_key(self) -> str:
        """The hash's name in Redis."""
        return _hash_key(self.shard, self.day)

    @property
    def bucket_key(self) -> str:
        """The name of the key's bucket, in the slot of the hash."""
        return f"throttle:{_tag(self.shard)}:key:{self.key}"

    def field(self, *, answered: bool) -> str:
        """The hash's field for requests that were answered, or refused for being too many."""
        return f"{self.owner}/{self.key}{_ANSWERED if answered else _REFUSED}"


class Counts(NamedTuple):
    """Requests that were answered, whatever the answer, and those refused because they were too many."""

    answered: int = 0
    refused: int = 0


class Changes(NamedTuple):
    """Counts of a shard and day that were not carried away yet, by owner and key; absolute ones, of that life."""

    life: str
    counts: Mapping[str, Mapping[str, Counts]]


class Gathered:
    """What a process counted while it could not tell Redis: it goes with the next call for the same shard.

    Taken out before it is sent, and put back only where nothing was sent: rather lost than counted twice.
    """

    def __init__(self, kept_max: int = GATHERED_MAX) -> None:
        self._kept_max = kept_max
        self._lock = threading.Lock()
        self._numbers: dict[int, dict[tuple[str, str], int]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, metered: Metered, *, answered: bool) -> None:
        """Count one request."""
        self.put_back(metered.shard, [(metered.hash_key, metered.field(answered=answered), 1)])

    def take(self, shard: int) -> list[tuple[str, str, int]]:
        """The counts of a shard as (hash, field, number), which are then no longer here; at most a hundred."""
        if not self._size:
            return []
        with self._lock:
            numbers = self._numbers.get(shard, {})
            taken = [(*name, numbers.pop(name)) for name in list(numbers)[:SENT_MAX]]
            self._size -= len(taken)
        return taken

    def put_back(self, shard: int, counts: Iterable[tuple[str, str, int]]) -> None:
        """Count so many more."""
        with self._lock:
            numbers = self._numbers.setdefault(shard, {})
            for hash_key, field, number in counts:
                if (hash_key, field) in numbers:
                    numbers[hash_key, field] += number
                elif self._size < self._kept_max:
                    numbers[hash_key, field] = number
                    self._size += 1


class Usage:
    """The counts in Redis, for whoever carries them to where they last. Its methods raise CacheDown without Redis."""

    def __init__(self, cache: Cache) -> None:
        # Whether there is a Redis to carry from at all.
        self.configured = cache.configured
        self._changed = cache.script("usage_changed", _CHANGED_LUA)
        self._carried = cache.script("usage_carried", _CARRIED_LUA)

    def changed(self, shard: int, day: date) -> Changes | None:
        """What changed since it was last said to be carried; None where nothing did. Asking again answers the same."""
        key = _hash_key(shard, day)
        answer = [_text(one) for one in self._changed.run([key, f"{key}:carried"])]
        if len(answer) < 2:
            return None
        counts: dict[str, dict[str, Counts]] = {}
        for field, number in zip(answer[1::2], answer[2::2], strict=True):
            owner, _, key_ = field[:-1].partition("/")
            before = counts.setdefault(owner, {}).get(key_, Counts())
            said = before._replace(**{"answered" if field[-1] == _ANSWERED else "refused": int(number)})
            counts[owner][key_] = said
        return Changes(answer[0], counts)

    def carried(self, shard: int, day: date, life: str, owner: str, counts: Mapping[str, Counts]) -> None:
        """Say that these counts of an owner last now. Said of a life that is over, it does nothing."""
        key = _hash_key(shard, day)
        pairs: list[str | int] = []
        for name, count in counts.items():
            for sign, number in ((_ANSWERED, count.answered), (_REFUSED, count.refused)):
                if number:
                    pairs += (f"{owner}/{name}{sign}", number)
        if pairs:
            self._carried.run([key, f"{key}:carried"], [life, KEPT_MILLISECONDS, *pairs])


def _tag(shard: int) -> str:
    return f"{{usage-{shard:02}}}"


def _hash_key(shard: int, day: date) -> str:
    return f"usage:{_tag(shard)}:{day.isoformat()}"


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw
