"""Revocations: the table's own list of them, by minute, and the feed in Redis that all services listen to.

The row is written in the change's own transaction; the feed is told afterwards. Should Redis not take it, or come back
empty, the rows of the last minutes are what it is mended from.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pynamodb.expressions.update import Action

from shared import clock
from shared.auth import Revocation, SessionEnded, revocation_feed, revocation_text
from shared.auth.revocations import KEPT
from shared.cache import CacheDown
from shared.data import BareRow, TransactionRefused, Update, query_all, transact
from shared.telemetry import log

# What a request that began before the last look may have written after it, and what clocks may differ by.
_OVERLAP: Final = timedelta(minutes=2)
_TOLD_AT_ONCE: Final = 1_000


class RevocationRow(BareRow):
    """One revocation; its text is the sort key. DynamoDB removes it when no token can speak of it any more."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"


def revocation_write(revocation: Revocation, now: datetime) -> Update:
    """The row of a revocation, for the transaction that makes it true. The same one again is no conflict."""
    return Update(RevocationRow, _partition(now), revocation_text(revocation), actions=[_until(now)])


def end(change: Update, revocation: SessionEnded, now: datetime) -> None:
    """Make a change with the revocation that goes with it, and tell all services; one that was made before stays.

    Its condition is what says that: it has to hold of nothing that has ended, or never was.
    """
    try:
        transact(change, revocation_write(revocation, now), now=now)
    except TransactionRefused as refused:
        reason = refused.blames(change)
        if reason is None or reason.code != "ConditionalCheckFailed":
            raise
        return
    tell_revocations(revocation)


def tell_revocations(*revocations: Revocation) -> None:
    """Tell all services, if Redis is there; if not, the next mending does."""
    try:
        revocation_feed().tell([revocation_text(one) for one in revocations])
    except CacheDown as down:
        log("revocation_not_told", level="WARNING", error=down)


def mend_feed(now: datetime) -> int:
    """Tell again what was revoked since the feed was last known to be whole; all that matters, if it never was.

    Returns how many revocations that were. Raises CacheDown.
    """
    feed = revocation_feed()
    whole_until = feed.taken_in()
    since = now - KEPT
    if whole_until is not None:
        since = max(since, whole_until - _OVERLAP)
    told, waiting = 0, list[str]()
    for text in _texts(since, now):
        waiting.append(text)
        if len(waiting) == _TOLD_AT_ONCE:
            feed.tell(waiting)
            told, waiting = told + len(waiting), []
    feed.tell(waiting)
    feed.note_taken_in(now)
    return told + len(waiting)


def _texts(since: datetime, until: datetime) -> Iterator[str]:
    minute = since
    while _partition(minute) <= _partition(until):
        for row in query_all(RevocationRow, _partition(minute), consistent=True):
            yield row.sk
        minute += timedelta(minutes=1)


def _until(now: datetime) -> Action:
    # A little more than KEPT, so that none is removed while it is still needed.
    return RevocationRow.expires_at.set(clock.epoch_seconds(now + KEPT + _OVERLAP))


def _partition(at: datetime) -> str:
    return f"revocations#{clock.iso(at)[:16]}"
