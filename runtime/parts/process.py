"""One process of the running system: started behind a guardian, with a log of its own, and stopped with it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARDIAN = Path(__file__).with_name("guardian.py")
_POLL_SECONDS = 0.03


class PartFailed(Exception):
    """A part could not be started; the text is a sentence for whoever typed the command."""


@dataclass
class Process:
    """A command that runs until it is stopped or whoever started it is gone.

    `folder` gets the record of the process and its log; `grace_seconds` is the time it has to end when asked.
    """

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    working_folder: Path | None = None
    grace_seconds: float = 10.0
    _guardian: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        """Where everything the process prints is kept."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """The file whose lock tells whether the process lives."""
        return self.folder / "processes" / f"{self.name}.json"

    def start(self) -> None:
        """Starts the process. One left over from an earlier start that died is ended first (PartFailed if it stays)."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.record.parent.mkdir(parents=True, exist_ok=True)
        end_stale(self.record)
        guardian = [sys.executable, "-I", "-S", str(_GUARDIAN)]
        options = ["--record", str(self.record), "--grace-seconds", str(self.grace_seconds), "--"]
        with self.log.open("ab") as log:
            self._guardian = subprocess.Popen(
                [*guardian, *options, *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment) or None,
                cwd=self.working_folder,
                # A Ctrl-C at the terminal is for the supervisor alone, which then stops things in their order.
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._guardian is not None and self._guardian.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits until `ready` answers true. Raises PartFailed with the end of the log if it dies or takes too long.

        That the process lives is looked at after every question: on a port that somebody else has taken, it is the
        stranger who answers.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            answered = ready()
            if not self.alive():
                raise PartFailed(f"{self.name} ended while it was starting. {self.last_words()}")
            if answered:
                return
            time.sleep(_POLL_SECONDS)
        raise PartFailed(f"{self.name} was not ready after {seconds:.0f} s. {self.last_words()}")

    def last_words(self, lines: int = 12) -> str:
        """The end of the log, for a sentence about what went wrong."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "It has no log."
        return f"The end of {self.log.name}:\n" + "\n".join(text.splitlines()[-lines:])

    def ask_to_stop(self) -> None:
        """Tells it to end, without waiting: the guardian's standard input closes."""
        if self._guardian is not None and self._guardian.stdin is not None:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()

    def stop(self) -> None:
        """Ends it: gracefully within its grace, else by force. Does nothing when it has ended already."""
        self.ask_to_stop()
        if self._guardian is None:
            return
        try:
            self._guardian.wait(self.grace_seconds + 5.0)
        except subprocess.TimeoutExpired:
            end_stale(self.record, patience_seconds=0.0)
            self._guardian.wait(5.0)

    def finish(self, seconds: float) -> int | None:
        """Waits for it to end by itself; answers its exit code, or None when it was stopped for taking too long."""
        if self._guardian is None:
            return None
        try:
            return self._guardian.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            return None

    def kill(self) -> None:
        """Ends it at once, as a power cut would. For tests of what a crash leaves behind."""
        end_stale(self.record, patience_seconds=0.0)
        if self._guardian is not None:
            self._guardian.wait(5.0)


def end_stale(record: Path, patience_seconds: float = 15.0) -> None:
    """Waits for a process of an earlier start to end by itself, then ends it by force (PartFailed if it stays)."""
    if not record.exists():
        return
    with record.open("r+b") as held:
        if _free_within(held.fileno(), patience_seconds):
            return
        try:
            ids = json.loads(held.read())
        except ValueError:
            ids = {}
        # The lock is held, so at least one of the two lives and neither id has passed to a stranger's group.
        for role in ("guardian", "child"):
            if isinstance(ids.get(role), int):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(ids[role], signal.SIGKILL)
        if not _free_within(held.fileno(), 5.0):
            raise PartFailed(f"A process of an earlier start does not end; its id is in {record}.")


def _free_within(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return True
