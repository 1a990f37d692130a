"""One line for each invocation: a request, a batch of records, a schedule."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from shared.telemetry import logs, requests
from shared.telemetry import trace as traces
from shared.telemetry.metrics import Metrics, Unit, write_metric
from shared.telemetry.xray import root_segment, xray_enabled

_current: ContextVar["Invocation | None"] = ContextVar("stagedoor_invocation", default=None)


class Invocation:
    """The work of one invocation, as a context manager; on leaving it, its line is written.

    The line has the trace and request ids, the service, what was invoked, its duration in milliseconds, the capacity
    that requests to the tables took (where shared.data is loaded), what `note` added and the metrics counted meanwhile.
    Inside, `current_trace` is the invocation's, and requests to the tables keep to the time Lambda has left.
    """

    __slots__ = (
        "_consumed",
        "_context",
        "_ends",
        "_metrics",
        "_segment",
        "_started",
        "_tokens",
        "counts",
        "fields",
        "kind",
        "service",
        "trace",
    )

    def __init__(self, service: str, kind: str, *, trace: str | None = None, context: Any = None) -> None:
        self.service = service
        self.kind = kind
        self.trace = trace or traces.new_trace()
        self.fields: dict[str, Any] = {}
        # Whether metrics go out with the line; asked once, because the environment is slow to answer.
        self.counts = requests.counted()
        self._context = context
        self._metrics: Metrics | None = None
        self._consumed: Any = None
        self._ends: list[tuple[Callable[[Any], None], Any]] = []
        self._segment: AbstractContextManager[Any] | None = None
        self._started = 0.0
        self._tokens: list[Any] = []

    def note(self, **fields: Any) -> None:
        """Adds fields to the line: ids and outcomes, never personal data."""
        self.fields.update(fields)

    def metrics(self) -> Metrics:
        """The metrics that go out with the line."""
        if self._metrics is None:
            self._metrics = Metrics()
        return self._metrics

    def __enter__(self) -> "Invocation":
        self._tokens = [traces.set_trace(self.trace), _current.set(self)]
        # Looked up, never imported: a service without a table must not load the table's client for its log line.
        deadline = sys.modules.get("shared.data.deadline")
        if deadline is not None and hasattr(self._context, "get_remaining_time_in_millis"):
            self._ends.append((deadline.end_invocation, deadline.begin_invocation(self._context)))
        capacity = sys.modules.get("shared.data.capacity")
        if capacity is not None:
            self._consumed, counting = capacity.begin()
            self._ends.append((capacity.end, counting))
        if xray_enabled():
            self._segment = root_segment(f"stagedoor-{self.service}", self.trace)
            self._segment.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        milliseconds = (time.perf_counter() - self._started) * 1000
        try:
            if self._segment is not None:
                self._segment.__exit__(kind, error, stack)
        finally:
            for end, token in reversed(self._ends):
                end(token)
            counted = self._metrics is not None or (self.kind == "http" and self.counts)
            if counted or logs.enabled("INFO") or error is not None:
                self._write(milliseconds, error)
            trace_token, invocation_token = self._tokens
            _current.reset(invocation_token)
            traces.reset_trace(trace_token)

    def _write(self, milliseconds: float, error: BaseException | None) -> None:
        fields = self.fields
        fields["service"] = self.service
        fields["invocation"] = self.kind
        fields["duration_ms"] = round(milliseconds, 3)
        request_id = getattr(self._context, "aws_request_id", None)
        if request_id is not None:
            fields["request_id"] = request_id
        meter = self._consumed
        if meter is not None and meter.requests:
            fields["consumed_writes"] = meter.writes
            fields["consumed_reads"] = meter.reads
            fields["table_requests"] = meter.requests
        metrics, route, status = self._metrics, fields.get("route"), fields.get("status")
        if self.kind == "http" and isinstance(status, int) and self.counts:
            requests.count_request(self.metrics(), status, milliseconds)
            metrics = self._metrics
        if metrics is not None:
            # Asking for the head alone is the same operation.
            method = "GET" if fields.get("method") == "HEAD" else fields.get("method")
            finer = {"operation": f"{method} {route}"} if route is not None else None
            fields.update(metrics.embedded({"service": self.service}, finer, requests.BY_OPERATION))
        # Decided before: metrics on the line have to be written even where lines of this level are not wanted.
        logs.log_always("invocation", level="INFO" if error is None else "ERROR", error=error, **fields)


def invocation(service: str, kind: str, *, trace: str | None = None, context: Any = None) -> Invocation:
    """The context manager for one invocation; `kind` is `http`, `stream`, `queue`, `schedule` or the like.

    `trace` is the trace id that came with it (a new one is made without), `context` the one Lambda gives.
    """
    return Invocation(service, kind, trace=trace, context=context)


def current_invocation() -> Invocation | None:
    """The invocation at work, None outside any."""
    return _current.get()


def note(**fields: Any) -> None:
    """Adds fields to the line of the invocation at work; outside one it does nothing."""
    working = _current.get()
    if working is not None:
        working.note(**fields)


def metric(name: str, value: float = 1, unit: Unit = "Count") -> None:
    """Counts a metric: on the line of the invocation at work, or outside one on a line of its own."""
    working = _current.get()
    if working is not None:
        working.metrics().add(name, value, unit)
    else:
        write_metric(name, value, unit, {"service": "none"})


def count(name: str) -> None:
    """Counts one on the line of the invocation at work, where requests are counted; elsewhere it is nobody's."""
    working = _current.get()
    if working is not None and working.counts:
        working.metrics().add(name, 1, "Count")
