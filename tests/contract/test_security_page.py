"""docs/security.md names the tests that hold what it says: all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
RISKS = 10


def missing(page: str) -> list[str]:
    """The tests a page names that are not there."""
    gone = []
    for path, _, name in re.findall(r"`(tests/[\w/]+\.py)(::(\w+))?`", page):
        file = ROOT / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text()):
            gone.append(f"{path} {name}")
    return gone


def test_every_test_that_the_page_names_is_there() -> None:
    assert missing(PAGE.read_text()) == []


def test_every_risk_has_a_test() -> None:
    risks = PAGE.read_text().split("### API")[1:]
    assert len(risks) == RISKS
    assert all("`tests/" in risk for risk in risks)


def test_a_test_that_is_gone_is_missed() -> None:
    assert missing("`tests/contract/test_security_page.py::test_of_nothing`, `tests/unit/nothing.py`") != []
