"""The trace id: one for everything that follows from one outside request, across services and queues.

It is written the way X-Ray writes it, `1-<8 hex>-<24 hex>`; a W3C traceparent is the same 32 digits without dashes.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token

_XRAY = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")

_current: ContextVar[str | None] = ContextVar("stagedoor_trace", default=None)


def new_trace() -> str:
    """A trace id nobody has."""
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def current_trace() -> str:
    """The trace id of the work at hand; where nothing has set one, a new one that holds from here on."""
    trace = _current.get()
    if trace is None:
        trace = new_trace()
        _current.set(trace)
    return trace


def read_trace(text: str | None) -> str | None:
    """The trace id in an X-Amzn-Trace-Id header, a traceparent header or an envelope; None when there is none."""
    if not text or len(text) > 512:
        return None
    if _XRAY.fullmatch(text):
        return text
    for part in text.split(";"):
        if part.startswith("Root=") and _XRAY.fullmatch(part[5:]):
            return part[5:]
    parent = _TRACEPARENT.fullmatch(text)
    if parent is None or parent[1] == "0" * 32:
        return None
    return f"1-{parent[1][:8]}-{parent[1][8:]}"


def trace_of_headers(headers: Mapping[str, str]) -> str | None:
    """The trace id a request carries; the names of headers may come in any case."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        # By length first: this looks at every header of every request.
        if len(name) in (15, 11):
            found[name.lower()] = value
    return read_trace(found.get("x-amzn-trace-id")) or read_trace(found.get("traceparent"))


@contextmanager
def traced(trace: str | None) -> Iterator[str]:
    """Lets the block run under that trace (a new one for None or for what is no trace id)."""
    chosen = read_trace(trace) or new_trace()
    token = set_trace(chosen)
    try:
        yield chosen
    finally:
        reset_trace(token)


def set_trace(trace: str) -> Token[str | None]:
    """Makes it the current trace until `reset_trace` is given the token; for those to whom `traced` is of no use."""
    return _current.set(trace)


def reset_trace(token: Token[str | None]) -> None:
    """Brings back the trace that was current before."""
    _current.reset(token)
