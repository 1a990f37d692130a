"""Runs of the machine from a seed, and the trace of one: `python -m tests.property.reservations.replay SEED FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.reservations.inventory_machine import Inventory

QUIET = tuple(HealthCheck)


def run(number: int, examples: int, steps: int, *, removed: str | None = None, shrink: bool = True) -> list[list[str]]:
    """Run the machine; everything that happens follows from the number. Answers each example's trace.

    What a failure raises says how to have it again.
    """
    traces: list[list[str]] = []
    machine = seed(number)(type("Inventory", (Inventory,), {"removed": removed, "traces": traces}))
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=True,
        report_multiple_bugs=False,
        phases=phases,
        suppress_health_check=QUIET,
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    except BaseException as failure:
        failure.add_note(f"seed {number}; INVENTORY_SEED={number} replays it")
        raise
    return traces


def main(number: str, file: str) -> None:
    """Write the trace of a short run of a seed."""
    traces = run(int(number), 6, 30)
    Path(file).write_text("\n".join(f"{at}: {line}" for at, trace in enumerate(traces) for line in trace))


if __name__ == "__main__":
    main(*sys.argv[1:])
