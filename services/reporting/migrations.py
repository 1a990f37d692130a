"""The read model's tables, as numbered steps that are applied once each, in order.

A step that was released is never changed; what comes later is a new step. Plain DDL that SQLite and PostgreSQL both
understand: times are milliseconds since 1970 and amounts minor units, both 64 bits wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MIGRATIONS: Final[tuple[tuple[int, tuple[str, ...]], ...]] = (
    (
        1,
        (
            """
            CREATE TABLE events (
                event_id TEXT PRIMARY KEY,
                version BIGINT NOT NULL,
                organiser_id TEXT NOT NULL,
                name TEXT NOT NULL,
                starts_at BIGINT NOT NULL,
                time_zone TEXT NOT NULL,
                currency TEXT NOT NULL
            )
            """,
            "CREATE INDEX events_by_organiser ON events (organiser_id, starts_at)",
            """
            CREATE TABLE ticket_types (
                event_id TEXT NOT NULL,
                ticket_type_id TEXT NOT NULL,
                name TEXT NOT NULL,
                version BIGINT NOT NULL,
                PRIMARY KEY (event_id, ticket_type_id)
            )
            """,
            """
            CREATE TABLE orders (
                order_id TEXT PRIMARY KEY,
                event_id TEXT NOT NULL,
                organiser_id TEXT NOT NULL,
                currency TEXT NOT NULL,
                places BIGINT NOT NULL,
                total BIGINT NOT NULL,
                confirmed_version BIGINT NOT NULL,
                confirmed_at BIGINT NOT NULL,
                refunded_version BIGINT NOT NULL,
                refunded_at BIGINT,
                refunded BIGINT NOT NULL
            )
            """,
            "CREATE INDEX orders_by_organiser ON orders (organiser_id, event_id)",
            "CREATE INDEX orders_by_event ON orders (event_id)",
            """
            CREATE TABLE order_lines (
                order_id TEXT NOT NULL,
                ticket_type_id TEXT NOT NULL,
                price BIGINT NOT NULL,
                name TEXT NOT NULL,
                places BIGINT NOT NULL,
                PRIMARY KEY (order_id, ticket_type_id, price)
            )
            """,
            """
            CREATE TABLE admissions (
                ticket_id TEXT PRIMARY KEY,
                event_id TEXT NOT NULL,
                organiser_id TEXT NOT NULL,
                version BIGINT NOT NULL,
                direction TEXT NOT NULL,
                first_at BIGINT NOT NULL
            )
            """,
            "CREATE INDEX admissions_by_event ON admissions (event_id)",
            "CREATE INDEX admissions_by_organiser ON admissions (organiser_id)",
        ),
    ),
    (
        2,
        (
            """
            CREATE TABLE pools (
                pool_id TEXT PRIMARY KEY,
                event_id TEXT NOT NULL,
                organiser_id TEXT NOT NULL,
                published_version BIGINT NOT NULL,
                published BIGINT NOT NULL,
                steered_version BIGINT NOT NULL,
                steered BIGINT NOT NULL
            )
            """,
            "CREATE INDEX pools_by_organiser ON pools (organiser_id, event_id)",
        ),
    ),
)

# Any number will do, as long as nobody else locks the same database by it.
_LOCK: Final = 7_241_905_110


def migrate(engine: Engine) -> int:
    """Bring the tables to the newest step; answers its number. Processes that start together wait for one another."""
    with engine.connect() as connection:
        _lock(connection)
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS schema_versions (version BIGINT PRIMARY KEY)")
        applied = {row[0] for row in connection.exec_driver_sql("SELECT version FROM schema_versions")}
        for version, statements in MIGRATIONS:
            if version in applied:
                continue
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"INSERT INTO schema_versions (version) VALUES ({version})")
        connection.commit()
    return MIGRATIONS[-1][0]


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Before the first read: SQLite cannot turn a reader into a writer while another writes.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
