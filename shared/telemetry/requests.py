"""What is counted of every HTTP request, on its own log line: no call, and nothing to pay for while nobody comes.

By service and by operation (`GET /v1/events/{event_id}`): Latency, whose samples are the count of requests and whose
percentiles CloudWatch reckons, and ServerErrors. By service alone, because every metric of every operation has a price
for each hour in which it is written: ClientErrors, Throttled, ColdStarts, CacheHits and CacheMisses.
"""

import os
from typing import Final

from shared.telemetry.metrics import Metrics

LATENCY: Final = "Latency"
SERVER_ERRORS: Final = "ServerErrors"
CLIENT_ERRORS: Final = "ClientErrors"
THROTTLED: Final = "Throttled"
COLD_STARTS: Final = "ColdStarts"
CACHE_HITS: Final = "CacheHits"
CACHE_MISSES: Final = "CacheMisses"
NAMES: Final = (LATENCY, SERVER_ERRORS, CLIENT_ERRORS, THROTTLED, COLD_STARTS, CACHE_HITS, CACHE_MISSES)
BY_OPERATION: Final = (LATENCY, SERVER_ERRORS)

_has_answered = False


def counted() -> bool:
    """Whether requests are counted: in Lambda, and elsewhere where METRICS is `embedded` and something reads it."""
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ or os.environ.get("METRICS") == "embedded"


def count_request(metrics: Metrics, status: int, milliseconds: float) -> None:
    """Add a request that was answered with that status after so many milliseconds.

    The first of a process is its cold start: what Lambda did before it is not in the milliseconds.
    """
    global _has_answered
    metrics.add(LATENCY, round(milliseconds, 3), "Milliseconds")
    metrics.add(SERVER_ERRORS, float(status >= 500), "Count")
    metrics.add(CLIENT_ERRORS, float(400 <= status < 500), "Count")
    if status == 429:
        metrics.add(THROTTLED, 1, "Count")
    if not _has_answered:
        _has_answered = True
        metrics.add(COLD_STARTS, 1, "Count")
