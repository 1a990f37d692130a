"""A Stagedoor started the way the Makefile starts it, for tests that look at it from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS_MAX = 60.0
# What a terminal gives a program; nothing of the test run's own parts may reach the one under test.
KEPT_VARIABLES = ("HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR", "USER")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


class House:
    """A Stagedoor in a folder of its own, started the way the Makefile starts it."""

    def __init__(self, state: Path, port: int) -> None:
        self.state, self.port = state, port
        self.address = f"http://127.0.0.1:{port}"
        self.environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def command(self, *arguments: str) -> list[str]:
        """A command of the runtime on this one's state."""
        return [sys.executable, "-m", "runtime", "--state", str(self.state), *arguments]

    def start(self, *wrapped_in: str, with_season: bool = False) -> None:
        """Starts it and waits for the line that says it is up."""
        season = () if with_season else ("--without-season",)
        self.process = subprocess.Popen(
            [*wrapped_in, *self.command("up", "--port", str(self.port), *season)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Stagedoor is up at "):
                return
        raise AssertionError("it ended before it was up:\n" + "\n".join(self.lines) + self.logs())

    def logs(self) -> str:
        """The end of every log, for a failure's message."""
        parts = []
        for log in sorted((self.state / "logs").glob("*.log")):
            parts.append(f"\n--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return "".join(parts)

    def end(self, number: int) -> int:
        """Sends a signal and waits for the end; answers the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS_MAX)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code

    def groups(self) -> set[int]:
        """The process groups that were started for it."""
        found = set()
        for record in (self.state / "processes").glob("*.json"):
            found |= set(json.loads(record.read_text()).values())
        return found

    def left(self) -> list[str]:
        """The processes of those groups that still run, as the system tells them."""
        groups = self.groups()
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat=,command="], capture_output=True, text=True, check=True)
        rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
        return [row[2] for row in rows if len(row) == 3 and int(row[0]) in groups and not row[1].startswith("Z")]

    def healthy(self) -> bool:
        """Whether `GET /health` answers 200."""
        try:
            return httpx.get(f"{self.address}/health", timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    def written(self) -> dict[str, str]:
        """What it wrote down for programs that are started beside it."""
        variables: dict[str, str] = json.loads((self.state / "environment.json").read_text())
        return variables

    def clear_up(self) -> None:
        """Stops it if it still runs, and waits until nothing of it does."""
        if self.process is not None:
            self.end(signal.SIGTERM)
        within(STOP_SECONDS_MAX, lambda: not self.left())
