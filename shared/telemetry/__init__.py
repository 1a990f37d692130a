"""What the system says about itself: log lines, trace ids, metrics, X-Ray segments."""

from shared.telemetry.invocation import Invocation, count, current_invocation, invocation, metric, note
from shared.telemetry.logs import log
from shared.telemetry.requests import CACHE_HITS, CACHE_MISSES
from shared.telemetry.trace import current_trace, new_trace, read_trace, trace_of_headers, traced
from shared.telemetry.xray import segment, xray_enabled

__all__ = [
    "CACHE_HITS",
    "CACHE_MISSES",
    "Invocation",
    "count",
    "current_invocation",
    "current_trace",
    "invocation",
    "log",
    "metric",
    "new_trace",
    "note",
    "read_trace",
    "segment",
    "trace_of_headers",
    "traced",
    "xray_enabled",
]
