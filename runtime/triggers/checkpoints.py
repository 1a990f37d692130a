"""How far each stream was read: kept in a file, so that a new start goes on where the last one stopped."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """The last record that is done with, if any, and whether the whole shard is."""

    sequence_number: str | None
    finished: bool


class Checkpoints:
    """Checkpoints by function, stream and shard. Without a path they live as long as the object, for tests.

    A checkpoint is written after its records were delivered, so a crash in between delivers them again, never too few.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None, timeout=10
        )
        self._database.execute("PRAGMA journal_mode=WAL")
        # A power cut may take the last checkpoints back, which delivers some records twice: allowed, and much faster.
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS checkpoints (function TEXT, stream TEXT, shard TEXT, sequence_number TEXT,"
            " finished INTEGER NOT NULL, PRIMARY KEY (function, stream, shard))"
        )

    def read(self, function: str, stream: str) -> dict[str, Checkpoint]:
        """All checkpoints of a function in a stream, by shard."""
        with self._lock:
            rows = self._database.execute(
                "SELECT shard, sequence_number, finished FROM checkpoints WHERE function = ? AND stream = ?",
                (function, stream),
            ).fetchall()
        return {shard: Checkpoint(sequence_number, bool(finished)) for shard, sequence_number, finished in rows}

    def write(self, function: str, stream: str, shard: str, checkpoint: Checkpoint) -> None:
        """Remembers how far a shard was read."""
        with self._lock:
            self._database.execute(
                "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?) ON CONFLICT (function, stream, shard)"
                " DO UPDATE SET sequence_number = excluded.sequence_number, finished = excluded.finished",
                (function, stream, shard, checkpoint.sequence_number, int(checkpoint.finished)),
            )

    def keep_only(self, function: str, stream: str, shards: Collection[str]) -> None:
        """Forgets shards that the stream itself no longer knows."""
        for shard in set(self.read(function, stream)) - set(shards):
            with self._lock:
                self._database.execute(
                    "DELETE FROM checkpoints WHERE function = ? AND stream = ? AND shard = ?", (function, stream, shard)
                )

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._database.close()
