"""Adding and showing venues, seat maps and series."""

from __future__ import annotations

from datetime import datetime

from services.catalog import domain, repository
from services.catalog.schemas import AddSeatMap, AddSeries, AddVenue, RowBody
from shared.auth import Identity
from shared.data import Page
from shared.http import NotFound
from shared.ids import new_id, same_body


def add_venue(body: AddVenue, operation_id: str | None, now: datetime) -> domain.Venue:
    """Add a place. The same `operation_id` again finds it added. Raises Incomplete for an unknown time zone."""
    domain.check_time_zone(body.time_zone)
    venue_ = domain.Venue(
        venue_id=_own_id("ven", operation_id, now),
        organiser_id=body.organiser_id,
        name=body.name.strip(),
        city=body.city.strip(),
        time_zone=body.time_zone,
        address=body.address,
        private=body.private,
    )
    repository.add_venue(venue_, now)
    return venue_


def venue(venue_id: str, visitor: Identity | None) -> domain.Venue:
    """A place; a private one only for the organiser's members. Raises NotFound."""
    found = repository.venue(venue_id)
    if found is None:
        raise NotFound("There is no such venue.")
    if found.private and (visitor is None or not visitor.is_member(found.organiser_id)):
        raise NotFound("There is no such venue.")
    return found


def shown_venue(event: domain.Event, *, is_member: bool) -> domain.Venue | None:
    """The place of an event, None where it is private and not shown to the visitor. It comes from Redis if it can."""
    found = repository.remembered_venue(event.venue_id, lambda: repository.venue(event.venue_id))
    return None if found is None or (found.private and not is_member) else found


def list_venues(organiser_id: str, limit: int, cursor: str | None) -> Page[repository.VenueRow]:
    """An organiser's places, by name. Raises BadCursor."""
    return repository.organisers_venues(organiser_id, limit, cursor)


def add_seat_map(body: AddSeatMap, operation_id: str | None, now: datetime) -> domain.SeatMap:
    """Add the plan of a place. Raises Incomplete naming every part of it that cannot be."""
    found = repository.venue(body.venue_id)
    if found is None or found.organiser_id != body.organiser_id:
        raise domain.Incomplete([domain.FieldError("$.venue_id", "the organiser has no such venue")])
    sections = _sections(body)
    domain.check_sections(sections)
    seat_map_ = domain.SeatMap(
        seat_map_id=_own_id("map", operation_id, now),
        organiser_id=body.organiser_id,
        venue_id=body.venue_id,
        name=body.name.strip(),
        sections=sections,
    )
    repository.add_seat_map(seat_map_, now)
    return seat_map_


def seat_map(seat_map_id: str) -> domain.SeatMap:
    """The plan with that id, for everybody: buyers choose seats on it. Raises NotFound."""
    found = repository.seat_map(seat_map_id)
    if found is None:
        raise NotFound("There is no such seat map.")
    return found


def add_series(body: AddSeries, operation_id: str | None, now: datetime) -> domain.Series:
    """Add a series. The same `operation_id` again finds it added."""
    series_ = domain.Series(
        series_id=_own_id("ser", operation_id, now), organiser_id=body.organiser_id, name=body.name.strip()
    )
    repository.add_series(series_, now)
    return series_


def list_series(organiser_id: str, limit: int, cursor: str | None) -> Page[repository.SeriesRow]:
    """An organiser's series, by name. Raises BadCursor."""
    return repository.organisers_series(organiser_id, limit, cursor)


def _own_id(prefix: str, operation_id: str | None, now: datetime) -> str:
    """The id of what a request makes: every try under one Idempotency-Key arrives at the same."""
    return new_id(prefix, now) if operation_id is None else same_body(prefix, operation_id)


def _sections(body: AddSeatMap) -> tuple[domain.Section, ...]:
    errors: list[domain.FieldError] = []
    sections = tuple(
        domain.Section(
            section.name,
            tuple(
                domain.Row(row.name, _runs(f"$.sections[{number}].rows[{place}]", row, errors))
                for place, row in enumerate(section.rows)
            ),
        )
        for number, section in enumerate(body.sections)
    )
    if errors:
        raise domain.Incomplete(errors)
    return sections


def _runs(path: str, row: RowBody, errors: list[domain.FieldError]) -> tuple[domain.Run, ...]:
    single = (row.first, row.last, row.zone)
    if row.runs is not None:
        if single != (None, None, None) or row.accessible or row.companions:
            errors.append(domain.FieldError(path, "a row has either runs or first, last and zone"))
        return tuple(domain.Run(run.first, run.last, run.zone, run.accessible, run.companions) for run in row.runs)
    if row.first is None or row.last is None or row.zone is None:
        errors.append(domain.FieldError(path, "a row has runs, or first, last and zone"))
        return ()
    return (domain.Run(row.first, row.last, row.zone, row.accessible, row.companions),)
