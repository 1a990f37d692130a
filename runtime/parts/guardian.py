"""Stands between the supervisor and one process, so that the process never outlives the supervisor.

The supervisor holds the writing end of this program's standard input. When that closes, whether because the supervisor
asked for the end or because it was killed with a signal nobody can catch, the process is asked to stop, given its
grace, and then killed with everything it started. Works the same on Linux and macOS, which have no common way to tie
a child's life to its parent's.

The record file is locked by this program and by the process it starts: as long as the lock is held, one of the two
lives, however the other died. A later start reads the two process ids from it and can trust them for that reason.

It is run by its path and imports the standard library alone, because it must start within milliseconds.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time


def main() -> int:
    """Runs the command until it ends or until the supervisor is gone; answers the command's exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", required=True)
    parser.add_argument("--grace-seconds", type=float, required=True)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()

    record = os.open(arguments.record, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"guardian: {arguments.record} is held by a process of an earlier start", file=sys.stderr)
        return 75

    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(wake_write)

    child = subprocess.Popen(
        arguments.command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(record,),
    )
    os.ftruncate(record, 0)
    os.pwrite(record, json.dumps({"guardian": os.getpid(), "child": child.pid}).encode(), 0)
    watch(child, wake_read, arguments.grace_seconds)
    # Whatever the child itself started and left behind; its group lives until the child is waited for below.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def watch(child: subprocess.Popen[bytes], wake: int, grace_seconds: float) -> None:
    """Returns when the child has ended, by itself or because its time was over."""
    asked_at: float | None = None
    while not ended(child):
        patience = None if asked_at is None else max(0.0, asked_at + grace_seconds - time.monotonic())
        sources = [wake] if asked_at is not None else [wake, sys.stdin.fileno()]
        readable, _, _ = select.select(sources, [], [], patience)
        asked = sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096)
        if wake in readable:
            signals = os.read(wake, 4096)
            asked = asked or any(number != signal.SIGCHLD for number in signals)
        if asked and asked_at is None:
            asked_at = time.monotonic()
            child.send_signal(signal.SIGTERM)
        elif asked_at is not None and not readable:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            # Killed, not merely asked. The system reports the end next; should it not, the kill is sent again.
            grace_seconds += 1.0


def ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether the child has ended, without taking note of it: its id stays its own until it is waited for."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


if __name__ == "__main__":
    sys.exit(main())
