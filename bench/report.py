"""The report: a table for the screen, JSON for machines, a page with a picture for the documents."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Cost, Machine, Report, Round, Rush, medians, slowdown
from bench.picture import picture
from runtime.provisioning import ROOT

_JSON: Final = Path("build/bench.json")
_PAGE: Final = Path("docs/benchmarks.md")
_PICTURE: Final = Path("docs/benchmarks.svg")

# Above this somebody else is at work.
_IDLE_LOAD_MAX: Final = 0.5

Row = Sequence[str]


def write(report: Report) -> list[Path]:
    """Writes all three files; answers their paths from the repository's root."""
    (ROOT / _JSON).parent.mkdir(exist_ok=True)
    (ROOT / _JSON).write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    (ROOT / _PICTURE).write_text(picture(medians(report.rounds)), encoding="utf-8")
    (ROOT / _PAGE).write_text(_page(report), encoding="utf-8")
    return [_JSON, _PAGE, _PICTURE]


def summary(report: Report) -> str:
    """The tables for a terminal."""
    parts = [_aligned(rows) for rows in (_on_sale(report), _rushes(report.rushes), *_cost_tables(report.costs)) if rows]
    return "\n\n".join(parts)


def _page(report: Report) -> str:
    machine = report.machine
    return f"""# Benchmarks

`make bench` wrote this page and [its picture](benchmarks.svg); the same figures are in `build/bench.json`. Nothing here
is a test: a slow machine is not a failure. A place sold twice is, and ends the run.

Machine: {machine.processor}, {machine.cores} cores, {machine.memory_gb} GB, {machine.system}, Python {machine.python}.
Measured on {report.at}. Load average before the start: {machine.load_before}.{_shared(machine)}

## On-sale: hold and order

![Orders a second, through the product and bare](benchmarks.svg)

One event, two places an order, everything real and on this one machine: buyers, gateway with {report.workers} workers,
DynamoDB Local in memory with streams on, Valkey, the emulator. Every buyer comes once, with an access token nobody has
verified before and an Idempotency-Key, and sends `POST /v1/holds` and `POST /v1/orders`. Times are of both together.
*Bare* is the same two writes (recorded from the product) driven against the same tables by a client that signs nothing,
retries nothing and reads only the status. Medians of {report.repeats} rounds; product and bare take turns. CPU is of
the processes: *ours* is the gateway with its workers, *buyers* the load generator, which shares the cores.

{_markdown(_on_sale(report))}

Targets: at most 1.5 times the time of the bare writes, own CPU at most 3 ms an order, 220 orders/s.

## The last places

{_rush_text(report.rushes)}

A look at every block is remembered for some seconds, so late ones may still hear `all-held` where by now `sold-out` is
true. *Busy* is "try again in a moment", after which the buyer did, after 50 ms; the time counts.

{_markdown(_rushes(report.rushes))}

## What an order costs

Averages over the orders of one event after the first, through the use cases of one process with Redis up. Table writes
are DynamoDB's write units for base tables, index writes those of the `listing` index; a call is a request that waits
for its answer. CPU is of the use case alone, without HTTP. Queues, relays, payments and tickets come on top. The budget
is 4 table writes for hold, order, paid and places sold.

{(chr(10) * 2).join(_markdown(table) for table in _cost_tables(report.costs))}

A sold-out event's first loser looks at every block once for everybody; who comes later is told from Redis or from the
process's memory. An Idempotency-Key costs its look-up and its clearing in Redis.
"""


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


def _on_sale(report: Report) -> list[Row]:
    rounds = medians(report.rounds)
    if not rounds:
        return []
    head = (
        *(
            "event",
            "at once",
            "orders/s",
            "p50 ms",
            "p99 ms",
            "busy",
            "ours CPU-ms",
            "DynamoDB Local",
            "Valkey",
            "buyers",
        ),
        *("bare/s", "bare p50", "bare p99", "DynamoDB Local bare", "times bare"),
    )
    bare = {(each.kind, each.buyers): each for each in rounds if each.way == "bare"}
    return [head, *(_on_sale_row(each, bare[each.kind, each.buyers], rounds) for each in rounds if each.way != "bare")]


def _on_sale_row(made: Round, bare: Round, rounds: Sequence[Round]) -> Row:
    return (
        made.kind,
        str(made.buyers),
        f"{made.per_second:.0f}",
        f"{made.p50:.1f}",
        f"{made.p99:.1f}",
        str(made.busy),
        f"{made.cpu['gateway']:.2f}",
        f"{made.cpu['dynamodb']:.2f}",
        f"{made.cpu['redis']:.2f}",
        f"{made.cpu['buyers']:.2f}",
        f"{bare.per_second:.0f}",
        f"{bare.p50:.1f}",
        f"{bare.p99:.1f}",
        f"{bare.cpu['dynamodb']:.2f}",
        f"{slowdown(rounds, made):.2f}",
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


def _cost_tables(costs: Sequence[Cost]) -> list[list[Row]]:
    figures = ("table writes", "index writes", "reads", "DynamoDB calls", "Redis calls", "CPU-ms")
    orders = [cost for cost in costs if "loser" not in cost.step]
    losers = [cost for cost in costs if "loser" in cost.step]
    tables: list[list[Row]] = []
    if orders:
        first: Row = ("event", "places", "an order", "step", *figures)
        tables.append([first, *(row for group in _grouped(orders) for row in _order_rows(group))])
    if losers:
        rows: list[Row] = [("sold out, places", "who", *figures)]
        tables.append(rows + [(f"{cost.capacity:,}", cost.step, *_cost_figures([cost])) for cost in losers])
    return tables


def _grouped(costs: Sequence[Cost]) -> list[list[Cost]]:
    groups: dict[tuple[str, int, int], list[Cost]] = {}
    for cost in costs:
        groups.setdefault((cost.kind, cost.capacity, cost.places), []).append(cost)
    return list(groups.values())


def _order_rows(group: Sequence[Cost]) -> list[Row]:
    one = group[0]
    lead = (one.kind, f"{one.capacity:,}", str(one.places))
    rows: list[Row] = [(*lead, cost.step, *_cost_figures([cost])) for cost in group]
    budgeted = [cost for cost in group if cost.step != "order confirmed"]
    return [
        *rows,
        (*lead, "hold to places sold", *_cost_figures(budgeted)),
        (*lead, "all", *_cost_figures(group)),
    ]


def _cost_figures(costs: Sequence[Cost]) -> Row:
    return tuple(
        f"{sum(getattr(cost, name) for cost in costs):.2f}"
        for name in ("table_writes", "index_writes", "reads", "dynamodb_calls", "redis_calls", "cpu_ms")
    )


def _aligned(rows: Sequence[Row]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _markdown(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)
