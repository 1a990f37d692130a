"""Starts the whole of Stagedoor on one machine, watches over it, and stops it so that nothing stays behind.

Everything that must outlive a stop lies in the state folder: tables, queues, documents, the payment company's books,
secrets, checkpoints, logs, and `environment.json`, from which anything started beside it finds its parts.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runtime.parts import PartFailed, Parts, Process, free_port
from runtime.provisioning import ROOT, provision
from runtime.rotation import settle_keys
from runtime.secrets import kept_secrets

STATE = ROOT / ".state"
RESOURCE_PREFIX = "stagedoor-dev"
_READY_SECONDS_MAX = 60.0
_REPUBLISH_SECONDS_MAX = 120.0
_WATCH_SECONDS = 0.5
_SILENT_SECONDS_MAX = 60.0
# A process that ends by itself is started again, but not for ever: then something is wrong that a person must see.
_RESTARTS_MAX = 5
_RESTARTS_WITHIN_SECONDS = 120.0


class AlreadyUp(PartFailed):
    """Another Stagedoor runs from the same state folder."""


def services() -> tuple[str, ...]:
    """The services of this repository: whatever has an app."""
    return tuple(sorted(path.parent.name for path in (ROOT / "services").glob("*/app.py")))


def say(text: str) -> None:
    """Prints a line for the person at the terminal; a terminal that is gone must not keep anything from stopping."""
    with suppress(OSError, ValueError):
        print(text, flush=True)


@dataclass(frozen=True)
class Program:
    """One process of the product, and how to see that it is ready and well."""

    process: Process
    ready: Callable[[], bool]
    well: Callable[[], bool] = lambda: True


class Supervisor:
    """One running Stagedoor. `given` is the environment it was started in: parts named there are used, not started."""

    def __init__(self, state: Path, port: int, given: Mapping[str, str]) -> None:
        self.state = state.resolve()
        self.port = port
        self.address = f"http://127.0.0.1:{port}"
        self.environment: dict[str, str] = {}
        self.unclean = False
        self._given = given
        self._parts = Parts(self.state, keep=True, given=given, say=say)
        self._mail_port: int | None = None
        self._programs: list[Program] = []
        self._lock: IO[str] | None = None
        self._restarts: list[float] = []

    def start(self) -> None:
        """Brings everything up until `GET /health` answers 200. Raises PartFailed with a sentence when it cannot."""
        self._take_state()
        self._refuse_taken_port()
        say("Starting the parts:")
        self._mail_port = None if self._given.get("AWS_ENDPOINT_URL") else self._kept_port("mail")
        self._parts.mail_port = self._mail_port
        parts = self._parts.start()
        made = kept_secrets(self.state / "secrets.json")
        self.environment = {**self._settings(), **made, **settle_keys(self.state / "keys", made), **parts}
        self._provision()
        write_environment(self.state / "environment.json", self.environment)
        say("Starting the product:")
        # The gateway comes last, so that its `GET /health` answers 200 only when the rest is ready, too.
        for together in ([*self._mailbox(), self._company(), self._triggers()], [self._gateway()]):
            for program in together:
                say(f"  {program.process.name}, log {program.process.log}")
                self._programs.append(program)
                program.process.start()
            for program in together:
                program.process.wait_until(program.ready, _READY_SECONDS_MAX)
        if self.unclean:
            self.republish_everything()

    def watch(self, stop_wanted: Callable[[], bool]) -> None:
        """Returns when a stop is wanted. Starts again what ended by itself; raises PartFailed when it keeps ending."""
        while not stop_wanted():
            time.sleep(_WATCH_SECONDS)
            part = self._parts.failed()
            if part is not None:
                self._restart(part.process)
                part.process.wait_until(part.ready, _READY_SECONDS_MAX)
                if part.process.name == "emulator":
                    # Killed, it forgets what it had not written: its queues are made again, and messages sent again.
                    self._provision()
                    self.republish_everything()
            for program in self._programs:
                if not program.process.alive() or not program.well():
                    self._restart(program.process)

    def stop(self) -> None:
        """Stops the product, then the parts, each with time to finish what it is at."""
        clean = bool(self._programs)
        for program in self._programs:
            program.process.ask_to_stop()
        for program in self._programs:
            program.process.stop()
        self._programs = []
        self._parts.stop()
        if self._lock is not None:
            if clean:
                (self.state / "running").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def republish_everything(self) -> None:
        """Sends the current state of every service again, after messages may have been forgotten."""
        say("Messages may have been lost with the emulator: every service sends its state again.")
        command = [sys.executable, "-m", "runtime", "--state", str(self.state), "republish", "all"]
        process = Process("republish", command, self.state, {**self._given, **self.environment}, ROOT)
        process.start()
        if process.finish(_REPUBLISH_SECONDS_MAX) != 0:
            say(f"Not everything was sent again; `make republish SERVICE=all` tries once more. {process.last_words()}")

    def _take_state(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._lock = (self.state / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyUp(
                f"Stagedoor is already up from this folder, at {running_address(self.state) or 'an unknown address'}. "
                "Stop that one with Ctrl-C first."
            ) from None
        running = self.state / "running"
        self.unclean = running.exists()
        running.touch()

    def _refuse_taken_port(self) -> None:
        if free_port(self.port) == self.port:
            return
        # After a kill the guardians still stop the last gateway, which holds the port for a moment.
        deadline = time.monotonic() + 15.0
        while self.unclean and time.monotonic() < deadline:
            time.sleep(0.2)
            if free_port(self.port) == self.port:
                return
        raise PartFailed(
            f"Port {self.port} is taken by another program. Choose another: make up PORT={free_port(self.port + 1)}"
        )

    def _settings(self) -> dict[str, str]:
        # Only an emulator that is started here can be told where to pass mails on.
        mailbox = {} if self._mail_port is None else {"MAILBOX_URL": f"http://127.0.0.1:{self._kept_port('mailbox')}"}
        return {
            **mailbox,
            "PUBLIC_URL": self.address,
            "MAIL_FROM": "box-office@stagedoor.example",
            "TEST_PROVIDER_URL": f"http://127.0.0.1:{self._kept_port('payment_company')}",
            "DATABASE_URL": self._given.get("DATABASE_URL") or f"sqlite:///{self.state / 'reporting.sqlite3'}",
            "XRAY_ENABLED": self._given.get("XRAY_ENABLED", "0"),
            "LOG_LEVEL": self._given.get("LOG_LEVEL", "INFO"),
            "STAGEDOOR_ENVIRONMENT_FILE": str(self.state / "environment.json"),
        }

    def _kept_port(self, name: str) -> int:
        """A port by name: the same as last time if it is free, because addresses are kept in rows and browsers."""
        file = self.state / "ports" / name
        file.parent.mkdir(exist_ok=True)
        last = file.read_text(encoding="utf-8") if file.exists() else ""
        port = free_port(int(last) if last.isdigit() else None)
        file.write_text(str(port), encoding="utf-8")
        return port

    def _provision(self) -> None:
        with _environment(self.environment):
            made = provision("dev", RESOURCE_PREFIX, mail_from=self.environment["MAIL_FROM"])
        say(
            f"Provisioned from infrastructure/platform.yaml: {made.count('created')} made, "
            f"{made.count('changed')} changed, {made.count('unchanged')} as they were"
        )
        self.environment |= made.environment

    def _mailbox(self) -> list[Program]:
        """What takes the mails the emulator passes on, and shows them; nothing when the emulator is a given one."""
        if self._mail_port is None:
            return []
        address = self.environment["MAILBOX_URL"]
        options = {
            "--port": address.rsplit(":", 1)[1],
            "--mail-port": str(self._mail_port),
            "--state": str(self.state / "mails"),
        }
        return [Program(self._process("mailbox", options), lambda: answers_ok(f"{address}/health"))]

    def _company(self) -> Program:
        """The payment company: a process of its own, as it would be somebody else's in the world."""
        address = self.environment["TEST_PROVIDER_URL"]
        options = {
            "--port": address.rsplit(":", 1)[1],
            "--state": str(self.state / "payment_company"),
            "--webhook-url": f"{self.address}/v1/webhooks/test",
        }
        return Program(self._process("payment_company", options), lambda: answers_ok(f"{address}/health"))

    def _triggers(self) -> Program:
        """What delivers queues, streams and schedules. It has no port, so it shows itself well by writing a file."""
        sign = self.state / "triggers_health.json"
        sign.unlink(missing_ok=True)
        process = self._process("triggers", {"--state": str(self.state), "--health-file": str(sign)})

        def well() -> bool:
            with suppress(FileNotFoundError):
                return time.time() - sign.stat().st_mtime < _SILENT_SECONDS_MAX
            return False

        return Program(process, well, well)

    def _gateway(self) -> Program:
        """The HTTP server of all services and of the web app."""
        return Program(
            self._process("gateway", {"--port": str(self.port)}), lambda: answers_ok(f"{self.address}/health")
        )

    def _process(self, name: str, options: Mapping[str, str]) -> Process:
        environment = {**self._given, **self.environment}
        # Emulators want no identity of the person at the keyboard.
        for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.pop(variable, None)
        command = [sys.executable, "-m", f"runtime.{name}", *(word for pair in options.items() for word in pair)]
        return Process(name, command, self.state, environment, ROOT)

    def _restart(self, process: Process) -> None:
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < _RESTARTS_WITHIN_SECONDS] + [now]
        if len(self._restarts) > _RESTARTS_MAX:
            raise PartFailed(f"{process.name} keeps ending by itself. {process.last_words()}")
        state = "no longer answers" if process.alive() else "ended by itself"
        say(f"{process.name} {state} and is started again; its log is {process.log}")
        process.stop()
        sign = self.state / f"{process.name}_health.json"
        if sign.exists():
            # Counted from now, or it would be found silent again while it is still starting.
            sign.touch()
        process.start()


def answers_ok(url: str) -> bool:
    """Whether a GET answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    """Writes the variables down for what is started beside; secrets are among them, so for their owner's eyes alone."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(sorted(environment.items())), file, indent=1)
    fresh.replace(path)


def read_environment(state: Path) -> dict[str, str]:
    """What the last start wrote down. Raises PartFailed when nothing was ever started from this folder."""
    try:
        variables: dict[str, str] = json.loads((state / "environment.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PartFailed("Nothing was started yet: `make up` first.") from None
    return variables


def running_address(state: Path) -> str | None:
    """The address of the Stagedoor that holds the state folder, or None when none does."""
    try:
        with (state / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except FileNotFoundError:
        return None
    except BlockingIOError:
        with suppress(PartFailed):
            return read_environment(state).get("PUBLIC_URL")
        return None


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's environment with variables added, and as it was afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(variable, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
