"""What reservations told of events' places, beside their rows: a rush changes neither an event's version nor a list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from pynamodb.attributes import UnicodeAttribute

from contracts.reservations import Left
from services.catalog.domain.availability import Told
from shared.data import BareRow, ConditionRefused, IntegerAttribute, MomentAttribute, fetch_many, update


class LeftRow(BareRow):
    """What is left of an event as its latest message says; `told_version` is that message's version."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    left = UnicodeAttribute()
    counted_at = MomentAttribute()
    told_version = IntegerAttribute()


def keep_told(event_id: str, told: Told, now: datetime) -> bool:
    """Keep what a message says, unless a later one was kept already; whether it was news."""
    row = LeftRow
    try:
        update(
            row,
            *_key(event_id),
            actions=[
                row.left.set(told.left),
                row.counted_at.set(told.counted_at),
                row.told_version.set(told.version),
            ],
            condition=row.told_version.does_not_exist() | (row.told_version < told.version),
            now=now,
        )
    except ConditionRefused:
        return False
    return True


def told_of(event_ids: Iterable[str]) -> dict[str, Told]:
    """What was told of these events, a hundred with one request; those are missing of which nothing was."""
    keys = {event_id: _key(event_id) for event_id in event_ids}
    found = fetch_many(LeftRow, keys.values(), consistent=False)
    return {
        event_id: Told(left=cast(Left, row.left), counted_at=row.counted_at, version=row.told_version)
        for event_id, key in keys.items()
        if (row := found.get(key)) is not None
    }


def _key(event_id: str) -> tuple[str, str]:
    return f"event#{event_id}", "left"
