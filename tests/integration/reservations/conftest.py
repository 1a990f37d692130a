"""Every test begins with a process that remembers nothing; some run with Redis and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.reservations.repository import caching
from shared.cache import Cache


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    caching.forget()


@pytest.fixture
def no_redis() -> Iterator[None]:
    """The same service where there is no Redis."""
    with caching.using(Cache(None, prefix="none")):
        yield


@pytest.fixture(params=["with Redis", "without Redis"])
def redis_or_none(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a test twice: what is sold must be right without Redis as well."""
    if request.param == "with Redis":
        yield request.param
        return
    with caching.using(Cache(None, prefix="none")):
        yield request.param
