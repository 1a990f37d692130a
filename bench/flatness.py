"""Whether an order costs the same in a small event and a large one, at its beginning and half sold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from bench.figures import Cost

# So much may the dearest be above the cheapest and still be called flat.
FLAT_WITHIN: Final = 0.05
FIGURES: Final = {
    "table_writes": "table writes",
    "index_writes": "index writes",
    "reads": "reads",
    "dynamodb_calls": "DynamoDB calls",
    "redis_calls": "Redis calls",
    "dynamodb_bytes": "DynamoDB bytes",
    "redis_bytes": "Redis bytes",
    "script_us": "Valkey's scripts, µs",
    "cpu_ms": "CPU-ms",
}


class Flatness(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a whole order over events of several sizes. A spread is how much the dearest is above the cheapest.

    `values` are by (capacity, sold), `over_sizes` the larger of the spreads among events that are equally full, and
    `over_all` the one among all of them.
    """

    figure: str
    values: dict[tuple[int, int], float]
    over_sizes: float
    over_all: float

    @property
    def verdict(self) -> str:
        """In a word, and never better than it is."""
        if self.over_all <= FLAT_WITHIN:
            return "yes"
        return "over sizes" if self.over_sizes <= FLAT_WITHIN else "no"


def spread(values: Sequence[float]) -> float:
    """How much the largest is above the smallest, as a share of that; 0 for nothing but zeros."""
    if not max(values, default=0):
        return 0.0
    return max(values) / min(values) - 1 if min(values) else float("inf")


def flatness(costs: Sequence[Cost]) -> list[Flatness]:
    """Every figure of an order of general places, from the hold to the confirmed order."""
    orders = [cost for cost in costs if cost.kind == "general" and "loser" not in cost.step]
    cases = list(dict.fromkeys((cost.capacity, cost.sold) for cost in orders))
    made = []
    for name, title in FIGURES.items():
        values = {
            case: sum(getattr(cost, name) for cost in orders if (cost.capacity, cost.sold) == case) for case in cases
        }
        empty = [value for (_, sold), value in values.items() if not sold]
        begun = [value for (_, sold), value in values.items() if sold]
        made.append(
            Flatness(
                figure=title,
                values=values,
                over_sizes=max(spread(empty), spread(begun)),
                over_all=spread(list(values.values())),
            )
        )
    return made if cases else []


def losers_flatness(costs: Sequence[Cost]) -> dict[str, float]:
    """For those who come when all is sold and known to be: the largest spread of calls and units over the sizes."""
    found: dict[str, float] = {}
    for step in dict.fromkeys(cost.step for cost in costs if cost.step.startswith("loser")):
        same = [cost for cost in costs if cost.step == step]
        names = ("table_writes", "index_writes", "reads", "dynamodb_calls", "redis_calls", "dynamodb_bytes")
        found[step] = max(spread([getattr(cost, name) for cost in same]) for name in (*names, "redis_bytes"))
    return found


def seats_alike(costs: Sequence[Cost]) -> bool | None:
    """Whether one seat and several seats of a run take the same writes, step by step; None when that was not asked."""
    seated: dict[int, list[tuple[float, float]]] = {}
    for cost in costs:
        if cost.kind == "seated":
            seated.setdefault(cost.places, []).append((cost.table_writes, cost.index_writes))
    if len(seated) < 2:
        return None
    first, *others = seated.values()
    return all(other == first for other in others)
