"""Rows in DynamoDB: conditional writes that know their own effect, signed pages, and what it all costs."""

from shared.data.attributes import (
    DocumentAttribute,
    DocumentsAttribute,
    IntegerAttribute,
    MomentAttribute,
    ShapeAttribute,
)
from shared.data.capacity import Meter, consumed
from shared.data.errors import (
    AlreadyExists,
    BadCursor,
    ConditionRefused,
    DataError,
    Reason,
    Rejected,
    StaleVersion,
    Throttled,
    TransactionRefused,
    Unavailable,
)
from shared.data.reads import Page, fetch, fetch_many, query_all, query_page
from shared.data.rows import BareRow, ListedRow, Row
from shared.data.transactions import Check, Delete, Insert, Replace, Update, Write, transact
from shared.data.writes import delete, insert, replace, update

__all__ = [
    "AlreadyExists",
    "BadCursor",
    "BareRow",
    "Check",
    "ConditionRefused",
    "DataError",
    "Delete",
    "DocumentAttribute",
    "DocumentsAttribute",
    "Insert",
    "IntegerAttribute",
    "ListedRow",
    "Meter",
    "MomentAttribute",
    "Page",
    "Reason",
    "Rejected",
    "Replace",
    "Row",
    "ShapeAttribute",
    "StaleVersion",
    "Throttled",
    "TransactionRefused",
    "Unavailable",
    "Update",
    "Write",
    "consumed",
    "delete",
    "fetch",
    "fetch_many",
    "insert",
    "query_all",
    "query_page",
    "replace",
    "transact",
    "update",
]
