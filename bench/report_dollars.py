"""The report's part about dollars."""

from __future__ import annotations

from bench import prices
from bench.dollars import Dollars
from bench.tables import Row, markdown


def dollar_tables(made: Dollars | None) -> list[list[Row]]:
    """What 1,000 tickets take, and months of several sizes."""
    if made is None:
        return []
    shares: list[Row] = [("for 1,000 tickets", "units", "dollars")]
    shares += [(share.name, f"{share.units:,.0f}", f"{share.dollars:.4f}") for share in made.shares]
    shares.append(("sum", "", f"{made.thousand:.4f}"))
    months: list[Row] = [
        ("tickets a month", "serverless $", "for 1,000 $", "always on $", "for 1,000 $", "always on / serverless")
    ]
    for volume in made.volumes:
        thousands = volume.tickets / 1000
        months.append(
            (
                f"{volume.tickets:,}",
                f"{volume.serverless:,.2f}",
                f"{volume.serverless / thousands:,.3f}",
                f"{volume.always_on:,.2f}",
                f"{volume.always_on / thousands:,.3f}",
                f"{volume.always_on / volume.serverless:.1f}",
            )
        )
    return [shares, months]


def dollars_section(made: Dollars | None) -> str:
    """The section of the page."""
    if made is None:
        return ""
    shares, months = dollar_tables(made)
    return f"""## What 1,000 tickets cost in dollars

Units are measured on a whole sale, {made.places_an_order} tickets an order, from the hold to the mail; prices are the
{prices.SOURCE}, without any free tier (`bench/prices.py`). Functions have the memory that prod gives them; their time
is the measured CPU, {prices.INVOCATION_CPU_MS:.0f} ms for an invocation, and waits of
{prices.DYNAMODB_WAIT_MS:.0f} ms for a call of DynamoDB and {prices.REDIS_WAIT_MS:.0f} ms for one of Redis, which are
assumptions. Every record of a stream and every message is reckoned as a call of its own, as in a quiet month; in a rush
up to a hundred share one.

{markdown(shares)}

What runs while nobody buys, a month: {_sum_of(made.serverless_month)}.
The set-up that always runs, by assumed sizes and prices: {_sum_of(made.always_on_month)}.

{markdown(months)}

The always-on set-up is cheaper from {made.break_even:,.0f} tickets a month on, if its two tasks stand the load: it has
to be sized for the minute of the on-sale, and this one is not. Left out on both sides: the payment company's fee, data
transfer, logs, alarms, secrets, names, and the crowd that only looks, which a CDN serves ($1 a million requests).
"""


def _sum_of(parts: dict[str, float]) -> str:
    each = ", ".join(f"{name} ${dollars:,.2f}" for name, dollars in parts.items())
    return f"{each}; together ${sum(parts.values()):,.2f}"
