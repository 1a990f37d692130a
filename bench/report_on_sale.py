"""The part of the report that is about the on-sale: the product beside the bare writes, and all of a sale."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from bench.figures import Report, Round, Whole, medians, slowdown
from bench.tables import Row, markdown

BARE_WAYS: Final = ("botocore", "lean", "raw")
TARGETS: Final = "at most 1.5 times the time of the bare writes, own CPU at most 3 ms an order, 220 orders/s"

_ON_SALE: Final = """\
One event, two places an order, everything real and on this one machine: buyers, gateway with {workers} workers,
DynamoDB Local in memory with streams on, Valkey, the emulator. Every buyer comes once, with an access token nobody has
verified before and an Idempotency-Key, and sends `POST /v1/holds` and `POST /v1/orders`. Times are of both together.
Medians of {repeats} rounds; product and bare ways take turns. CPU is of the processes: *ours* is the gateway with its
workers, *buyers* the load generator, which shares the cores."""

_BARE: Final = """\
*Bare* is the same two writes, recorded as they leave the product, with other ids, blocks and slots, against the same
tables in the same run. Three clients do them, because what is fair to compare with depends on the question:

- *botocore*: AWS's own client, which signs, retries, checks and decodes, as every program in Python that uses DynamoDB
  has it; in as many processes as the gateway has workers.
- *lean*: the product's own way to DynamoDB alone (`shared/data/wire.py`), in as many processes. It signs, checks and
  decodes, too; what the product takes beyond it is HTTP, tokens, rules, Redis and log lines.
- *raw*: one process sends bytes that were made before the clock began; it signs nothing and reads the status alone.
  No client of DynamoDB itself could do that: the figure is what DynamoDB Local can take.

*Times* is how many times their time the product took, by the rates at the same number at once."""

_WHOLE: Final = """\
Hold, order, checkout, payment at the test provider, its webhook, and then every relay, queue and consumer of all
services until the order is confirmed, in real processes on this one machine: the gateway, the triggers of catalog,
orders, payments and reservations, those of the other services (*after*), the payment company. *Orders/s* is the number
of orders divided by the time from the first hold to the last confirmation, *bought* the time from a buyer's hold to the
payment, *confirmed* from there to the confirmed order: buyers come faster than these cores can confirm, so that most of
it is waiting in queues. CPU is counted until the last order is confirmed; tickets, mails and reports are under way
meanwhile, and take their share of it. Medians of {repeats} rounds."""


def on_sale_tables(report: Report) -> list[list[Row]]:
    """For the terminal."""
    return [_product(report), _bare(report), _wholes(report.wholes)]


def on_sale_section(report: Report) -> str:
    """For the page."""
    return f"""## On-sale: hold and order

![Orders a second, through the product and bare](benchmarks.svg)

{_ON_SALE.format(workers=report.workers, repeats=report.repeats)}

{markdown(_product(report))}

Targets: {TARGETS}.

### The same writes, bare

{_BARE}

{markdown(_bare(report))}

## Through to confirmed, with all triggers running

{_WHOLE.format(repeats=report.repeats)}

{markdown(_wholes(report.wholes))}
"""


def _product(report: Report) -> list[Row]:
    rounds = medians(report.rounds)
    if not rounds:
        return []
    head = (
        *("event", "at once", "orders/s", "p50 ms", "p99 ms", "busy"),
        *("ours CPU-ms", "DynamoDB Local", "Valkey", "buyers"),
        *(f"times {way}" for way in BARE_WAYS),
    )
    return [head, *(_product_row(each, rounds) for each in rounds if each.way == "product")]


def _product_row(made: Round, rounds: Sequence[Round]) -> Row:
    return (
        made.kind,
        str(made.buyers),
        f"{made.per_second:.0f}",
        f"{made.p50:.1f}",
        f"{made.p99:.1f}",
        str(made.busy),
        *(f"{made.cpu[name]:.2f}" for name in ("gateway", "dynamodb", "redis", "buyers")),
        *(f"{slowdown(rounds, made, way):.2f}" for way in BARE_WAYS),
    )


def _bare(report: Report) -> list[Row]:
    rounds = medians(report.rounds)
    if not rounds:
        return []
    head = ("event", "at once", "client", "orders/s", "p50 ms", "p99 ms", "client CPU-ms", "DynamoDB Local")
    return [
        head,
        *(
            (
                each.kind,
                str(each.buyers),
                each.way,
                f"{each.per_second:.0f}",
                f"{each.p50:.1f}",
                f"{each.p99:.1f}",
                f"{each.cpu['buyers']:.2f}",
                f"{each.cpu['dynamodb']:.2f}",
            )
            for each in rounds
            if each.way in BARE_WAYS
        ),
    ]


def _wholes(wholes: Sequence[Whole]) -> list[Row]:
    if not wholes:
        return []
    names = [name for name in wholes[0].cpu if name != "buyers"]
    head = (
        *("at once", "orders", "seconds", "until all had paid", "orders/s", "bought p50 ms", "p99 ms"),
        *("confirmed p50 ms", "p99 ms", *(f"{name} CPU-ms" for name in names)),
    )
    rows: list[Row] = [head]
    for buyers in sorted({each.buyers for each in wholes}):
        group = [each for each in wholes if each.buyers == buyers]

        def median(name: str, group: Sequence[Whole] = group) -> float:
            return float(statistics.median(getattr(each, name) for each in group))

        rows.append(
            (
                *(str(buyers), str(group[0].orders), f"{median('seconds'):.1f}", f"{median('selling_seconds'):.1f}"),
                *(f"{median('per_second'):.1f}", f"{median('bought_p50'):.0f}", f"{median('bought_p99'):.0f}"),
                *(f"{median('confirmed_p50'):.0f}", f"{median('confirmed_p99'):.0f}"),
                *(f"{statistics.median(each.cpu[name] for each in group):.1f}" for name in names),
            )
        )
    return rows
