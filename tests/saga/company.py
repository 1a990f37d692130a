"""The payment company of a saga test, with its webhooks caught on the way so that the test decides when they arrive."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import urllib3

from runtime.payment_company.books import Books
from runtime.payment_company.pages import CARD_THAT_PAYS
from runtime.payment_company.server import PaymentCompany


class Webhook(NamedTuple):
    """A webhook as it came: its headers by lower-case name, and its raw body."""

    headers: dict[str, str]
    body: bytes


class Company:
    """A running payment company; `webhooks` are those it has sent and the test has not yet passed on."""

    def __init__(self, address: str, books: Books, webhooks: deque[Webhook]) -> None:
        self.address = address
        self.webhooks = webhooks
        self._books = books
        self._http = urllib3.PoolManager(retries=False)

    def pay(self, checkout_url: str) -> None:
        """A buyer pays on the page. Refuses anything but the redirect back (AssertionError)."""
        answer = self._http.request(
            "POST", f"{checkout_url}/pay", fields={"card": CARD_THAT_PAYS}, redirect=False, encode_multipart=False
        )
        assert answer.status == 303, answer.data

    def wait_until_told(self) -> None:
        """Returns when the company has sent every webhook it wants to. Refuses to wait for more than 10 s."""
        deadline = time.monotonic() + 10
        while self._books.next_due_at() is not None:
            assert time.monotonic() < deadline, "the company still has webhooks to send"
            time.sleep(0.005)

    def charges(self, payment_id: str) -> list[dict[str, Any]]:
        """The charges of one payment, as the company's statement lists them."""
        return [charge for charge in self._books.charges() if charge["metadata"]["payment_id"] == payment_id]


@contextmanager
def running_company(folder: Path) -> Iterator[Company]:
    """A company in this process, on a free port, until the block ends."""
    webhooks: deque[Webhook] = deque()

    class Catcher(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhooks.append(Webhook({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    catcher = ThreadingHTTPServer(("127.0.0.1", 0), Catcher)
    books = Books(folder / "company.sqlite3")
    company = PaymentCompany(
        books,
        port=0,
        api_key=os.environ["TEST_PROVIDER_API_KEY"],
        webhook_secret=os.environ["TEST_PROVIDER_WEBHOOK_SECRET"],
        webhook_url=f"http://127.0.0.1:{catcher.server_address[1]}/",
        merchant="Saga",
    )
    threads = [threading.Thread(target=catcher.serve_forever, args=(0.05,)), threading.Thread(target=company.serve)]
    for thread in threads:
        thread.start()
    try:
        yield Company(company.address, books, webhooks)
    finally:
        company.stop()
        catcher.shutdown()
        catcher.server_close()
        for thread in threads:
            thread.join()
