"""The database behind the reports: SQLite on a laptop, PostgreSQL by DATABASE_URL."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final

from services.reporting.migrations import migrate

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Writers of the laptop's one file wait for each other this long, then the message comes again.
_SQLITE_BUSY_MILLISECONDS: Final = 5_000

_engines: dict[tuple[int, str], Engine] = {}
_engines_lock = threading.Lock()


def engine_for(url: str) -> Engine:
    """The engine for an address, with its tables at their newest; made once a process.

    Raises sqlalchemy.exc.SQLAlchemyError when the database cannot be reached.
    """
    # By process, because a fork must not share its parent's connections.
    key = (os.getpid(), url)
    engine = _engines.get(key)
    if engine is None:
        with _engines_lock:
            engine = _engines.get(key)
            if engine is None:
                engine = _connect(url)
                migrate(engine)
                _engines[key] = engine
    return engine


def _connect(url: str) -> Engine:
    # SQLAlchemy costs a tenth of a second to import, and only who reads or writes figures needs it.
    from sqlalchemy import create_engine, event

    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    # The driver is ours to choose; what a cloud hands out names only the database.
    address = "postgresql+psycopg://" + url.partition("://")[2]
    # One Lambda environment handles one batch at a time; a gateway's threads may need a few more.
    return create_engine(
        address,
        pool_size=2,
        max_overflow=8,
        pool_pre_ping=True,
        pool_recycle=300,
        connect_args={"connect_timeout": 5, "application_name": "stagedoor-reporting"},
    )


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    # Readers do not wait for the writer, nor the writer for them.
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_BUSY_MILLISECONDS}")
    cursor.close()
