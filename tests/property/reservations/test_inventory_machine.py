"""The inventory against a model that knows nothing of blocks, hints or conditions: see `inventory_machine`."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.property.reservations import mishaps, replay

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES, STEPS = 12, 30
SEEDS_MAX = 10


def test_nothing_that_happens_breaks_the_model() -> None:
    """A seed of its own for every run; a failure names it, and INVENTORY_SEED brings it back."""
    seed = int(os.environ.get("INVENTORY_SEED") or random.SystemRandom().getrandbits(32))
    traces = replay.run(seed, EXAMPLES, STEPS)
    assert len(traces) >= EXAMPLES
    assert any("mishap:" in line for trace in traces for line in trace)


def several_seeds(removed: str) -> None:
    for _ in range(SEEDS_MAX):
        replay.run(random.SystemRandom().getrandbits(32), 200, 30, removed=removed, shrink=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("removed", mishaps.GUARDS)
def test_control_without_a_guard_the_machine_fails(removed: str) -> None:
    """Each guard taken away from the test's side is missed within a bounded number of examples.

    They come from several seeds, because some lead a run of hundreds of examples past the one order of things that
    matters; most take some dozens.
    """
    with pytest.raises(AssertionError) as failure:
        several_seeds(removed)
    assert any("INVENTORY_SEED=" in note for note in failure.value.__notes__)


def test_one_seed_is_one_run(tmp_path: Path) -> None:
    """Two processes whose hashes differ do the same, request by request and answer by answer."""
    seed = str(random.SystemRandom().getrandbits(32))
    traces = []
    for hashes in ("1", "2"):
        file = tmp_path / hashes
        environment = {**os.environ, "PYTHONHASHSEED": hashes}
        command = [sys.executable, "-m", "tests.property.reservations.replay", seed, str(file)]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=150)
        traces.append(file.read_text().splitlines())
    first, second = traces
    assert first == second, f"seed {seed}"
    assert len(first) > 100
    assert any("UpdateItem" in line for line in first)
