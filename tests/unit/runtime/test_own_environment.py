"""Neither starting nor deploying takes the addresses of the last start for what was given to the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SAY = "import os; print(os.environ.get('AWS_ENDPOINT_URL_DYNAMODB'))"


@pytest.mark.parametrize(
    ("module", "seen"),
    [
        ("runtime.__main__", "None"),
        ("runtime.deployment.__main__", "None"),
        ("tests.conftest, tests.saga.fixtures", "None"),
        ("shared.settings", "http://last"),
    ],
)
def test_the_last_starts_variables_are_not_taken_up(tmp_path: Path, module: str, seen: str) -> None:
    """The kit alone, which takes them up, is the negative control."""
    file = tmp_path / ".state" / "environment.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"AWS_ENDPOINT_URL_DYNAMODB": "http://last"}))
    for room in ("runtime", "shared", "contracts", "infrastructure", "services", "tests"):
        (tmp_path / room).symlink_to(ROOT / room)
    # The default file lies beside the code, so the code is run from a copy of the tree made of links.
    stays = "Path.resolve = lambda self, strict=False: self.absolute()"
    code = f"from pathlib import Path; {stays}; import {module}; {SAY}"
    environment = {name: value for name, value in os.environ.items() if "ENDPOINT" not in name}
    environment.pop("STAGEDOOR_ENVIRONMENT_FILE", None)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == seen
