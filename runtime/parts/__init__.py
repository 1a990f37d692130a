"""The embedded parts, started together and told to others by environment variables.

A part whose variable is given already (REDIS_URL, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB) is not started: the
given one takes its place.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from runtime.parts.embedded import Part, database, emulator, redis
from runtime.parts.process import PartFailed, Process, end_stale

__all__ = ["Part", "PartFailed", "Parts", "Process", "end_stale", "free_port"]

_READY_SECONDS_MAX = 60.0
_TRIES = 3
# Emulators take any key; a real one in the environment must not be handed to them.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_EC2_METADATA_DISABLED": "true"}


def free_port(preferred: int | None = None) -> int:
    """A port of this machine that nobody listens on: the preferred one if that is free. Another may take it yet."""
    for port in filter(None, (preferred,)):
        with socket.socket() as probe:
            # As servers do: connections of an earlier start that linger do not make a port taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Parts:
    """The parts of one run. `keep` makes their state outlive it, in the folder; else they work in memory."""

    def __init__(
        self, folder: Path, *, keep: bool, given: Mapping[str, str], say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder.resolve()
        self._keep = keep
        self._given = given
        self._say = say
        self._started: list[Part] = []
        # Where the emulator passes mails on by SMTP; without it they are kept in the emulator alone.
        self.mail_port: int | None = None

    def start(self) -> dict[str, str]:
        """Starts what was not given, all at once, and waits until everything answers.

        Answers the variables that tell where the parts are. Raises PartFailed, after stopping what had started.
        """
        makers: dict[str, Callable[[int], Part]] = {
            "AWS_ENDPOINT_URL_DYNAMODB": lambda port: database(self.folder, port, keep=self._keep),
            "AWS_ENDPOINT_URL": lambda port: emulator(self.folder, port, keep=self._keep, mail_port=self.mail_port),
            "REDIS_URL": lambda port: redis(self.folder, port),
        }
        wanted = {variable: maker for variable, maker in makers.items() if not self._given.get(variable)}
        variables = {variable: self._given[variable] for variable in makers if variable not in wanted}
        if self._given.get("AWS_ENDPOINT_URL_DYNAMODB"):
            streams = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"
            variables[streams] = self._given.get(streams) or self._given["AWS_ENDPOINT_URL_DYNAMODB"]
        for variable in variables:
            if variable in makers:
                self._say(f"  {variable} is given, so its part is not started")
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, _TRIES + 1):
            try:
                for part in self._start_all(wanted):
                    variables |= part.variables
                break
            except PartFailed:
                self.stop()
                # Between choosing a port and listening on it somebody else may have taken it; new ones are chosen.
                (self.folder / "ports.json").unlink(missing_ok=True)
                if attempt == _TRIES:
                    raise
        return {**self._credentials(), **variables}

    def _start_all(self, makers: Mapping[str, Callable[[int], Part]]) -> list[Part]:
        ports = self._ports(makers)
        self._started = [make(ports[variable]) for variable, make in makers.items()]
        for part in self._started:
            port = ports[next(iter(part.variables))]
            self._say(f"  {part.title} on port {port}, log {part.process.log}")
            part.process.start()
        for part in self._started:
            part.process.wait_until(part.ready, _READY_SECONDS_MAX)
        return self._started

    def _ports(self, variables: Mapping[str, object]) -> dict[str, int]:
        """A port for each part, the same as last time where it is still free: addresses kept elsewhere stay right."""
        remembered = self.folder / "ports.json"
        try:
            last = json.loads(remembered.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = {}
        ports = {variable: free_port(last.get(variable)) for variable in variables}
        remembered.write_text(json.dumps(ports), encoding="utf-8")
        return ports

    def _credentials(self) -> dict[str, str]:
        if self._given.get("AWS_ENDPOINT_URL") and self._given.get("AWS_ACCESS_KEY_ID"):
            return {name: self._given[name] for name in CREDENTIALS if self._given.get(name)}
        return dict(CREDENTIALS)

    def process(self, name: str) -> Process:
        """The process of a part by name: `dynamodb`, `emulator`, `redis`. Refuses one that was given (PartFailed)."""
        for part in self._started:
            if part.process.name == name:
                return part.process
        raise PartFailed(f"{name} was not started here.")

    def failed(self) -> Part | None:
        """A part that has ended although nobody stopped it, if there is one."""
        return next((part for part in self._started if not part.process.alive()), None)

    def stop(self) -> None:
        """Stops every part that was started here, all at once, and waits until they have ended."""
        for part in self._started:
            part.process.ask_to_stop()
        for part in self._started:
            part.process.stop()
        self._started = []
