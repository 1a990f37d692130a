"""Lua scripts: sent once, then called by their hash; all keys of a call in one hash slot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shared.cache.cache import Cache

Argument = str | bytes | int | float
# The outcome of what was sent and not waited for.
UNANSWERED: Final = object()


class KeysInDifferentSlots(ValueError):
    """A script was given keys that a cluster may keep on different nodes: they need one `{hash tag}`."""


def hash_tag(key: str) -> str:
    """The part of a key that decides its slot: what stands between the first braces, else the whole key."""
    start = key.find("{")
    end = key.find("}", start + 1)
    return key[start + 1 : end] if start >= 0 and end > start + 1 else key


class Script:
    """A named Lua script of one cache."""

    def __init__(self, cache: Cache, name: str, lua: str) -> None:
        self.name = name
        self._cache = cache
        self._lua = lua
        self._sha = hashlib.sha1(lua.encode(), usedforsecurity=False).hexdigest()

    def run(self, keys: Sequence[str], args: Sequence[Argument] = ()) -> Any:
        """Run it on these keys (the cache's prefix is put before each).

        Raises CacheDown when Redis does not answer in time (whether it ran is then unknown), CacheError when the script
        itself fails, and KeysInDifferentSlots for keys without a common hash tag, which only a cluster would notice.
        """
        full = self._full(keys)

        def call(client: Any) -> Any:
            from redis.exceptions import NoScriptError

            try:
                return client.evalsha(self._sha, len(full), *full, *args)
            except NoScriptError:
                # A new or restarted server: EVAL runs it and keeps it, so the next call goes by the hash again.
                return client.eval(self._lua, len(full), *full, *args)

        return self._cache.execute(call)

    def send(self, keys: Sequence[str], args: Sequence[Argument] = ()) -> None:
        """Run it on these keys without waiting for it: for what nobody needs to know the outcome of.

        It is on its way when this returns, and is lost only with the connection; its answer is read when the connection
        is next used, and a failure of the script itself is logged then. Raises CacheDown when it cannot be sent, and
        KeysInDifferentSlots.
        """
        full = self._full(keys)
        self._cache.execute(lambda client: client.send_script(self._sha, self._lua, len(full), *full, *args))

    def _full(self, keys: Sequence[str]) -> list[str]:
        if len({hash_tag(key) for key in keys}) > 1:
            raise KeysInDifferentSlots(f"the keys of {self.name} lie in several hash slots: {', '.join(keys)}")
        return [self._cache.full_key(key) for key in keys]
