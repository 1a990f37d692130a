"""Waiting lists in the table:

waiting_lists                          <event id>         that an event has lists: what the schedule goes through
waiting_lists#<event id>               <pool id>#<zone>   one list: whether anybody waits, and who is serving it
waiting_list#<event id>#<pool>#<zone>  entry#<entry id>   an entry, in the order of joining; announces its offer
waiting#<event id>#<person id>         <ticket type id>   points to a person's entry: there is one for each ticket type
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from pynamodb.attributes import BooleanAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from contracts.reservations import PlacesOffered
from services.reservations.domain import Sale
from services.reservations.domain.waiting_list import ENTRIES_MAX, OPEN, Entry, State, WaitingList, WaitingListFull
from services.reservations.repository import caching, left
from services.reservations.repository.rows import TABLE_VARIABLE, EventRow, event_key
from shared.clock import epoch_milliseconds, epoch_seconds
from shared.data import (
    AlreadyExists,
    BareRow,
    ConditionRefused,
    Insert,
    IntegerAttribute,
    Replace,
    Row,
    ShapeAttribute,
    StaleVersion,
    TransactionRefused,
    Update,
    Write,
    fetch,
    fetch_many,
    insert,
    query_all,
    replace,
    transact,
    update,
)
from shared.ids import new_id

# Longer than the function that serves a list may run: whoever did not give it back is dead.
SERVED_SECONDS: Final = 45
# Longer than any request: whoever counted himself in and has not joined by then never will.
JOINING_SECONDS: Final = 60
# Names and addresses of people who wait no more are not kept longer than anybody asks about them.
CLOSED_KEPT: Final = timedelta(days=30)
_AFTER_EVENT: Final = timedelta(days=7)
_WITHOUT_DATE: Final = timedelta(days=400)
_REGISTRY: Final = "waiting_lists"
_ENTRIES: Final = "entry#"
# Sorts behind every entry.
_END: Final = "entry#~"


class _RegistryRow(BareRow):
    class Meta:
        table_variable = TABLE_VARIABLE


class HeadRow(BareRow):
    """One list. `entries` counts those who wait, or a few more after a crash; `joined_at` is the last who came.

    No entry before `low` is open, and none after `reach` was ever offered anything.
    """

    class Meta:
        table_variable = TABLE_VARIABLE

    is_open = BooleanAttribute(null=True)
    entries = IntegerAttribute(null=True)
    joined_at = IntegerAttribute(null=True)
    served_until = IntegerAttribute(null=True)
    low = UnicodeAttribute(null=True)
    reach = UnicodeAttribute(null=True)


class EntryRow(Row):
    """An entry of a list."""

    class Meta:
        table_variable = TABLE_VARIABLE

    entry: ShapeAttribute[Entry] = ShapeAttribute(Entry)


class _PersonRow(BareRow):
    class Meta:
        table_variable = TABLE_VARIABLE

    list_key = UnicodeAttribute()
    entry_id = UnicodeAttribute()


def entry_of_image(image: Mapping[str, Any]) -> Entry:
    """The entry of a row's image in plain data. Raises msgspec.ValidationError."""
    return msgspec.convert(image["entry"], Entry)


def persons_entry(event_id: str, person_id: str, ticket_type_id: str) -> EntryRow | None:
    """The person's last entry for a ticket type, open or not."""
    pointer = fetch(_PersonRow, *_person_key(event_id, person_id, ticket_type_id))
    return None if pointer is None else fetch(EntryRow, pointer.list_key, _ENTRIES + pointer.entry_id)


def persons_entries(event_id: str, person_id: str) -> list[EntryRow]:
    """The person's last entry for each ticket type of the event, in the order of joining."""
    pointers = query_all(_PersonRow, f"waiting#{event_id}#{person_id}", consistent=True)
    found = fetch_many(EntryRow, [(one.list_key, _ENTRIES + one.entry_id) for one in pointers])
    return sorted(found.values(), key=lambda row: str(row.sk))


