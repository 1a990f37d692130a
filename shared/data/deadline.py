"""How long the work at hand may still take.

The invocation sets it, a little under Lambda's own limit, so that a slow table ends in an answer and not in a killed
process. One request, its time-outs and its retries keep to it, and take no longer than 8 s where it is far away: a
batch of messages may have minutes, but none of them should spend those on one request.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Final, Protocol

# Under API Gateway's 29 s and the functions' own time-out, and near what a person waits for.
REQUEST_SECONDS_MAX: Final = 8.0
# Left for writing the answer once the table has given up.
MARGIN_SECONDS: Final = 0.5

_ends_at: ContextVar[float | None] = ContextVar("stagedoor_deadline", default=None)


class LambdaContext(Protocol):
    """The part of Lambda's context that tells how long the function may still run."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        ...


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the block so many seconds, or what an outer block has left if that is less."""
    ends_at = time.monotonic() + seconds
    outer = _ends_at.get()
    token = _ends_at.set(ends_at if outer is None else min(outer, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(token)


@contextmanager
def of_invocation(context: LambdaContext, seconds_max: float | None = None) -> Iterator[None]:
    """Give the block what the invocation has left, less a margin for the answer, or `seconds_max` if that is less."""
    with within(_left(context, seconds_max)):
        yield


def begin_invocation(context: LambdaContext) -> Token[float | None]:
    """As `of_invocation`, until `end_invocation` is given the token; for what is done for every request."""
    ends_at = time.monotonic() + _left(context, None)
    outer = _ends_at.get()
    return _ends_at.set(ends_at if outer is None else min(outer, ends_at))


def end_invocation(token: Token[float | None]) -> None:
    """Brings back the deadline that was there before."""
    _ends_at.reset(token)


def _left(context: LambdaContext, seconds_max: float | None) -> float:
    left = context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    return max(0.05, left if seconds_max is None else min(left, seconds_max))


def ends_at() -> float:
    """When a request that begins now must be done, on `time.monotonic`'s scale."""
    request_ends_at = time.monotonic() + REQUEST_SECONDS_MAX
    work_ends_at = _ends_at.get()
    return request_ends_at if work_ends_at is None else min(request_ends_at, work_ends_at)
