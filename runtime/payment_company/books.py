"""The company's books: checkouts, charges, refunds and the webhooks still to be delivered, in one SQLite file.

A change of state and the webhook that tells of it are written in one transaction, so neither is lost to a crash.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

# A checkout outlives the hold it pays for, as with real companies: a payment can always come too late.
CHECKOUT_SECONDS: Final = 1800
AMOUNT_MAX: Final = 99_999_999

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS checkouts (
    id TEXT PRIMARY KEY, amount INTEGER NOT NULL, currency TEXT NOT NULL, description TEXT NOT NULL,
    return_url TEXT NOT NULL, metadata TEXT NOT NULL, state TEXT NOT NULL, expires_at REAL NOT NULL, charge TEXT);
CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY, checkout TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount), captured_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, charge TEXT NOT NULL, amount INTEGER NOT NULL, refunded_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT NOT NULL, copy INTEGER NOT NULL, body TEXT NOT NULL, first_due_at REAL NOT NULL, due_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (id, copy));
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (done, due_at);
"""


class Refused(Exception):
    """A request the company does not grant; `status` is the HTTP status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Mischief:
    """How badly webhooks are delivered: copies of each, and the seconds within which they come in any order."""

    copies: int = 1
    shuffle_seconds: float = 0.0


@dataclass(frozen=True)
class Due:
    """A webhook that is to be delivered now."""

    id: str
    copy: int
    body: str
    tries: int
    first_due_at: float


@dataclass
class Books:
    """The books in one file. Safe to share among threads; survives a restart."""

    file: Path
    checkout_seconds: float = CHECKOUT_SECONDS
    mischief: Mischief = field(default_factory=Mischief)
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        # Set whenever a webhook was written, so that deliveries need not wait for their next look.
        self.news = threading.Event()
        self._connection = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the books are of no use afterwards."""
        with self._lock:
            self._connection.close()

    def open_checkout(self, key: str, request: dict[str, Any]) -> dict[str, Any]:
        """A page to pay at. The same key and request give the same checkout. Raises Refused."""
        amount, currency = _money(request)
        return_url = str(request.get("return_url", ""))
        if not return_url.startswith(("http://", "https://")):
            raise Refused(422, "return_url must be an address of http or https")
        metadata = request.get("metadata", {})
        if not isinstance(metadata, dict):
            raise Refused(422, "metadata must be an object")
        with self._once(f"checkout {key}", request) as (known, connection, keep):
            if known is not None:
                return known
            checkout_id = "chk_" + secrets.token_hex(16)
            connection.execute(
                "INSERT INTO checkouts VALUES (?, ?, ?, ?, ?, ?, 'open', ?, NULL)",
                (
                    checkout_id,
                    amount,
                    currency,
                    str(request.get("description", ""))[:200],
                    return_url,
                    json.dumps(metadata),
                    self.clock() + self.checkout_seconds,
                ),
            )
            return keep({"id": checkout_id})

    def checkout(self, checkout_id: str) -> dict[str, Any]:
        """A checkout as it stands; an open one past its time is expired. Raises Refused."""
        with self._transaction() as connection:
            return self._checkout(connection, checkout_id)

    def pay(self, checkout_id: str, declined: bool = False) -> dict[str, Any]:
        """The buyer's card is charged, or declined. Only an open checkout changes; returns it as it then stands."""
        with self._transaction() as connection:
            checkout = self._checkout(connection, checkout_id)
            if checkout["state"] != "open":
                return checkout
            if declined:
                return self._close(connection, checkout, "declined")
            charge_id = "chg_" + secrets.token_hex(12)
            connection.execute(
                "INSERT INTO charges VALUES (?, ?, ?, ?, 0, ?)",
                (charge_id, checkout_id, checkout["amount"], checkout["currency"], self.clock()),
            )
            connection.execute("UPDATE checkouts SET state = 'paid', charge = ? WHERE id = ?", (charge_id, checkout_id))
            checkout = self._checkout(connection, checkout_id)
            self._tell(connection, "checkout.paid", checkout, charge=self._charge(connection, charge_id))
            return checkout

    def cancel(self, checkout_id: str) -> dict[str, Any]:
        """The buyer turns back. Only an open checkout changes; returns it as it then stands."""
        with self._transaction() as connection:
            checkout = self._checkout(connection, checkout_id)
            return checkout if checkout["state"] != "open" else self._close(connection, checkout, "cancelled")

    def refund(self, key: str, request: dict[str, Any]) -> dict[str, Any]:
        """Send money of a charge back. The same key and request give the same refund. Raises Refused."""
        amount, currency = _money(request)
        with self._once(f"refund {key}", request) as (known, connection, keep):
            if known is not None:
                return known
            charge = self._charge(connection, str(request.get("charge", "")))
            if currency != charge["currency"] or amount > charge["amount"] - charge["refunded"]:
                raise Refused(422, "the charge does not hold that much")
            refund = {"id": "rfd_" + secrets.token_hex(12), "amount": amount, "refunded_at": self.clock()}
            connection.execute(
                "INSERT INTO refunds VALUES (?, ?, ?, ?)", (refund["id"], charge["id"], amount, refund["refunded_at"])
            )
            connection.execute("UPDATE charges SET refunded = refunded + ? WHERE id = ?", (amount, charge["id"]))
            checkout = self._checkout(connection, charge["checkout"])
            self._tell(
                connection, "refund.succeeded", checkout, charge=self._charge(connection, charge["id"]), refund=refund
            )
            return keep(refund | {"charge": charge["id"], "currency": currency})

    def charges(self) -> list[dict[str, Any]]:
        """Every charge, oldest first: the statement a merchant reconciles with."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT c.*, k.metadata FROM charges c JOIN checkouts k ON k.id = c.checkout ORDER BY captured_at"
            ).fetchall()
        return [dict(row) | {"metadata": json.loads(row["metadata"])} for row in rows]

    def due(self, limit: int) -> list[Due]:
        """The webhooks to be delivered now, those longest due first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT id, copy, body, tries, first_due_at FROM webhooks WHERE done = 0 AND due_at <= ? "
                "ORDER BY due_at LIMIT ?",
                (self.clock(), limit),
            ).fetchall()
        return [Due(**dict(row)) for row in rows]

    def next_due_at(self) -> float | None:
        """When the next webhook is due, None when none is waiting."""
        with self._transaction() as connection:
            row = connection.execute("SELECT min(due_at) AS at FROM webhooks WHERE done = 0").fetchone()
        return None if row["at"] is None else float(row["at"])

    def delivered(self, webhook: Due) -> None:
        """That webhook was taken, or given up."""
        with self._transaction() as connection:
            connection.execute("UPDATE webhooks SET done = 1 WHERE id = ? AND copy = ?", (webhook.id, webhook.copy))

    def put_off(self, webhook: Due, seconds: float) -> None:
        """That webhook was not taken and is to be tried again after so many seconds."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE webhooks SET tries = tries + 1, due_at = ? WHERE id = ? AND copy = ?",
                (self.clock() + seconds, webhook.id, webhook.copy),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _once(
        self, key: str, request: dict[str, Any]
    ) -> Iterator[tuple[dict[str, Any] | None, sqlite3.Connection, Callable[[dict[str, Any]], dict[str, Any]]]]:
        """One transaction for one idempotency key: the answer given before, or a way to keep the one given now."""
        fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        with self._transaction() as connection:
            row = connection.execute("SELECT fingerprint, answer FROM requests WHERE key = ?", (key,)).fetchone()
            if row is not None and row["fingerprint"] != fingerprint:
                raise Refused(409, "the idempotency key was used for another request")

            def keep(answer: dict[str, Any]) -> dict[str, Any]:
                connection.execute("INSERT INTO requests VALUES (?, ?, ?)", (key, fingerprint, json.dumps(answer)))
                return answer

            yield (None if row is None else json.loads(row["answer"])), connection, keep

    def _checkout(self, connection: sqlite3.Connection, checkout_id: str) -> dict[str, Any]:
        row = connection.execute("SELECT * FROM checkouts WHERE id = ?", (checkout_id,)).fetchone()
        if row is None:
            raise Refused(404, "there is no such checkout")
        checkout = dict(row) | {"metadata": json.loads(row["metadata"])}
        if checkout["state"] == "open" and checkout["expires_at"] <= self.clock():
            return self._close(connection, checkout, "expired")
        return checkout

    def _charge(self, connection: sqlite3.Connection, charge_id: str) -> dict[str, Any]:
        row = connection.execute("SELECT * FROM charges WHERE id = ?", (charge_id,)).fetchone()
        if row is None:
            raise Refused(404, "there is no such charge")
        return dict(row)

    def _close(self, connection: sqlite3.Connection, checkout: dict[str, Any], state: str) -> dict[str, Any]:
        connection.execute("UPDATE checkouts SET state = ? WHERE id = ?", (state, checkout["id"]))
        closed = checkout | {"state": state}
        self._tell(connection, f"checkout.{state}", closed)
        return closed

    def _tell(self, connection: sqlite3.Connection, kind: str, checkout: dict[str, Any], **about: Any) -> None:
        now = self.clock()
        webhook_id = "whk_" + secrets.token_hex(12)
        told = {name: checkout[name] for name in ("id", "state", "amount", "currency", "metadata")}
        body = json.dumps({"id": webhook_id, "type": kind, "created_at": now, "checkout": told, **about})
        for copy in range(self.mischief.copies):
            due_at = now + secrets.SystemRandom().uniform(0, self.mischief.shuffle_seconds)
            connection.execute(
                "INSERT INTO webhooks (id, copy, body, first_due_at, due_at) VALUES (?, ?, ?, ?, ?)",
                (webhook_id, copy, body, now, due_at),
            )
        self.news.set()


def _money(request: dict[str, Any]) -> tuple[int, str]:
    amount, currency = request.get("amount"), request.get("currency")
    if type(amount) is not int or not 0 < amount <= AMOUNT_MAX:
        raise Refused(422, f"amount must be a whole number of minor units from 1 to {AMOUNT_MAX}")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        raise Refused(422, "currency must be three capital letters")
    return amount, currency
