"""What reporting reads from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.reporting.database import engine_for
from shared.settings import Secret, Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


class DatabaseSettings(Settings, frozen=True, kw_only=True):
    """Where the read model is: `sqlite:///file` or `postgresql://user:password@host/database`."""

    database_url: Secret


class ReportingSettings(DatabaseSettings, frozen=True, kw_only=True):
    """Settings of reporting."""

    reporting_queue_name: str
    access_token_jwks: str


def engine(settings: DatabaseSettings) -> Engine:
    """The read model's database, with its tables in place. Raises sqlalchemy.exc.SQLAlchemyError."""
    return engine_for(settings.database_url.reveal())
