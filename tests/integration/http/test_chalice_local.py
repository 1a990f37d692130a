"""The same apps under `chalice local`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from runtime.parts import free_port
from shared import clock
from shared.auth import Identity, issue_access_token, public_jwks, revocation_feed

SIGNING = {"local-test": "a secret of these tests"}
APP = """
from shared.auth import authorize_access_token
from shared.http import PUBLIC, App, Call, RequestBody

app = App("local")

@app.authorizer(name="authorize", ttl_seconds=60)
def authorize(request):
    return authorize_access_token(request)

class Said(RequestBody, frozen=True):
    text: str

@app.route("/v1/say", methods=["POST"], access=PUBLIC, body=Said, status=201)
def say(call: Call):
    return {"text": call.body.text, "seen": app.current_request.method}

@app.route("/v1/mine")
def mine(call: Call):
    return {"person_id": call.person.person_id}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    project = tmp_path_factory.mktemp("project")
    (project / ".chalice").mkdir()
    config = {"version": "2.0", "app_name": "stagedoor-local", "stages": {"dev": {"api_gateway_stage": "dev"}}}
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    (project / "app.py").write_text(APP)
    # What accounts does by the clock; without it nobody knows whether revocations were lost.
    revocation_feed().note_taken_in(clock.now())
    port = free_port()
    chalice = Path(sys.executable).with_name("chalice")
    command = [str(chalice), "local", "--stage", "dev", "--no-autoreload", "--port", str(port)]
    environ = {**os.environ, "ACCESS_TOKEN_JWKS": json.dumps(public_jwks(SIGNING))}
    with (project / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=project, env=environ, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    ends_at = time.monotonic() + 30
    while True:
        try:
            httpx.get(f"{address}/health", timeout=1)
            break
        except httpx.HTTPError:
            assert process.poll() is None, (project / "log").read_text()
            assert time.monotonic() < ends_at, (project / "log").read_text()
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(10)


def test_routes_answer_as_they_do_elsewhere(address: str) -> None:
    answer = httpx.post(f"{address}/v1/say", json={"text": "ü"})
    assert (answer.status_code, answer.json()) == (201, {"text": "ü", "seen": "POST"})
    assert httpx.get(f"{address}/health").json()["status"] == "ready"
    wrong = httpx.post(f"{address}/v1/say", json={"text": 1})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "$.text")
    assert wrong.headers["content-type"] == "application/problem+json"


def test_the_authorizer_works_and_its_refusal_is_a_401(address: str) -> None:
    identity = Identity("per_1", "a@example.com", "A", "ses_1")
    token = issue_access_token(identity, now=clock.now(), secrets=SIGNING).token
    assert httpx.get(f"{address}/v1/mine", headers={"Authorization": f"Bearer {token}"}).json() == {
        "person_id": "per_1"
    }
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        assert httpx.get(f"{address}/v1/mine", headers=headers).status_code == 401


def test_requests_kept_alive_do_not_wait(address: str) -> None:
    """The negative control stands beside the gateway's test of the same."""
    times = []
    with httpx.Client(base_url=address) as client:
        for _ in range(30):
            started = time.perf_counter()
            client.get("/health")
            times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.030
