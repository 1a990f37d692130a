"""The report's part about what the kit costs a request."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Overhead
from bench.tables import Row, markdown


def overhead_table(made: Sequence[Overhead]) -> list[Row]:
    """Each request, through the kit and through a bare Chalice route."""
    if not made:
        return []
    rows: list[Row] = [("request", "kit CPU-µs", "bare Chalice CPU-µs", "ratio", "target", "body bytes")]
    for one in made:
        target = "" if one.target is None else f"≤ {one.target:.1f}"
        figures = (f"{one.kit_us:.0f}", f"{one.bare_us:.0f}", f"{one.ratio:.2f}", target, f"{one.body_bytes:,}")
        rows.append((one.request, *figures))
    return rows


def overhead_section(made: Sequence[Overhead]) -> str:
    """The section of the page."""
    if not made:
        return ""
    first = made[0]
    return f"""## What the kit costs a request

CPU of this process for one request, the way from API Gateway's event to the answer. *Kit* is a route of a service with
all that comes with it: reading and checking, roles and scopes, throttle, cache, problem documents, CORS, ETag, the log
line with its metrics. *Bare* is a Chalice route as it comes, which answers the same body out of memory, checks nothing
and logs nothing. The read is an event's page in catalog, from Redis; the write is declared as `POST /v1/holds` is, with
everything but the hold itself. Tokens are verified by neither: the authorizer has done it before. Medians of
{first.rounds} rounds of {first.requests} requests; both ways take turns.

{markdown(overhead_table(made))}
"""
