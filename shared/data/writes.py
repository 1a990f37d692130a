"""Writes with conditions, each of which knows its own effect again when it meets it.

A write whose answer was lost is sent again and may be refused by what it did the first time. Every write here leaves a
`write_id` on its row (or asks the caller's `own_effect`), and takes a refusal by a row that bears it as success.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.expressions.update import Update as UpdateExpression

from shared import clock
from shared.data import errors, plain, transport
from shared.data.outbox import announced, empty_outbox
from shared.data.rows import BareRow, Row
from shared.telemetry import current_trace

AnyRow = TypeVar("AnyRow", bound=BareRow)

_WRITE_ID_BYTES: Final = 8
# Left out when a stored row is compared with the one sent: a second call may come with a later time.
_TIMES: Final = ("created_at", "updated_at")


def insert(row: BareRow, *, now: datetime, announce: Sequence[str] = (), over_expired: bool = False) -> None:
    """Put a row where none is, with version 1. Sending the same row object again succeeds without a second effect.

    `announce` names the message types the relay shall publish from it. With `over_expired` a row whose time to live
    has passed counts as absent. Raises AlreadyExists with the row that is there.
    """
    request = insert_request(row, now=now, announce=announce, over_expired=over_expired)
    try:
        transport.send("PutItem", request)
    except transport.ConditionFailed as refused:
        if refused.item is None or not is_own(refused.item, request["Item"]):
            raise errors.AlreadyExists(type(row).from_raw_data(refused.item or request["Item"])) from refused


def replace(row: Row, *, now: datetime, announce: Sequence[str] = ()) -> None:
    """Put a row over the version that was read, as the next version. Without `announce` its outbox stays as it was.

    Raises StaleVersion with the row as it is now; the row given is then as it was before.
    """
    before = (row.version, row.updated_at, row.outbox)
    request = replace_request(row, now=now, announce=announce)
    try:
        transport.send("PutItem", request)
    except transport.ConditionFailed as refused:
        if refused.item is None or not is_own(refused.item, request["Item"]):
            row.version, row.updated_at, row.outbox = before
            _forget_write(row)
            raise errors.StaleVersion(_row(type(row), refused.item)) from refused
    except errors.DataError:
        # The write may have been done: its id is kept, so that replacing the same object again recognises it.
        row.version, row.updated_at, row.outbox = before
        raise
    _forget_write(row)


def update(
    model_cls: type[AnyRow],
    pk: str,
    sk: str,
    *,
    actions: Sequence[Action],
    condition: Condition | None = None,
    now: datetime,
    announce: Sequence[str] = (),
    own_effect: Callable[[AnyRow], bool] | None = None,
) -> AnyRow:
    """Change a row where it lies, in one write and without reading it first; returns the row as it is then.

    A Row also gets its next version and `updated_at`. `own_effect` tells from the refusing row whether this very
    change is already in it; without it the write marks the row and looks for the mark. A row that is not there is
    made, unless the condition asks for one; announcing asks for one always. Raises ConditionRefused with the old row.
    """
    request, mark = update_request(
        model_cls,
        pk,
        sk,
        actions=actions,
        condition=condition,
        now=now,
        announce=announce,
        mark=own_effect is None,
    )
    request["ReturnValues"] = "ALL_NEW"
    try:
        answer = transport.send("UpdateItem", request)
    except transport.ConditionFailed as refused:
        old = _row(model_cls, refused.item)
        if old is not None:
            if own_effect is None and old.write_id == mark:
                return old
            if own_effect is not None and own_effect(old):
                return old
        raise errors.ConditionRefused(old) from refused
    return model_cls.from_raw_data(answer["Attributes"])


def delete(row: BareRow, *, condition: Condition | None = None) -> None:
    """Remove a row; one that is gone already is success, so a resend is too.

    A Row is removed only at the version that was read, a BareRow at any. Raises ConditionRefused with the old row
    when it was changed since, or when `condition` does not hold of it.
    """
    request = delete_request(type(row), row.pk, row.sk, condition=_same_version(row, condition))
    try:
        transport.send("DeleteItem", request)
    except transport.ConditionFailed as refused:
        if refused.item is not None:
            raise errors.ConditionRefused(_row(type(row), refused.item)) from refused


def insert_request(row: BareRow, *, now: datetime, announce: Sequence[str], over_expired: bool) -> dict[str, Any]:
    """The PutItem that puts a row where none is; stamps the row with what the write will make of it."""
    if isinstance(row, Row):
        row.version = 1
        row.created_at = row.created_at or clock.to_milliseconds(now)
        row.updated_at = row.updated_at or row.created_at
        row.outbox = announced(1, announce) if announce else empty_outbox()
    elif announce:
        raise TypeError("a bare row has no outbox to announce from")
    # The mark of an earlier try with this very object is kept: that is how its effect is known again.
    row.write_id = row.write_id or os.urandom(_WRITE_ID_BYTES)
    condition: Condition = type(row).pk.does_not_exist()
    if over_expired:
        condition = condition | (type(row).expires_at < clock.epoch_seconds(now))
    return _put(row, condition)


def replace_request(row: Row, *, now: datetime, announce: Sequence[str]) -> dict[str, Any]:
    """The PutItem that puts a row over the version that was read; stamps the row as the next version."""
    read = row.version
    row.version = read + 1
    row.updated_at = clock.to_milliseconds(now)
    if announce:
        row.outbox = announced(row.version, announce)
    pending: tuple[int, bytes] | None = row.__dict__.get("_pending_write")
    if pending is None or pending[0] != read:
        pending = row.__dict__["_pending_write"] = (read, os.urandom(_WRITE_ID_BYTES))
    row.write_id = pending[1]
    return _put(row, type(row).version == read)


def update_request(
    model_cls: type[BareRow],
    pk: str,
    sk: str,
    *,
    actions: Sequence[Action],
    condition: Condition | None,
    now: datetime,
    announce: Sequence[str],
    mark: bool,
) -> tuple[dict[str, Any], bytes | None]:
    """The UpdateItem for some actions, and the write id it leaves, None when it leaves none."""
    write_id = os.urandom(_WRITE_ID_BYTES) if mark else None
    every: list[Action] = list(actions)
    if write_id is not None:
        every.append(model_cls.write_id.set(write_id))
    if issubclass(model_cls, Row):
        version = (model_cls.version | 0) + 1
        moment = clock.to_milliseconds(now)
        every.append(model_cls.version.set(version))
        every.append(model_cls.updated_at.set(moment))
        if announce:
            # The version is known only to DynamoDB, so it is set inside the outbox every Row is born with.
            outbox = model_cls.outbox
            every.append(outbox["version"].set(version))
            every.append(outbox["types"].set(list(announce)))
            every.append(outbox["trace"].set(current_trace()))
            condition = outbox.exists() if condition is None else condition & outbox.exists()
        else:
            every.append(model_cls.created_at.set(model_cls.created_at | moment))
            every.append(model_cls.outbox.set(model_cls.outbox | empty_outbox()))
    elif announce:
        raise TypeError("a bare row has no outbox to announce from")
    return _keyed(model_cls, pk, sk, condition=condition, actions=every), write_id


def delete_request(model_cls: type[BareRow], pk: str, sk: str, *, condition: Condition | None) -> dict[str, Any]:
    """The DeleteItem under a condition."""
    return _keyed(model_cls, pk, sk, condition=condition)


def check_request(model_cls: type[BareRow], pk: str, sk: str, *, condition: Condition) -> dict[str, Any]:
    """The ConditionCheck of a transaction."""
    return _keyed(model_cls, pk, sk, condition=condition)


def _keyed(
    model_cls: type[BareRow],
    pk: str,
    sk: str,
    *,
    condition: Condition | None,
    actions: Sequence[Action] | None = None,
) -> dict[str, Any]:
    request: dict[str, Any] = {"TableName": model_cls.table_name(), "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}
    return _under(request, condition, actions)


def _put(row: BareRow, condition: Condition) -> dict[str, Any]:
    return _under({"TableName": row.table_name(), "Item": row.serialize()}, condition, None)


def _under(request: dict[str, Any], condition: Condition | None, actions: Sequence[Action] | None) -> dict[str, Any]:
    """The request with its expressions, which are pynamodb's, and the wish to see what refused it."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if condition is not None:
        request["ConditionExpression"] = condition.serialize(names, values)
    if actions is not None:
        request["UpdateExpression"] = UpdateExpression(*actions).serialize(names, values)
    if names:
        request["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
    if values:
        request["ExpressionAttributeValues"] = values
    request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def _same_version(row: BareRow, condition: Condition | None) -> Condition | None:
    if not isinstance(row, Row):
        return condition
    unchanged = type(row).version == row.version
    return unchanged if condition is None else condition & unchanged


def is_own(stored: plain.Item, sent: plain.Item) -> bool:
    """Whether the stored item is the one that was sent: same mark and same content, times apart."""
    if stored.get("write_id") != sent.get("write_id"):
        return False
    names = (stored.keys() | sent.keys()) - set(_TIMES)
    # As plain values, because DynamoDB writes some numbers and sets in another way than they were sent.
    return all(
        name in stored and name in sent and plain.from_typed(stored[name]) == plain.from_typed(sent[name])
        for name in names
    )


def _forget_write(row: BareRow) -> None:
    row.__dict__.pop("_pending_write", None)


def _row(model_cls: type[AnyRow], item: plain.Item | None) -> AnyRow | None:
    return None if item is None else model_cls.from_raw_data(item)
