"""What was last told of an event's places, who counts them, and which events are to be counted again:

event#<event id>   left         the word that was told last; announces it
event#<event id>   count        until when nobody else counts the event
counts_due         <event id>   that something changed since a count began, or will by itself
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pynamodb.attributes import UnicodeAttribute

from contracts.reservations import AvailabilityChanged, Left
from services.reservations.domain import Sale
from services.reservations.repository.rows import TABLE_VARIABLE, event_key
from shared.clock import epoch_seconds, to_milliseconds
from shared.data import (
    BareRow,
    Check,
    ConditionRefused,
    Insert,
    IntegerAttribute,
    MomentAttribute,
    Replace,
    Row,
    TransactionRefused,
    delete,
    fetch,
    query_all,
    transact,
    update,
)

_DUE: Final = "counts_due"
_KEPT_SECONDS: Final = 24 * 3600


class LeftRow(Row):
    """The word that was told last of an event, and when the count behind it began."""

    class Meta:
        table_variable = TABLE_VARIABLE

    organiser_id = UnicodeAttribute()
    left = UnicodeAttribute()
    counted_at = MomentAttribute()


class CountRow(BareRow):
    """That somebody counts an event, or has: the next count begins at `next_at`, in seconds since 1970."""

    class Meta:
        table_variable = TABLE_VARIABLE

    next_at = IntegerAttribute()


class DueRow(BareRow):
    """An event to be counted from `due_at` on. `notes` tells whether anything was noted while it was being counted."""

    class Meta:
        table_variable = TABLE_VARIABLE

    due_at = IntegerAttribute()
    notes = IntegerAttribute()


def begin_count(event_id: str, seconds: int, now: datetime) -> tuple[bool, int]:
    """Whether the caller may count the event, which nobody else then does for so long; and from when on others may."""
    at = epoch_seconds(now)
    try:
        row = update(
            CountRow,
            *_count_key(event_id),
            actions=[CountRow.next_at.set(at + seconds), CountRow.expires_at.set(at + seconds + _KEPT_SECONDS)],
            condition=CountRow.next_at.does_not_exist() | (CountRow.next_at <= at),
            now=now,
        )
    except ConditionRefused as refused:
        return False, refused.old.next_at if isinstance(refused.old, CountRow) else at + seconds
    return True, row.next_at


def told(event_id: str) -> LeftRow | None:
    """What was told last; None while nothing was, which says that there are places."""
    return fetch(LeftRow, *_left_key(event_id))


def tell(before: LeftRow | None, sale: Sale, left: Left, next_at: int, began_at: datetime, now: datetime) -> bool:
    """Keep another word, and announce it; False when somebody has begun a later count since, whose word it is then.

    `next_at` is what the caller's own count was begun with.
    """
    row = before or LeftRow(*_left_key(sale.event_id))
    row.organiser_id, row.left, row.counted_at = sale.organiser_id, left, to_milliseconds(began_at)
    announce = (AvailabilityChanged.type_name,)
    kept: Insert | Replace = Insert(row, announce=announce) if before is None else Replace(row, announce=announce)
    own = Check(CountRow, *_count_key(sale.event_id), condition=CountRow.next_at == next_at)
    try:
        transact(kept, own, now=now)
    except TransactionRefused as refused:
        if refused.blames(own) is None and refused.blames(kept) is None:
            raise
        return False
    return True


def note_due(event_id: str, due_at: int, now: datetime) -> None:
    """Let the event be counted again, from `due_at` on at the latest."""
    update(
        DueRow,
        _DUE,
        event_id,
        actions=[DueRow.due_at.set(DueRow.due_at | due_at), DueRow.notes.set((DueRow.notes | 0) + 1)],
        now=now,
    )


def due(now: datetime) -> list[DueRow]:
    """The events to be counted by now, those that wait longest first."""
    at = epoch_seconds(now)
    rows = [row for row in query_all(DueRow, _DUE, consistent=True) if row.due_at <= at]
    return sorted(rows, key=lambda row: row.due_at)


def settle_due(row: DueRow) -> None:
    """Take an event that was counted off the list, unless something was noted since the row was read."""
    try:
        delete(row, condition=DueRow.notes == row.notes)
    except ConditionRefused:
        return


def event_of_due(row: DueRow) -> str:
    """The event's id."""
    return str(row.sk)


def _left_key(event_id: str) -> tuple[str, str]:
    return event_key(event_id)[0], "left"


def _count_key(event_id: str) -> tuple[str, str]:
    return event_key(event_id)[0], "count"
