"""All or nothing over several rows.

A transaction costs twice its writes, so it stands only where one conditional write cannot say it. DynamoDB remembers
the token of a transaction for ten minutes and takes a resend as done, so a lost answer does no harm here either.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.data import errors, transport, writes
from shared.data.rows import BareRow, Row


@dataclass(frozen=True, eq=False)
class Insert:
    """Put a row where none is, as `insert` does."""

    row: BareRow
    announce: Sequence[str] = ()
    over_expired: bool = False


@dataclass(frozen=True, eq=False)
class Replace:
    """Put a row over the version that was read, as `replace` does."""

    row: Row
    announce: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Update:
    """Change a row where it lies, as `update` does; the token stands in for `own_effect`."""

    model_cls: type[BareRow]
    pk: str
    sk: str
    actions: Sequence[Action] = field(default_factory=list)
    condition: Condition | None = None
    announce: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Delete:
    """Remove a row under a condition; without one, whether it is there or not."""

    model_cls: type[BareRow]
    pk: str
    sk: str
    condition: Condition | None = None


@dataclass(frozen=True, eq=False)
class Check:
    """Ask for a condition of a row that the transaction does not change. Costs as much as a write."""

    model_cls: type[BareRow]
    pk: str
    sk: str
    condition: Condition


Write = Insert | Replace | Update | Delete | Check


def transact(*writes_: Write, now: datetime, token: str | None = None) -> None:
    """Do all writes or none.

    `token` (36 characters at most) makes the same transaction a no-op for ten minutes after it succeeded; without one
    a fresh token covers the retries of this call. Raises TransactionRefused with a reason and the old row for each
    write that was to blame; rows given are then as they were before.
    """
    stamps = [_stamps(write) for write in writes_]
    entries = [_entry(write, now) for write in writes_]
    request: dict[str, Any] = {
        "TransactItems": entries,
        "ClientRequestToken": token or str(uuid.uuid4()),
    }
    try:
        transport.send("TransactWriteItems", request)
    except transport.Cancelled as cancelled:
        if _was_done(entries, cancelled.reasons):
            return
        _restore(writes_, stamps)
        reasons = [_reason(write, raw) for write, raw in zip(writes_, cancelled.reasons, strict=False)]
        raise errors.TransactionRefused(reasons, writes_) from cancelled
    except errors.DataError:
        _restore(writes_, stamps)
        raise


def _was_done(entries: Sequence[Mapping[str, Any]], reasons: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the rows in the way was put there by this very transaction: then all of it was done.

    The token says so by itself for ten minutes; this holds for a caller who sends the same rows again later, too.
    """
    for entry, raw in zip(entries, reasons, strict=False):
        item = raw.get("Item")
        if item and "Put" in entry and writes.is_own(item, entry["Put"]["Item"]):
            return True
    return False


def _entry(write: Write, now: datetime) -> dict[str, Any]:
    match write:
        case Insert(row, announce, over_expired):
            return {"Put": writes.insert_request(row, now=now, announce=announce, over_expired=over_expired)}
        case Replace(row, announce):
            return {"Put": writes.replace_request(row, now=now, announce=announce)}
        case Update(model_cls, pk, sk, actions, condition, announce):
            request, _ = writes.update_request(
                model_cls, pk, sk, actions=actions, condition=condition, now=now, announce=announce, mark=False
            )
            return {"Update": request}
        case Delete(model_cls, pk, sk, condition):
            return {"Delete": writes.delete_request(model_cls, pk, sk, condition=condition)}
        case Check(model_cls, pk, sk, condition):
            return {"ConditionCheck": writes.check_request(model_cls, pk, sk, condition=condition)}


def _stamps(write: Write) -> dict[str, Any] | None:
    return dict(write.row.attribute_values) if isinstance(write, Insert | Replace) else None


def _restore(writes_: Sequence[Write], stamps: Sequence[dict[str, Any] | None]) -> None:
    for write, stamp in zip(writes_, stamps, strict=True):
        if isinstance(write, Insert | Replace) and stamp is not None:
            # The mark stays on a row to be inserted: the transaction may have been done without telling.
            mark = write.row.write_id if isinstance(write, Insert) else stamp.get("write_id")
            write.row.attribute_values = stamp
            write.row.write_id = mark


def _reason(write: Write, raw: Any) -> errors.Reason | None:
    if raw.get("Code", "None") == "None":
        return None
    item = raw.get("Item")
    model_cls = type(write.row) if isinstance(write, Insert | Replace) else write.model_cls
    old = model_cls.from_raw_data(item) if item else None
    return errors.Reason(raw["Code"], raw.get("Message") or "", old)
