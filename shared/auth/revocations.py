"""Revocations: what access tokens still say and is over, heard of through a feed in Redis.

The service that ends sessions writes the feed; every process reads what is new of it when a request comes and its last
look is old. Nobody asks anybody for each request, and a feed that is gone signs nobody out: tokens then end by
themselves. Entries are ordered by when they came into the feed, not by when their cause happened: so one that came
late, after a lost write, is still new to everybody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from shared import clock
from shared.auth.access import ACCESS_TOKEN_SECONDS, AccessClaims
from shared.cache import Cache, CacheDown
from shared.ids import made_at
from shared.telemetry import log

# With the time that an authorizer's answer is cached (30 s), and some for the write, this makes less than a minute.
LOOK_SECONDS: Final = 20
# The life of an access token, and what clocks may differ by.
KEPT: Final = timedelta(seconds=ACCESS_TOKEN_SECONDS + 120)
# Tokens with the role may still be given out by whoever read it just before it was taken away: a request's whole time.
ROLE_MARGIN: Final = timedelta(seconds=30)
# What the feed, and a process, can hold: some 20 and 40 MB.
ENTRIES_MAX: Final = 200_000
_PAGE: Final = 5_000
_PAGES_MAX: Final = ENTRIES_MAX // _PAGE + 1
_WRITTEN_AT_ONCE: Final = 1_000
# A replica that took over may have lost the last second, and then gives its places to others.
_OVERLAP_MICROSECONDS: Final = 2_000_000

_KEY: Final = "revocations"
# The one member that is no entry: its score is the time (in milliseconds, and so below every place, which are
# microseconds) until which all there was is in the feed. It lies in the same key as the entries, so that it is gone
# when they are.
_TAKEN_IN: Final = "taken in"
_ENTRIES_LUA: Final = "'(100000000000000'"

_WRITE_LUA: Final = f"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local place = now
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
if last[2] and tonumber(last[2]) >= place then place = tonumber(last[2]) + 1 end
for i = 3, #ARGV do
  if redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', place), ARGV[i]) == 1 then place = place + 1 end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], {_ENTRIES_LUA}, string.format('%.0f', now - ARGV[1] * 1000))
local beyond = redis.call('ZCARD', KEYS[1]) - ARGV[2]
if beyond > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 1, beyond) end
return math.max(beyond, 0)
"""
_READ_LUA: Final = """
return {redis.call('ZSCORE', KEYS[1], ARGV[1]) or '',
        redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])}
"""


class SessionEnded(msgspec.Struct, frozen=True, array_like=True, tag="session"):
    """A session, or an API key, that ended at a moment (`at`, milliseconds since 1970): none of its tokens counts."""

    session_id: str
    at: int


class RoleLost(msgspec.Struct, frozen=True, array_like=True, tag="role"):
    """A role that a person had at an organiser until a moment: no token of before that still names it counts."""

    person_id: str
    organiser_id: str
    role: str
    at: int


class SessionsEnded(msgspec.Struct, frozen=True, array_like=True, tag="sessions"):
    """Every session of a person that began until a moment, but for the one that is `kept`: no token of them counts."""

    person_id: str
    kept: str
    at: int


Revocation = SessionEnded | RoleLost | SessionsEnded
_decode = msgspec.json.Decoder(Revocation).decode


def revocation_text(revocation: Revocation) -> str:
    """A revocation as it is kept; the same one is always the same text."""
    return msgspec.json.encode(revocation).decode()


