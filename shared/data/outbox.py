"""The outbox a row carries: which message types its last announcing write asked for, and under which version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.telemetry import current_trace


def announced(version: int, types: Sequence[str]) -> dict[str, Any]:
    """The outbox of a write that announces; it carries the trace of the request that made it."""
    return {"version": version, "types": list(types), "trace": current_trace()}


def empty_outbox() -> dict[str, Any]:
    """The outbox every Row is born with, so that a later update has something to set its version in."""
    return {"version": 0, "types": []}
