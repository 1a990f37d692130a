"""What every row of every table has.

All tables share one key: `pk` and `sk`, both text. A model says which table it lives in by `Meta.table_name`, or by
`Meta.table_variable`, the environment variable that holds the name and is looked up when the table is first used.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    DiscriminatorAttribute,
    ListAttribute,
    MapAttribute,
    UnicodeAttribute,
)
from pynamodb.connection.base import Connection, MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import AttributeNullError
from pynamodb.models import Model

from shared.data import transport
from shared.data.attributes import DocumentAttribute, IntegerAttribute, MomentAttribute

# One index, where a table has any; its keys are set only on the rows that are to be listed.
LISTING_INDEX: Final = "listing"

AnyRow = TypeVar("AnyRow", bound="BareRow")


class _Connection(Connection):
    """pynamodb's connection with its requests sent our way, so that no request escapes retries and counting."""

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Send one operation; pynamodb's own signals and retries are left out."""
        return transport.send(operation_name, operation_kwargs)

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        return transport.send(operation_name, operation_kwargs)


class _Plan(NamedTuple):
    """What of a model's attributes is the same for each of its rows, looked up once."""

    attributes: tuple[tuple[str, Attribute[Any]], ...]
    by_stored_name: dict[str, tuple[str, Attribute[Any]]]
    defaults: dict[str, Any]


@cache
def _plan_of(model_cls: type[Model]) -> _Plan | None:
    """The plan of a model; None for one that needs all that pynamodb can do: maps, defaults that are made anew."""
    attributes = tuple(model_cls.get_attributes().items())
    if any(
        isinstance(one, (MapAttribute, ListAttribute, DiscriminatorAttribute))
        or callable(one.default)
        or one.default_for_new is not None
        for _, one in attributes
    ):
        return None
    by_stored_name = {one.attr_name: (name, one) for name, one in attributes}
    return _Plan(attributes, by_stored_name, {name: one.default for name, one in attributes if one.default is not None})


_connections: dict[str, TableConnection] = {}
_connections_lock = threading.Lock()


class BareRow(Model):
    """A row of keys only, for what must stay small: slots of a pool, leases, records that expire.

    `expires_at` is DynamoDB's time to live, in seconds since 1970. DynamoDB removes late (up to 48 hours), so whoever
    reads decides by the time itself. `write_id` marks the last write, so that a writer knows its own.
    """

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires_at = IntegerAttribute(null=True)
    write_id = BinaryAttribute(null=True, legacy_encoding=False)

    @classmethod
    def from_raw_data(cls: type[AnyRow], data: dict[str, Any]) -> AnyRow:
        """The row of an item. pynamodb's way asks every attribute there is, this one only those the item has."""
        plan = _plan_of(cls)
        if plan is None or not data:
            return super().from_raw_data(data)
        row = cls.__new__(cls)
        values = row.attribute_values = dict(plan.defaults)
        for name, typed in data.items():
            found = plan.by_stored_name.get(name)
            if found is not None and typed and "NULL" not in typed:
                values[found[0]] = found[1].deserialize(found[1].get_value(typed))
        return row

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """The item of a row. Raises pynamodb's AttributeNullError for a value that must be there and is not."""
        plan = _plan_of(type(self))
        if plan is None:
            return super().serialize(null_check)
        values = self.attribute_values
        item: dict[str, dict[str, Any]] = {}
        for name, attribute in plan.attributes:
            value = values.get(name)
            kept = None if value is None else attribute.serialize(value)
            if kept is not None:
                item[attribute.attr_name] = {attribute.attr_type: kept}
            elif null_check and not attribute.null:
                raise AttributeNullError(name)
        return item

    def _set_defaults(self, _user_instantiated: bool = True) -> None:
        plan = _plan_of(type(self))
        if plan is None:
            super()._set_defaults(_user_instantiated)
        else:
            self.attribute_values.update(plan.defaults)

    @classmethod
    def table_name(cls) -> str:
        """The name of the table the row lives in. Raises LookupError when neither Meta nor the environment has it."""
        meta = getattr(cls, "Meta", None)
        name = getattr(meta, "table_name", None)
        if name:
            return str(name)
        variable = getattr(meta, "table_variable", None)
        if variable is None:
            raise LookupError(f"{cls.__name__} names no table: its Meta has neither table_name nor table_variable")
        name = os.environ.get(variable)
        if not name:
            raise LookupError(f"{variable} is not set, so the table of {cls.__name__} is not known")
        return name

    @classmethod
    def _get_connection(cls) -> TableConnection:
        name = cls.table_name()
        connection = _connections.get(name)
        if connection is None:
            with _connections_lock:
                connection = _connections.get(name)
                if connection is None:
                    connection = _connections[name] = _connect(name)
        return connection


class Row(BareRow):
    """A row that is changed under a version and may announce its changes.

    `version` counts its writes from 1. `outbox` names the message types its last announcing write asked for and the
    version of that write: {"version": 3, "types": ["orders.order_paid.v1"]}; the relay publishes from the stream.
    """

    version = IntegerAttribute(default=0)
    created_at = MomentAttribute(null=True)
    updated_at = MomentAttribute(null=True)
    outbox = DocumentAttribute(null=True)


class ListedRow(Row):
    """A row that may stand in its table's index `listing` by setting both keys; without them it costs no index."""

    listing_pk = UnicodeAttribute(null=True)
    listing_sk = UnicodeAttribute(null=True)


def _connect(table: str) -> TableConnection:
    connection = TableConnection(table)
    connection.connection = _Connection()
    # All tables have the same keys, so pynamodb need not ask DynamoDB for them.
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    listing = [
        {"AttributeName": "listing_pk", "KeyType": "HASH"},
        {"AttributeName": "listing_sk", "KeyType": "RANGE"},
    ]
    names = ("pk", "sk", "listing_pk", "listing_sk")
    description = {
        "TableName": table,
        "KeySchema": keys,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "GlobalSecondaryIndexes": [{"IndexName": LISTING_INDEX, "KeySchema": listing}],
    }
    connection.connection.add_meta_table(MetaTable(description))
    return connection