class RevocationFeed:
    """The feed in Redis, for who writes it."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._write = cache.script("revoke", _WRITE_LUA)
        self._read = cache.script("revocations", _READ_LUA)

    def tell(self, texts: Sequence[str]) -> None:
        """Put revocations in, by their texts; those that are there stay as they are. Raises CacheDown.

        Beyond ENTRIES_MAX the oldest go, with a log line: tokens of those then end by themselves.
        """
        for start in range(0, len(texts), _WRITTEN_AT_ONCE):
            kept = int(KEPT.total_seconds() * 1000)
            # One more for the member that is no entry.
            dropped = self._write.run([_KEY], [kept, ENTRIES_MAX + 1, *texts[start : start + _WRITTEN_AT_ONCE]])
            if dropped:
                log("revocations_dropped", level="ERROR", count=int(dropped))

    def taken_in(self) -> datetime | None:
        """Until when all revocations are in the feed; None when it is new, or was lost. Raises CacheDown."""
        score = self._cache.execute(lambda client: client.zscore(self._cache.full_key(_KEY), _TAKEN_IN))
        return None if score is None else clock.from_epoch_milliseconds(int(score))

    def note_taken_in(self, until: datetime) -> None:
        """Say that all revocations of before that moment are in the feed. Raises CacheDown."""
        score = {_TAKEN_IN: clock.epoch_milliseconds(until)}
        self._cache.execute(lambda client: client.zadd(self._cache.full_key(_KEY), score))

    def page(self, after: int) -> tuple[bool, list[tuple[str, int]]]:
        """Whether the feed is whole, and its next entries with their places. Raises CacheDown."""
        taken_in, flat = self._read.run([_KEY], [_TAKEN_IN, after, _PAGE])
        places = [(text.decode(), int(float(place))) for text, place in zip(flat[::2], flat[1::2], strict=True)]
        return taken_in != b"", places


class Revocations:
    """What one process has heard from the feed."""

    def __init__(self, feed: RevocationFeed) -> None:
        self._feed = feed
        self._lock = threading.Lock()
        self._sessions: dict[str, int] = {}
        self._roles: dict[tuple[str, str, str], int] = {}
        self._people: dict[str, SessionsEnded] = {}
        # Below every place, and above the member that is no entry.
        self._first = self._place = 10**14
        self._looked_at: datetime | None = None
        self._heard = True
        self._whole = False

    def refuse(self, claims: AccessClaims, now: datetime) -> bool:
        """Whether a token with these claims must not count any more, as far as was heard LOOK_SECONDS ago."""
        self._look(now)
        if claims.sid in self._sessions:
            return True
        ended = self._people.get(claims.sub)
        if ended is not None and claims.sid != ended.kept and _began(claims.sid) <= ended.at:
            return True
        if not self._roles:
            return False
        for organiser_id, role in claims.roles.items():
            lost_at = self._roles.get((claims.sub, organiser_id, role))
            if lost_at is not None and claims.iat * 1000 <= lost_at + ROLE_MARGIN.total_seconds() * 1000:
                return True
        return False

    def are_heard(self, now: datetime) -> bool:
        """Whether revocations reach this process now: the feed is there, and nothing of it was lost."""
        self._look(now)
        return self._heard and self._whole

    def _look(self, now: datetime) -> None:
        if self._is_fresh(now):
            return
        # Whoever comes meanwhile waits for this look, because what was heard may be an idle hour old.
        with self._lock:
            if self._is_fresh(now):
                return
            try:
                if self._read():
                    self._looked_at = now
                self._hears(True)
            except CacheDown:
                self._hears(False)
            self._forget(now)

    def _is_fresh(self, now: datetime) -> bool:
        # A clock that was set back counts as old.
        looked_at = self._looked_at
        return looked_at is not None and timedelta(0) <= now - looked_at < timedelta(seconds=LOOK_SECONDS)

    def _read(self) -> bool:
        """Take in what is new; whether that was all of it. What one look does not reach is the next one's."""
        after = max(self._first, self._place - _OVERLAP_MICROSECONDS)
        for _ in range(_PAGES_MAX):
            self._whole, entries = self._feed.page(after)
            self._take(text for text, _ in entries)
            if entries:
                after = entries[-1][1]
                self._place = max(self._place, after)
            if len(entries) < _PAGE:
                return True
        return False

    def _take(self, texts: Iterable[str]) -> None:
        for text in texts:
            try:
                revocation: Revocation = _decode(text)
            except msgspec.MsgspecError:
                # Of a later release's kind. What cannot be read cannot be obeyed.
                log("revocation_unreadable", level="ERROR")
                continue
            if isinstance(revocation, SessionEnded):
                self._sessions[revocation.session_id] = revocation.at
            elif isinstance(revocation, SessionsEnded):
                # The latest says it for those before it, too, and has ended what they kept, if it was another.
                known = self._people.get(revocation.person_id)
                if known is None or known.at <= revocation.at:
                    self._people[revocation.person_id] = revocation
            else:
                role = (revocation.person_id, revocation.organiser_id, revocation.role)
                self._roles[role] = max(revocation.at, self._roles.get(role, 0))

    def _forget(self, now: datetime) -> None:
        """Drop what no living token can speak of."""
        oldest = clock.epoch_milliseconds(now - KEPT)
        self._sessions = {name: at for name, at in self._sessions.items() if at > oldest}
        self._roles = {name: at for name, at in self._roles.items() if at > oldest}
        self._people = {name: one for name, one in self._people.items() if one.at > oldest}

    def _hears(self, heard: bool) -> None:
        if heard != self._heard:
            log("revocations_heard" if heard else "revocations_not_heard", level="INFO" if heard else "WARNING")
        self._heard = heard


def _began(session_id: str) -> int:
    """When a session began, in milliseconds since 1970: its id says it."""
    return clock.epoch_milliseconds(made_at(session_id))


def revocation_feed() -> RevocationFeed:
    """The feed of this stage, at REDIS_URL."""
    return _kept(*_where())[0]


def heard_revocations() -> Revocations:
    """What this process has heard from the feed of its stage."""
    return _kept(*_where())[1]


def _where() -> tuple[str | None, str]:
    return os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor")


@lru_cache(maxsize=4)
def _kept(url: str | None, resource_prefix: str) -> tuple[RevocationFeed, Revocations]:
    # Between all services, and so under no one's name.
    feed = RevocationFeed(Cache(url, prefix=f"{resource_prefix}:auth"))
    return feed, Revocations(feed)
