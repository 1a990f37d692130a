"""Imports the packaged season for an organiser, from the command line: `python -m services.catalog.import_season`.

It calls the same use case as `POST /v1/imports`, with the table of the environment, until everything is in.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.catalog import domain, use_cases
from services.catalog.domain.season import SOURCE
from services.catalog.schemas import ImportReport, ImportSeason
from shared import clock
from shared.data import deadline

# The time one round may take, as a request has it; the rounds follow until everything is in.
ROUND_SECONDS = 25.0
WAIT_SECONDS_MAX = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0 when the season is in, 1 when it cannot be."""
    parser = argparse.ArgumentParser(description="Import a season of concerts as published events.")
    parser.add_argument("--organiser", required=True, help="the id of the organiser, org_…")
    parser.add_argument("--file", type=Path, help="a file of the performance history instead of the packaged season")
    options = parser.parse_args(arguments)
    programs = None
    if options.file is not None:
        programs = tuple(msgspec.json.decode(options.file.read_bytes())["programs"])
    body = ImportSeason(organiser_id=options.organiser, source=SOURCE, programs=programs)
    try:
        report = run(body)
    except domain.CatalogError as refusal:
        print(f"The season was not imported: {refusal}.", file=sys.stderr)
        return 1
    print(*told(report), sep="\n")
    return 0


def run(body: ImportSeason) -> ImportReport:
    """Round after round until everything is in. Raises CatalogError; waits for an organiser that is on its way."""
    began = time.monotonic()
    while True:
        try:
            with deadline.within(ROUND_SECONDS):
                report = use_cases.import_season(body, clock.now(), _seconds_left)
        except domain.OrganiserNotKnownYet:
            if time.monotonic() - began > WAIT_SECONDS_MAX:
                raise
            time.sleep(0.25)
            continue
        if report.complete:
            return report


def _seconds_left() -> float:
    return deadline.ends_at() - time.monotonic()


def told(report: ImportReport) -> list[str]:
    """The report as a person reads it."""
    lines = [
        f"{report.concerts} concerts of {report.programs} programmes, moved by {report.weeks_moved} weeks.",
        *(
            f"{what}: {tally.created} new, {tally.present} there before"
            for what, tally in (
                ("venues", report.venues),
                ("seat maps", report.seat_maps),
                ("series", report.series),
                ("events", report.events),
            )
        ),
    ]
    lines += [f"not published: {row.row} of programme {row.program_id}: {row.reason}" for row in report.unpublished]
    lines += [f"left out: {row.row} of programme {row.program_id}: {row.reason}" for row in report.unread]
    return lines


if __name__ == "__main__":
    sys.exit(main())
