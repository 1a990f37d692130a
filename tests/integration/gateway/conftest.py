"""The gateway in processes of its own, over the sample services beside this file."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.parts import free_port
from shared import clock
from shared.auth import Identity, issue_access_token, public_jwks, revocation_feed

ROOT = Path(__file__).resolve().parents[3]
SIGNING = {"gateway-test": "a secret of the gateway's tests"}
SECONDS_TO_START = 30.0


class Running:
    """A gateway that runs: its address, its process, its log."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.address = f"http://127.0.0.1:{port}"

    def connect(self, seconds: float = 10.0) -> socket.socket:
        """A bare connection."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def wait_until_ready(self) -> None:
        """Returns once it answers. Raises AssertionError with its log when it does not in time."""
        ends_at = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < ends_at and self.process.poll() is None:
            try:
                httpx.get(f"{self.address}/health", timeout=1)
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise AssertionError(f"the gateway did not start: {self.log.read_text()[-3000:]}")

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


Start = Callable[..., Running]


def start_gateway(folder: Path, *options: str, **variables: str) -> Running:
    """Starts a gateway over the sample services; the caller stops it."""
    # Before the first look at it: whoever finds the feed incomplete says so for 20 s.
    revocation_feed().note_taken_in(clock.now())
    port = free_port()
    log = folder / f"gateway-{port}.log"
    command = [sys.executable, "-m", "runtime.gateway", "--port", str(port), "--web", str(folder / "no-web")]
    environ = {**os.environ, "ACCESS_TOKEN_JWKS": json.dumps(public_jwks(SIGNING)), **variables}
    services = [] if "--services" in options else ["--services", "tests.integration.gateway.sample"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *services, *options], cwd=ROOT, env=environ, stdout=out, stderr=out)
    running = Running(process, port, log)
    running.wait_until_ready()
    return running


def stop_gateway(running: Running) -> int:
    """Stops a gateway as its operator would; answers its exit code."""
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
    try:
        return running.process.wait(20)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait(5)
        raise


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One gateway for the tests that do it no harm."""
    running = start_gateway(
        tmp_path_factory.mktemp("gateway"), "--workers", "2", "--body-seconds-max", "1.5", "--header-seconds-max", "1.5"
    )
    yield running
    stop_gateway(running)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways of a test's own, which may come to harm."""
    started: list[Running] = []

    def begin(*options: str, **variables: str) -> Running:
        running = start_gateway(tmp_path, *options, **variables)
        started.append(running)
        return running

    yield begin
    for running in started:
        stop_gateway(running)


@pytest.fixture
def client(gateway: Running) -> Iterator[httpx.Client]:
    """A client that keeps its connections."""
    with httpx.Client(base_url=gateway.address, timeout=20) as client:
        yield client


def bearer(**roles: str) -> dict[str, str]:
    """Headers of a signed-in person with those roles."""
    identity = Identity("per_anna", "anna@example.com", "Anna", "ses_1", roles)
    return {"Authorization": f"Bearer {issue_access_token(identity, now=clock.now(), secrets=SIGNING).token}"}
