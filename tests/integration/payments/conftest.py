"""Payments on a real table against a real payment company, whose webhooks wait until the test passes them on."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from contracts.checkout import OrderToken
from runtime.payment_company.books import Books, Mischief
from runtime.payment_company.server import PaymentCompany as Company
from services.payments.providers.company import PaymentCompany
from shared import clock, ids
from shared.auth import Identity, issue_access_token, sign_token
from shared.money import Money
from shared.settings import Secret

API_KEY = "company key"
WEBHOOK_SECRET = "company webhook secret"
Send = Callable[..., Any]


@dataclass
class Caught:
    """A webhook on its way: its headers and its raw body."""

    headers: dict[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """What it tells of."""
        return str(json.loads(self.body)["type"])


@dataclass
class Street:
    """The payment company and the way from it to us."""

    company: Company
    books: Books
    address: str
    webhooks: queue.Queue[Caught] = field(default_factory=queue.Queue)
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def caught(self) -> Caught:
        """The next webhook. Fails when none comes."""
        return self.webhooks.get(timeout=10)

    def press(self, checkout_url: str, button: str, card: str = "4242424242424242") -> Any:
        """A buyer presses a button of the page."""
        return self.http.request(
            "POST", f"{checkout_url}/{button}", fields={"card": card}, encode_multipart=False, redirect=False
        )


def run_company(folder: Path, webhook_url: str, mischief: Mischief | None = None) -> tuple[Company, Books]:
    """A company in this process, serving from a thread."""
    books = Books(folder / "company.sqlite3", mischief=mischief or Mischief())
    company = Company(
        books, port=0, api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, webhook_url=webhook_url, merchant="Stagedoor"
    )
    threading.Thread(target=company.serve, daemon=True).start()
    return company, books


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    """A running payment company."""
    webhooks: queue.Queue[Caught] = queue.Queue()

    class Letterbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhooks.put(Caught(dict(self.headers.items()), body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    letterbox = ThreadingHTTPServer(("127.0.0.1", 0), Letterbox)
    threading.Thread(target=letterbox.serve_forever, args=(0.02,), daemon=True).start()
    company, books = run_company(tmp_path, f"http://127.0.0.1:{letterbox.server_address[1]}/webhooks")
    yield Street(company, books, company.address, webhooks)
    company.stop()
    letterbox.shutdown()
    letterbox.server_close()


@pytest.fixture
def provider(street: Street, monkeypatch: pytest.MonkeyPatch) -> PaymentCompany:
    """The adapter to that company, also in the app."""
    from services.payments import app as module

    adapter = PaymentCompany(street.address, Secret(API_KEY), Secret(WEBHOOK_SECRET), sleep=lambda seconds: None)
    monkeypatch.setattr(module, "provider", adapter)
    return adapter


@pytest.fixture
def make_order() -> Callable[..., OrderToken]:
    """Makes order tokens, each of a new order."""

    def make(expires_at: datetime | None = None, person_id: str | None = None) -> OrderToken:
        return OrderToken(
            order_id=ids.new_id("ord"),
            event_id=ids.new_id("evt"),
            event_name="An Evening of Demonstrations",
            organiser_id=ids.new_id("org"),
            person_id=person_id or ids.new_id("per"),
            total=Money(9000, "USD"),
            expires_at=expires_at or clock.now() + timedelta(minutes=10),
        )

    return make


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.payments.app import app

    return app


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request through the Chalice app, signed in as `person`."""

    def request(
        method: str,
        path: str,
        body: Any = None,
        *,
        person: str | None = None,
        roles: dict[str, str] | None = None,
        **headers: str,
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            identity = Identity(person, "bea.buyer@example.com", "Bea Buyer", ids.new_id("ses"), roles or {})
            sent["Authorization"] = f"Bearer {issue_access_token(identity, now=clock.now()).token}"
        raw = "" if body is None else json.dumps(body)
        if raw:
            sent["Content-Type"] = "application/json"
        return getattr(client, method.lower())(path, headers=sent, body=raw)

    return request


@pytest.fixture
def post_webhook(client: Any, provider: PaymentCompany) -> Callable[[Caught], Any]:
    """Brings a webhook to our route."""
    return lambda caught: client.post("/v1/webhooks/test", headers=dict(caught.headers), body=caught.body.decode())


@pytest.fixture
def order_text() -> Callable[[OrderToken], str]:
    """Signs an order token as orders does."""
    return lambda order: sign_token("order", order, order.expires_at)
