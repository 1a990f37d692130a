"""What 1,000 tickets cost in dollars, from a measured sale and the price list, against a set-up that always runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from bench import prices
from bench.whole_sale import Step

ROOT: Final = Path(__file__).resolve().parent.parent
TICKETS_A_MONTH: Final = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# The messages of a sale that goes well. Who hears them stands in contracts/catalog.yaml.
MESSAGES: Final = (
    "payments.payment_succeeded.v1",
    "orders.order_paid.v1",
    "reservations.hold_confirmed.v1",
    "orders.order_confirmed.v1",
    "tickets.tickets_issued.v1",
)
_HTTP: Final = ("hold", "order", "checkout opened", "webhook")
_STREAMED: Final = ("reservations", "orders", "payments", "tickets")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of cost of 1,000 tickets: how many units, in dollars."""

    name: str
    units: float
    dollars: float


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A month with so many tickets, in dollars."""

    tickets: int
    serverless: float
    always_on: float


class Dollars(msgspec.Struct, frozen=True, kw_only=True):
    """The reckoning. `break_even` is the number of tickets a month from which the set-up that always runs is cheaper,
    as long as it stands the load.
    """

    places_an_order: int
    shares: list[Share]
    thousand: float
    serverless_month: dict[str, float]
    always_on_month: dict[str, float]
    volumes: list[Volume]
    break_even: float


def dollars(steps: Sequence[Step], places_an_order: int, root: Path = ROOT) -> Dollars:
    """Reckons a sale of so many places, as `whole_sale` measured it."""
    catalog = yaml.safe_load((root / "contracts" / "catalog.yaml").read_text(encoding="utf-8"))["messages"]
    orders = 1000 / places_an_order
    shares = [
        Share(name=name, units=orders * units, dollars=orders * units * price)
        for name, units, price in _units(steps, catalog, root)
    ]
    thousand = sum(share.dollars for share in shares)
    queues = {queue for message in catalog.values() for queue in message["queues"]}
    idle = {
        **prices.SERVERLESS_MONTH,
        f"SQS, {len(queues)} queues that are asked while empty": (
            len(queues) * prices.POLLS_A_QUEUE_MONTH * prices.SQS_REQUEST
        ),
    }
    mails = orders * prices.SES_MAIL
    running, resting = sum(prices.ALWAYS_ON_MONTH.values()), sum(idle.values())
    return Dollars(
        places_an_order=places_an_order,
        shares=shares,
        thousand=thousand,
        serverless_month=idle,
        always_on_month=dict(prices.ALWAYS_ON_MONTH),
        volumes=[
            Volume(
                tickets=tickets,
                serverless=resting + tickets / 1000 * thousand,
                always_on=running + tickets / 1000 * mails,
            )
            for tickets in TICKETS_A_MONTH
        ],
        break_even=1000 * (running - resting) / (thousand - mails),
    )


def _units(steps: Sequence[Step], catalog: Mapping[str, Any], root: Path) -> list[tuple[str, float, float]]:
    """Name, units of one order, price of a unit."""
    deliveries = sum(len(catalog[message]["queues"]) for message in MESSAGES)
    records = sum(
        touch.write and not touch.index and touch.table in _STREAMED for step in steps for touch in step.touches
    )
    requests = len(_HTTP) + prices.LOOKS_AN_ORDER
    invocations = requests + prices.AUTHORIZERS_AN_ORDER + records + deliveries
    return [
        ("DynamoDB writes, indexes too", sum(s.table_writes + s.index_writes for s in steps), prices.DYNAMODB_WRITE),
        ("DynamoDB reads", sum(step.reads for step in steps) + prices.LOOKS_AN_ORDER, prices.DYNAMODB_READ),
        ("API Gateway requests", requests, prices.API_GATEWAY_REQUEST),
        ("Lambda invocations", invocations, prices.LAMBDA_REQUEST),
        ("Lambda GB-seconds", _gb_seconds(steps, records, root), prices.LAMBDA_GB_SECOND),
        ("SNS messages", len(MESSAGES), prices.SNS_PUBLISH),
        # Put in, received, deleted: each a request of its own, which batches make fewer.
        ("SQS requests", 3 * deliveries, prices.SQS_REQUEST),
        ("mails", 1, prices.SES_MAIL),
        ("S3: a PDF put", 1, prices.S3_PUT),
        ("S3: a PDF read", 2, prices.S3_GET),
    ]


def _gb_seconds(steps: Sequence[Step], records: int, root: Path) -> float:
    total = 0.0
    for step in steps:
        function = "http" if step.name in _HTTP else "consume"
        wait = step.dynamodb_calls * prices.DYNAMODB_WAIT_MS + step.redis_calls * prices.REDIS_WAIT_MS
        wait += prices.OUTSIDE_WAIT_MS.get(step.name, 0.0)
        memory = memory_mb(step.service, function, root)
        total += _billed(memory, step.cpu_ms + prices.INVOCATION_CPU_MS, wait)
    # Reporting hears of a confirmed order and writes to its database, which is a wait like any other.
    reporting = memory_mb("reporting", "consume", root)
    total += _billed(reporting, prices.INVOCATION_CPU_MS, prices.DYNAMODB_WAIT_MS)
    look = memory_mb("orders", "http", root)
    look_cpu = prices.LOOK_CPU_MS + prices.INVOCATION_CPU_MS
    total += prices.LOOKS_AN_ORDER * _billed(look, look_cpu, prices.DYNAMODB_WAIT_MS)
    small = memory_mb("orders", "relay", root)
    total += prices.AUTHORIZERS_AN_ORDER * _billed(small, prices.AUTHORIZER_CPU_MS + prices.INVOCATION_CPU_MS, 0.0)
    total += records * _billed(small, prices.RELAY_CPU_MS, 0.0) + len(MESSAGES) * _billed(
        small, prices.RELAY_CPU_MS, prices.PUBLISH_WAIT_MS
    )
    return total


def _billed(memory: int, cpu_ms: float, wait_ms: float) -> float:
    """GB-seconds of one invocation: a small function has a share of a core, and milliseconds are begun ones."""
    milliseconds = math.ceil(cpu_ms * max(1.0, prices.MEMORY_MB_OF_A_CORE / memory) + wait_ms)
    return memory / 1024 * milliseconds / 1000


def memory_mb(service: str, function: str, root: Path = ROOT) -> int:
    """The memory a function of a service has in prod. All routes of a service are the one function `http`."""
    prod = json.loads((root / ".chalice" / service / "config.json").read_text(encoding="utf-8"))["stages"]["prod"]
    return int(prod.get("lambda_functions", {}).get(function, prod).get("lambda_memory_size", 128))
