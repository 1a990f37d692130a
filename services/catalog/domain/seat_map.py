"""Seat maps: the plan of a venue, kept as runs of neighbouring seats so that tens of thousands fit into one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from contracts.catalog import SeatRun
from services.catalog.domain.errors import FieldError, Incomplete

SEATS_MAX: Final = 100_000
RUNS_MAX: Final = 4_000
# A row of the table has 400 KB at most, and what else is in it needs little.
BYTES_MAX: Final = 350_000
NAME_LENGTH_MAX: Final = 40
SEAT_NUMBER_MAX: Final = 99_999


class Run(msgspec.Struct, frozen=True, array_like=True):
    """Neighbouring seats of a row, numbered `first` to `last`, both included, in one price zone.

    An `accessible` run is a bay: wheelchair places, and among them the `companions`' seats.
    """

    first: int
    last: int
    zone: str
    accessible: bool = False
    companions: tuple[int, ...] = ()

    @property
    def seats(self) -> int:
        """How many seats it has."""
        return self.last - self.first + 1


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A row of seats, in the order in which they stand."""

    name: str
    runs: tuple[Run, ...]


class Section(msgspec.Struct, frozen=True, array_like=True):
    """A part of the house with rows of its own."""

    name: str
    rows: tuple[Row, ...]


class SeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """The plan of a venue. It never changes once it exists, because events that were published stand on it."""

    seat_map_id: str
    organiser_id: str
    venue_id: str
    name: str
    sections: tuple[Section, ...]

    @property
    def seats(self) -> int:
        """How many seats it has."""
        return sum(run.seats for section in self.sections for row in section.rows for run in row.runs)

    @property
    def zones(self) -> tuple[str, ...]:
        """Its price zones, in the order in which they first occur."""
        return tuple(dict.fromkeys(run.zone for section in self.sections for row in section.rows for run in row.runs))

    def seat_runs(self) -> tuple[SeatRun, ...]:
        """All runs, each with its section and row, as messages carry them."""
        return tuple(
            SeatRun(
                section=section.name,
                row=row.name,
                first=run.first,
                last=run.last,
                zone=run.zone,
                accessible=run.accessible,
                companions=run.companions,
            )
            for section in self.sections
            for row in section.rows
            for run in row.runs
        )


def packed(sections: Sequence[Section]) -> bytes:
    """Sections as they are stored, in JSON; runs that are no bays take no more room for it."""
    return msgspec.json.encode(
        [
            (section.name, [(row.name, [_packed_run(run) for run in row.runs]) for row in section.rows])
            for section in sections
        ]
    )


def _packed_run(run: Run) -> tuple[object, ...]:
    plain = (run.first, run.last, run.zone)
    return (*plain, True, run.companions) if run.accessible or run.companions else plain


def check_sections(sections: Sequence[Section]) -> None:
    """Raises Incomplete naming every section, row or run that cannot be, by its path in the request."""
    errors = list(_section_errors(sections))
    runs = [run for section in sections for row in section.rows for run in row.runs]
    if len(runs) > RUNS_MAX:
        errors.append(FieldError("$.sections", f"a seat map has at most {RUNS_MAX} runs of seats, not {len(runs)}"))
    size = len(packed(sections))
    if size > BYTES_MAX:
        errors.append(FieldError("$.sections", f"with its names the seat map has {size} bytes of {BYTES_MAX}"))
    seats = sum(run.seats for run in runs if run.seats > 0)
    if not runs:
        errors.append(FieldError("$.sections", "a seat map has at least one seat"))
    if seats > SEATS_MAX:
        errors.append(FieldError("$.sections", f"a seat map has at most {SEATS_MAX} seats, not {seats}"))
    if errors:
        raise Incomplete(errors)


def _section_errors(sections: Sequence[Section]) -> Iterator[FieldError]:
    names: set[str] = set()
    for number, section in enumerate(sections):
        path = f"$.sections[{number}]"
        yield from _name_errors(f"{path}.name", section.name, names, "section")
        rows: set[str] = set()
        for place, row in enumerate(section.rows):
            yield from _name_errors(f"{path}.rows[{place}].name", row.name, rows, "row of this section")
            yield from _run_errors(f"{path}.rows[{place}]", row.runs)


def _name_errors(path: str, name: str, taken: set[str], what: str) -> Iterator[FieldError]:
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX or name != name.strip() or not name.isprintable():
        yield FieldError(path, f"a name has 1 to {NAME_LENGTH_MAX} printable characters")
    if name in taken:
        yield FieldError(path, f"another {what} has this name")
    taken.add(name)


def _run_errors(path: str, runs: Sequence[Run]) -> Iterator[FieldError]:
    if not runs:
        yield FieldError(path, "a row has at least one run of seats")
    taken: list[Run] = []
    for number, run in enumerate(runs):
        where = path if len(runs) == 1 else f"{path}.runs[{number}]"
        if not 0 <= run.first <= run.last <= SEAT_NUMBER_MAX:
            yield FieldError(where, f"seats are numbered from 0 to {SEAT_NUMBER_MAX}, the first before the last")
            continue
        if not 1 <= len(run.zone) <= NAME_LENGTH_MAX or not run.zone.isprintable():
            yield FieldError(where, f"a zone's name has 1 to {NAME_LENGTH_MAX} printable characters")
        if any(run.first <= other.last and other.first <= run.last for other in taken):
            yield FieldError(where, "two runs of this row share a seat")
        yield from _bay_errors(where, run)
        taken.append(run)


def _bay_errors(where: str, run: Run) -> Iterator[FieldError]:
    companions = set(run.companions)
    if companions and not run.accessible:
        yield FieldError(f"{where}.companions", "only an accessible run has companion seats")
    elif len(companions) < len(run.companions):
        yield FieldError(f"{where}.companions", "a companion seat is named once")
    elif any(not run.first <= seat <= run.last for seat in companions):
        yield FieldError(f"{where}.companions", "a companion seat is one of the run's")
    elif run.accessible and len(companions) == run.seats:
        yield FieldError(f"{where}.companions", "an accessible run has a wheelchair place")
