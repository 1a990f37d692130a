"""`python -m runtime.triggers`: runs the triggers of all services, or of those named, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from runtime.triggers.pump import Triggers
from runtime.triggers.sources import TriggerError
from shared.settings import SettingsError, fill_environment
from shared.telemetry import log

ROOT = Path(__file__).resolve().parents[2]
_PROGRESS_SECONDS = 60


def main(arguments: list[str] | None = None) -> int:
    """Runs the triggers; answers the exit code. Says in a sentence what keeps them from running."""
    parser = argparse.ArgumentParser(prog="python -m runtime.triggers", description=__doc__)
    parser.add_argument("services", nargs="*", help="the services whose triggers run (all)")
    parser.add_argument("--state", type=Path, default=ROOT / ".state", help="where checkpoints are kept")
    parser.add_argument("--health-file", type=Path, help="a file that is written every second while all is well")
    parser.add_argument("--concurrency", type=int, default=2, help="consumers for each queue")
    options = parser.parse_args(arguments)
    fill_environment()
    services = options.services or sorted(path.parent.name for path in (ROOT / "services").glob("*/app.py"))
    try:
        triggers = Triggers(services, checkpoints=options.state / "checkpoints.sqlite")
    except (TriggerError, SettingsError, ModuleNotFoundError) as error:
        print(f"The triggers cannot run: {error}", file=sys.stderr)
        return 1
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    log("triggers_started", sources=sorted(triggers.progress))
    watch = _Watch(triggers, options.health_file)
    watch.tick()
    triggers.run(stop, concurrency=options.concurrency, on_tick=watch.tick)
    watch.say()
    triggers.close()
    log("triggers_stopped")
    return 0


class _Watch:
    """Tells of progress: to a file every second, to the log every minute in which there was any."""

    def __init__(self, triggers: Triggers, health_file: Path | None) -> None:
        self._triggers = triggers
        self._health_file = health_file
        self._said: dict[str, int] = {}
        self._say_at = time.monotonic() + _PROGRESS_SECONDS

    def tick(self) -> None:
        if self._health_file is not None:
            progress = {name: asdict(each) for name, each in self._triggers.progress.items()}
            part = self._health_file.with_suffix(".part")
            part.write_text(json.dumps({"at": time.time(), "sources": progress}), encoding="utf-8")
            part.replace(self._health_file)
        if time.monotonic() >= self._say_at:
            self._say_at += _PROGRESS_SECONDS
            self.say()

    def say(self) -> None:
        records = {name: each.records for name, each in self._triggers.progress.items() if each.records}
        if records != self._said:
            self._said = records
            log(
                "triggers_progress",
                records=records,
                failed={name: each.failed for name, each in self._triggers.progress.items() if each.failed},
            )


if __name__ == "__main__":
    sys.exit(main())
