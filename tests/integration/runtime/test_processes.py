"""A process never outlives whoever started it, however that one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.parts import PartFailed, Parts, Process, end_stale, free_port
from runtime.parts.embedded import redis

_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)
_POLITE = "import time; print('up', flush=True); time.sleep(60)"
# Starts a child of its own, as servers with workers do, and tells its id.
_PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print('up', child.pid, flush=True)\n"
    "time.sleep(60)\n"
)
# Starts a process and is then killed, as a supervisor may be.
_SUPERVISOR = (
    "import os, signal, sys, time\n"
    "from pathlib import Path\n"
    "from runtime.parts import Process\n"
    "process = Process('victim', [sys.executable, '-c', sys.argv[2]], Path(sys.argv[1]), grace_seconds=0.5)\n"
    "process.start()\n"
    "process.wait_until(lambda: 'up' in process.log.read_text(), 10)\n"
    "os.kill(os.getpid(), signal.SIGKILL)\n"
)


def child_of(record: Path) -> int:
    return int(json.loads(record.read_text())["child"])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie that nobody has waited for yet answers to signals, too; it runs no more.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def started(folder: Path, code: str, grace_seconds: float = 0.5) -> Process:
    process = Process("victim", [sys.executable, "-c", code], folder, grace_seconds=grace_seconds)
    process.start()
    process.wait_until(lambda: "up" in process.log.read_text(), 10)
    return process


@pytest.mark.parametrize("code", [_POLITE, _STUBBORN])
def test_it_stops_when_told_to(tmp_path: Path, code: str) -> None:
    process = started(tmp_path, code)
    pid = child_of(process.record)
    process.stop()
    assert not alive(pid)
    assert not process.alive()


@pytest.mark.parametrize("code", [_POLITE, _STUBBORN, _PARENT])
def test_it_ends_when_its_starter_is_killed(tmp_path: Path, code: str) -> None:
    done = subprocess.run([sys.executable, "-c", _SUPERVISOR, str(tmp_path), code], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    record = tmp_path / "processes" / "victim.json"
    words = (tmp_path / "logs" / "victim.log").read_text().split()
    pids = [child_of(record), *map(int, words[1:])]
    assert within(10, lambda: not any(alive(pid) for pid in pids))


def test_without_a_guardian_it_would_stay(tmp_path: Path) -> None:
    """The control of the test above: the same process, started plainly, outlives its killed starter."""
    plain = (
        "import os, signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'],\n"
        "    stdout=subprocess.DEVNULL, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", plain], check=False, stdout=subprocess.PIPE, text=True, timeout=30)
    pid = int(done.stdout)
    try:
        assert not within(1.0, lambda: not alive(pid))
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_an_earlier_start_left_is_ended_by_the_next(tmp_path: Path) -> None:
    process = started(tmp_path, _STUBBORN, grace_seconds=60)
    guardian, pid = json.loads(process.record.read_text()).values()
    os.kill(guardian, signal.SIGKILL)
    assert alive(pid), "only its guardian is gone"
    end_stale(process.record, patience_seconds=0.1)
    assert not alive(pid)
    process.stop()


def test_it_is_said_in_a_sentence_why_a_part_did_not_start(tmp_path: Path) -> None:
    process = Process("victim", [sys.executable, "-c", "print('my last words')"], tmp_path)
    process.start()
    with pytest.raises(PartFailed, match=r"victim ended while it was starting[\s\S]*my last words"):
        process.wait_until(lambda: False, 10)
    process.stop()


def test_a_stranger_on_its_port_is_not_taken_for_it(tmp_path: Path) -> None:
    first = redis(tmp_path / "first", free_port())
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first.process.start()
    first.process.wait_until(first.ready, 10)
    port = int(first.variables["REDIS_URL"].split(":")[2].split("/")[0])
    second = redis(tmp_path / "second", port)
    second.process.start()
    with pytest.raises(PartFailed, match="redis ended while it was starting"):
        # It answers from the first moment, but it is the other one that does.
        second.process.wait_until(lambda: second.ready() and within(2, lambda: not second.process.alive()), 10)
    second.process.stop()
    first.process.stop()


def test_parts_that_are_given_are_not_started(tmp_path: Path) -> None:
    given = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:2",
        "REDIS_URL": "redis://127.0.0.1:3/0",
    }
    parts = Parts(tmp_path, keep=False, given=given)
    told = parts.start()
    assert {name: told[name] for name in given} == given
    assert told["AWS_ENDPOINT_URL_DYNAMODB_STREAMS"] == "http://127.0.0.1:2"
    assert not (tmp_path / "processes").exists()
    parts.stop()


def test_a_missing_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.parts.embedded.INSTALLED", tmp_path / "nothing")
    parts = Parts(tmp_path, keep=False, given={})
    with pytest.raises(PartFailed, match=r"DynamoDB Local is not there: `make parts` installs it"):
        parts.start()
