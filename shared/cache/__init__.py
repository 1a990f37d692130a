"""Redis that may vanish: short time-outs, a circuit breaker, one loader at a time, tags, Lua scripts."""

from shared.cache.breaker import Breaker
from shared.cache.cache import Cache, CacheDown, CacheError, CacheUnasked, jittered_milliseconds
from shared.cache.memory import Memory
from shared.cache.script import KeysInDifferentSlots, Script, hash_tag

__all__ = [
    "Breaker",
    "Cache",
    "CacheDown",
    "CacheError",
    "CacheUnasked",
    "KeysInDifferentSlots",
    "Memory",
    "Script",
    "hash_tag",
    "jittered_milliseconds",
]
