"""Importing a season of the New York Philharmonic's performance history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from services.catalog import domain, repository
from services.catalog.domain import season
from services.catalog.schemas import ImportReport, ImportSeason, RowReport, Tally
from services.catalog.use_cases.events import opened, organiser_name

PACKAGED: Final = Path(__file__).resolve().parents[3] / "data" / "nyphil-2024-25.json"
# Stops here, so that what has been done can still be answered in time.
SECONDS_LEFT_MIN: Final = 1.5


def import_season(body: ImportSeason, now: datetime, seconds_left: Callable[[], float]) -> ImportReport:
    """Bring a season in: venues, seat map, series, and an event for every concert, published unless it was private.

    Everything has an id of its own in the archives, so a repetition finds it there and writes nothing; it goes on where
    an earlier call ran out of time, moved by as many weeks as the first one. Events that members have changed since
    stay as they are. Raises OrganiserNotKnownYet, SeasonNotPackaged.
    """
    name = organiser_name(body.organiser_id)
    programs = packaged_programs() if body.programs is None else body.programs
    read = season.read_season(programs)
    weeks = _weeks(body, read.concerts, now)
    work = _Import(body.organiser_id, name, weeks, now, seconds_left)
    work.prepare(read.concerts)
    remaining = work.bring_in(read.concerts)
    if work.events.created:
        repository.forget_upcoming()
    return ImportReport(
        source=body.source,
        organiser_id=body.organiser_id,
        programs=len(programs),
        concerts=len(read.concerts) + sum(".concerts[" in left.row for left in read.unread),
        weeks_moved=weeks,
        venues=work.venues,
        seat_maps=work.seat_maps,
        series=work.series,
        events=work.events,
        rows_written=work.rows_written,
        complete=remaining == 0,
        remaining=remaining,
        unpublished=work.unpublished,
        unread=[_report(left) for left in (*read.unread, *work.refused)],
    )


def packaged_programs() -> Sequence[Any]:
    """The programmes of the season that comes with the product. Raises SeasonNotPackaged where it was left out."""
    try:
        content = PACKAGED.read_bytes()
    except FileNotFoundError as missing:
        raise domain.SeasonNotPackaged("the season did not come with this deployment; send its programmes") from missing
    programs: list[Any] = msgspec.json.decode(content)["programs"]
    return programs


def _weeks(body: ImportSeason, concerts: Sequence[season.Concert], now: datetime) -> int:
    settled = repository.weeks_moved(body.organiser_id, body.source)
    if settled is not None:
        return settled
    if not concerts:
        return 0
    weeks = season.weeks_ahead(concerts, now)
    if body.season_starts_on is not None:
        first = min(concert.on for concert in concerts)
        earlier = max(timedelta(0), first - body.season_starts_on)
        weeks = season.weeks_ahead(concerts, now + earlier)
    return repository.remember_weeks_moved(body.organiser_id, body.source, weeks, now)


class _Import:
    """One call's work and its tallies."""

    def __init__(
        self, organiser_id: str, organiser_name_: str, weeks: int, now: datetime, seconds_left: Callable[[], float]
    ) -> None:
        self.organiser_id = organiser_id
        self.organiser_name = organiser_name_
        self.weeks = weeks
        self.now = now
        self.seconds_left = seconds_left
        self.venues, self.seat_maps, self.series, self.events = Tally(), Tally(), Tally(), Tally()
        self.seat_map_by_id: dict[str, domain.SeatMap] = {}
        self.unpublished: list[RowReport] = []
        self.refused: list[season.LeftOut] = []

    @property
    def rows_written(self) -> int:
        """Rows of all kinds that this call made, the events' pointers left out."""
        return sum(tally.created for tally in (self.venues, self.seat_maps, self.series, self.events))

    def prepare(self, concerts: Sequence[season.Concert]) -> None:
        """Put the venues, the seat map and the series that are missing."""
        venues = {one.venue_id: one for one in (season.venue_of(concert, self.organiser_id) for concert in concerts)}
        series = {one.series_id: one for one in (season.series_of(concert, self.organiser_id) for concert in concerts)}
        halls = [venue for venue in venues.values() if venue.name == season.HALL]
        maps = [season.hall_map(self.organiser_id, hall.venue_id) for hall in halls]
        self.seat_map_by_id = {one.seat_map_id: one for one in maps}
        present = repository.existing("venue", venues)
        for venue_id, venue in venues.items():
            _count(self.venues, venue_id not in present and repository.add_venue(venue, self.now))
        present = repository.existing("seat_map", self.seat_map_by_id)
        for seat_map_id, seat_map in self.seat_map_by_id.items():
            _count(self.seat_maps, seat_map_id not in present and repository.add_seat_map(seat_map, self.now))
        present = repository.existing("series", series)
        for series_id, one in series.items():
            _count(self.series, series_id not in present and repository.add_series(one, self.now))

    def bring_in(self, concerts: Sequence[season.Concert]) -> int:
        """Put the events that are missing; how many concerts were left when time ran out."""
        planned = [(concert, season.event_of(concert, self.organiser_id, self.weeks)) for concert in concerts]
        present = repository.existing("event", [event.event_id for _, event in planned])
        for done, (concert, event) in enumerate(planned):
            if event.event_id in present:
                self._note_private(concert, event)
                _count(self.events, False)
                continue
            if self.seconds_left() < SECONDS_LEFT_MIN:
                return _missing(planned[done:], present)
            self._add(concert, event)
        return 0

    def _add(self, concert: season.Concert, event: domain.Event) -> None:
        try:
            if concert.private:
                domain.check_shape(event)
                added = repository.add_event(event, self.now)
            else:
                domain.check_publishable(event, self.seat_map_by_id, self.now)
                added = repository.add_published_event(opened(event, self.organiser_name, self.now), self.now)
        except domain.Incomplete as incomplete:
            self.refused.append(season.LeftOut(concert.row, concert.program_id, str(incomplete)))
            return
        self._note_private(concert, event)
        _count(self.events, added)

    def _note_private(self, concert: season.Concert, event: domain.Event) -> None:
        if concert.private:
            reason = "a private concert: kept as a draft that only members see, with nothing for sale"
            self.unpublished.append(
                RowReport(row=concert.row, program_id=concert.program_id, reason=reason, event_id=event.event_id)
            )


def _missing(planned: Iterable[tuple[season.Concert, domain.Event]], present: set[str]) -> int:
    return sum(event.event_id not in present for _, event in planned)


def _count(tally: Tally, created: bool) -> None:
    if created:
        tally.created += 1
    else:
        tally.present += 1


def _report(left: season.LeftOut) -> RowReport:
    return RowReport(row=left.row, program_id=left.program_id, reason=left.reason)
