"""What is measured: parts in memory, tables from the template, and a gateway, all started here and stopped again."""

from __future__ import annotations

import importlib
import json
import os
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from runtime.parts import Parts, Process, free_port
from runtime.provisioning import ROOT, provision
from runtime.secrets import generated_secrets
from runtime.supervisor import answers_ok

STATE: Final = ROOT / ".state" / "bench"
_READY_SECONDS_MAX: Final = 60.0
# Two processes run the triggers, because in one of Python a sale would wait for the drawing of others' tickets; in the
# cloud every function has its own.
TRIGGERS: Final = {
    "triggers": ("catalog", "orders", "payments", "reservations"),
    "triggers_after": ("accounts", "notifications", "reporting", "tickets"),
}
# Variables of another Stagedoor, or of a real account, that must not reach what is measured.
_FOREIGN: Final = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "REDIS_URL", "DATABASE_URL")


class World:
    """A Stagedoor for hold and order; the triggers and the payment company run only while `triggers` says so."""

    def __init__(self, workers: int, say: Callable[[str], None]) -> None:
        self.workers = workers
        self.port = 0
        self.database_port = 0
        self.company_port = 0
        self.groups: dict[str, int] = {}
        self.signing_secrets: dict[str, str] = {}
        self._folder: Path = STATE / secrets.token_hex(3)
        self._say = say
        self._parts = Parts(self._folder, keep=False, given={}, say=say)
        self._gateway: Process | None = None

    def start(self) -> None:
        """Starts everything and sets this process's environment. Raises PartFailed, TemplateError."""
        for variable in [name for name in os.environ if name in _FOREIGN or name.startswith("AWS_ENDPOINT_URL")]:
            del os.environ[variable]
        made = generated_secrets()
        self.signing_secrets = json.loads(made["ACCESS_TOKEN_SIGNING_SECRET"])
        os.environ.update(self._parts.start())
        self.port = free_port()
        self.company_port = free_port()
        os.environ.update(made)
        os.environ.update(
            {
                "AWS_DEFAULT_REGION": "us-east-1",
                "STAGEDOOR_ENVIRONMENT_FILE": "",
                "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
                "MAIL_FROM": "box-office@stagedoor.example",
                "TEST_PROVIDER_URL": f"http://127.0.0.1:{self.company_port}",
                "DATABASE_URL": f"sqlite:///{self._folder / 'reporting.sqlite3'}",
                "XRAY_ENABLED": "0",
                "LOG_LEVEL": "INFO",
            }
        )
        prefix = f"bench-{self._folder.name}"
        os.environ.update(provision("dev", prefix, mail_from=os.environ["MAIL_FROM"]).environment)
        self._start_gateway()
        self.database_port = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"]).port or 0
        processes = {name: self._parts.process(name) for name in ("dynamodb", "redis", "emulator")}
        assert self._gateway is not None
        for name, process in {"gateway": self._gateway, **processes}.items():
            self.groups[name] = int(json.loads(process.record.read_text(encoding="utf-8"))["child"])

    def stop(self) -> None:
        """Stops everything and forgets its state."""
        if self._gateway is not None:
            self._gateway.stop()
            self._gateway = None
        self._parts.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def complaints(self) -> dict[str, int]:
        """What the gateway wrote into its log as more than information: each kind of line, and how often."""
        if self._gateway is None or not self._gateway.log.exists():
            return {}
        found: Counter[str] = Counter()
        for line in self._gateway.log.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                # granian's own words about its start.
                continue
            if entry.get("level") != "INFO":
                found[f"{entry.get('event')} {entry.get('problem') or entry.get('error') or ''}".strip()[:200]] += 1
        return dict(found.most_common(10))

    @contextmanager
    def triggers(self) -> Iterator[None]:
        """All that a whole sale needs beside the gateway, until the block ends; queues keep what they still hold."""
        webhooks = f"http://127.0.0.1:{self.port}/v1/webhooks/test"
        books = self._folder / "company"
        books.mkdir()
        company = ["--port", str(self.company_port), "--state", str(books), "--webhook-url", webhooks]
        address = f"http://127.0.0.1:{self.company_port}/health"
        started: list[Process] = []
        try:
            self._start("payment_company", "payment_company", company, lambda: answers_ok(address), started)
            for name, services in TRIGGERS.items():
                state = self._folder / name
                state.mkdir()
                sign = state / "health.json"
                options = [*services, "--state", str(state), "--health-file", str(sign)]
                self._start(name, "triggers", options, sign.exists, started)
            yield
        finally:
            for process in started:
                self.groups.pop(process.name, None)
                process.stop()

    def _start(
        self, name: str, module: str, options: list[str], ready: Callable[[], bool], started: list[Process]
    ) -> None:
        command = [sys.executable, "-m", f"runtime.{module}", *options]
        process = Process(name, command, self._folder, dict(os.environ), ROOT)
        started.append(process)
        process.start()
        process.wait_until(ready, _READY_SECONDS_MAX)
        self.groups[name] = int(json.loads(process.record.read_text(encoding="utf-8"))["child"])

    def _start_gateway(self) -> None:
        command = [sys.executable, "-m", "runtime.gateway", "--port", str(self.port), "--workers", str(self.workers)]
        self._gateway = Process("gateway", command, self._folder, dict(os.environ), ROOT)
        self._say(f"  gateway with {self.workers} workers on port {self.port}, log {self._gateway.log}")
        self._gateway.start()
        address = f"http://127.0.0.1:{self.port}/health"
        self._gateway.wait_until(lambda: answers_ok(address), _READY_SECONDS_MAX)


def room(service: str, name: str) -> Any:
    """A module of a service, by path, as the runtime reaches them. It reads its settings when it is first imported."""
    return importlib.import_module(f"services.{service}.{name}")
