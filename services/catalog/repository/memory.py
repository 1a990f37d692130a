"""What the public reads, kept in Redis for moments, so that a crowd costs the table nothing. Without it, read anew."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from services.catalog import domain
from services.catalog.domain.availability import Told
from services.catalog.domain.search import Posting, Search
from services.catalog.repository.browsing import Found
from shared.cache import Cache

# Fresh for so long; then one reader reads the table again, while the others are not kept waiting.
EVENT_SECONDS: Final = 30
FOUND_SECONDS: Final = 15
STALE_SECONDS: Final = 30
VENUE_SECONDS: Final = 300

_UPCOMING_TAG: Final = "upcoming"


def remembered_event(event_id: str, load: Callable[[], domain.Event | None]) -> domain.Event | None:
    """The event as the public may see it; forgotten with `forget_event`."""

    def encoded() -> bytes:
        return msgspec.msgpack.encode(load())

    found = _loaded(f"event:{event_id}", encoded, EVENT_SECONDS, _tag(event_id))
    return msgspec.msgpack.decode(found, type=domain.Event | None)


def remembered_found(search: Search, limit: int, cursor: str | None, load: Callable[[], Found]) -> Found:
    """A page of what a search finds; forgotten with `forget_upcoming`."""

    def encoded() -> bytes:
        page = load()
        return msgspec.msgpack.encode((page.items, page.next, page.told))

    asked = hashlib.blake2b(msgspec.json.encode((search, limit, cursor)), digest_size=16).hexdigest()
    found = _loaded(f"found:{asked}", encoded, FOUND_SECONDS, _UPCOMING_TAG)
    return Found(*msgspec.msgpack.decode(found, type=tuple[list[Posting], str | None, dict[str, Told]]))


def remembered_events(event_ids: Sequence[str], load: Callable[[], list[domain.Event]]) -> list[domain.Event]:
    """The events of a page; forgotten with `forget_upcoming`."""
    named = hashlib.blake2b(" ".join(event_ids).encode(), digest_size=16).hexdigest()
    found = _loaded(f"events:{named}", lambda: msgspec.msgpack.encode(load()), FOUND_SECONDS, _UPCOMING_TAG)
    return msgspec.msgpack.decode(found, type=list[domain.Event])


def remembered_told(event_id: str, load: Callable[[], Told | None]) -> Told | None:
    """What was told of an event's places; forgotten with `forget_event`."""
    found = _loaded(f"told:{event_id}", lambda: msgspec.msgpack.encode(load()), EVENT_SECONDS, _tag(event_id))
    return msgspec.msgpack.decode(found, type=Told | None)


def remembered_venues(venue_ids: Sequence[str], load: Callable[[], list[domain.Venue]]) -> list[domain.Venue]:
    """The places of a page's events, which never change once they are added."""
    named = hashlib.blake2b(" ".join(venue_ids).encode(), digest_size=16).hexdigest()
    found = _cache().get_or_load(f"venues:{named}", lambda: msgspec.msgpack.encode(load()), VENUE_SECONDS)
    return msgspec.msgpack.decode(found, type=list[domain.Venue])


def remembered_venue(venue_id: str, load: Callable[[], domain.Venue | None]) -> domain.Venue | None:
    """A place, which never changes once it is added."""

    def encoded() -> bytes:
        return msgspec.msgpack.encode(load())

    found = _cache().get_or_load(f"venue:{venue_id}", encoded, VENUE_SECONDS)
    return msgspec.msgpack.decode(found, type=domain.Venue | None)


def forget_event(event_id: str) -> None:
    """Let the next reader see the event as it is now."""
    _cache().invalidate_tag(_tag(event_id))


def forget_upcoming() -> None:
    """Let the next who browse or search see what is coming up as it is now."""
    _cache().invalidate_tag(_UPCOMING_TAG)


def _loaded(key: str, load: Callable[[], bytes], fresh_seconds: float, tag: str) -> bytes:
    return _cache().get_or_load(key, load, fresh_seconds + STALE_SECONDS, tags=[tag], stale_seconds=STALE_SECONDS)


def _tag(event_id: str) -> str:
    return f"event:{event_id}"


def _cache() -> Cache:
    return _cache_for(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))


@lru_cache(maxsize=4)
def _cache_for(url: str | None, resource_prefix: str) -> Cache:
    return Cache(url, prefix=f"{resource_prefix}:catalog")