def count_in(which: WaitingList, now: datetime) -> HeadRow:
    """Note that somebody is joining, before he does: nobody closes the list then. Raises WaitingListFull."""
    entries = HeadRow.entries
    try:
        return update(
            HeadRow,
            *_head_key(which),
            actions=[entries.set((entries | 0) + 1), HeadRow.joined_at.set(epoch_milliseconds(now))],
            condition=entries.does_not_exist() | (entries < ENTRIES_MAX),
            now=now,
        )
    except ConditionRefused as refused:
        raise WaitingListFull from refused


def count_out(which: WaitingList, now: datetime) -> None:
    """Take back what `count_in` noted: the person is on the list already."""
    update(HeadRow, *_head_key(which), actions=[HeadRow.entries.set((HeadRow.entries | 0) - 1)], now=now)


def open_list(which: WaitingList, ends_at: datetime, now: datetime) -> None:
    """Let the schedule know of a list, which is then served until `ends_at`."""
    row = _RegistryRow(_REGISTRY, which.event_id, expires_at=epoch_seconds(ends_at))
    with suppress(AlreadyExists):
        insert(row, now=now, over_expired=True)
    update(HeadRow, *_head_key(which), actions=[HeadRow.is_open.set(True)], now=now)


def join(which: WaitingList, entry: Entry, now: datetime) -> Entry:
    """Put an entry at the end of the list, unless the person has an open one for the ticket type: then that."""
    key = _person_key(which.event_id, entry.buyer.person_id, entry.ticket_type_id)
    while True:
        before = fetch(_PersonRow, *key)
        if before is not None:
            row = fetch(EntryRow, before.list_key, _ENTRIES + before.entry_id)
            if row is not None and row.entry.is_open:
                return row.entry
        known = _PersonRow.entry_id.does_not_exist() if before is None else _PersonRow.entry_id == before.entry_id
        pointer = Update(
            _PersonRow,
            *key,
            actions=[
                _PersonRow.list_key.set(list_key(which)),
                _PersonRow.entry_id.set(entry.entry_id),
                _PersonRow.expires_at.remove(),
            ],
            condition=known,
        )
        try:
            transact(Insert(EntryRow(list_key(which), _ENTRIES + entry.entry_id, entry=entry)), pointer, now=now)
        except TransactionRefused as refused:
            if refused.blames(pointer) is None:
                raise
            continue
        return entry


def save(row: EntryRow, entry: Entry, now: datetime, *, announce: bool = False) -> None:
    """Put a changed entry over the version that was read. Raises StaleVersion."""
    row.entry = entry
    replace(row, now=now, announce=[PlacesOffered.type_name] if announce else ())


def close(which: WaitingList, row: EntryRow, state: State, now: datetime) -> None:
    """End an entry: it waits no more, and who it was is forgotten after a month. Raises StaleVersion."""
    before = row.entry
    gone = epoch_seconds(now + CLOSED_KEPT)
    row.entry = msgspec.structs.replace(before, state=state)
    row.expires_at = gone
    ended = Replace(row)
    person = _person_key(which.event_id, before.buyer.person_id, before.ticket_type_id)
    writes: list[Write] = [
        ended,
        Update(_PersonRow, *person, actions=[_PersonRow.expires_at.set(gone)]),
        Update(HeadRow, *_head_key(which), actions=[HeadRow.entries.set((HeadRow.entries | 0) - 1)]),
    ]
    try:
        transact(*writes, now=now)
    except TransactionRefused as refused:
        row.entry = before
        reason = refused.blames(ended)
        if reason is None or reason.code != "ConditionalCheckFailed":
            raise
        raise StaleVersion(reason.old) from refused


def events_with_lists(now: datetime) -> list[str]:
    """The events whose lists are to be served."""
    return [str(row.sk) for row in query_all(_RegistryRow, _REGISTRY) if row.expires_at >= epoch_seconds(now)]


def open_lists(event_id: str) -> list[WaitingList]:
    """The lists of an event that somebody waits in."""
    heads = query_all(HeadRow, f"{_REGISTRY}#{event_id}", where=HeadRow.is_open == True, consistent=True)  # noqa: E712
    lists = []
    for head in heads:
        pool_id, _, zone = str(head.sk).partition("#")
        lists.append(WaitingList(event_id, pool_id, zone or None))
    return lists


