"""How fair the waiting room is, in figures: `python -m bench.fairness` simulates an on-sale of 100,000 people.

It uses the product's own rules on a virtual clock (see `bench.waiters`) and takes some seconds. The same figures are
asserted, with their controls, in `tests/property/reservations/test_fairness.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.waiters import OnSale, Outcome, Plan

COHORTS: Final = 20
BINS: Final = 50


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run.

    `uniformity_p` is the chance of ranks as uneven as these over the order of arrival; `inversion_seconds` the longest
    time by which somebody came earlier and was served later (0: nobody). `polls` are of everybody, and
    `origin_requests_per_second_max` is of one edge location.
    """

    people: int
    uniformity_p: float
    inversion_seconds: float
    polls: int
    origin_requests: int
    origin_requests_per_second_max: int
    passes_per_second: float
    rate_max: float
    no_show: float


def fairness(outcome: Outcome, plan: Plan) -> Fairness:
    """The figures of a run."""
    return Fairness(
        people=len(outcome.arrived),
        uniformity_p=uniformity(outcome.ranks[: outcome.early]),
        inversion_seconds=longest_inversion(outcome.arrived[outcome.early :], outcome.served[outcome.early :]),
        polls=outcome.polls,
        origin_requests=sum(map(len, outcome.asked)),
        origin_requests_per_second_max=max(most_within(times, 1.0) for times in outcome.asked),
        passes_per_second=steady_rate(outcome),
        rate_max=plan.rate_max,
        no_show=plan.no_show,
    )


def uniformity(ranks: Sequence[int]) -> float:
    """How likely ranks as uneven as these are, if the order of arrival says nothing about the rank.

    A chi-square test of independence: the arrivals in equal cohorts by time, their ranks in equal bins.
    """
    count = max(ranks) + 1
    table = [[0] * BINS for _ in range(COHORTS)]
    for position, place in enumerate(ranks):
        table[position * COHORTS // len(ranks)][place * BINS // count] += 1
    columns = [sum(row[column] for row in table) for column in range(BINS)]
    statistic = 0.0
    for row in table:
        for seen, column in zip(row, columns, strict=True):
            expected = sum(row) * column / len(ranks)
            statistic += (seen - expected) ** 2 / expected
    return chi_square_p(statistic, (COHORTS - 1) * (BINS - 1))


def chi_square_p(statistic: float, freedom: int) -> float:
    """The chance of a chi-square as large or larger, by Wilson and Hilferty's approximation."""
    spread = 2 / (9 * freedom)
    score = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(score / math.sqrt(2))


def longest_inversion(arrived: Sequence[float], served: Sequence[float]) -> float:
    """The longest time by which somebody came earlier than somebody else and was served later than they."""
    longest = 0.0
    people = sorted(zip(served, arrived, strict=True))
    latest_arrival, position = -math.inf, 0
    while position < len(people):
        # All who were served at the same moment are served together: none of them before another.
        group: list[float] = []
        end = position
        while end < len(people) and people[end][0] == people[position][0]:
            group.append(people[end][1])
            end += 1
        longest = max(longest, latest_arrival - min(group))
        latest_arrival = max(latest_arrival, *group)
        position = end
    return longest


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of the times (in order) that lie within so many seconds, the end not included."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def steady_rate(outcome: Outcome) -> float:
    """Passes claimed a second, over the middle half of them."""
    total, so_far, seconds, claims = outcome.claims, 0, 0, 0
    for second in sorted(outcome.claimed_by_second):
        so_far += outcome.claimed_by_second[second]
        if 0.25 * total < so_far <= 0.75 * total:
            seconds += 1
            claims += outcome.claimed_by_second[second]
    return claims / seconds if seconds else 0.0


def main() -> None:
    """Runs it and prints the figures."""
    plan = Plan()
    found = fairness(OnSale(plan).run(), plan)
    for name, value in msgspec.structs.asdict(found).items():
        text = f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"
        print(f"{name.replace('_', ' '):35}{text:>12}")


if __name__ == "__main__":
    main()
