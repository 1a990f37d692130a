"""What a machine that runs Stagedoor can be told: `python -m runtime up`, `demo`, and those that `--help` lists."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import runtime.own_environment  # noqa: F401  it acts by being imported, and must come first
from runtime.parts import PartFailed
from runtime.provisioning import ROOT
from runtime.rotation import rotate, store_of
from runtime.season import SeasonFailed, load_season
from runtime.supervisor import STATE, Supervisor, read_environment, running_address, say, services
from runtime.template import TemplateError
from shared import clock

_INVOICES = "accounts"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopWanted(BaseException):
    """A signal asked for the end; raised wherever the program is at that moment."""


def main() -> int:
    """Runs one command. Answers its exit code; what is wrong is said in a sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m runtime", description=__doc__)
    parser.add_argument("--state", type=Path, default=STATE, help="where everything is kept that outlives a stop")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "demo"):
        command = commands.add_parser(name)
        command.add_argument("--port", type=int, default=8000)
        command.add_argument("--without-season", action="store_true", help="leave the catalog as it is")
    commands.add_parser("env")
    commands.add_parser("invoices").add_argument("month", help="a month that is closed: 2026-11")
    for name in ("republish", "redrive"):
        resending = commands.add_parser(name)
        resending.add_argument("service", choices=[*services(), "all"])
        if name == "republish":
            resending.add_argument("--about", nargs="+", default=(), help="ids: only rows that name one of them")
    rotating = commands.add_parser("rotate-keys")
    rotating.add_argument("--stage", choices=("dev", "test", "prod"), help="a stage in the cloud (this machine)")
    rotating.add_argument("--prefix", default="", help="the stage's resource prefix (stagedoor-<stage>)")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        if arguments.command == "up":
            return up(arguments, started)
        if arguments.command == "demo":
            return demo(arguments)
        if arguments.command == "env":
            return env(arguments.state)
        if arguments.command == "rotate-keys":
            say(rotate(store_of(arguments.state, arguments.stage, arguments.prefix), clock.now()))
            return 0
        if arguments.command == "invoices":
            return invoices(arguments.month, arguments.state)
        return resend(arguments)
    except (PartFailed, TemplateError, SeasonFailed) as failure:
        print(f"stagedoor: {failure}", file=sys.stderr)
        return 1


def up(arguments: argparse.Namespace, started: float) -> int:
    """Runs Stagedoor until it is asked to stop, or until make, which started it, is gone."""
    # Looked at before anything is said: whoever hears that it is up may end make at that very moment.
    parent_gone = _parent_gone()

    def announce(supervisor: Supervisor) -> int:
        say("")
        say(f"  Started in {time.monotonic() - started:.1f} s. Sign in with the password stagedoor-demo as")
        say("    organiser@stagedoor.example, buyer@stagedoor.example or scanner@stagedoor.example")
        mails = supervisor.environment.get("MAILBOX_URL")
        say(f"  Mails: {mails or 'where the emulator given by AWS_ENDPOINT_URL shows them'}")
        say(f"  Logs: {supervisor.state / 'logs'}")
        say("  Ctrl-C stops everything; the state stays until `make clean`.")
        say("")
        say(f"Stagedoor is up at {supervisor.address}")
        supervisor.watch(parent_gone)
        return 0

    return _with_supervisor(arguments, announce)


def demo(arguments: argparse.Namespace) -> int:
    """Plays the demo's sale against what is up, or against a Stagedoor of its own that it stops afterwards."""
    command = [sys.executable, "-m", "runtime.demo", "--environment", str(arguments.state / "environment.json")]

    def play(_: Supervisor) -> int:
        return subprocess.call(command, cwd=ROOT)

    if running_address(arguments.state) is not None:
        return subprocess.call(command, cwd=ROOT)
    return _with_supervisor(arguments, play)


def _with_supervisor(arguments: argparse.Namespace, work: Callable[[Supervisor], int]) -> int:
    supervisor = Supervisor(arguments.state, arguments.port, dict(os.environ))
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        supervisor.start()
        if not arguments.without_season:
            load_season(supervisor.address, supervisor.state, say)
        return work(supervisor)
    except StopWanted:
        return 0
    finally:
        # A second Ctrl-C must not leave half of it running.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        say("Stopping.")
        supervisor.stop()
        say("Everything has stopped.")


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopWanted


def _parent_gone() -> Callable[[], bool]:
    """Under make, its end is the end of this: make killed with -9 cannot pass the signal on."""
    parent = os.getppid()
    return lambda: "MAKELEVEL" in os.environ and os.getppid() != parent


def env(state: Path) -> int:
    """Prints the variables of the last start as shell commands."""
    for name, value in read_environment(state).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def resend(arguments: argparse.Namespace) -> int:
    """Sends rows' messages again, or dead letters back to their queue. Answers 1 when some could not be sent."""
    for name, value in read_environment(arguments.state).items():
        os.environ.setdefault(name, value)
    # Imported late: it loads the services, which read the variables set above.
    from runtime.resending import redrive_service, republish_service

    ok = True
    for name in services() if arguments.service == "all" else (arguments.service,):
        if arguments.command == "republish":
            ok = republish_service(name, say, arguments.about) and ok
        else:
            ok = redrive_service(name, say) and ok
    return 0 if ok else 1


def invoices(month: str, state: Path) -> int:
    """Writes every organiser's statement of a closed month as one CSV. Answers 1 while the month is not closed."""
    for name, value in read_environment(state).items():
        os.environ.setdefault(name, value)
    # By path, and late: it loads a service, which reads the variables set above.
    table = importlib.import_module(f"services.{_INVOICES}.use_cases.statements").invoices(month)
    if table is None:
        say(f"{month} is not closed: a month is two hours after its end, by UTC")
        return 1
    path = ROOT / "build" / f"invoices-{month}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(table, encoding="utf-8", newline="")
    say(f"{path.relative_to(ROOT)} has {table.count(chr(10)) - 1} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
