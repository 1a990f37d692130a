"""What requests to the tables cost, in DynamoDB's capacity units.

DynamoDB reports the cost of every request that succeeds. For a refused one it reports nothing but charges all the
same, so these are reckoned as its documentation says and kept apart as `reckoned_writes`: a failed condition costs the
larger of the item that is there and the one that was to be written (at least one unit); a cancelled transaction is
taken at the full double price of its writes, the most it can cost.

DynamoDB Local leaves out all but one of a transaction's writes that cost the same, and does not say of which kind its
units are, as the service does. From such a report the larger of what it says and of what the writes must cost at least
is counted: two units a kilobyte for every write, and the same again for a row put into the listing. (A transaction's
updates of rows over 1 KB may then still be counted too low; on the service they are not.)
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, Final

from shared.data import plain

WRITE_UNIT_BYTES: Final = 1024
_TRANSACTION_TIMES: Final = 2
_KINDS: Final = frozenset({"ReadCapacityUnits", "WriteCapacityUnits"})
_READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})


class Usage:
    """Units one table has taken. Those of its indexes are within `writes` and `reads`, and again in `index_writes`."""

    __slots__ = ("index_writes", "reads", "writes")

    def __init__(self) -> None:
        self.writes = 0.0
        self.reads = 0.0
        self.index_writes = 0.0


class Meter:
    """The units taken, and the requests sent, while it was running. Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tables: dict[str, Usage] = {}
        self.requests = 0
        self.reckoned_writes = 0.0

    @property
    def writes(self) -> float:
        """Write units over all tables and their indexes, those reckoned for refused writes included."""
        return sum(usage.writes for usage in self.tables.values())

    @property
    def reads(self) -> float:
        """Read units over all tables and their indexes."""
        return sum(usage.reads for usage in self.tables.values())

    @property
    def index_writes(self) -> float:
        """The part of `writes` that went to indexes."""
        return sum(usage.index_writes for usage in self.tables.values())

    def request_sent(self) -> None:
        """Count one attempt that went out, whatever became of it."""
        with self._lock:
            self.requests += 1

    def reported(self, operation: str, report: Mapping[str, Any]) -> None:
        """Add what DynamoDB reports for one table (ConsumedCapacity)."""
        units = float(report.get("CapacityUnits", 0.0))
        # Only the service's transactions say which kind they took; for the rest the operation does.
        reads = float(report.get("ReadCapacityUnits", units if operation in _READS else 0.0))
        writes = float(report.get("WriteCapacityUnits", 0.0 if operation in _READS else units - reads))
        indexes = report.get("GlobalSecondaryIndexes", {}).values()
        with self._lock:
            usage = self._usage(report.get("TableName", ""))
            usage.reads += reads
            usage.writes += writes
            if operation not in _READS:
                usage.index_writes += sum(float(index.get("CapacityUnits", 0.0)) for index in indexes)

    def reckoned(self, table: str, writes: float) -> None:
        """Add write units that DynamoDB charges without reporting them."""
        with self._lock:
            self._usage(table).writes += writes
            self.reckoned_writes += writes

    def _usage(self, table: str) -> Usage:
        # An answer may name the table by its ARN; both are the one table.
        return self.tables.setdefault(table.rpartition("/")[2], Usage())


_meters: ContextVar[tuple[Meter, ...]] = ContextVar("stagedoor_capacity_meters", default=())


@contextmanager
def consumed() -> Iterator[Meter]:
    """Measure what the block's requests take. Blocks nest, and each counts everything inside it.

    A meter belongs to its context: threads started inside count only if they run in a copy of it.
    """
    meter, token = begin()
    try:
        yield meter
    finally:
        end(token)


def begin() -> tuple[Meter, Token[tuple[Meter, ...]]]:
    """As `consumed`, until `end` is given the token; for what is done for every request."""
    meter = Meter()
    return meter, _meters.set((*_meters.get(), meter))


def end(token: Token[tuple[Meter, ...]]) -> None:
    """Brings back the meters that were running before."""
    _meters.reset(token)


def count_request() -> None:
    """Note one attempt on every running meter."""
    for meter in _meters.get():
        meter.request_sent()


def count_answer(operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Note on every running meter what an answer says its request took."""
    meters = _meters.get()
    report = answer.get("ConsumedCapacity")
    if not meters or not report:
        return
    for table_report in report if isinstance(report, list) else [report]:
        if operation == "TransactWriteItems" and not _KINDS & table_report.keys():
            table_report = _completed(request, table_report)
        for meter in meters:
            meter.reported(operation, table_report)


def _completed(request: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB Local's report on a transaction, with the writes it leaves out."""
    table = index = 0.0
    for entry in request["TransactItems"]:
        for write in entry.values():
            if write["TableName"] == report["TableName"]:
                units = _TRANSACTION_TIMES * _write_units(write.get("Item"))
                table += units
                index += units if "listing_pk" in write.get("Item", ()) else 0.0
    indexes = report.get("GlobalSecondaryIndexes", {}).values()
    index = max(index, sum(float(each["CapacityUnits"]) for each in indexes))
    table = max(table, float(report["Table"]["CapacityUnits"]))
    return {
        "TableName": report["TableName"],
        "CapacityUnits": table + index,
        "GlobalSecondaryIndexes": {"listing": {"CapacityUnits": index}},
    }


def count_refusal(operation: str, request: Mapping[str, Any], old_items: list[plain.Item | None]) -> None:
    """Note on every running meter what refused writes are reckoned to have taken.

    `old_items` are the items that were in the way, one for each write of the request, None where not known.
    """
    meters = _meters.get()
    if not meters:
        return
    if operation == "TransactWriteItems":
        writes = [write for entry in request["TransactItems"] for write in entry.values()]
        times = _TRANSACTION_TIMES
    else:
        writes, times = [request], 1
    for write, old in zip(writes, old_items, strict=False):
        units = times * _write_units(write.get("Item"), old)
        for meter in meters:
            meter.reckoned(write["TableName"], units)


def _write_units(*items: plain.Item | None) -> int:
    """What writing the larger of some items costs; one unit where none is known."""
    sizes = [plain.item_bytes(item) for item in items if item]
    return max(1, math.ceil(max(sizes, default=0) / WRITE_UNIT_BYTES))
