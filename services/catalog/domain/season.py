"""Reading a season of the New York Philharmonic's performance history, and moving it to lie ahead.

Nothing here writes. Every id follows from the organiser and the archives' own names, so that importing the same season
again finds everything already there.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from services.catalog.domain import programme_text, season_house
from services.catalog.domain.event import Event, Pool, Series, TicketType, Venue, Work
from services.catalog.domain.seat_map import SeatMap
from shared.ids import derived_id
from shared.money import Money

SOURCE: Final = "nyphil-performance-history"
HALL: Final = season_house.HALL
# What lies ahead lies at least this far ahead, so that there is time to sell it.
LEAD: Final = timedelta(days=7)

_CLOCK_TIME: Final = re.compile(r"(1[0-2]|[1-9]):([0-5]\d) ?(AM|PM)", re.IGNORECASE)
# The archives write a day as its midnight in New York, wherever the concert was.
_ARCHIVES: Final = zoneinfo.ZoneInfo("America/New_York")


class LeftOut(NamedTuple):
    """A row that did not go in: its path in the input, its programme's number and why."""

    row: str
    program_id: str | None
    reason: str


class Concert(msgspec.Struct, frozen=True, kw_only=True):
    """One performance as it is in the archives, with the programme it was part of."""

    row: str
    program_id: str
    kind: str
    venue: str
    location: str
    on: date
    at: time
    works: tuple[Work, ...]
    composers: tuple[str, ...]

    @property
    def private(self) -> bool:
        """Whether it was for invited guests only: then it is planned, and never published."""
        return "private" in self.kind.lower() or self.venue.startswith("Home of ")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from every other concert."""
        return (self.program_id, self.on.isoformat(), self.at.isoformat(), self.venue)

    def starts_at(self, weeks: int) -> datetime:
        """When it begins once moved by whole weeks: the same weekday and time of day at its place, as UTC."""
        zone = zoneinfo.ZoneInfo(season_house.time_zone(self.location))
        return datetime.combine(self.on + timedelta(weeks=weeks), self.at, zone).astimezone(UTC)


class _ArchivedConcert(msgspec.Struct, frozen=True):
    kind: str = msgspec.field(name="eventType")
    location: str = msgspec.field(name="Location")
    venue: str = msgspec.field(name="Venue")
    day: str = msgspec.field(name="Date")
    time: str = msgspec.field(name="Time")


class _ArchivedSoloist(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="soloistName", default="")
    roles: str = msgspec.field(name="soloistRoles", default="")


class _ArchivedWork(msgspec.Struct, frozen=True):
    title: Any = msgspec.field(name="workTitle", default=None)
    movement: Any = None
    composer: str = msgspec.field(name="composerName", default="")
    conductor: str = msgspec.field(name="conductorName", default="")
    interval: str | None = None
    soloists: tuple[_ArchivedSoloist, ...] = ()


class Season(NamedTuple):
    """The concerts that could be read, and the rows that could not, one by one."""

    concerts: list[Concert]
    unread: list[LeftOut]


def read_season(programs: Sequence[Any]) -> Season:
    """Read programmes as the archives publish them; what cannot be read is named, and the rest is read all the same."""
    season = Season([], [])
    seen: set[tuple[str, str, str, str]] = set()
    for number, program in enumerate(programs):
        path = f"$.programs[{number}]"
        if not isinstance(program, dict) or not isinstance(program.get("programID"), str):
            season.unread.append(LeftOut(path, None, "a programme is an object with a programID"))
            continue
        program_id = program["programID"]
        works, composers = _read_works(path, program_id, program.get("works"), season.unread)
        concerts = program.get("concerts")
        if not isinstance(concerts, list) or not concerts:
            season.unread.append(LeftOut(f"{path}.concerts", program_id, "the programme has no concerts"))
            continue
        for place, archived in enumerate(concerts):
            row = f"{path}.concerts[{place}]"
            try:
                concert = _read_concert(row, program_id, archived, works, composers)
            except (programme_text.Unreadable, msgspec.ValidationError) as trouble:
                season.unread.append(LeftOut(row, program_id, str(trouble)))
                continue
            if concert.key in seen:
                season.unread.append(LeftOut(row, program_id, "the same concert stands in the season twice"))
                continue
            seen.add(concert.key)
            season.concerts.append(concert)
    return season


def weeks_ahead(concerts: Sequence[Concert], now: datetime) -> int:
    """By how many whole weeks the season moves, so that its first concert lies at least a week ahead; never back."""
    first = min((concert.starts_at(0) for concert in concerts), default=now + LEAD)
    return max(0, math.ceil((now + LEAD - first) / timedelta(weeks=1)))


def venue_of(concert: Concert, organiser_id: str) -> Venue:
    """The house the concert is in. Somebody's home is shown to members only."""
    return Venue(
        venue_id=derived_id("ven", organiser_id, SOURCE, concert.venue, concert.location),
        organiser_id=organiser_id,
        name=programme_text.venue_name(concert.venue),
        city=season_house.city(concert.location),
        time_zone=season_house.time_zone(concert.location),
        address=concert.location,
        private=concert.venue.startswith("Home of "),
    )


def series_of(concert: Concert, organiser_id: str) -> Series:
    """The series of all concerts of this kind."""
    return Series(
        series_id=derived_id("ser", organiser_id, SOURCE, concert.kind), organiser_id=organiser_id, name=concert.kind
    )


