"""`python -m bench [--quick]`: measures, prints a table, and writes build/bench.json and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Final

import runtime.own_environment  # noqa: F401  it acts by being imported, and must come first
from bench.costs import costs
from bench.crowd import CrowdFailed
from bench.dollars import dollars
from bench.figures import Report
from bench.heat_scenes import PLACES, heat
from bench.last_places import last_places
from bench.on_sale import on_sale
from bench.overhead import NotTheSame, overhead
from bench.processor import machine
from bench.report import summary, write
from bench.sale import Kind, put_on_sale
from bench.sold_already import NotSeeded
from bench.through import through
from bench.whole_sale import whole_sale
from bench.world import World
from runtime.parts import PartFailed
from runtime.template import TemplateError

_WORKERS: Final = 2
_KINDS: Final[tuple[Kind, ...]] = ("general", "seated")
# Buyers at once, and the orders they place together in one round.
_STEPS: Final = ((1, 150), (8, 500), (32, 700))
_REPEATS: Final = 3
_RUSHES: Final = 10
_OVERHEAD_ROUNDS: Final = 9
_WHOLE_STEPS: Final = ((8, 200),)
_QUICK_WHOLE_STEPS: Final = ((8, 60),)
_QUICK_STEPS: Final = ((1, 60), (8, 150), (32, 200))
_SECONDS_MAX: Final = 1800


class StopWanted(BaseException):
    """A signal asked for the end, or it took too long; raised wherever the program is at that moment."""


def main() -> int:
    """Runs everything once; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short trial that writes nothing to docs/")
    parser.add_argument(
        "--only",
        choices=("through", "on-sale", "last-places", "costs", "heat", "dollars", "overhead"),
        help="this part alone, writing nothing",
    )
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, _stop)
    signal.alarm(_SECONDS_MAX)
    world = World(_WORKERS, say)
    began = time.monotonic()
    try:
        report = _measure(world, quick=options.quick, only=options.only)
    except (CrowdFailed, NotSeeded, NotTheSame, PartFailed, TemplateError) as failure:
        print(f"bench: {failure}\nThe gateway says: {world.complaints()}", file=sys.stderr)
        return 1
    except StopWanted as stop:
        print(f"bench: {stop}", file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
        world.stop()
    say(f"\n{summary(report)}\nMeasured in {time.monotonic() - began:.0f} s.")
    if not options.quick and options.only is None:
        for path in write(report):
            say(f"Written: {path}")
    return 0


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


def _measure(world: World, *, quick: bool, only: str | None) -> Report:
    here = machine()
    say("Starting the parts, in memory:")
    world.start()
    repeats = 1 if quick else _REPEATS
    wholes, rounds, rushes, taken = [], [], [], []
    if only in (None, "through"):
        # First, because the triggers read their streams from the beginning, and nobody else's writes are in them yet.
        say("Through to confirmed, with all triggers running:")
        wholes = through(world, _QUICK_WHOLE_STEPS if quick else _WHOLE_STEPS, repeats, say)
    if only in (None, "on-sale"):
        say("Hold and order, two places, through HTTP and bare:")
        rounds = on_sale(world, _KINDS, _QUICK_STEPS if quick else _STEPS, repeats, say)
    if only in (None, "last-places"):
        say("The last places:")
        rushes = last_places(world, 1 if quick else _RUSHES, say)
    if only in (None, "costs"):
        say("Costs:")
        taken = costs(say)
    found = reckoned = None
    if only in (None, "heat"):
        say("Heat, simulated:")
        found = heat(say)
    if only in (None, "dollars"):
        say("Dollars:")
        reckoned = dollars(whole_sale(put_on_sale("general", 10_000), PLACES), PLACES)
    kit = []
    if only in (None, "overhead"):
        say("What the kit costs a request:")
        kit = overhead(1 if quick else _OVERHEAD_ROUNDS, say)
    complaints = world.complaints()
    if complaints:
        say(f"The gateway's warnings: {complaints}")
    return Report(
        at=datetime.now(UTC).strftime("%Y-%m-%d"),
        repeats=repeats,
        workers=world.workers,
        machine=here,
        rounds=rounds,
        wholes=wholes,
        rushes=rushes,
        costs=taken,
        heat=found,
        dollars=reckoned,
        overheads=kit,
    )


def _stop(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGALRM:
        raise StopWanted(f"it took longer than {_SECONDS_MAX} s")
    raise StopWanted("stopped by a signal")


if __name__ == "__main__":
    sys.exit(main())
