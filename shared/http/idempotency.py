"""Idempotency-Key: a write that is sent again gets the answer of the first time, and happens once.

How a route keeps its word is its choice: `IN_TABLE` keeps keys and answers in the service's own table for 24 hours;
`BY_HANDLER` says that the work itself is such that a repetition finds what is there (ids derived from what was sent).
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import msgspec

from shared import telemetry
from shared.http.answer import Encoded
from shared.http.problems import BadRequest, Conflict, ValidationFailed

KEPT_SECONDS = 24 * 3600
# Longer than any request can run (API Gateway ends it after 29 s): an older lease belongs to a try that crashed.
LEASE_SECONDS = 30
KEY_LENGTH_MAX = 128
# DynamoDB takes 400 KB an item; answers to writes are far smaller.
STORED_BYTES_MAX = 300_000
REPLAYED_HEADER = "Idempotency-Replayed"
_PURPOSE = b"stagedoor idempotency v1"
# Not answers to the work but to its circumstances: the same request may well fare better later.
_PASSING = frozenset({408, 425, 429})


class StoredAnswer(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it is kept."""

    status: int
    content: bytes
    headers: dict[str, str]


class Lease(msgspec.Struct, frozen=True):
    """The right to do the work of a key now; `operation_id` is the same for every try of it."""

    key: str
    lease_id: str
    operation_id: str


class InFlight(Exception):
    """Another try of the same key holds the lease for `seconds` more."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__("the first try is still under way")


class KeyReused(Exception):
    """The key came before with another request."""


class IdempotencyStore(Protocol):
    """Where keys and answers are kept."""

    def begin(self, key: str, request_hash: bytes, now: datetime) -> Lease | StoredAnswer:
        """The lease for a key that has no answer yet, or the answer. Raises InFlight, KeyReused."""
        ...

    def finish(self, lease: Lease, answer: StoredAnswer, now: datetime) -> None:
        """Keeps the answer, so that every later try gets it."""
        ...

    def release(self, lease: Lease, now: datetime) -> None:
        """Gives the lease back without an answer, so that the next try may work at once."""
        ...


class Idempotency(msgspec.Struct, frozen=True):
    """A route's policy: whether it insists on a key, and where answers are kept (None: the handler sees to it)."""

    store: IdempotencyStore | None = None
    required: bool = True


BY_HANDLER = Idempotency()
BY_HANDLER_OPTIONAL = Idempotency(required=False)


def IN_TABLE(table_variable: str, *, required: bool = True) -> Idempotency:  # noqa: N802 — reads as a constant in app.py
    """Keeps keys and answers in the table whose name that environment variable holds; two more writes a request."""
    from shared.http.idempotency_table import TableStore

    return Idempotency(TableStore(table_variable), required)


def read_key(header: str | None, policy: Idempotency) -> str | None:
    """The Idempotency-Key of a request. Raises BadRequest when a required one is missing or one is unfit."""
    if policy.required and (header is None or not header.strip()):
        raise BadRequest(
            "Send an Idempotency-Key header, a new random one for each order of yours.",
            slug="idempotency-key-missing",
            field="Idempotency-Key",
        )
    if header is None:
        return None
    # Blanks alone: what else Python strips (U+001F, say) is no part of a key, and a key of nothing protects nothing.
    key = header.strip(" \t")
    # RFC drafts want a quoted string; clients send it bare. Both mean the same key.
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable() or "#" in key:
        raise BadRequest(
            f"An Idempotency-Key has at most {KEY_LENGTH_MAX} visible ASCII characters without '#'.",
            slug="idempotency-key-unfit",
            field="Idempotency-Key",
        )
    return key


def request_hash(*parts: str | bytes, secret: str) -> bytes:
    """What tells one request from another under the same key.

    Keyed by a secret, because it is kept for a day: whoever reads the table must not be able to try passwords against
    the fast hash of a sign-up's body.
    """
    key = hashlib.sha256(_PURPOSE + secret.encode()).digest()
    digest = hashlib.blake2b(digest_size=16, key=key)
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.digest()


def run_once(
    store: IdempotencyStore,
    key: str,
    hashes: Sequence[bytes],
    now: datetime,
    work: Callable[[Lease], Encoded],
) -> Encoded:
    """The answer to a keyed request: of the work done now, or the one kept from the first time.

    `hashes` are the request's, by today's secret first; those by older ones recognise what came before a rotation.
    Raises Conflict while the first try is under way, ValidationFailed when the key came with another request; what the
    work raises gives the lease back. A try that crashed without an answer is worked again once its lease is over.
    """
    try:
        begun = _begin(store, key, hashes, now)
    except InFlight as busy:
        raise Conflict(
            "The first request with this Idempotency-Key is still under way.",
            slug="idempotency-in-flight",
            headers={"Retry-After": str(max(1, min(busy.seconds, 2)))},
        ) from busy
    except KeyReused as reused:
        raise ValidationFailed(
            "This Idempotency-Key came before with another request.",
            slug="idempotency-key-reused",
            field="Idempotency-Key",
        ) from reused
    if isinstance(begun, StoredAnswer):
        return Encoded(begun.status, begun.content, {**begun.headers, REPLAYED_HEADER: "true"})
    try:
        answer = work(begun)
    except BaseException:
        _give_back(store, begun, now)
        raise
    if answer.status_code >= 500 or answer.status_code in _PASSING:
        _give_back(store, begun, now)
        return answer
    if len(answer.content) > STORED_BYTES_MAX:
        telemetry.log("idempotent_answer_too_large", level="ERROR", bytes=len(answer.content))
        return answer
    try:
        store.finish(begun, StoredAnswer(answer.status_code, answer.content, dict(answer.all_headers)), now)
    except Exception as error:  # the work is done; to refuse its answer now would be the greater harm
        telemetry.log("idempotent_answer_not_stored", level="ERROR", error=error)
    return answer


def _begin(store: IdempotencyStore, key: str, hashes: Sequence[bytes], now: datetime) -> Lease | StoredAnswer:
    *others, last = hashes
    for hashed in others:
        with suppress(KeyReused):
            return store.begin(key, hashed, now)
    return store.begin(key, last, now)


def _give_back(store: IdempotencyStore, lease: Lease, now: datetime) -> None:
    try:
        store.release(lease, now)
    except Exception as error:  # the lease ends by itself
        telemetry.log("idempotency_lease_not_released", level="WARNING", error=error)
