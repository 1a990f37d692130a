"""What catalog knows of organisers: their names, from accounts, and the seasons they imported."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.data import AlreadyExists, ConditionRefused, Row, fetch, insert, update


class OrganiserRow(Row):
    """An organiser as its latest message says; `told_version` is that message's version."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    name = UnicodeAttribute()
    told_version = NumberAttribute()


class ImportRow(Row):
    """A season that came in, and by how many weeks it was moved then."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    weeks_moved = NumberAttribute()


def keep_organiser(organiser_id: str, name: str, told_version: int, now: datetime) -> bool:
    """Keep what a message says, unless a later one was kept already; whether it was news."""
    row = OrganiserRow
    try:
        update(
            row,
            f"organiser#{organiser_id}",
            "organiser",
            actions=[row.name.set(name), row.told_version.set(told_version)],
            condition=row.told_version.does_not_exist() | (row.told_version < told_version),
            now=now,
        )
    except ConditionRefused:
        return False
    return True


def organiser_name(organiser_id: str) -> str | None:
    """The organiser's name, None as long as no message spoke of it."""
    row = fetch(OrganiserRow, f"organiser#{organiser_id}", "organiser")
    return None if row is None else row.name


def weeks_moved(organiser_id: str, source: str) -> int | None:
    """By how many weeks the organiser's season from there was moved when it first came in; None when none did."""
    row = fetch(ImportRow, f"organiser#{organiser_id}", f"import#{source}")
    return None if row is None else int(row.weeks_moved)


def remember_weeks_moved(organiser_id: str, source: str, weeks: int, now: datetime) -> int:
    """Settle by how many weeks that season is moved; returns what counts, which is the first one's word."""
    row = ImportRow(f"organiser#{organiser_id}", f"import#{source}", weeks_moved=weeks)
    try:
        insert(row, now=now)
    except AlreadyExists as exists:
        if not isinstance(exists.stored, ImportRow):
            raise
        return int(exists.stored.weeks_moved)
    return weeks
