"""Log lines: one JSON object a line on standard output, where Lambda and the runtime both collect them.

Personal data and tokens do not belong in logs. Fields with a telling name are blotted out, and whatever looks like an
e-mail address or a token is blotted out wherever it stands, in stack traces too.
"""

import os
import re
import sys
import traceback
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from shared.telemetry.trace import current_trace

BLOTTED = "[blotted out]"
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_TELLING = re.compile(
    r"(?:^|_)(?:e?mail|password|passwd|secret|token|authorization|cookie|api_key|signature|phone|address|buyer)(?:$|_)"
)
# Names that end in one of these are facts about the thing, not the thing itself.
_HARMLESS = ("_count", "_id", "_length", "_seconds", "_bytes")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# The end of any of our tokens and of every JSON Web Token, a payload and a signature of at least 32 bytes; and the end
# of an API key, its secret.
_TOKEN = re.compile(r"\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{40,}|_[0-9a-f]{64}\b")

_encoder = msgspec.json.Encoder(enc_hook=str)


def log(event_name: str, *, level: str = "INFO", error: BaseException | None = None, **fields: Any) -> None:
    """Writes one line; `error` adds its type, text and stack. LOG_LEVEL (INFO when absent) says what is written."""
    if enabled(level):
        log_always(event_name, level=level, error=error, **fields)


def log_always(event_name: str, *, level: str, error: BaseException | None = None, **fields: Any) -> None:
    """Writes one line whatever LOG_LEVEL says."""
    line: dict[str, Any] = {
        "time": datetime.now(UTC),
        "level": level,
        "event": event_name,
        "trace_id": current_trace(),
        **{name: _clean(name, value) for name, value in fields.items()},
    }
    if error is not None:
        line["error"] = type(error).__name__
        line["error_text"] = str(error)
        line["stack"] = "".join(traceback.format_exception(error))
    write_line(line)


def write_line(line: dict[str, Any]) -> None:
    """Writes a line as it is, but for e-mail addresses and tokens."""
    text = _encoder.encode(line).decode("utf-8", "replace")
    if "@" in text:
        text = _EMAIL.sub(BLOTTED, text)
    text = _TOKEN.sub(BLOTTED, text)
    # One call for text and line end: threads of one process must not mix their lines.
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def enabled(level: str) -> bool:
    """Whether lines of that level are written."""
    return _LEVELS.get(level, 20) >= _LEVELS.get(os.environ.get("LOG_LEVEL", "INFO").upper(), 20)


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    name = name.lower()
    return _TELLING.search(name) is not None and not name.endswith(_HARMLESS)


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if _is_telling(name):
        return BLOTTED
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {str(key): _clean(str(key), one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(name, one) for one in value]
    if isinstance(value, msgspec.Struct):
        return _clean(name, msgspec.to_builtins(value))
    return value
