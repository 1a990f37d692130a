"""The payment company as its merchants and buyers meet it, over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3

from runtime.payment_company.books import Books, Mischief, Refused
from runtime.payment_company.pages import money_text
from tests.integration.payments.conftest import API_KEY, Street, run_company

CHECKOUT = {
    "amount": 9000,
    "currency": "USD",
    "description": "<b>A concert</b>",
    "return_url": "http://127.0.0.1:8000/orders/1?a=1",
    "metadata": {"payment_id": "pay_1", "attempt": 1},
}
HTTP = urllib3.PoolManager(retries=False)


def call(street: Street, method: str, path: str, content: Any = None, *, key: str = "k", api_key: str = API_KEY) -> Any:
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": key}
    body = None if content is None else content if isinstance(content, bytes) else json.dumps(content).encode()
    return HTTP.request(method, street.address + path, body=body, headers=headers)


def test_the_page_says_what_is_paid_and_is_safe_to_show(street: Street) -> None:
    url = call(street, "POST", "/checkouts", CHECKOUT).json()["url"]
    page = HTTP.request("GET", url)
    text = page.data.decode()
    assert "90.00 USD" in text
    assert "&lt;b&gt;A concert" in text
    assert "<b>A concert" not in text
    assert 'name="viewport"' in text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert text.count("<button") == 3


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(9000, "USD", "90.00 USD"), (5, "EUR", "0.05 EUR"), (1200, "JPY", "1,200 JPY"), (1234567, "KWD", "1,234.567 KWD")],
)
def test_amounts_are_shown_in_the_currency_s_own_units(amount: int, currency: str, text: str) -> None:
    assert money_text(amount, currency) == text


def test_only_merchants_with_the_key_are_served(street: Street) -> None:
    for method, path in (("POST", "/checkouts"), ("POST", "/refunds"), ("GET", "/charges")):
        assert call(street, method, path, CHECKOUT if method == "POST" else None, api_key="guess").status == 401
        assert HTTP.request(method, street.address + path).status == 401
    assert street.books.charges() == []


def test_the_same_key_is_the_same_page(street: Street) -> None:
    first = call(street, "POST", "/checkouts", CHECKOUT)
    again = call(street, "POST", "/checkouts", CHECKOUT)
    assert (first.status, first.json()) == (again.status, again.json())
    assert call(street, "POST", "/checkouts", {**CHECKOUT, "amount": 1}).status == 409
    assert call(street, "POST", "/checkouts", CHECKOUT, key="other").json() != first.json()


@pytest.mark.parametrize(
    ("spoilt", "status"),
    [
        ({**CHECKOUT, "amount": 0}, 422),
        ({**CHECKOUT, "amount": "9000"}, 422),
        ({**CHECKOUT, "amount": True}, 422),
        ({**CHECKOUT, "currency": "usd"}, 422),
        ({**CHECKOUT, "return_url": "javascript:alert(1)"}, 422),
        ({**CHECKOUT, "metadata": []}, 422),
        (b"{", 400),
        (b"[]", 400),
        (b"x" * 70_000, 413),
    ],
)
def test_what_makes_no_sense_is_refused(street: Street, spoilt: Any, status: int) -> None:
    assert call(street, "POST", "/checkouts", spoilt).status == status


def test_a_page_is_paid_once(street: Street) -> None:
    opened = call(street, "POST", "/checkouts", CHECKOUT).json()
    for _ in range(2):
        answer = street.press(opened["url"], "pay")
        assert (answer.status, answer.headers["Location"]) == (303, "http://127.0.0.1:8000/orders/1?a=1&checkout=paid")
    assert street.press(opened["url"], "cancel").headers["Location"].endswith("checkout=paid")
    assert len(street.books.charges()) == 1
    assert "went through" in HTTP.request("GET", opened["url"]).data.decode()
    assert call(street, "GET", f"/checkouts/{opened['id']}").json()["state"] == "paid"


def test_buttons_that_do_not_exist(street: Street) -> None:
    opened = call(street, "POST", "/checkouts", CHECKOUT).json()
    assert street.press(opened["url"], "pay", card="1234").status == 422
    assert street.press(opened["url"], "steal").status == 404
    assert street.press(f"{street.address}/checkouts/chk_none", "pay").status == 404
    assert call(street, "GET", "/checkouts/chk_none").status == 404
    assert street.books.charges() == []


def test_a_page_runs_out(tmp_path: Path) -> None:
    moment = [1000.0]
    books = Books(tmp_path / "books.sqlite3", checkout_seconds=60, clock=lambda: moment[0])
    page = books.open_checkout("k", CHECKOUT)["id"]
    moment[0] += 59.9
    assert books.checkout(page)["state"] == "open"
    moment[0] += 0.2
    assert books.pay(page)["state"] == "expired"
    assert books.charges() == []
    assert [json.loads(due.body)["type"] for due in books.due(10)] == ["checkout.expired"]
    books.close()


def test_refunds_are_bounded_and_keyed(street: Street) -> None:
    opened = call(street, "POST", "/checkouts", CHECKOUT).json()
    street.press(opened["url"], "pay")
    charge = street.books.charges()[0]["id"]
    part = {"charge": charge, "amount": 4000, "currency": "USD"}
    first = call(street, "POST", "/refunds", part, key="r1")
    assert call(street, "POST", "/refunds", part, key="r1").json() == first.json()
    assert call(street, "POST", "/refunds", {**part, "amount": 5001}, key="r2").status == 422
    assert call(street, "POST", "/refunds", {**part, "currency": "EUR"}, key="r3").status == 422
    assert call(street, "POST", "/refunds", {**part, "charge": "chg_none"}, key="r4").status == 404
    assert call(street, "GET", "/charges").json()["items"][0]["refunded"] == 4000


def test_the_books_survive_a_restart(tmp_path: Path) -> None:
    books = Books(tmp_path / "books.sqlite3")
    page = books.open_checkout("k", CHECKOUT)["id"]
    books.pay(page)
    books.close()
    again = Books(tmp_path / "books.sqlite3")
    assert again.checkout(page)["state"] == "paid"
    assert again.open_checkout("k", CHECKOUT)["id"] == page
    assert [json.loads(due.body)["type"] for due in again.due(10)] == ["checkout.paid"]
    again.close()
    other = Books(tmp_path / "other.sqlite3")
    with pytest.raises(Refused):
        other.checkout(page)
    other.close()


class Letterbox:
    """An address that takes webhooks only from the n-th try on."""

    def __init__(self, takes_from_try: int) -> None:
        self.tries: Counter[str] = Counter()
        self.signatures: list[str] = []
        letterbox = self

        class Slot(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                letterbox.tries[body["id"]] += 1
                letterbox.signatures.append(self.headers["Test-Signature"])
                self.send_response(202 if letterbox.tries[body["id"]] >= takes_from_try else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Slot)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def until(condition: Any, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_webhook_is_brought_until_it_is_taken_and_no_longer(tmp_path: Path) -> None:
    letterbox = Letterbox(takes_from_try=3)
    company, books = run_company(tmp_path, letterbox.url)
    try:
        books.pay(books.open_checkout("k", CHECKOUT)["id"])
        until(lambda: books.next_due_at() is None)
        assert list(letterbox.tries.values()) == [3]
    finally:
        company.stop()
        letterbox.close()


def test_webhooks_can_be_told_to_come_twice(tmp_path: Path) -> None:
    letterbox = Letterbox(takes_from_try=1)
    company, books = run_company(tmp_path, letterbox.url, Mischief(copies=3, shuffle_seconds=0.2))
    try:
        books.pay(books.open_checkout("k", CHECKOUT)["id"])
        until(lambda: books.next_due_at() is None)
        assert list(letterbox.tries.values()) == [3]
    finally:
        company.stop()
        letterbox.close()


def test_the_company_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runtime.payment_company", "--port", "0", "--state", str(tmp_path)]
    secrets = {"TEST_PROVIDER_API_KEY": API_KEY, "TEST_PROVIDER_WEBHOOK_SECRET": "s"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **secrets}) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = line.rpartition(" ")[2].strip()
            assert line.startswith("The payment company is up at http://127.0.0.1:")
            assert HTTP.request("GET", f"{address}/health").json() == {"status": "ok"}
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_without_its_secrets_the_company_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runtime.payment_company", "--port", "0", "--state", str(tmp_path)]
    bare = {name: value for name, value in os.environ.items() if not name.startswith("TEST_PROVIDER_")}
    done = subprocess.run(command, capture_output=True, text=True, env=bare, timeout=30, check=False)
    assert done.returncode == 2
    assert "TEST_PROVIDER_API_KEY, TEST_PROVIDER_WEBHOOK_SECRET" in done.stderr
