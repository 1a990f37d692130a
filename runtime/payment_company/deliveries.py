"""Webhooks on their way: signed at every try, tried again until the merchant takes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import urllib3

from runtime.payment_company.books import Books, Due

SIGNATURE_HEADER: Final = "Test-Signature"
PAUSE_SECONDS_FIRST: Final = 0.25
PAUSE_SECONDS_MAX: Final = 30.0
# Three days, as the large companies do; a merchant who was down for longer has to ask for the statement.
GIVE_UP_SECONDS: Final = 3 * 24 * 3600.0
_TIMEOUT: Final = urllib3.Timeout(connect=2.0, read=10.0)
_AT_ONCE: Final = 4
_LOOK_SECONDS_MAX: Final = 1.0


def signature(secret: str, at: int, body: bytes) -> str:
    """The header that proves a webhook: the second it was sent and an HMAC over that second and the raw body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Deliveries(threading.Thread):
    """The thread that brings webhooks to one address until it is stopped."""

    def __init__(self, books: Books, webhook_url: str, secret: str) -> None:
        super().__init__(name="deliveries", daemon=True)
        self._books = books
        self._url = webhook_url
        self._secret = secret
        self._stopping = threading.Event()
        self._http = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)

    def stop(self) -> None:
        """Let the thread end after what it is just delivering."""
        self._stopping.set()
        self._books.news.set()
        self.join(timeout=15.0)

    def run(self) -> None:
        """Deliver what is due, then sleep until something is."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while not self._stopping.is_set():
                self._books.news.clear()
                due = self._books.due(limit=_AT_ONCE * 4)
                if due:
                    list(pool.map(self._deliver, due))
                else:
                    self._books.news.wait(self._seconds_to_wait())

    def _seconds_to_wait(self) -> float:
        next_due_at = self._books.next_due_at()
        if next_due_at is None:
            return _LOOK_SECONDS_MAX
        return min(_LOOK_SECONDS_MAX, max(0.01, next_due_at - self._books.clock()))

    def _deliver(self, webhook: Due) -> None:
        body = webhook.body.encode()
        now = self._books.clock()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(self._secret, int(now), body)}
        try:
            status = self._http.request("POST", self._url, body=body, headers=headers, redirect=False).status
            outcome = str(status)
        except urllib3.exceptions.HTTPError as trouble:
            status, outcome = 0, type(trouble).__name__
        taken = 200 <= status < 300
        kind = json.loads(webhook.body)["type"]
        print(f"webhook {webhook.id} {kind}: {outcome}, try {webhook.tries + 1}", file=sys.stderr, flush=True)
        if taken or now - webhook.first_due_at > GIVE_UP_SECONDS:
            self._books.delivered(webhook)
        else:
            pause = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_FIRST * 2.0**webhook.tries)
            self._books.put_off(webhook, pause * random.uniform(0.5, 1.5))
