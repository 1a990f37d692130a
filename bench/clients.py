"""Clients that do recorded writes as a program in Python has to: signed, their answers checked and decoded.

Two of them: the product's own way to DynamoDB (`lean`), and botocore's client, with which AWS's library does the same
(`botocore`). They run in as many processes as the gateway has workers, because one process of Python fills one core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final, Literal

import msgspec

from bench.crowd import CrowdFailed

Way = Literal["lean", "botocore"]
# The operation and its request, as they leave the data layer.
Write = tuple[str, dict[str, Any]]
_ROUND_SECONDS_MAX: Final = 60.0


class Task(msgspec.Struct):
    """Orders for one process, each of them some writes after another, done by so many threads."""

    threads: int
    orders: list[list[Write]]


class Done(msgspec.Struct):
    """What a process says of its task: begun and ended on the monotonic clock, seconds an order, CPU of the process."""

    began: float
    ended: float
    times: list[float]
    cpu_seconds: float
    trouble: str = ""


class Clients:
    """So many processes of one way, started once and given task after task."""

    def __init__(self, way: Way, processes: int) -> None:
        self.way = way
        command = [sys.executable, "-m", "bench.clients", way]
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ))
            for _ in range(processes)
        ]

    def run(self, at_once: int, orders: Sequence[list[Write]]) -> list[Done]:
        """Does the orders, so many at once over all processes. Raises CrowdFailed when one of them failed."""
        used = self._processes[: min(at_once, len(self._processes))]
        for number, process in enumerate(used):
            threads = len(range(number, at_once, len(used)))
            _say(process.stdin, msgspec.json.encode(Task(threads, list(orders[number :: len(used)]))))
        for process in used:
            _hear(process.stdout)
        # All have read and decoded what they are to do.
        for process in used:
            _say(process.stdin, b"go")
        done = [msgspec.json.decode(_hear(process.stdout), type=Done) for process in used]
        for one in done:
            if one.trouble:
                raise CrowdFailed(f"{self.way}: {one.trouble}")
        return done

    def stop(self) -> None:
        """Lets them end."""
        with ExitStack() as stack:
            for process in self._processes:
                stack.enter_context(process)
                assert process.stdin is not None
                process.stdin.close()


def _say(pipe: Any, line: bytes) -> None:
    pipe.write(line + b"\n")
    pipe.flush()


def _hear(pipe: Any) -> bytes:
    line: bytes = pipe.readline()
    if not line:
        raise CrowdFailed("a client ended by itself")
    return line


def main(way: str) -> None:
    """Does the tasks that come in, until there are no more."""
    send = _lean() if way == "lean" else _botocore()
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        task.orders = [[(name, _with_bytes(request)) for name, request in order] for order in task.orders]
        _say(sys.stdout.buffer, b"ready")
        sys.stdin.buffer.readline()
        _say(sys.stdout.buffer, msgspec.json.encode(_do(task, send)))


def _do(task: Task, send: Callable[[str, dict[str, Any]], Any]) -> Done:
    waiting = iter(task.orders)
    lock = threading.Lock()
    times: list[float] = []
    troubles: list[str] = []

    def work() -> None:
        try:
            while not troubles:
                with lock:
                    order = next(waiting, None)
                if order is None:
                    return
                started = time.perf_counter()
                for operation, request in order:
                    send(operation, request)
                times.append(time.perf_counter() - started)
        except Exception as trouble:  # one failure spoils the whole measurement, whatever it is
            troubles.append(repr(trouble))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(task.threads)]
    began, cpu = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_ROUND_SECONDS_MAX)
    ended, cpu = time.monotonic(), time.process_time() - cpu
    if not troubles and len(times) != len(task.orders):
        troubles.append(f"{len(times)} of {len(task.orders)} in time")
    return Done(began, ended, times, cpu, troubles[0] if troubles else "")


def _lean() -> Callable[[str, dict[str, Any]], Any]:
    from shared.data import wire

    return lambda operation, request: wire.call(operation, request, wire.READ_SECONDS)


def _botocore() -> Callable[[str, dict[str, Any]], Any]:
    from botocore.config import Config
    from botocore.session import get_session

    client: Any = get_session().create_client("dynamodb", config=Config(max_pool_connections=32))
    methods = {"UpdateItem": client.update_item, "PutItem": client.put_item}
    return lambda operation, request: methods[operation](**request)


def _with_bytes(value: Any) -> Any:
    """Binary values as a program has them: bytes, where the recording has their base 64."""
    if isinstance(value, dict):
        return {
            name: b64decode(each) if name == "B" and isinstance(each, str) else _with_bytes(each)
            for name, each in value.items()
        }
    return [_with_bytes(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(sys.argv[1])
