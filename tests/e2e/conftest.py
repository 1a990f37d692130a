"""What end-to-end tests share: a Stagedoor of their own, which is gone when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, free_port


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """One that is not started yet, with nothing in its state."""
    made = House(tmp_path / "state", free_port())
    yield made
    made.clear_up()


@pytest.fixture(scope="module")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One that is up, for all tests of a module."""
    made = House(tmp_path_factory.mktemp("house") / "state", free_port())
    try:
        made.start()
        yield made
    finally:
        made.clear_up()
