"""The reckoning in dollars: every unit of the sale is in it, at its price."""

from __future__ import annotations

import msgspec
import pytest

from bench import prices
from bench.dollars import MESSAGES, dollars, memory_mb
from bench.whole_sale import Step, Touch


def step(name: str, service: str, **figures: float) -> Step:
    write = Touch(table=service, key="a", units=1, write=True)
    index = msgspec.structs.replace(write, index=True)
    read = msgspec.structs.replace(write, write=False)
    made = {"table_writes": 1, "index_writes": 1, "reads": 1, "dynamodb_calls": 2, "redis_calls": 1, "cpu_ms": 1.0}
    return Step(name=name, service=service, touches=(write, index, read), **{**made, **figures})  # type: ignore[arg-type]


STEPS = [step("hold", "reservations"), step("order", "orders"), step("tickets issued", "tickets", cpu_ms=200.0)]


def units(name: str, steps: list[Step], places: int = 2) -> float:
    (share,) = [share for share in dollars(steps, places).shares if share.name == name]
    return share.units


def test_units_are_those_of_a_thousand_tickets() -> None:
    assert units("DynamoDB writes, indexes too", STEPS) == 500 * 6
    assert units("DynamoDB reads", STEPS) == 500 * (3 + prices.LOOKS_AN_ORDER)
    assert units("SNS messages", STEPS) == 500 * len(MESSAGES)
    # Of the five messages one is heard by two.
    assert units("SQS requests", STEPS) == 500 * 3 * 6
    assert units("DynamoDB writes, indexes too", STEPS, places=4) == 250 * 6


def test_more_work_costs_more_of_its_own_kind_alone() -> None:
    more = [*STEPS[:2], msgspec.structs.replace(STEPS[2], cpu_ms=400.0)]
    assert units("Lambda GB-seconds", more) - units("Lambda GB-seconds", STEPS) == pytest.approx(
        500 * 0.2 * memory_mb("tickets", "consume") / 1024
    )
    assert units("Lambda invocations", more) == units("Lambda invocations", STEPS)


def test_the_sum_is_the_sum_and_the_break_even_is_where_both_cost_the_same() -> None:
    made = dollars(STEPS, 2)
    assert made.thousand == pytest.approx(sum(share.dollars for share in made.shares))
    resting, running = sum(made.serverless_month.values()), sum(made.always_on_month.values())
    thousands = made.break_even / 1000
    mails = 500 * prices.SES_MAIL
    assert resting + thousands * made.thousand == pytest.approx(running + thousands * mails)
    assert [volume.tickets for volume in made.volumes] == sorted(volume.tickets for volume in made.volumes)
    for volume in made.volumes:
        assert (volume.serverless < volume.always_on) == (volume.tickets < made.break_even)


def test_functions_have_the_memory_that_prod_gives_them() -> None:
    assert memory_mb("reservations", "http") >= memory_mb("reservations", "authorize")
