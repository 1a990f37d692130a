"""What must be true of sales when nothing is left to do, looked up where each fact lives, past the services' own code.

Places come from the raw items of the blocks, money from the company's own statement, tickets and orders from what
their routes show.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from shared.ids import raw_bytes
from tests.saga.box_office import Basket, BoxOffice, Refused
from tests.saga.company import Company

Place = tuple[str, int, int]
_YEARS_AHEAD_SECONDS = 10 * 365 * 86_400


class Untrue(AssertionError):
    """Something that must always hold does not."""


@dataclass(frozen=True)
class Outcome:
    """How one order ended."""

    state: str
    total: int
    captured: int
    refunded: int
    valid_tickets: int
    places: frozenset[Place]


def sold_places(pool_id: str) -> dict[Place, bytes]:
    """Which places of a pool are sold, and to which hold, as the blocks' raw items say."""
    table = boto3.resource("dynamodb").Table(os.environ["RESERVATIONS_TABLE_NAME"])
    sold: dict[Place, bytes] = {}
    page: dict[str, Any] = {"ConsistentRead": True}
    while True:
        answer = table.scan(**page)
        items: list[dict[str, Any]] = list(answer["Items"])
        for item in items:
            kind, _, rest = str(item["pk"]).partition("#")
            owner, _, block = rest.rpartition("#")
            if kind != "block" or owner != pool_id:
                continue
            for name, value in item.items():
                if name[0] == "p" and name[1:].isdigit():
                    hold, until = value
                    if int(until) > datetime.now(UTC).timestamp() + _YEARS_AHEAD_SECONDS:
                        sold[pool_id, int(block), int(name[1:])] = bytes(hold)
        if "LastEvaluatedKey" not in answer:
            return sold
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def outcome_of(
    office: BoxOffice, company: Company, basket: Basket, payment_id: str | None, *, order_id: str
) -> Outcome:
    """How the order ended for its buyer."""
    order = office.call("orders", "GET", f"/v1/orders/{order_id}", person=basket.buyer)
    try:
        tickets = office.call("tickets", "GET", f"/v1/tickets?order_id={order_id}", person=basket.buyer)["items"]
    except Refused as refused:
        if refused.status != 404:
            raise
        tickets = []
    charges = company.charges(payment_id) if payment_id else []
    return Outcome(
        state=order["state"],
        total=order["total"]["amount"],
        captured=sum(charge["amount"] for charge in charges),
        refunded=sum(charge["refunded"] for charge in charges),
        valid_tickets=sum(1 for ticket in tickets if ticket["state"] == "issued"),
        places=frozenset((place["pool_id"], place["block"], place["slot"]) for place in order["places"]),
    )


def check(outcomes: dict[str, Outcome], pool_id: str, capacity: int) -> None:
    """Raises Untrue unless every paid order has its tickets or all its money back, and every place one owner at most.

    `outcomes` are all orders that were ever made for the pool, by order id.
    """
    sold = sold_places(pool_id)
    if len(sold) > capacity:
        raise Untrue(f"{len(sold)} places are sold, the pool has {capacity}")
    claimed: Counter[Place] = Counter()
    for order_id, outcome in outcomes.items():
        kept = outcome.captured - outcome.refunded
        if outcome.state == "confirmed":
            claimed.update(outcome.places)
            if outcome.total and (outcome.captured == 0 or kept <= 0):
                raise Untrue(f"{order_id} is confirmed and not paid: {outcome}")
            if not outcome.total and kept:
                raise Untrue(f"{order_id} costs nothing, and {kept} was kept for it: {outcome}")
            if outcome.valid_tickets != len(outcome.places):
                raise Untrue(f"{order_id} has {outcome.valid_tickets} tickets for {len(outcome.places)} places")
            if any(sold.get(place) != raw_bytes(order_id) for place in outcome.places):
                raise Untrue(f"{order_id} is confirmed, but its places are not its own")
        else:
            if kept != 0:
                raise Untrue(f"{order_id} is {outcome.state}, but {kept} of its money was kept: {outcome}")
            if outcome.valid_tickets:
                raise Untrue(f"{order_id} is {outcome.state}, but has tickets")
            if outcome.state not in ("refunded", "cancelled", "pending", "expired"):
                raise Untrue(f"{order_id} stopped half way, {outcome.state}")
            if (outcome.captured or not outcome.total) and outcome.state != "refunded":
                raise Untrue(f"{order_id} was paid and ended {outcome.state}")
    twice = [place for place, count in claimed.items() if count > 1]
    if twice:
        raise Untrue(f"sold twice: {twice}")
    if set(sold) != set(claimed):
        raise Untrue(f"sold to nobody: {set(sold) - set(claimed)}; not sold: {set(claimed) - set(sold)}")
