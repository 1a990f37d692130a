"""Answers for everybody that a process remembers for a moment, so that a crowd's reads cost Redis no call either."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any, Final

from shared import telemetry
from shared.cache import Memory
from shared.http.answer import Encoded

# Forgetting comes by message to the process that hears it; the others have to be done with theirs within the 2 seconds
# that a change may take to be seen.
SECONDS_MAX: Final = 1.0
ANSWERS_MAX: Final = 256
# With all of them this long, they are 16 MB.
BYTES_MAX: Final = 65_536

_Kept = tuple[float, int, bytes, dict[str, str]]


class Remembered:
    """The answers of one route to callers who do not say who they are."""

    def __init__(self, seconds: float) -> None:
        if not 0 < seconds <= SECONDS_MAX:
            raise ValueError(f"an answer is remembered for up to {SECONDS_MAX} seconds, not {seconds}")
        self._seconds = seconds
        self._answers: Memory[_Kept] = Memory(ANSWERS_MAX)

    def find(self, request: Any, now: datetime) -> Encoded | None:
        """The answer to the same question, None when nobody asked it within the last moment."""
        key = _question(request)
        seconds = now.timestamp()
        kept = None if key is None else self._answers.get(key, seconds)
        # What was kept later than now was kept before the clock was set back.
        if kept is None or kept[0] > seconds:
            return None
        telemetry.count(telemetry.CACHE_HITS)
        _, status, content, headers = kept
        return Encoded(status, content, headers.copy())

    def keep(self, request: Any, encoded: Encoded, now: datetime) -> None:
        """Remembers an answer that is for everybody and not too long."""
        key, headers = _question(request), encoded.all_headers
        if key is None or encoded.status_code != 200 or len(encoded.content) > BYTES_MAX:
            return
        if headers["Cache-Control"].startswith("public"):
            seconds = now.timestamp()
            kept = (seconds, encoded.status_code, encoded.content, headers.copy())
            self._answers.put(key, kept, seconds + self._seconds)

    def forget(self) -> None:
        """Forgets all of them: something may have changed."""
        self._answers.clear()


def _question(request: Any) -> Hashable | None:
    """What the answer depends on; None when it depends on who asks."""
    headers = request.headers
    if "authorization" in headers:
        return None
    query = request._event_dict.get("multiValueQueryStringParameters")
    asked = repr(sorted(query.items())) if query else ""
    return (*(request.uri_params or {}).values(), asked, headers.get("accept"))
