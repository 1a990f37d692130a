"""Events: the row, its place in the public list, and the pointer in its organiser's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import structs

from contracts.catalog import EventPublished
from services.catalog import domain
from services.catalog.repository.places import LISTING
from shared import clock
from shared.data import (
    AlreadyExists,
    BareRow,
    ListedRow,
    ShapeAttribute,
    cursors,
    delete,
    fetch,
    fetch_many,
    insert,
    query_page,
    replace,
)

# Sorts behind every character that can follow it in a key.
_END: Final = "~"
# Sorts behind the key it is hung on, and before every other, since all of them are of one length.
_AFTER: Final = "!"


class EventRow(ListedRow):
    """An event. It stands in the index from its publication on, under the month it takes place in."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    event: ShapeAttribute[domain.Event] = ShapeAttribute(domain.Event)


class PointerRow(BareRow):
    """That an organiser has an event at a time. The event's own row decides whether that still holds."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"


class Upcoming(NamedTuple):
    """A page of the public list."""

    items: list[domain.Event]
    next: str | None


def add_event(event_: domain.Event, now: datetime) -> bool:
    """Put a draft where none is; False when it was there."""
    return _add(EventRow(f"event#{event_.event_id}", "event", event=event_), now, ())


def add_published_event(event_: domain.Event, now: datetime) -> bool:
    """Put an event that is published from its first moment, and announce it; False when it was there."""
    row = EventRow(f"event#{event_.event_id}", "event", event=event_)
    _list(row)
    return _add(row, now, [EventPublished.type_name])


def event(event_id: str) -> EventRow | None:
    """The event's row, with the version it has now."""
    return fetch(EventRow, f"event#{event_id}", "event")


def events(event_ids: Iterable[str]) -> list[domain.Event]:
    """The events with those ids, in that order, as far as they exist."""
    keys = [(f"event#{event_id}", "event") for event_id in event_ids]
    found = fetch_many(EventRow, keys, consistent=False)
    return [of_row(found[key]) for key in keys if key in found]


def save_event(row: EventRow, changed: domain.Event, now: datetime, *, announce: bool) -> domain.Event:
    """Put a changed event over the version that was read; a published one moves along in the lists.

    Raises StaleVersion when somebody else changed it since.
    """
    before = row.event
    moved = before.starts_at != changed.starts_at
    if moved:
        _put_pointer(changed, now)
    row.event = structs.replace(changed, version=0)
    _list(row)
    replace(row, now=now, announce=[EventPublished.type_name] if announce else ())
    if moved:
        # Left behind by a crash it does no harm: it names a time the event no longer has, and is passed over.
        delete(PointerRow(f"organiser#{before.organiser_id}", _pointer_key(before)))
    return of_row(row)


def organisers_events(organiser_id: str, limit: int, cursor: str | None) -> Upcoming:
    """A page of all events of an organiser, drafts too, by date: one query and one read a row. Raises BadCursor."""
    page = query_page(
        PointerRow, f"organiser#{organiser_id}", sk_prefix="event#", limit=limit, cursor=cursor, consistent=True
    )
    pointed = [tuple(row.sk.split("#")[1:]) for row in page.items]
    at = {event_id: starts_at for starts_at, event_id in pointed}
    found = events(at)
    return Upcoming([one for one in found if clock.iso(one.starts_at) == at[one.event_id]], page.next)


def upcoming(now: datetime, limit: int, cursor: str | None) -> Upcoming:
    """A page of the published events from `now` on, by date.

    One query for each month looked into; a page that is full looks no further. Raises BadCursor.
    """
    binding = ("upcoming events",)
    position = cursors.verify(cursor, binding)["after"] if cursor is not None else clock.iso(now)
    low = position + _AFTER if cursor is not None else position
    rows: list[EventRow] = []
    for month in _months(clock.from_iso(position[:24]), now + domain.PUBLISHED_AHEAD_MAX):
        # One more than asked for tells whether anything follows.
        wanted = limit + 1 - len(rows)
        page = query_page(EventRow, f"published#{month}", sk_between=(low, _END), index=LISTING, limit=wanted)
        rows += page.items
        if len(rows) > limit:
            break
    following = None
    if len(rows) > limit:
        following = cursors.sign({"after": str(rows[limit - 1].listing_sk)}, binding)
    return Upcoming([of_row(row) for row in rows[:limit]], following)


def of_row(row: EventRow) -> domain.Event:
    """The event a row holds, with the row's version."""
    return structs.replace(row.event, version=row.version)


def _add(row: EventRow, now: datetime, announce: Sequence[str]) -> bool:
    # The pointer goes first: one without its event is passed over, an event without it would be missing for ever.
    _put_pointer(row.event, now)
    try:
        insert(row, now=now, announce=announce)
    except AlreadyExists:
        return False
    return True


def _put_pointer(event_: domain.Event, now: datetime) -> None:
    try:
        insert(PointerRow(f"organiser#{event_.organiser_id}", _pointer_key(event_)), now=now)
    except AlreadyExists:
        return


def _pointer_key(event_: domain.Event) -> str:
    return f"event#{clock.iso(event_.starts_at)}#{event_.event_id}"


def _list(row: EventRow) -> None:
    """Give a published event its place in the public list. Drafts have none, and no event goes back to being one."""
    if row.event.state == "published":
        starts_at = clock.iso(row.event.starts_at)
        row.listing_pk = f"published#{starts_at[:7]}"
        row.listing_sk = f"{starts_at}#{row.event.event_id}"


def _months(first: datetime, last: datetime) -> Iterable[str]:
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
