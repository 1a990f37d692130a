"""What an order of two places next to each other costs in DynamoDB's units, step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.data import consumed
from tests.saga.box_office import BoxOffice
from tests.saga.company import Company
from tests.saga.mill import Mill, Parcel
from tests.saga.world import World

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def cost(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What the work answers, and the units it wrote and read on base tables and indexes."""
    with consumed() as count:
        answer = work()
    return answer, {
        "table_writes": count.writes - count.index_writes,
        "index_writes": count.index_writes,
        "reads": count.reads,
        "requests": count.requests,
    }


@pytest.mark.parametrize("places", [2, 8])
def test_hold_order_paid_and_confirm_write_four_units_on_base_tables(
    office: BoxOffice, mill: Mill, company: Company, places: int
) -> None:
    world = World(office, mill, company, office.event(seats=16), 16)
    # The first hold of an event loads what later ones find in the process.
    office.hold(world.event, office.buyer(), quantity=1)
    buyer = office.buyer()
    steps: dict[str, dict[str, float]] = {}
    basket, steps["hold"] = cost(lambda: office.hold(world.event, buyer, quantity=places))
    order, steps["order"] = cost(lambda: office.order(basket))
    payment, steps["open checkout"] = cost(lambda: office.open_checkout(basket, order))
    world.orders[order["order_id"]] = basket, payment["payment_id"]
    company.pay(payment["checkout_url"])
    company.wait_until_told()
    webhook = company.webhooks.popleft()
    _, steps["webhook"] = cost(lambda: office.take_webhook(webhook))
    while parcels := mill.collect():
        for parcel in parcels:
            _, steps[step_of(parcel)] = cost(lambda parcel=parcel: mill.deliver(parcel))  # type: ignore[misc]
    assert world.check() == ["confirmed"]
    path = {name: steps[name]["table_writes"] for name in ("hold", "order", "paid", "confirm")}
    assert path == {"hold": 1, "order": 1, "paid": 1, "confirm": 1}, steps
    report = ROOT / "build" / f"cost-of-an-order-{places}.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps(steps, indent=2))


def step_of(parcel: Parcel) -> str:
    """The step a message makes its consumer take, in the words of the budget where it has some."""
    return {
        "payments.payment_succeeded.v1 to orders": "paid",
        "orders.order_paid.v1 to reservations": "confirm",
    }.get(repr(parcel), repr(parcel))
