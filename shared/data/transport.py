"""The one way to DynamoDB: every request of every service passes `send`, and every attempt of one passes `carry`.

`send` retries what may be retried, with jitter and up to the deadline. An attempt whose answer is lost may have been
applied, so a write that is sent again can be refused by its own first effect; `shared.data.writes` recognises that.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any, Final

from shared.data import capacity, deadline, errors, plain, wire
from shared.telemetry import segment

Request = dict[str, Any]
Answer = dict[str, Any]

# Full jitter: the n-th pause is anywhere between nothing and this times 2**n, so that a crowd does not come back
# in step.
PAUSE_SECONDS_BASE: Final = 0.02
PAUSE_SECONDS_MAX: Final = 1.0

_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "Throttling",
    }
)
# Another transaction holds the item, or this very one (same token) is still at work: over in milliseconds.
_CONFLICTS: Final = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ReplicatedWriteConflictException",
    }
)


class ConditionFailed(errors.DataError):
    """DynamoDB refused one write because its condition does not hold; `item` is what was stored."""

    def __init__(self, item: plain.Item | None) -> None:
        super().__init__("the condition does not hold")
        self.item = item


class Cancelled(errors.DataError):
    """DynamoDB cancelled a transaction for reasons that trying again would not change."""

    def __init__(self, reasons: list[Mapping[str, Any]]) -> None:
        super().__init__("the transaction was cancelled")
        self.reasons = reasons


def carry(operation: str, request: Request, seconds: float) -> Answer:
    """Make one attempt, within so many seconds.

    Raises wire.Lost when no answer came and wire.Refusal for an answer that is an error.
    """
    return wire.call(operation, request, seconds)


def send(operation: str, request: Request) -> Answer:
    """Have DynamoDB do one operation (`PutItem`, `Query`, …) and return its answer.

    Raises ConditionFailed, Cancelled, Throttled, Unavailable, or Rejected for a request that can never succeed.
    """
    request.setdefault("ReturnConsumedCapacity", "INDEXES")
    ends_at = deadline.ends_at()
    attempt = 0
    while True:
        left = ends_at - time.monotonic()
        if left <= 0:
            raise errors.Unavailable(f"no time was left for {operation}")
        capacity.count_request()
        try:
            with segment("dynamodb", operation=operation):
                answer = carry(operation, request, left)
        except (wire.Lost, wire.Refusal) as trouble:
            pause = random.uniform(0, min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_BASE * 2**attempt))
            if not _may_pass(operation, request, trouble) or time.monotonic() + pause >= ends_at:
                raise _final(operation, request, trouble) from trouble
            attempt += 1
            time.sleep(pause)
        else:
            capacity.count_answer(operation, request, answer)
            return answer


def _may_pass(operation: str, request: Request, trouble: wire.Lost | wire.Refusal) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(trouble, wire.Lost) or trouble.status >= 500:
        return True
    if trouble.code == "TransactionCanceledException":
        codes = {reason["Code"] for reason in trouble.reasons} - {"None"}
        return bool(codes) and codes <= _THROTTLED | _CONFLICTS
    return trouble.code in _THROTTLED or trouble.code in _CONFLICTS


def _final(operation: str, request: Request, trouble: wire.Lost | wire.Refusal) -> errors.DataError:
    """What a request that will not be tried again has come to."""
    if isinstance(trouble, wire.Lost):
        return errors.Unavailable(f"{operation} had no answer: {trouble}")
    if trouble.code == "ConditionalCheckFailedException":
        capacity.count_refusal(operation, request, [trouble.item])
        return ConditionFailed(trouble.item)
    if trouble.code == "TransactionCanceledException":
        codes = {reason["Code"] for reason in trouble.reasons} - {"None"}
        if codes & _THROTTLED and codes <= _THROTTLED | _CONFLICTS:
            return errors.Throttled(f"{operation} was throttled")
        if codes <= _CONFLICTS:
            return errors.Unavailable(f"{operation} met another transaction until its deadline")
        capacity.count_refusal(operation, request, [reason.get("Item") for reason in trouble.reasons])
        return Cancelled(trouble.reasons)
    if trouble.code in _THROTTLED:
        return errors.Throttled(f"{operation} was throttled: {trouble.message}")
    if trouble.status >= 500 or trouble.code in _CONFLICTS:
        return errors.Unavailable(f"{operation} failed: {trouble.code} {trouble.message}")
    return errors.Rejected(trouble.code, trouble.message)
