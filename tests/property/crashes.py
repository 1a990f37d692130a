"""Crashes on purpose: the process "dies" at a chosen write, just before or just after it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from shared.data import transport

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})


class Crash(BaseException):
    """The end of the process, which no handler may catch."""


@contextmanager
def crash_at_write(number: int, *, done: bool) -> Iterator[None]:
    """Dies at the write with that number, counted from 0: after it was `done`, or before it began."""
    carry = transport.carry
    seen = 0

    def dying(operation: str, request: dict[str, Any], seconds: float) -> Any:
        nonlocal seen
        if operation not in WRITES:
            return carry(operation, request, seconds)
        seen += 1
        if seen - 1 != number:
            return carry(operation, request, seconds)
        if done:
            carry(operation, request, seconds)
        raise Crash

    with mock.patch.object(transport, "carry", dying):
        yield
