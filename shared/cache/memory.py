"""What one process remembers for a moment: the answer that costs not even a call to Redis."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """At most `entries_max` values, each until a time; the one that was set longest ago gives way.

    Time is the caller's number (seconds of any one clock), so that a test which sets the clock means this as well.
    """

    def __init__(self, entries_max: int = 1024) -> None:
        self._entries_max = entries_max
        self._entries: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, now: float) -> T | None:
        """The value, or None when there is none or its time is over."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and now < entry[0] else None

    def put(self, key: Hashable, value: T, until: float) -> None:
        """Remember a value until a time."""
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = (until, value)
            while len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Forget a value, if it was known."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
