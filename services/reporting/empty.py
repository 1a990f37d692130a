"""Forgets the read model: `python -m services.reporting.empty`. A republish of the other services fills it again."""

from __future__ import annotations

import sys

from services.reporting import repository
from services.reporting.settings import DatabaseSettings, engine
from shared.settings import load


def main() -> int:
    """Empty every table, and say how many rows went."""
    gone = repository.empty(engine(load(DatabaseSettings)))
    sys.stdout.write("".join(f"{table}: {count} rows removed\n" for table, count in gone.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
