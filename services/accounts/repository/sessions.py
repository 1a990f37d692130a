"""Sessions: one sign-in each. The table is the authority; Redis spares it reads, and may vanish.

What Redis says is believed only where the table's own condition, or a second look at the table, stands behind it: a
token that Redis calls outdated may be the newest, since its copy may be old.
"""

from __future__ import annotations

import os
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from services.accounts import domain
from services.accounts.repository.revocations import end
from shared import clock
from shared.auth import SessionEnded
from shared.cache import Cache
from shared.data import ConditionRefused, MomentAttribute, Row, Update, fetch, insert, update

# As long as an authorizer's answer is cached: should Redis not hear that a session ended, both make a minute.
REMEMBERED_SECONDS: Final = 30


class SessionRow(Row):
    """One sign-in and the fingerprints of its refresh tokens."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    session_id = UnicodeAttribute()
    person_id = UnicodeAttribute()
    family_mark = BinaryAttribute(legacy_encoding=False)
    secret_mark = BinaryAttribute(legacy_encoding=False)
    previous_mark = BinaryAttribute(null=True, legacy_encoding=False)
    nonce = BinaryAttribute(null=True, legacy_encoding=False)
    rotated_at = MomentAttribute(null=True)
    started_at = MomentAttribute()
    runs_out_at = MomentAttribute()
    ended_at = MomentAttribute(null=True)
    ended_because = UnicodeAttribute(null=True)


def start_session(session_: domain.Session, now: datetime) -> None:
    """Put a new session. DynamoDB removes it once it has run out."""
    insert(
        SessionRow(
            f"session#{session_.session_id}",
            "session",
            session_id=session_.session_id,
            person_id=session_.person_id,
            family_mark=session_.family_mark,
            secret_mark=session_.secret_mark,
            started_at=session_.started_at,
            runs_out_at=session_.runs_out_at,
            expires_at=clock.epoch_seconds(session_.runs_out_at),
        ),
        now=now,
    )
    _remember(session_)


def session(session_id: str) -> domain.Session | None:
    """The session as the table has it now, None when there is none."""
    row = fetch(SessionRow, f"session#{session_id}", "session")
    if row is None:
        return None
    found = _session(row)
    _remember(found)
    return found


def remembered_session(session_id: str) -> domain.Session | None:
    """The session as it was at most half a minute ago: from Redis, and from the table where Redis has or is nothing."""
    kept = _cache().get(_key(session_id))
    if kept is not None:
        try:
            return msgspec.msgpack.decode(kept, type=domain.Session)
        except msgspec.MsgspecError:
            # Left by another release. The table knows.
            pass
    return session(session_id)


def rotate_session(
    before: domain.Session, *, secret_mark: bytes, nonce: bytes, now: datetime
) -> tuple[bool, domain.Session | None]:
    """Let the session's next token take the place of its newest, if that still is what `before` says.

    Returns whether that was done, by this try or one whose answer was lost, and the session as it is now.
    """
    runs_out_at = domain.runs_out_at(before.started_at, now)
    try:
        row = update(
            SessionRow,
            f"session#{before.session_id}",
            "session",
            actions=[
                SessionRow.previous_mark.set(before.secret_mark),
                SessionRow.secret_mark.set(secret_mark),
                SessionRow.nonce.set(nonce),
                SessionRow.rotated_at.set(clock.to_milliseconds(now)),
                SessionRow.runs_out_at.set(runs_out_at),
                SessionRow.expires_at.set(clock.epoch_seconds(runs_out_at)),
            ],
            condition=(SessionRow.secret_mark == before.secret_mark) & SessionRow.ended_at.does_not_exist(),
            now=now,
            own_effect=lambda old: old.nonce == nonce,
        )
    except ConditionRefused as refused:
        return False, _session(refused.old) if isinstance(refused.old, SessionRow) else None
    rotated = _session(row)
    _remember(rotated)
    return True, rotated


def end_session(session_id: str, because: str, now: datetime) -> None:
    """End a session and every token of it, for good. One that has ended, or is gone, is left as it is."""
    change = Update(
        SessionRow,
        f"session#{session_id}",
        "session",
        actions=[
            SessionRow.ended_at.set(clock.to_milliseconds(now)),
            SessionRow.ended_because.set(because),
        ],
        condition=SessionRow.session_id.exists() & SessionRow.ended_at.does_not_exist(),
    )
    try:
        end(change, SessionEnded(session_id, clock.epoch_milliseconds(now)), now)
    finally:
        _cache().delete(_key(session_id))


def _remember(session_: domain.Session) -> None:
    _cache().put(_key(session_.session_id), msgspec.msgpack.encode(session_), REMEMBERED_SECONDS)


def _key(session_id: str) -> str:
    return f"session:{session_id}"


def _cache() -> Cache:
    return _cache_for(os.environ.get("REDIS_URL") or None, os.environ.get("RESOURCE_PREFIX", "stagedoor"))


@lru_cache(maxsize=4)
def _cache_for(url: str | None, resource_prefix: str) -> Cache:
    return Cache(url, prefix=f"{resource_prefix}:accounts")


def _session(row: SessionRow) -> domain.Session:
    return domain.Session(
        session_id=row.session_id,
        person_id=row.person_id,
        family_mark=row.family_mark,
        secret_mark=row.secret_mark,
        previous_mark=row.previous_mark,
        nonce=row.nonce,
        rotated_at=row.rotated_at,
        started_at=row.started_at,
        runs_out_at=row.runs_out_at,
        ended_at=row.ended_at,
    )