def hall_map(organiser_id: str, venue_id: str) -> SeatMap:
    """The plan of the orchestra's hall."""
    return SeatMap(
        seat_map_id=derived_id("map", venue_id, SOURCE),
        organiser_id=organiser_id,
        venue_id=venue_id,
        name=HALL,
        sections=season_house.hall_sections(),
    )


def event_of(concert: Concert, organiser_id: str, weeks: int) -> Event:
    """The draft of the concert's event, with its pool and the ticket types of its house."""
    venue = venue_of(concert, organiser_id)
    series = series_of(concert, organiser_id)
    event_id = derived_id("evt", organiser_id, SOURCE, *concert.key)
    seated = concert.venue == HALL and not concert.private
    pool = Pool(
        pool_id=derived_id("pol", event_id, "pool"),
        name="Seats" if seated else "General admission",
        kind="seated" if seated else "general",
        capacity=0 if seated else season_house.general_capacity(concert.venue),
        seat_map_id=hall_map(organiser_id, venue.venue_id).seat_map_id if seated else None,
    )
    starts_at = concert.starts_at(weeks)
    return Event(
        event_id=event_id,
        organiser_id=organiser_id,
        name=programme_text.event_name(concert.kind, venue.name, concert.works, concert.composers),
        venue_id=venue.venue_id,
        venue_name=venue.name,
        venue_city=venue.city,
        time_zone=venue.time_zone,
        starts_at=starts_at,
        doors_at=starts_at - timedelta(minutes=45),
        series_id=series.series_id,
        series_name=series.name,
        currency=season_house.CURRENCY,
        pools=(pool,),
        # A concert by invitation is planned, and nothing of it is for sale.
        ticket_types=() if concert.private else tuple(_ticket_types(event_id, pool, concert.kind)),
        programme=concert.works,
    )


def _ticket_types(event_id: str, pool: Pool, kind: str) -> Iterator[TicketType]:
    prices: list[tuple[str, str | None, int]] = [("General admission", None, season_house.general_price(kind))]
    if pool.kind == "seated":
        prices = [(zone, zone, season_house.zone_price(kind, zone)) for zone in season_house.hall_zones()]
    for name, zone, amount in prices:
        yield TicketType(
            ticket_type_id=derived_id("tty", event_id, name),
            name=name,
            price=Money(amount, season_house.CURRENCY),
            pool_id=pool.pool_id,
            zone=zone,
        )


def _read_works(
    path: str, program_id: str, archived: Any, unread: list[LeftOut]
) -> tuple[tuple[Work, ...], tuple[str, ...]]:
    """The programme without intermissions, and its composers' surnames; works that cannot be read go to `unread`."""
    if not isinstance(archived, list):
        unread.append(LeftOut(f"{path}.works", program_id, "the works are not a list; the concerts go in without them"))
        return (), ()
    works: list[Work] = []
    composers: list[str] = []
    for number, entry in enumerate(archived):
        try:
            raw = msgspec.convert(entry, _ArchivedWork)
            if raw.interval is not None:
                continue
            work = _work(raw)
        except (programme_text.Unreadable, msgspec.ValidationError) as trouble:
            unread.append(LeftOut(f"{path}.works[{number}]", program_id, f"the title cannot be read: {trouble}"))
            continue
        works.append(work)
        composers.append(programme_text.surname(raw.composer))
    return tuple(works), tuple(composers)


def _work(raw: _ArchivedWork) -> Work:
    title = programme_text.plain_text(raw.title)
    if not title:
        raise programme_text.Unreadable("it is empty")
    soloists = (programme_text.full_name(soloist.name) for soloist in raw.soloists if soloist.roles == "S")
    return Work(
        title=title,
        composer=programme_text.full_name(raw.composer) or None,
        movement=(programme_text.plain_text(raw.movement) or None) if raw.movement is not None else None,
        conductor=None if raw.conductor in ("", "Not conducted") else programme_text.full_name(raw.conductor),
        soloists=tuple(name for name in soloists if name),
    )


def _read_concert(
    row: str, program_id: str, archived: Any, works: tuple[Work, ...], composers: tuple[str, ...]
) -> Concert:
    raw = msgspec.convert(archived, _ArchivedConcert)
    if not raw.venue.strip() or not raw.location.strip() or not raw.kind.strip():
        raise programme_text.Unreadable("the venue, location or kind of event is empty")
    return Concert(
        row=row,
        program_id=program_id,
        kind=raw.kind,
        venue=raw.venue,
        location=raw.location,
        on=_day(raw.day),
        at=_time_of_day(raw.time),
        works=works,
        composers=composers,
    )


def _day(text: str) -> date:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as trouble:
        raise programme_text.Unreadable(f"the date {text!r} cannot be read") from trouble
    if moment.tzinfo is None:
        raise programme_text.Unreadable(f"the date {text!r} names no zone")
    return moment.astimezone(_ARCHIVES).date()


def _time_of_day(text: str) -> time:
    found = _CLOCK_TIME.fullmatch(text.strip())
    if found is None:
        raise programme_text.Unreadable(f"the time {text!r} cannot be read")
    return time(int(found[1]) % 12 + (12 if found[3].upper() == "PM" else 0), int(found[2]))
