"""A table of the kit's own, and a hand on the one seam that every request to it passes."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.data import transport, wire

Request = dict[str, Any]
Answer = dict[str, Any]
READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
Carry = Callable[[str, Request, float], Answer]


@pytest.fixture(scope="session")
def table() -> Iterator[str]:
    """A table as every service has it; the models of these tests find it by KIT_TABLE_NAME."""
    name = f"kit-{secrets.token_hex(6)}"
    attributes = [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "listing_pk", "listing_sk")]

    def keys(hash_name: str, range_name: str) -> list[dict[str, str]]:
        return [
            {"AttributeName": hash_name, "KeyType": "HASH"},
            {"AttributeName": range_name, "KeyType": "RANGE"},
        ]

    wire.call(
        "CreateTable",
        {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": attributes,
            "KeySchema": keys("pk", "sk"),
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "listing",
                    "KeySchema": keys("listing_pk", "listing_sk"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        },
        10,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIT_TABLE_NAME", name)
        yield name
    wire.call("DeleteTable", {"TableName": name}, 10)


@pytest.fixture(autouse=True)
def _table_is_there(table: str) -> None:
    """Every test here works on the table."""


@pytest.fixture
def pk() -> str:
    """A partition nobody else uses."""
    return f"p-{secrets.token_hex(6)}"


class Line:
    """The way to DynamoDB, with what a test wants to go wrong on it. `attempts` are (operation, request)."""

    def __init__(self, carry: Carry) -> None:
        self._carry = carry
        self.attempts: list[tuple[str, Request]] = []
        self._answers_to_lose = 0
        self._requests_to_lose = 0
        self._before: Callable[[str, Request], None] | None = None
        self._after: Callable[[str, Request], None] | None = None

    def lose_answers(self, count: int) -> None:
        """The next writes arrive, but nobody hears their answers."""
        self._answers_to_lose = count

    def lose_requests(self, count: int) -> None:
        """The next writes never arrive."""
        self._requests_to_lose = count

    def before_each(self, act: Callable[[str, Request], None]) -> None:
        """Calls `act` before each request goes out; it may change the request."""
        self._before = act

    def after_lost(self, act: Callable[[str, Request], None]) -> None:
        """Calls `act` once after a request arrived whose answer is lost."""
        self._after = act

    def carry(self, operation: str, request: Request, seconds: float) -> Answer:
        """Stands in for transport.carry."""
        self.attempts.append((operation, request))
        if self._before is not None:
            self._before(operation, request)
        if operation in READS:
            return self._carry(operation, request, seconds)
        if self._requests_to_lose:
            self._requests_to_lose -= 1
            raise wire.Lost("the test lost the request")
        lose = self._answers_to_lose > 0
        self._answers_to_lose -= lose
        if not lose:
            return self._carry(operation, request, seconds)
        # A refusal is an answer too, and is lost like any other.
        with contextlib.suppress(wire.Refusal):
            self._carry(operation, request, seconds)
        if self._after is not None:
            act, self._after = self._after, None
            act(operation, request)
        raise wire.Lost("the test lost the answer")


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The seam, so far with nothing going wrong."""
    line = Line(transport.carry)
    monkeypatch.setattr(transport, "carry", line.carry)
    return line
