"""What is called flat is flat: the verdicts over costs that are made up."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bench.figures import Cost
from bench.flatness import flatness, losers_flatness, seats_alike, spread
from bench.report_costs import costs_section


def cost(capacity: int, sold: int = 0, step: str = "hold", **figures: float) -> Cost:
    zero = {"table_writes": 1.0, "index_writes": 0.0, "reads": 0.0, "dynamodb_calls": 1.0, "redis_calls": 2.0}
    made = {"cpu_ms": 1.0, "dynamodb_bytes": 1000.0, "redis_bytes": 500.0, "script_us": 100.0, **zero, **figures}
    return Cost(kind="general", capacity=capacity, places=2, sold=sold, step=step, **made)


def verdict(costs: list[Cost], figure: str) -> str:
    (found,) = [each for each in flatness(costs) if each.figure == figure]
    return found.verdict


@pytest.mark.parametrize(
    ("values", "share"),
    [([2.0, 2.0], 0.0), ([2.0, 2.1], 0.05), ([0.0, 0.0], 0.0), ([0.0, 1.0], float("inf")), ([], 0.0)],
)
def test_a_spread_is_how_much_the_largest_is_above_the_smallest(values: list[float], share: float) -> None:
    assert spread(values) == pytest.approx(share)


def test_what_grows_with_the_event_is_not_flat_and_what_grows_with_what_is_sold_says_so() -> None:
    costs = [
        cost(100, cpu_ms=1.0, reads=0.0, dynamodb_bytes=1000),
        cost(1_000_000, cpu_ms=1.2, reads=0.0, dynamodb_bytes=1010),
        cost(100, 50, cpu_ms=1.0, reads=0.0, dynamodb_bytes=1500),
        cost(1_000_000, 500_000, cpu_ms=1.2, reads=0.0, dynamodb_bytes=1510),
    ]
    assert verdict(costs, "CPU-ms") == "no"
    assert verdict(costs, "DynamoDB bytes") == "over sizes"
    assert verdict(costs, "table writes") == verdict(costs, "reads") == "yes"


def test_the_steps_of_an_order_are_added_before_they_are_compared() -> None:
    costs = [cost(100), cost(100, step="order"), cost(10_000, table_writes=2.0), cost(10_000, step="order")]
    (writes, *_) = flatness(costs)
    assert writes.values == {(100, 0): 2.0, (10_000, 0): 3.0}
    assert writes.over_sizes == 0.5


def test_losers_and_seats_are_judged_by_themselves() -> None:
    assert losers_flatness([cost(100, step="loser", redis_calls=2.0), cost(10_000, step="loser", redis_calls=3.0)]) == {
        "loser": 0.5
    }
    one = replace(cost(2200), kind="seated", places=1)
    eight = replace(one, places=8)
    dearer = replace(eight, table_writes=2.0)
    assert seats_alike([one, eight]) is True
    assert seats_alike([one, dearer]) is False
    assert seats_alike([one]) is None


def test_the_page_says_what_is_not_flat() -> None:
    page = costs_section([cost(100, cpu_ms=1.0), cost(1_000_000, cpu_ms=2.0)])
    assert "Not flat within 5 %: CPU-ms (100.0 %)." in page
    assert "Flat within 5 % over all sizes, empty or half sold: table writes" in page
