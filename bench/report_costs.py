"""The report's part about what an order and a loser cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.figures import Cost
from bench.flatness import FLAT_WITHIN, flatness, losers_flatness, seats_alike
from bench.tables import Row, markdown

_FIGURES: Final = (
    ("table writes", "table_writes", 2),
    ("index writes", "index_writes", 2),
    ("reads", "reads", 2),
    ("DynamoDB calls", "dynamodb_calls", 2),
    ("Redis calls", "redis_calls", 2),
    ("DynamoDB bytes", "dynamodb_bytes", 0),
    ("Redis bytes", "redis_bytes", 0),
    ("CPU-ms", "cpu_ms", 2),
)


def cost_tables(costs: Sequence[Cost]) -> list[list[Row]]:
    """Every step of an order, how flat an order is, and the losers."""
    titles = tuple(title for title, _, _ in _FIGURES)
    orders = [cost for cost in costs if "loser" not in cost.step]
    losers = [cost for cost in costs if "loser" in cost.step]
    tables: list[list[Row]] = []
    if orders:
        first: Row = ("event", "places", "sold before", "an order", "step", *titles)
        tables.append([first, *(row for group in _grouped(orders) for row in _order_rows(group))])
        tables.append(_flatness_table(costs))
    if losers:
        rows: list[Row] = [("sold out, places", "who", *titles)]
        tables.append(rows + [(f"{cost.capacity:,}", cost.step, *_figures([cost])) for cost in losers])
    return tables


def costs_section(costs: Sequence[Cost]) -> str:
    """The section of the page."""
    if not costs:
        return ""
    return f"""## What an order costs

Averages over the orders of one event after the first, through the use cases of one process with Redis up; CPU is the
median of the use case alone, without HTTP. Table writes are DynamoDB's write units for base tables, index writes those
of the `listing` index; a call is a request that waits for its answer; bytes are of requests and answers, heads
included. Not in it is what a process reads again every five seconds for all its orders: the event as it is sold.
Queues, relays, payments and tickets come on top. The budget is 4 table writes for hold, order, paid and
places sold. Places sold before are spread over all blocks; those of the events with 100 places were measured on several
such events, or their few blocks would have filled up meanwhile.

{(chr(10) * 2).join(markdown(table) for table in cost_tables(costs))}

{flatness_words(costs)}

A sold-out event's first loser looks at every block once for everybody, a large pool in slices over several requests;
who comes later is told from Redis or from the process's memory. An Idempotency-Key costs its look-up and its clearing
in Redis.
"""


def flatness_words(costs: Sequence[Cost]) -> str:
    """What the figures come to, in sentences that are reckoned and not written."""
    made = flatness(costs)
    within = f"{100 * FLAT_WITHIN:.0f} %"
    said = []
    for verdict, words in (
        ("yes", f"Flat within {within} over all sizes, empty or half sold:"),
        ("over sizes", f"Flat within {within} over sizes, and more where blocks are fuller:"),
        ("no", f"Not flat within {within}:"),
    ):
        names = [
            each.figure if verdict == "yes" else f"{each.figure} ({_percent(each.over_all)})"
            for each in made
            if each.verdict == verdict
        ]
        if names:
            said.append(f"{words} {', '.join(names)}.")
    if (alike := seats_alike(costs)) is not None:
        said.append(f"One seat and eight seats of a run take {'the same' if alike else 'DIFFERENT'} writes.")
    for step, spread in losers_flatness(costs).items():
        said.append(f"A {step}: units, calls and bytes within {_percent(spread)} over the sizes.")
    return "\n".join(said)


def _flatness_table(costs: Sequence[Cost]) -> list[Row]:
    made = flatness(costs)
    if not made:
        return []
    cases = [f"{capacity:,}{', half sold' if sold else ''}" for capacity, sold in made[0].values]
    rows: list[Row] = [("a whole order, by places", *cases, "spread over sizes", "over all", "flat")]
    for each in made:
        values = (f"{value:.2f}" if value < 100 else f"{value:.0f}" for value in each.values.values())
        rows.append((each.figure, *values, _percent(each.over_sizes), _percent(each.over_all), each.verdict))
    return rows


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _grouped(costs: Sequence[Cost]) -> list[list[Cost]]:
    groups: dict[tuple[str, int, int, int], list[Cost]] = {}
    for cost in costs:
        groups.setdefault((cost.kind, cost.capacity, cost.places, cost.sold), []).append(cost)
    return list(groups.values())


def _order_rows(group: Sequence[Cost]) -> list[Row]:
    one = group[0]
    lead = (one.kind, f"{one.capacity:,}", f"{one.sold:,}", str(one.places))
    rows: list[Row] = [(*lead, cost.step, *_figures([cost])) for cost in group]
    budgeted = [cost for cost in group if cost.step != "order confirmed"]
    return [*rows, (*lead, "hold to places sold", *_figures(budgeted)), (*lead, "all", *_figures(group))]


def _figures(costs: Sequence[Cost]) -> Row:
    return tuple(f"{sum(getattr(cost, name) for cost in costs):.{digits}f}" for _, name, digits in _FIGURES)
