"""Events: the row, with the postings the public finds it by, and the pointer in its organiser's list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import structs
from pynamodb.attributes import UnicodeAttribute

from contracts.catalog import EventPublished
from services.catalog import domain
from services.catalog.repository.postings import listed_as, moves, read, written
from shared import clock
from shared.data import (
    AlreadyExists,
    BareRow,
    Insert,
    Replace,
    Row,
    ShapeAttribute,
    StaleVersion,
    TransactionRefused,
    delete,
    fetch,
    fetch_many,
    insert,
    query_page,
    replace,
    transact,
)


class EventRow(Row):
    """An event. From its publication on it says where its postings stand."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    event: ShapeAttribute[domain.Event] = ShapeAttribute(domain.Event)
    listed = UnicodeAttribute(null=True)


class PointerRow(BareRow):
    """That an organiser has an event at a time. The event's own row decides whether that still holds."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"


class OrganisersPage(NamedTuple):
    """A page of an organiser's events."""

    items: list[domain.Event]
    next: str | None


def add_event(event_: domain.Event, now: datetime) -> bool:
    """Put a draft where none is; False when it was there."""
    row = _new_row(event_, now)
    try:
        insert(row, now=now)
    except AlreadyExists:
        return False
    return True


def add_published_event(event_: domain.Event, now: datetime) -> bool:
    """Put an event that is published from its first moment, and announce it; False when it was there."""
    row = _new_row(event_, now)
    listed = listed_as(event_)
    row.listed = written(listed)
    added = Insert(row, announce=[EventPublished.type_name])
    try:
        transact(added, *moves(event_, None, listed), now=now)
    except TransactionRefused as refused:
        if refused.blames(added) is None:
            raise
        return False
    return True


def event(event_id: str) -> EventRow | None:
    """The event's row, with the version it has now."""
    return fetch(EventRow, f"event#{event_id}", "event")


def events(event_ids: Iterable[str]) -> list[domain.Event]:
    """The events with those ids, in that order, as far as they exist."""
    keys = [(f"event#{event_id}", "event") for event_id in event_ids]
    found = fetch_many(EventRow, keys, consistent=False)
    return [of_row(found[key]) for key in keys if key in found]


def save_event(row: EventRow, changed: domain.Event, now: datetime, *, announce: bool) -> domain.Event:
    """Put a changed event over the version that was read; the postings of a published one move in the same transaction.

    Raises StaleVersion when somebody else changed it since; nothing moved then.
    """
    before = row.event
    moved = before.starts_at != changed.starts_at
    if moved:
        _put_pointer(changed, now)
    row.event = structs.replace(changed, version=0)
    types = [EventPublished.type_name] if announce else ()
    if changed.state == "published":
        _replace_listed(row, before, types, now)
    else:
        replace(row, now=now, announce=types)
    if moved:
        # Left behind by a crash it does no harm: it names a time the event no longer has, and is passed over.
        delete(PointerRow(f"organiser#{before.organiser_id}", _pointer_key(before)))
    return of_row(row)


def organisers_events(organiser_id: str, limit: int, cursor: str | None) -> OrganisersPage:
    """A page of all events of an organiser, drafts too, by date: one query and one read a row. Raises BadCursor."""
    page = query_page(
        PointerRow, f"organiser#{organiser_id}", sk_prefix="event#", limit=limit, cursor=cursor, consistent=True
    )
    pointed = [tuple(row.sk.split("#")[1:]) for row in page.items]
    at = {event_id: starts_at for starts_at, event_id in pointed}
    found = events(at)
    return OrganisersPage([one for one in found if clock.iso(one.starts_at) == at[one.event_id]], page.next)


def of_row(row: EventRow) -> domain.Event:
    """The event a row holds, with the row's version."""
    return structs.replace(row.event, version=row.version)


def _new_row(event_: domain.Event, now: datetime) -> EventRow:
    # The pointer goes first: one without its event is passed over, an event without it would be missing for ever.
    _put_pointer(event_, now)
    return EventRow(f"event#{event_.event_id}", "event", event=event_)


def _replace_listed(row: EventRow, former: domain.Event, announce: Sequence[str], now: datetime) -> None:
    kept, listed = row.listed, listed_as(row.event)
    moved = moves(row.event, read(kept), listed, former)
    if not moved:
        replace(row, now=now, announce=announce)
        return
    row.listed = written(listed)
    replaced = Replace(row, announce=announce)
    try:
        transact(replaced, *moved, now=now)
    except TransactionRefused as refused:
        row.listed = kept
        blamed = refused.blames(replaced)
        if blamed is None:
            raise
        raise StaleVersion(blamed.old) from refused


def _put_pointer(event_: domain.Event, now: datetime) -> None:
    try:
        insert(PointerRow(f"organiser#{event_.organiser_id}", _pointer_key(event_)), now=now)
    except AlreadyExists:
        return


def _pointer_key(event_: domain.Event) -> str:
    return f"event#{clock.iso(event_.starts_at)}#{event_.event_id}"
