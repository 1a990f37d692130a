"""Venues, seat maps and series: what events are planned in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from services.catalog import domain
from shared.data import (
    AlreadyExists,
    BareRow,
    ListedRow,
    Page,
    Row,
    ShapeAttribute,
    fetch,
    fetch_many,
    insert,
    query_page,
)

LISTING: Final = "listing"


class VenueRow(ListedRow):
    """A place."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    venue: ShapeAttribute[domain.Venue] = ShapeAttribute(domain.Venue)


class SeatMapRow(Row):
    """A plan, its sections as the JSON of their compact form: a row of lists and maps would be three times as large."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    seat_map_id = UnicodeAttribute()
    organiser_id = UnicodeAttribute()
    venue_id = UnicodeAttribute()
    name = UnicodeAttribute()
    sections = BinaryAttribute(legacy_encoding=False)


class SeriesRow(ListedRow):
    """Events that belong together."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    series: ShapeAttribute[domain.Series] = ShapeAttribute(domain.Series)


class _KeyRow(BareRow):
    """Any row, for its key alone."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"


def add_venue(venue_: domain.Venue, now: datetime) -> bool:
    """Put a venue where none is; False when it was there."""
    row = VenueRow(
        f"venue#{venue_.venue_id}",
        "venue",
        venue=venue_,
        listing_pk=f"organiser#{venue_.organiser_id}#venues",
        listing_sk=f"{venue_.name}#{venue_.venue_id}",
    )
    return _put(row, now)


def venue(venue_id: str) -> domain.Venue | None:
    """The venue with that id."""
    row = fetch(VenueRow, f"venue#{venue_id}", "venue")
    return None if row is None else row.venue


def venues(venue_ids: Iterable[str]) -> list[domain.Venue]:
    """The venues with those ids, as far as they exist."""
    keys = [(f"venue#{venue_id}", "venue") for venue_id in venue_ids]
    return [row.venue for row in fetch_many(VenueRow, keys, consistent=False).values()]


def organisers_venues(organiser_id: str, limit: int, cursor: str | None) -> Page[VenueRow]:
    """A page of an organiser's venues, by name. Raises BadCursor."""
    return query_page(VenueRow, f"organiser#{organiser_id}#venues", index=LISTING, limit=limit, cursor=cursor)


def add_seat_map(seat_map_: domain.SeatMap, now: datetime) -> bool:
    """Put a seat map where none is; False when it was there."""
    row = SeatMapRow(
        f"seat_map#{seat_map_.seat_map_id}",
        "seat_map",
        seat_map_id=seat_map_.seat_map_id,
        organiser_id=seat_map_.organiser_id,
        venue_id=seat_map_.venue_id,
        name=seat_map_.name,
        sections=domain.packed(seat_map_.sections),
    )
    return _put(row, now)


def seat_map(seat_map_id: str) -> domain.SeatMap | None:
    """The seat map with that id. It never changes, so a read that may lag loses nothing but the first moments."""
    row = fetch(SeatMapRow, f"seat_map#{seat_map_id}", "seat_map")
    if row is None:
        return None
    return domain.SeatMap(
        seat_map_id=row.seat_map_id,
        organiser_id=row.organiser_id,
        venue_id=row.venue_id,
        name=row.name,
        sections=msgspec.json.decode(row.sections, type=tuple[domain.Section, ...]),
    )


def add_series(series_: domain.Series, now: datetime) -> bool:
    """Put a series where none is; False when it was there."""
    row = SeriesRow(
        f"series#{series_.series_id}",
        "series",
        series=series_,
        listing_pk=f"organiser#{series_.organiser_id}#series",
        listing_sk=f"{series_.name}#{series_.series_id}",
    )
    return _put(row, now)


def series(series_id: str) -> domain.Series | None:
    """The series with that id."""
    row = fetch(SeriesRow, f"series#{series_id}", "series")
    return None if row is None else row.series


def organisers_series(organiser_id: str, limit: int, cursor: str | None) -> Page[SeriesRow]:
    """A page of an organiser's series, by name. Raises BadCursor."""
    return query_page(SeriesRow, f"organiser#{organiser_id}#series", index=LISTING, limit=limit, cursor=cursor)


def existing(kind: str, ids: Iterable[str]) -> set[str]:
    """Which of these ids (of venues, seat maps, series or events) have a row; a hundred to a request."""
    found = fetch_many(_KeyRow, [(f"{kind}#{one}", kind) for one in ids])
    return {pk.partition("#")[2] for pk, _ in found}


def _put(row: ListedRow | SeatMapRow, now: datetime) -> bool:
    try:
        insert(row, now=now)
    except AlreadyExists:
        return False
    return True
