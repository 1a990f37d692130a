"""What every row of every table has.

All tables share one key: `pk` and `sk`, both text. A model says which table it lives in by `Meta.table_name`, or by
`Meta.table_variable`, the environment variable that holds the name and is looked up when the table is first used.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.connection.base import Connection, MetaTable
from pynamodb.connection.table import TableConnection
from pynamodb.models import Model

from shared.data import transport
from shared.data.attributes import DocumentAttribute, IntegerAttribute, MomentAttribute

# One index, where a table has any; its keys are set only on the rows that are to be listed.
LISTING_INDEX: Final = "listing"


class _Connection(Connection):
    """pynamodb's connection with its requests sent our way, so that no request escapes retries and counting."""

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Send one operation; pynamodb's own signals and retries are left out."""
        return transport.send(operation_name, operation_kwargs)

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        return transport.send(operation_name, operation_kwargs)


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
