"""What is slow to import stays out until it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = "import sys; {code}; print(' '.join(m for m in {names!r} if m in sys.modules))"


def loaded(code: str, *names: str) -> set[str]:
    """Which of the modules a fresh interpreter has loaded after that code."""
    run = subprocess.run(
        [sys.executable, "-c", LOOK.format(code=code, names=names)], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("module", ["shared.auth", "shared.http", "shared.telemetry", "shared.settings"])
def test_the_kit_loads_no_heavy_library(module: str) -> None:
    heavy = ("joserfc", "cryptography", "argon2", "aws_xray_sdk", "pynamodb", "botocore", "redis", "boto3")
    assert loaded(f"import {module}", *heavy) == set()


def test_the_look_itself_sees_what_is_loaded() -> None:
    """The negative control: after a password was hashed, argon2 is there."""
    assert loaded("from shared.auth import hash_password; hash_password('x')", "argon2") == {"argon2"}
