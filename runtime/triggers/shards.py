"""One shard of a table's stream: where it is read, what was read and is not yet done with, and how its records look."""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# DynamoDB Local names a removal by time to live like this, and leaves out who removed it.
_REMOVAL_BY_TTL = "UNKNOWN_TO_SDK_VERSION"
_BY_DYNAMODB = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@dataclass
class Batch:
    """Records that are handed over together, and how often that was tried."""

    records: list[dict[str, Any]]
    attempts: int = 0
    retry_at: float = 0.0


@dataclass
class Shard:
    """The state of reading a shard. It is read on only when every batch of the last read is done with."""

    shard_id: str
    parent_id: str | None
    iterator: str | None = None
    last_read: str | None = None
    closed: bool = False
    finished: bool = False
    batches: deque[Batch] = field(default_factory=deque)

    def waits(self) -> bool:
        """Whether the first batch has failed and its next try is not due."""
        return bool(self.batches) and self.batches[0].retry_at > time.monotonic()


def split(batch: Batch) -> tuple[Batch, Batch]:
    """A batch as two halves. A split is no try of its own, so both keep the count."""
    middle = len(batch.records) // 2
    return Batch(batch.records[:middle], batch.attempts), Batch(batch.records[middle:], batch.attempts)


def sequence_number(record: Mapping[str, Any]) -> str:
    """Where in its shard a record stands."""
    return str(record["dynamodb"]["SequenceNumber"])


def arrived_at(record: Mapping[str, Any]) -> float:
    """When the change was made, in seconds since 1970."""
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def as_lambda_gives_it(record: Mapping[str, Any], stream_arn: str, region: str) -> dict[str, Any]:
    """A record of GetRecords in the form that Lambda hands to a function: JSON, binary as base64, times as numbers."""
    written: dict[str, Any] = {
        "eventID": record.get("eventID", ""),
        "eventName": record.get("eventName", ""),
        "eventVersion": record.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": record.get("awsRegion") or region,
        "dynamodb": _json(record["dynamodb"]),
        "eventSourceARN": stream_arn,
    }
    if record.get("userIdentity"):
        identity = record["userIdentity"]
        written["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    if written["eventName"] == _REMOVAL_BY_TTL:
        written["eventName"] = "REMOVE"
        written["userIdentity"] = dict(_BY_DYNAMODB)
    return written


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value
