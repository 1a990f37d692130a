"""The company's HTTP server: an API for merchants with a key, pages for buyers without one."""

from __future__ import annotations

import hmac
import json
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from runtime.payment_company.books import Books, Refused
from runtime.payment_company.deliveries import Deliveries
from runtime.payment_company.pages import CARD_THAT_IS_DECLINED, CARD_THAT_PAYS, checkout_page

BODY_BYTES_MAX: Final = 64 * 1024
LISTEN_ON: Final = "127.0.0.1"
_CONTENT_SECURITY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action *; frame-ancestors 'none'"


class PaymentCompany:
    """The company in this process: books, deliveries and server. Start it, and stop it again."""

    def __init__(
        self, books: Books, *, port: int, api_key: str, webhook_secret: str, webhook_url: str, merchant: str
    ) -> None:
        self.books = books
        self.api_key = api_key
        self.merchant = merchant
        self._deliveries = Deliveries(books, webhook_url, webhook_secret) if webhook_url else None
        self._server = _Server((LISTEN_ON, port), _Desk)
        self._server.company = self

    @property
    def address(self) -> str:
        """Where it listens; the port is known also when any free one was asked for."""
        return f"http://{LISTEN_ON}:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Answer requests until `stop` is called from another thread."""
        if self._deliveries is not None:
            self._deliveries.start()
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Finish what is being answered and delivered; what is left waits in the books for the next start."""
        self._server.shutdown()
        self._server.server_close()
        if self._deliveries is not None:
            self._deliveries.stop()
        self.books.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    company: PaymentCompany


class _Desk(BaseHTTPRequestHandler):
    """One connection to the company."""

    protocol_version = "HTTP/1.1"
    server_version = "PaymentCompany"
    sys_version = ""
    timeout = 30.0
    server: _Server

    def setup(self) -> None:
        # Answers go out in one piece; waiting to fill a packet costs 40 ms on a kept connection.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_GET(self) -> None:
        """Pages and what merchants read."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """What changes something."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        print(f"{self.command} {self.path}: {args[1] if len(args) > 1 else ''}", file=sys.stderr, flush=True)

    def _answer(self, handle: Callable[[list[str]], None]) -> None:
        try:
            self._body = self._read_body()
            handle([part for part in urlsplit(self.path).path.split("/") if part])
        except Refused as refused:
            self._send_json(refused.status, {"error": str(refused)})

    def _get(self, path: list[str]) -> None:
        books = self.server.company.books
        match path:
            case ["health"]:
                self._send_json(200, {"status": "ok"})
            case ["charges"]:
                self._require_key()
                self._send_json(200, {"items": books.charges()})
            case ["checkouts", checkout_id] if self.headers.get("Authorization"):
                self._require_key()
                self._send_json(200, books.checkout(checkout_id) | {"url": self._page_address(checkout_id)})
            case ["checkouts", checkout_id]:
                page = checkout_page(books.checkout(checkout_id), self.server.company.merchant)
                self._send(200, page.encode(), "text/html; charset=utf-8")
            case _:
                raise Refused(404, "there is nothing here")

    def _post(self, path: list[str]) -> None:
        books = self.server.company.books
        match path:
            case ["checkouts"]:
                self._require_key()
                opened = books.open_checkout(self._key(), self._json())
                self._send_json(201, opened | {"url": self._page_address(opened["id"])})
            case ["refunds"]:
                self._require_key()
                self._send_json(201, books.refund(self._key(), self._json()))
            case ["checkouts", checkout_id, "pay"]:
                card = parse_qs(self._body.decode("utf-8", "replace")).get("card", [""])[0]
                if card not in (CARD_THAT_PAYS, CARD_THAT_IS_DECLINED):
                    raise Refused(422, "this company knows its two test cards only")
                self._send_back(books.pay(checkout_id, declined=card == CARD_THAT_IS_DECLINED))
            case ["checkouts", checkout_id, "cancel"]:
                self._send_back(books.cancel(checkout_id))
            case _:
                raise Refused(404, "there is nothing here")

    def _send_back(self, checkout: dict[str, Any]) -> None:
        address = urlsplit(checkout["return_url"])
        query = urlencode([*parse_qsl(address.query), ("checkout", checkout["state"])])
        self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", Location=urlunsplit(address._replace(query=query)))

    def _page_address(self, checkout_id: str) -> str:
        return f"{self.server.company.address}/checkouts/{checkout_id}"

    def _require_key(self) -> None:
        expected = f"Bearer {self.server.company.api_key}"
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected.encode()):
            raise Refused(401, "the API key is not known")

    def _key(self) -> str:
        key = self.headers.get("Idempotency-Key", "")
        if not 1 <= len(key) <= 200:
            raise Refused(400, "an Idempotency-Key of 1 to 200 characters is needed")
        return key

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Refused(411, "a body comes with its length")
        if int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            raise Refused(413, f"a body has {BODY_BYTES_MAX} bytes at most")
        return self.rfile.read(int(length))

    def _json(self) -> dict[str, Any]:
        try:
            request = json.loads(self._body)
        except ValueError as error:
            raise Refused(400, "the body is no JSON") from error
        if not isinstance(request, dict):
            raise Refused(400, "the body is no JSON object")
        return request

    def _send_json(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": _CONTENT_SECURITY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
