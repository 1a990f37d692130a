"""The report: a table for the screen, JSON for machines, a page with a picture for the documents."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Machine, Report, Rush, medians
from bench.picture import picture
from bench.report_costs import cost_tables, costs_section, flatness_words
from bench.report_dollars import dollar_tables, dollars_section
from bench.report_heat import heat_section, heat_tables
from bench.report_on_sale import on_sale_section, on_sale_tables
from bench.report_overhead import overhead_section, overhead_table
from bench.tables import Row, aligned, markdown
from runtime.provisioning import ROOT

_JSON: Final = Path("build/bench.json")
_PAGE: Final = Path("docs/benchmarks.md")
_PICTURE: Final = Path("docs/benchmarks.svg")

# Above this somebody else is at work.
_IDLE_LOAD_MAX: Final = 0.5


def write(report: Report) -> list[Path]:
    """Writes all three files; answers their paths from the repository's root."""
    (ROOT / _JSON).parent.mkdir(exist_ok=True)
    (ROOT / _JSON).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    (ROOT / _PICTURE).write_text(picture(medians(report.rounds)), encoding="utf-8")
    (ROOT / _PAGE).write_text(_page(report), encoding="utf-8")
    return [_JSON, _PAGE, _PICTURE]


def summary(report: Report) -> str:
    """The tables for a terminal."""
    tables = [*on_sale_tables(report), _rushes(report.rushes), *cost_tables(report.costs)]
    tables += [*heat_tables(report.heat), *dollar_tables(report.dollars), overhead_table(report.overheads)]
    parts = [aligned(rows) for rows in tables if rows]
    if report.costs:
        parts.append(flatness_words(report.costs))
    return "\n\n".join(parts)


def _page(report: Report) -> str:
    machine = report.machine
    return f"""# Benchmarks

`make bench` wrote this page and [its picture](benchmarks.svg); the same figures are in `build/bench.json`. Nothing here
is a test: a slow machine is not a failure. A place sold twice is, and ends the run.

Machine: {machine.processor}, {machine.cores} cores, {machine.memory_gb} GB, {machine.system}, Python {machine.python}.
Measured on {report.at}. Load average before the start: {machine.load_before}.{_shared(machine)}

{on_sale_section(report)}
## The last places

{_rush_text(report.rushes)}

A look at every block is remembered for some seconds, so late ones may still hear `all-held` where by now `sold-out` is
true. *Busy* is "try again in a moment", after which the buyer did, after 50 ms; the time counts.

{markdown(_rushes(report.rushes))}

{costs_section(report.costs)}
{heat_section(report.heat)}
{dollars_section(report.dollars)}
{overhead_section(report.overheads)}"""


def _shared(machine: Machine) -> str:
    if machine.load_before < _IDLE_LOAD_MAX:
        return ""
    return (
        "\n**The machine was shared: other programs were at work on its cores.** Rates and times are worse than on an\n"
        "idle one, and vary from round to round; counts, units and calls do not."
    )


def _rush_text(rushes: Sequence[Rush]) -> str:
    if not rushes:
        return ""
    sold = sorted({rush.sold for rush in rushes})
    answers = ", ".join(sorted({answer for rush in rushes for answer in rush.answers if answer != "ordered"}))
    late = ", ".join(sorted({answer for rush in rushes for answer in rush.late_answers}))
    return (
        f"{rushes[0].buyers} buyers at once, each over a connection of their own, for {rushes[0].places} general "
        f"places, {len(rushes)} times.\nPlaces sold by what the table says at the end: {', '.join(map(str, sold))} of "
        f"{rushes[0].places} each time, none twice.\nLosers heard: {answers}. When all was paid, late ones heard: "
        f"{late}."
    )


def _rushes(rushes: Sequence[Rush]) -> list[Row]:
    if not rushes:
        return []

    def figures(name: str, of: Callable[[Rush], float], digits: int) -> Row:
        values = [of(rush) for rush in rushes]
        return (name, *(f"{each:.{digits}f}" for each in (min(values), statistics.median(values), max(values))))

    return [
        ("of each rush", "least", "median", "most"),
        figures("places sold", lambda rush: rush.sold, 0),
        figures("places sold twice", lambda rush: rush.sold_twice, 0),
        figures("seconds until everybody knew", lambda rush: rush.seconds, 2),
        figures("busy answers", lambda rush: rush.busy, 0),
        figures("losers, p50 ms", lambda rush: rush.losers_p50, 0),
        figures("losers, p99 ms", lambda rush: rush.losers_p99, 0),
        figures("late ones, 8 at once, p50 ms", lambda rush: rush.late_p50, 1),
        figures("late ones, 8 at once, p99 ms", lambda rush: rush.late_p99, 1),
    ]
