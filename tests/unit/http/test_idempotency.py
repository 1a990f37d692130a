"""Idempotency-Key without a table: what may be kept, what must not be, and what happens when the store fails."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from shared.http.answer import Encoded
from shared.http.idempotency import Lease, StoredAnswer, request_hash, run_once
from shared.http.problems import Conflict

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Memory:
    """A store that keeps everything it is told, and fails where it is told to."""

    def __init__(self) -> None:
        self.kept: StoredAnswer | None = None
        self.released = 0
        self.failing = False

    def begin(self, key: str, request_hash: bytes, now: datetime) -> Lease | StoredAnswer:
        return self.kept or Lease(key, "lease", "op_1")

    def finish(self, lease: Lease, answer: StoredAnswer, now: datetime) -> None:
        if self.failing:
            raise ConnectionError
        self.kept = answer

    def release(self, lease: Lease, now: datetime) -> None:
        self.released += 1
        if self.failing:
            raise ConnectionError


@pytest.fixture
def store() -> Memory:
    return Memory()


def run(store: Memory, work: Callable[[Lease], Encoded]) -> Encoded:
    return run_once(store, "key", [b"hash"], NOW, work)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 403, 404, 409, 422])
def test_an_answer_to_the_work_is_kept(store: Memory, status: int) -> None:
    first = run(store, lambda lease: Encoded(status, b"body", {"Content-Type": "x", "Location": "/y"}))
    assert "Idempotency-Replayed" not in first.all_headers
    second = run(store, lambda lease: pytest.fail("the work was done again"))
    assert (second.status_code, second.content) == (status, b"body")
    assert second.all_headers == {"Content-Type": "x", "Location": "/y", "Idempotency-Replayed": "true"}


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_an_answer_to_circumstances_is_not(store: Memory, status: int) -> None:
    run(store, lambda lease: Encoded(status, b"", {}))
    assert (store.kept, store.released) == (None, 1)


def test_work_that_raises_gives_its_lease_back(store: Memory) -> None:
    def work(lease: Lease) -> Encoded:
        raise Conflict

    with pytest.raises(Conflict):
        run(store, work)
    assert store.released == 1


def test_work_that_is_done_is_answered_even_when_its_answer_cannot_be_kept(
    store: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    store.failing = True
    assert run(store, lambda lease: Encoded(201, b"done", {})).content == b"done"
    assert "idempotent_answer_not_stored" in capsys.readouterr().out


def test_a_lease_that_cannot_be_given_back_changes_nothing(store: Memory) -> None:
    store.failing = True
    assert run(store, lambda lease: Encoded(503, b"", {})).status_code == 503


def test_an_answer_too_large_for_a_row_is_given_but_not_kept(store: Memory) -> None:
    assert run(store, lambda lease: Encoded(200, b"x" * 300_001, {})).status_code == 200
    assert store.kept is None


def test_the_hash_tells_every_part_apart() -> None:
    parts = [("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c")]
    assert len({request_hash(*some, secret="s") for some in parts}) == 4
    assert request_hash("a", b"b", secret="s") == request_hash("a", b"b", secret="s")


def test_the_hash_is_of_no_use_to_who_lacks_the_secret() -> None:
    """Else a password could be tried against the kept hash of a sign-up, thousands of times faster than argon2's."""
    assert request_hash("a", secret="s") != request_hash("a", secret="t")
    assert request_hash("a", secret="s") != hashlib.blake2b(b"\0\0\0\1a", digest_size=16).digest()
