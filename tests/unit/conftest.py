"""Unit tests reach nothing: their sockets are closed, so that one which needs a part says so at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The Redis of other tests of this process is nobody's here: code that can do without one does.
    monkeypatch.delenv("REDIS_URL", raising=False)
    pytest_socket.disable_socket(allow_unix_socket=True)
    yield
    pytest_socket.enable_socket()