def begin_serving(which: WaitingList, now: datetime) -> HeadRow | None:
    """The list, for this caller alone until it is given back; None while another serves it or nobody waits.

    One at a time, because two who serve at once would not keep the order.
    """
    moment = epoch_milliseconds(now)
    try:
        return update(
            HeadRow,
            *_head_key(which),
            actions=[HeadRow.served_until.set(moment + SERVED_SECONDS * 1000)],
            condition=(HeadRow.is_open == True)  # noqa: E712
            & (HeadRow.served_until.does_not_exist() | (HeadRow.served_until < moment)),
            now=now,
        )
    except ConditionRefused:
        return None


def end_serving(which: WaitingList, head: HeadRow, low: str | None, reach: str | None, now: datetime) -> None:
    """Give the list back, and note how far it was gone through. Somebody who took it over meanwhile keeps it."""
    actions: list[Action] = [HeadRow.served_until.remove()]
    if low is not None:
        actions.append(HeadRow.low.set(max(low, head.low or "")))
    if reach is not None:
        actions.append(HeadRow.reach.set(max(reach, head.reach or "")))
    try:
        update(
            HeadRow, *_head_key(which), actions=actions, condition=HeadRow.served_until == head.served_until, now=now
        )
    except ConditionRefused:
        return


def close_list(which: WaitingList, head: HeadRow, now: datetime) -> bool:
    """Note that nobody waits any more; False when somebody has joined, or may be about to."""
    unchanged = HeadRow.joined_at == head.joined_at
    if is_recent(head, now):
        unchanged = unchanged & (HeadRow.entries <= 0)
    try:
        update(
            HeadRow,
            *_head_key(which),
            actions=[HeadRow.is_open.set(False), HeadRow.entries.set(0)],
            condition=unchanged,
            now=now,
        )
    except ConditionRefused:
        return False
    return True


def is_recent(head: HeadRow, now: datetime) -> bool:
    """Whether the last who came may still be joining."""
    return (head.joined_at or 0) >= epoch_milliseconds(now) - JOINING_SECONDS * 1000


def open_entries(which: WaitingList, head: HeadRow) -> Iterator[EntryRow]:
    """The open entries of a list, in the order of joining, read as they are taken."""
    is_open = EntryRow.entry["state"].is_in(*OPEN)
    between = (head.low or _ENTRIES, _END)
    return query_all(EntryRow, list_key(which), sk_between=between, where=is_open, consistent=True)


def low_mark(now: datetime) -> str:
    """The sort key below which nobody can join any more: those on their way joined later than that."""
    return _ENTRIES + new_id("wle", now - timedelta(seconds=JOINING_SECONDS), bytes(10))


def mark_sale(
    sale: Sale, now: datetime, *, add: frozenset[str] = frozenset(), remove: frozenset[str] = frozenset()
) -> None:
    """Write on the event what is waited for. Other processes go by it within `sales.SALE_SECONDS`."""
    waited_for = EventRow.waited_for
    action = waited_for.add(set(add)) if add else waited_for.delete(set(remove))
    update(EventRow, *event_key(sale.event_id), actions=[action], condition=EventRow.pk.exists(), now=now)
    caching.sales.forget(sale.event_id)
    caching.cache().invalidate_tag(sale.event_id)
    # What is waited for is not for everybody, and no block's write tells of it.
    left.note_due(sale.event_id, epoch_seconds(now), now)


def list_ends_at(sale: Sale, now: datetime) -> datetime:
    """Until when a list of the event is served."""
    return (sale.starts_at + _AFTER_EVENT) if sale.starts_at is not None else now + _WITHOUT_DATE


def list_key(which: WaitingList) -> str:
    """The partition of a list's entries."""
    return f"waiting_list#{which.event_id}#{which.pool_id}#{which.zone or ''}"


def _head_key(which: WaitingList) -> tuple[str, str]:
    return f"{_REGISTRY}#{which.event_id}", f"{which.pool_id}#{which.zone or ''}"


def _person_key(event_id: str, person_id: str, ticket_type_id: str) -> tuple[str, str]:
    return f"waiting#{event_id}#{person_id}", ticket_type_id
