"""`make up` as a person at a terminal lives it: it starts, keeps what it was told, and leaves no process behind."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.house import ROOT, STOP_SECONDS_MAX, House, within

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(300)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_comes_up_and_stops_without_leaving_anything(house: House, number: int) -> None:
    house.start()
    assert house.lines[-1] == f"Stagedoor is up at {house.address}"
    assert house.healthy()
    assert len(house.left()) >= 6, "parts and product, or this test would see nothing stay behind"
    second = subprocess.run(
        house.command("up", "--port", "1"), cwd=ROOT, env=house.environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"already up from this folder, at {house.address}" in second.stderr
    assert house.healthy(), "the second start disturbed the first"
    assert house.end(number) == 0
    assert house.left() == []


def test_a_killed_parent_leaves_nothing_and_what_was_acknowledged_is_there_at_the_next_start(house: House) -> None:
    house.start()
    person = {"email": f"{secrets.token_hex(4)}@example.com", "password": secrets.token_urlsafe(18), "name": "Kay Kept"}
    assert httpx.post(f"{house.address}/v1/people", json=person, timeout=30.0).status_code == 201
    house.end(signal.SIGKILL)
    assert within(STOP_SECONDS_MAX, lambda: house.left() == []), house.left()

    house.start()
    credentials = {"email": person["email"], "password": person["password"]}
    signed_in = httpx.post(f"{house.address}/v1/sessions", json=credentials, timeout=30.0)
    assert signed_in.status_code == 201, signed_in.text


def test_it_stops_when_make_is_killed_above_it(house: House) -> None:
    house.environment["MAKELEVEL"] = "1"
    house.start(sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")
    house.end(signal.SIGKILL)
    assert within(STOP_SECONDS_MAX, lambda: house.left() == []), house.left()
    assert within(STOP_SECONDS_MAX, lambda: _free(house.state / "lock"))


def test_a_process_that_ends_by_itself_is_started_again(house: House) -> None:
    house.start()
    record = house.state / "processes" / "gateway.json"
    first = json.loads(record.read_text())
    os.killpg(first["child"], signal.SIGKILL)
    assert within(30.0, lambda: house.healthy() and json.loads(record.read_text())["child"] != first["child"])


def test_an_emulator_that_forgets_gets_its_queues_again(house: House) -> None:
    house.start()
    record = house.state / "processes" / "emulator.json"
    first = json.loads(record.read_text())
    written = house.written()
    sqs = boto3.client(
        "sqs", endpoint_url=written["AWS_ENDPOINT_URL"], aws_access_key_id="local", aws_secret_access_key="local"
    )
    assert sqs.get_queue_url(QueueName=written["ORDERS_QUEUE_NAME"])
    os.killpg(first["child"], signal.SIGKILL)

    def there_again() -> bool:
        try:
            return bool(sqs.get_queue_url(QueueName=written["ORDERS_QUEUE_NAME"]))
        except (BotoCoreError, ClientError):
            return False

    assert within(40.0, lambda: json.loads(record.read_text())["child"] != first["child"] and there_again())


def test_a_taken_port_is_refused_in_a_sentence(house: House) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", house.port))
        stranger.listen()
        refused = subprocess.run(
            house.command("up", "--port", str(house.port)),
            cwd=ROOT,
            env=house.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert refused.returncode == 1
    assert f"Port {house.port} is taken by another program" in refused.stderr


def _free(lock: Path) -> bool:
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
