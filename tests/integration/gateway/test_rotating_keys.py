"""The key that signs access tokens changes under a running gateway of several processes: nobody is refused."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.rotation import PUBLISHED, SIGNED, Folder, rotate, settle_keys
from runtime.secrets import generated_secrets
from shared import clock
from shared.auth import Identity, issue_access_token
from tests.integration.gateway.conftest import Running, Start

WORKERS = 3


class Clients:
    """Steady requests by new tokens, each over a connection of its own, so that every process gets some."""

    def __init__(self, running: Running, store: Folder) -> None:
        self._address, self._store = running.address, store
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]
        self.answers: Counter[tuple[str, str, int]] = Counter()

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._ends.is_set():
            ring = json.loads(self._store.read("access-token-signing-secret"))
            status, process = ask(self._address, ring)
            with self._lock:
                self.answers[next(iter(ring)), process, status] += 1

    def until_all_processes_have_answered(self, key_id: str, times: int = 5) -> None:
        """Returns when every process has had so many more requests under that key. Raises AssertionError in the end."""
        before, ends_at = self._count(key_id), time.monotonic() + 60
        while time.monotonic() < ends_at:
            more = self._count(key_id)
            more.subtract(before)
            if sum(count >= times for process, count in more.items() if process) >= WORKERS:
                return
            time.sleep(0.02)
        raise AssertionError(f"not every process was asked: {self.answers}")

    def _count(self, key_id: str) -> Counter[str]:
        with self._lock:
            counted: Counter[str] = Counter()
            for (key, process, _), count in self.answers.items():
                counted[process] += count if key == key_id else 0
            return counted


def ask(address: str, ring: dict[str, str]) -> tuple[int, str]:
    """The status of a request signed with the ring's first key, and the process that answered."""
    identity = Identity("per_anna", "anna@example.com", "Anna", "ses_1", {"org_1": "owner"})
    token = issue_access_token(identity, now=clock.now(), secrets=ring).token
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    answer = httpx.get(f"{address}/v1/echo/whoami/org_1", headers=headers, timeout=20)
    return answer.status_code, str(answer.json().get("process", ""))


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    settle_keys(tmp_path / "keys", generated_secrets())
    return Folder(tmp_path / "keys")


@pytest.fixture
def running(start: Start, store: Folder) -> Running:
    jwks = f"file:{store.path('access-token-jwks')}"
    return start("--workers", str(WORKERS), ACCESS_TOKEN_JWKS=jwks)


def first_key(store: Folder) -> str:
    ring: dict[str, Any] = json.loads(store.read("access-token-signing-secret"))
    return next(iter(ring))


def test_through_a_whole_rotation_not_one_request_is_refused(running: Running, store: Folder) -> None:
    """Faster than any operator could: no process has fetched the keys anew when the next one signs."""
    now, old = clock.now(), first_key(store)
    with Clients(running, store) as clients:
        clients.until_all_processes_have_answered(old)
        rotate(store, now)
        clients.until_all_processes_have_answered(old)
        rotate(store, now + PUBLISHED)
        new = first_key(store)
        clients.until_all_processes_have_answered(new)
        rotate(store, now + PUBLISHED + SIGNED)
        clients.until_all_processes_have_answered(new)
    assert old != new
    assert {status for _, _, status in clients.answers} == {200}, clients.answers


def test_a_key_that_signs_before_it_is_published_is_refused(running: Running, store: Folder) -> None:
    """The control of the test above, and why the steps come in this order."""
    ring = json.loads(store.read("access-token-signing-secret"))
    assert ask(running.address, ring)[0] == 200
    assert ask(running.address, {"k2": "a secret that nobody has published", **ring})[0] == 401
    assert ask(running.address, ring)[0] == 200
