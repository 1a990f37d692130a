"""Reading rows: one, several, a page of a list, or all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pynamodb.expressions.condition import Condition

from shared.data import cursors, transport
from shared.data.rows import BareRow

AnyRow = TypeVar("AnyRow", bound=BareRow)

PAGE_DEFAULT: Final = 50
PAGE_MAX: Final = 200
_BATCH_MAX: Final = 100


@dataclass(frozen=True)
class Page(Generic[AnyRow]):
    """Some rows of a list, and the cursor for what follows, None at the end."""

    items: list[AnyRow]
    next: str | None


def fetch(model_cls: type[AnyRow], pk: str, sk: str, consistent: bool = True) -> AnyRow | None:
    """The row with that key, None when there is none. Not `consistent`: half the price, maybe a moment old."""
    request = {
        "TableName": model_cls.table_name(),
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "ConsistentRead": consistent,
    }
    item = transport.send("GetItem", request).get("Item")
    return model_cls.from_raw_data(item) if item else None


def fetch_many(
    model_cls: type[AnyRow], keys: Iterable[tuple[str, str]], consistent: bool = True
) -> dict[tuple[str, str], AnyRow]:
    """The rows with those keys (pk, sk), by key; those that do not exist are missing from the answer."""
    table = model_cls.table_name()
    wanted: list[dict[str, Any]] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in dict.fromkeys(keys)]
    found: dict[tuple[str, str], AnyRow] = {}
    while wanted:
        part, wanted = wanted[:_BATCH_MAX], wanted[_BATCH_MAX:]
        answer = transport.send("BatchGetItem", {"RequestItems": {table: {"Keys": part, "ConsistentRead": consistent}}})
        for item in answer.get("Responses", {}).get(table, []):
            row = model_cls.from_raw_data(item)
            found[row.pk, row.sk] = row
        # What DynamoDB left out for want of capacity comes with the next batch; the deadline bounds the whole.
        wanted = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", []) + wanted
    return found


def query_page(
    model_cls: type[AnyRow],
    pk: str,
    *,
    sk_prefix: str | None = None,
    sk_between: tuple[str, str] | None = None,
    index: str | None = None,
    limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
    newest_first: bool = False,
    where: Condition | None = None,
    consistent: bool = False,
    scope: str = "",
) -> Page[AnyRow]:
    """A page of the rows under one partition key, in the order of their sort key.

    `limit` rows at most (1 to 200), those that `where` leaves; `index` names the index to read instead of the table.
    `scope` binds the cursor to something more than the query itself, such as the person it is shown to. `next` is
    None exactly when nothing follows. Raises BadCursor.
    """
    limit = max(1, min(limit, PAGE_MAX))
    request = _query(model_cls, pk, sk_prefix, sk_between, index, newest_first, where, consistent)
    binding = (
        model_cls.__name__,
        request["TableName"],
        index,
        pk,
        sk_prefix,
        *(sk_between or ()),
        newest_first,
        where,
        scope,
    )
    hash_name, range_name = key_names(index)
    if cursor is not None:
        last = cursors.verify(cursor, binding)
        last.setdefault(hash_name, pk)
        request["ExclusiveStartKey"] = {name: {"S": value} for name, value in last.items()}
    items: list[dict[str, Any]] = []
    # One more than asked for tells whether anything follows, so that no client is sent to an empty page.
    while len(items) <= limit:
        request["Limit"] = limit + 1 - len(items)
        answer = transport.send("Query", request)
        items += answer.get("Items", [])
        if "LastEvaluatedKey" not in answer:
            break
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    following = None
    if len(items) > limit:
        last_item = items[limit - 1]
        names = dict.fromkeys((range_name, "pk", "sk"))
        following = cursors.sign({name: last_item[name]["S"] for name in names if name != hash_name}, binding)
    return Page([model_cls.from_raw_data(item) for item in items[:limit]], following)


def query_all(
    model_cls: type[AnyRow],
    pk: str,
    *,
    sk_prefix: str | None = None,
    sk_between: tuple[str, str] | None = None,
    index: str | None = None,
    newest_first: bool = False,
    where: Condition | None = None,
    consistent: bool = False,
) -> Iterator[AnyRow]:
    """Every row under one partition key, in the order of their sort key, asked for as they are taken."""
    request = _query(model_cls, pk, sk_prefix, sk_between, index, newest_first, where, consistent)
    while True:
        answer = transport.send("Query", request)
        for item in answer.get("Items", []):
            yield model_cls.from_raw_data(item)
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def key_names(index: str | None) -> tuple[str, str]:
    """The names of the partition and sort key of the table, or of one of its indexes."""
    return ("pk", "sk") if index is None else (f"{index}_pk", f"{index}_sk")


def _query(
    model_cls: type[BareRow],
    pk: str,
    sk_prefix: str | None,
    sk_between: tuple[str, str] | None,
    index: str | None,
    newest_first: bool,
    where: Condition | None,
    consistent: bool,
) -> dict[str, Any]:
    hash_name, range_name = key_names(index)
    names: dict[str, str] = {}
    values: dict[str, Any] = {":pk": {"S": pk}}
    expression = "#pk = :pk"
    request: dict[str, Any] = {"TableName": model_cls.table_name(), "ScanIndexForward": not newest_first}
    if where is not None:
        request["FilterExpression"] = where.serialize(names, values)
    placeholders = {placeholder: name for name, placeholder in names.items()} | {"#pk": hash_name}
    if sk_prefix is not None:
        expression += " AND begins_with(#sk, :prefix)"
        placeholders["#sk"] = range_name
        values[":prefix"] = {"S": sk_prefix}
    elif sk_between is not None:
        expression += " AND #sk BETWEEN :low AND :high"
        placeholders["#sk"] = range_name
        values |= {":low": {"S": sk_between[0]}, ":high": {"S": sk_between[1]}}
    if index is not None:
        request["IndexName"] = index
    elif consistent:
        request["ConsistentRead"] = True
    request["KeyConditionExpression"] = expression
    request["ExpressionAttributeNames"] = placeholders
    request["ExpressionAttributeValues"] = values
    return request
