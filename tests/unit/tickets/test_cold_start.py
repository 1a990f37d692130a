"""What costs a cold start is imported only by what needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("service", "heavy"),
    [
        ("tickets", ["fpdf", "segno", "cryptography", "fontTools", "PIL", "joserfc"]),
        ("notifications", ["jinja2", "joserfc", "cryptography"]),
        ("reporting", ["sqlalchemy", "psycopg", "joserfc", "cryptography"]),
    ],
)
def test_importing_a_service_imports_no_heavy_library(service: str, heavy: list[str]) -> None:
    program = f"import sys, services.{service}.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
