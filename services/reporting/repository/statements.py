"""Running SQL that SQLite and PostgreSQL both understand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Connection


def run(connection: Connection, statement: str, **values: Any) -> int:
    """Run a statement that changes rows; answers how many."""
    from sqlalchemy import text

    return int(connection.execute(text(statement), values).rowcount)


def rows(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a query, by column."""
    from sqlalchemy import text

    return [dict(row) for row in connection.execute(text(statement), values).mappings()]
