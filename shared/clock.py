"""The one place where the time of day is read.

Handlers and the kit call `now`; use cases are given the time as an argument, so that a test can place them anywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

Source = Callable[[], datetime]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _system() -> datetime:
    return datetime.now(UTC)


# One source for the whole process rather than for a context: a test that sets the clock means its threads as well.
_sources: list[Source] = [_system]
_sources_lock = threading.Lock()


def now() -> datetime:
    """The time now: aware, UTC, cut to the millisecond, which is what ids and stored times keep."""
    return to_milliseconds(_sources[-1]())


def to_milliseconds(at: datetime) -> datetime:
    """The same moment in UTC without its microseconds' tail. Raises ValueError for a time without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone is no moment")
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@contextmanager
def use(source: Source) -> Iterator[None]:
    """Let `source` tell the time for all threads of the process until the block ends; the innermost block wins."""
    with _sources_lock:
        _sources.append(source)
    try:
        yield
    finally:
        with _sources_lock:
            # From the right, because two blocks may have been given the same source.
            position = len(_sources) - 1 - _sources[::-1].index(source)
            del _sources[position]


@contextmanager
def fixed(at: datetime) -> Iterator[None]:
    """Stop the clock at one moment until the block ends."""
    moment = to_milliseconds(at)
    with use(lambda: moment):
        yield


def iso(at: datetime) -> str:
    """A moment as stored and sent: `2026-05-01T19:30:00.000Z`, always 24 characters, so that texts sort as times do."""
    return to_milliseconds(at).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_iso(text: str) -> datetime:
    """The moment a text of ISO 8601 names, in UTC. Raises ValueError when it is none or names no zone."""
    return to_milliseconds(datetime.fromisoformat(text))


def epoch_seconds(at: datetime) -> int:
    """Whole seconds since 1970, rounded up, as DynamoDB's time to live wants them: never before the moment itself."""
    return -((_EPOCH - at) // timedelta(seconds=1))


def epoch_milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_milliseconds(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970 began."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
