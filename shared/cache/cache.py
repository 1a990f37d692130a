"""Redis as a helper that may vanish at any moment: short time-outs, and a breaker that spares the next calls."""

from __future__ import annotations

import os
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from shared import telemetry
from shared.cache.breaker import Breaker
from shared.cache.script import UNANSWERED, Script

T = TypeVar("T")

TIMEOUT_MILLISECONDS: Final = 100
SECONDS_MAX: Final = 86_400
# Generations outlive every value that could carry them; see `invalidate_tag`.
_GENERATION_SECONDS: Final = 2 * SECONDS_MAX
_LOAD_SECONDS_MAX: Final = 5.0
_WAIT_STEP_SECONDS: Final = (0.004, 0.016)

_STORE_LUA: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
redis.call('DEL', KEYS[2])
return 1
"""


class CacheDown(Exception):
    """Redis is not there, or did not answer within its milliseconds. The caller goes on without it."""


class CacheUnasked(CacheDown):
    """It was not even asked, so that nothing can have happened there."""


class CacheError(Exception):
    """Redis answered that the command is wrong: a fault of ours, never a reason to go on."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    generations: list[bytes]
    value: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class Cache:
    """Values with an expiry, tags that forget many at once, and Lua scripts, all below one key prefix.

    `url` None means that there is no Redis: reads miss, loads load, writes are dropped, scripts raise CacheDown.
    `prefix` keeps stages and services apart; it must not hold braces, which would move every key into one slot.
    """

    def __init__(
        self,
        url: str | None,
        *,
        prefix: str,
        timeout_milliseconds: int = TIMEOUT_MILLISECONDS,
        breaker: Breaker | None = None,
    ) -> None:
        if "{" in prefix or "}" in prefix:
            raise ValueError("a key prefix with braces would put every key into one hash slot")
        self._url = url
        self._prefix = prefix
        self._timeout = timeout_milliseconds / 1000
        self.breaker = breaker or Breaker()
        # The one used last is taken first.
        self._idle: deque[Any] = deque()
        self._process = os.getpid()
        self._store = Script(self, "store", _STORE_LUA)

    @property
    def configured(self) -> bool:
        """Whether there is a Redis to ask at all."""
        return self._url is not None

    def full_key(self, key: str) -> str:
        """The key as Redis knows it."""
        return f"{self._prefix}:{key}"

    def script(self, name: str, lua: str) -> Script:
        """A Lua script to run on this cache's keys."""
        return Script(self, name, lua)

    def execute(self, call: Callable[[Any], T]) -> T:
        """Let `call` use the client (of redis-py).

        A call that waits for nothing answers UNANSWERED: that it could be sent says nothing of the server.
        Raises CacheDown, which is CacheUnasked where it did not come to `call`, or CacheError.
        """
        if self._url is None or not self.breaker.allows():
            raise CacheUnasked("no Redis at the moment")
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import RedisError, ResponseError
        from redis.exceptions import TimeoutError as Late

        asked = False
        try:
            client = self._connected()
            asked = True
            try:
                answer = call(client)
            finally:
                client.used_at = time.monotonic()
                self._idle.append(client)
        except (Lost, Late, OSError) as error:
            # A server that is still loading its data counts as down as well; redis-py says so by a ConnectionError.
            self.breaker.failed()
            raise (CacheDown if asked else CacheUnasked)(str(error)) from error
        except ResponseError as error:
            self.breaker.succeeded()
            if str(error).startswith(("OOM", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "LOADING")):
                raise CacheDown(str(error)) from error
            raise CacheError(str(error)) from error
        except RedisError as error:
            self.breaker.failed()
            raise CacheDown(str(error)) from error
        if answer is not UNANSWERED:
            self.breaker.succeeded()
        return answer

    def ping(self) -> bool:
        """Whether Redis answers now."""
        try:
            return bool(self.execute(lambda client: client.ping()))
        except CacheDown:
            return False

    def get(self, key: str) -> bytes | None:
        """The value, or None: not there, or no Redis."""
        try:
            found = self.execute(lambda client: client.get(self.full_key(key)))
        except CacheDown:
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes, seconds: float) -> bool:
        """Keep a value for at most so long. False when there is no Redis to keep it."""
        milliseconds = jittered_milliseconds(seconds)
        try:
            self.execute(lambda client: client.set(self.full_key(key), value, px=milliseconds))
        except CacheDown:
            return False
        return True

    def delete(self, key: str) -> bool:
        """Forget one value. False when there is no Redis: it may come back with the value still in it."""
        try:
            self.execute(lambda client: client.delete(self.full_key(key)))
        except CacheDown:
            return False
        return True

    def invalidate_tag(self, tag: str) -> bool:
        """Forget every value stored with this tag, also one that is being loaded right now.

        A value carries its tags' generations as they were before it was loaded. A generation is a random number and not
        a counter, because a counter that was evicted would begin again and meet values of its first life.
        """
        generation = random.randbytes(8)
        try:
            self.execute(lambda client: client.set(self._tag_key(tag), generation, ex=_GENERATION_SECONDS))
        except CacheDown:
            return False
        return True

    def get_or_load(
        self,
        key: str,
        loader: Callable[[], bytes],
        seconds: float,
        tags: Sequence[str] = (),
        *,
        stale_seconds: float = 0,
        locked: bool = True,
    ) -> bytes:
        """The value, loaded by one caller at a time across all processes while the others wait for it.

        It is kept for at most `seconds` (up to a day; shortened by up to a tenth at random, so that values stored
        together do not expire together). For the last `stale_seconds` of that, one caller loads it anew while all
        others get the old one without waiting; once a tag has forgotten it, it is gone for all. Without Redis, and
        for a waiter whose patience ends, it is simply loaded. What the loader raises goes to its caller alone; a
        waiter then loads itself. `locked=False` lets every caller load at once.
        """
        give_up_at = time.monotonic() + _LOAD_SECONDS_MAX
        token = random.randbytes(12)
        while True:
            try:
                stored, generations, is_stale = self._read(key, tags, stale_seconds)
                if stored is not None and not (is_stale and self._lock(key, token)):
                    telemetry.count(telemetry.CACHE_HITS)
                    return stored
                if stored is not None:
                    return self._load_locked(key, token, loader, seconds, tags, stale_seconds)
                if not locked:
                    telemetry.count(telemetry.CACHE_MISSES)
                    value = loader()
                    self._keep(key, value, generations, seconds)
                    return value
                if self._lock(key, token):
                    return self._load_locked(key, token, loader, seconds, tags, stale_seconds)
            except CacheDown:
                return loader()
            if time.monotonic() >= give_up_at:
                return loader()
            time.sleep(random.uniform(*_WAIT_STEP_SECONDS))

    def _load_locked(
        self,
        key: str,
        token: bytes,
        loader: Callable[[], bytes],
        seconds: float,
        tags: Sequence[str],
        stale_seconds: float,
    ) -> bytes:
        stored = b""
        try:
            # The one before may have stored its value between this caller's look and its lock.
            found, generations, is_stale = self._read(key, tags, stale_seconds)
            if found is not None and not is_stale:
                return found
            telemetry.count(telemetry.CACHE_MISSES)
            value = loader()
            stored = _encode(_Stored(generations, value))
            return value
        finally:
            # Only the holder of the lock stores: a load so slow that the lock ran out may be older than the next one.
            with suppress(CacheDown):
                self._store.run(self._keys(key), [token, stored, jittered_milliseconds(seconds)])

    def _read(self, key: str, tags: Sequence[str], stale_seconds: float) -> tuple[bytes | None, list[bytes], bool]:
        """The value (None: there is none to believe), the tags' generations, and whether it is in its stale seconds."""
        names = [self.full_key(self._keys(key)[0]), *(self._tag_key(tag) for tag in tags)]

        def read(client: Any) -> list[Any]:
            if len(names) == 1 and not stale_seconds:
                return [client.get(names[0])]
            # Single reads in one round trip rather than MGET: the keys of tags lie in other slots.
            pipeline = client.pipeline(transaction=False)
            for name in names:
                pipeline.get(name)
            if stale_seconds:
                # Age by Redis's own clock, because the processes' clocks differ.
                pipeline.pttl(names[0])
            return list(pipeline.execute())

        found, *marks = self.execute(read)
        is_stale = bool(stale_seconds) and marks.pop() <= stale_seconds * 1000
        generations = [mark or b"" for mark in marks]
        if found is None:
            return None, generations, False
        stored = _decode(found)
        return (stored.value if stored.generations == generations else None), generations, is_stale

    def _lock(self, key: str, token: bytes) -> bool:
        lock = self.full_key(self._keys(key)[1])
        milliseconds = int(_LOAD_SECONDS_MAX * 1000)
        return bool(self.execute(lambda client: client.set(lock, token, nx=True, px=milliseconds)))

    def _keep(self, key: str, value: bytes, generations: list[bytes], seconds: float) -> None:
        stored = _encode(_Stored(generations, value))
        name = self.full_key(self._keys(key)[0])
        milliseconds = jittered_milliseconds(seconds)
        try:
            self.execute(lambda client: client.set(name, stored, px=milliseconds))
        except CacheDown:
            return

    @staticmethod
    def _keys(key: str) -> tuple[str, str]:
        tagged = key if "{" in key else "{" + key + "}"
        return f"{tagged}:value", f"{tagged}:loading"

    def _tag_key(self, tag: str) -> str:
        return self.full_key("tag:{" + tag + "}")

    def _connected(self) -> Any:
        """A client for this caller alone, which gives it back to `_idle`."""
        if self._process != os.getpid():
            # A fork must not share sockets with its parent.
            self._idle, self._process = deque(), os.getpid()
        try:
            client = self._idle.pop()
        except IndexError:
            # Imported here because it costs 130 ms of a cold start, which a process without Redis need not pay.
            from shared.cache.client import connect

            return connect(str(self._url), self._timeout)
        self._settle(client)
        client.look()
        return client

    def _settle(self, client: Any) -> None:
        from redis.exceptions import ResponseError

        try:
            client.settle()
        except ResponseError as error:
            # It is this process's fault and not this caller's; nobody waits for it any more.
            telemetry.log("late_script_failed", level="ERROR", error=error)


def jittered_milliseconds(seconds: float) -> int:
    """An expiry in milliseconds: up to a tenth shorter than asked for, at random, never longer and never nothing."""
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"a cached value lives for up to {SECONDS_MAX} seconds, not {seconds}")
    return max(1, int(seconds * 1000 * random.uniform(0.9, 1.0)))
