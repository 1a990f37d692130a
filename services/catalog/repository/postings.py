"""Postings: an event's entries in the lists it is found by, written in one transaction with the event's row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from pynamodb.attributes import UnicodeAttribute

from services.catalog import domain
from services.catalog.domain.search import Listed, posting_of, terms_of
from shared import clock
from shared.data import (
    BareRow,
    Delete,
    IntegerAttribute,
    TransactionRefused,
    Update,
    Write,
    fetch_many,
    transact,
)

# What is past is asked for by nobody, and DynamoDB takes it away for nothing.
_KEPT_AFTER_START: Final = timedelta(days=1)


class PostingRow(BareRow):
    """An event in the list of one term, by date; the posting as JSON, which is read by the hundred and asked whole."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    posting = UnicodeAttribute()


class PlacedRow(BareRow):
    """What an event's own row says of its postings; not the whole row, so that to note it is no new version of it."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    version = IntegerAttribute()
    listed = UnicodeAttribute(null=True)


def listed_as(event: domain.Event) -> Listed:
    """Where the postings of a published event stand."""
    return Listed(at=clock.iso(event.starts_at), terms=terms_of(posting_of(event)))


def written(listed: Listed) -> str:
    """What an event's row keeps of it."""
    return msgspec.json.encode(listed).decode()


def read(kept: str | None) -> Listed | None:
    """What an event's row keeps, None for one that has no postings."""
    return None if kept is None else msgspec.json.decode(kept, type=Listed)


def moves(event: domain.Event, before: Listed | None, after: Listed, former: domain.Event | None = None) -> list[Write]:
    """The writes that put an event's postings where they belong, as they are now, and take the others away.

    Where the `former` event's postings say the same and stand where these belong, nothing is to be written.
    """
    if former is not None and before == after and posting_of(former) == posting_of(event):
        return []
    kept = {(term, after.at) for term in after.terms}
    actions = [
        PostingRow.posting.set(msgspec.json.encode(posting_of(event)).decode()),
        PostingRow.expires_at.set(clock.epoch_seconds(event.starts_at + _KEPT_AFTER_START)),
    ]
    puts: list[Write] = [
        Update(PostingRow, partition(term), _sort_key(after.at, event.event_id), actions) for term in after.terms
    ]
    if before is None:
        return puts
    left = [term for term in before.terms if (term, before.at) not in kept]
    return [*puts, *(Delete(PostingRow, partition(term), _sort_key(before.at, event.event_id)) for term in left)]


def relist(event: domain.Event, row_version: int, kept: str | None, now: datetime) -> bool:
    """List an event anew where a posting is not as it should be; False when all are, or it is past, or it changed.

    The row stays the version it is. A later version was listed by the write that made it.
    """
    before, after = read(kept), listed_as(event)
    if event.starts_at + _KEPT_AFTER_START <= now or (before == after and _stand(event, after)):
        return False
    row = Update(
        PlacedRow,
        f"event#{event.event_id}",
        "event",
        [PlacedRow.listed.set(written(after))],
        condition=PlacedRow.version == row_version,
    )
    try:
        transact(row, *moves(event, before, after), now=now)
    except TransactionRefused as refused:
        if refused.blames(row) is None:
            raise
        return False
    return True


def _stand(event: domain.Event, listed: Listed) -> bool:
    """Whether every posting of an event is there, and says what it should."""
    found = fetch_many(
        PostingRow,
        [(partition(term), _sort_key(listed.at, event.event_id)) for term in listed.terms],
        consistent=False,
    )
    content = msgspec.json.encode(posting_of(event)).decode()
    return len(found) == len(listed.terms) and all(row.posting == content for row in found.values())


def partition(term: str) -> str:
    """The partition key of a term's list."""
    return f"term#{term}"


def _sort_key(at: str, event_id: str) -> str:
    return f"{at}#{event_id}"
