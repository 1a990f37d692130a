"""Shows the mails that arrived: to a person as pages, to a program as JSON and as the mails themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from runtime.mailbox.letters import Letter, Letters

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "a{color:#0b57d0}li{margin:.6rem 0}pre{white-space:pre-wrap;font:inherit}small{color:#666}"
)
# Mails are shown as they came, from whoever: nothing in them may run or load.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Window(ThreadingHTTPServer):
    """The HTTP server, on the loopback address alone."""

    daemon_threads = True

    def __init__(self, port: int, letters: Letters) -> None:
        self.letters = letters
        super().__init__(("127.0.0.1", port), _Request)


class _Request(BaseHTTPRequestHandler):
    server: Window
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/").split("/")
        match path:
            case [""]:
                self._page("Mails", _list_page(self.server.letters.newest()))
            case ["health"]:
                self._answer(HTTPStatus.OK, "application/json", b"{}")
            case ["messages"]:
                summaries = [letter.summary() for letter in self.server.letters.newest()]
                self._answer(HTTPStatus.OK, "application/json", json.dumps(summaries).encode())
            case ["messages", letter_id]:
                self._letter(letter_id, lambda letter: self._answer(HTTPStatus.OK, "message/rfc822", letter.raw))
            case ["messages", letter_id, "attachments", number]:
                self._letter(letter_id, lambda letter: self._attachment(letter, number))
            case ["read", letter_id]:
                self._letter(letter_id, lambda letter: self._page(_subject(letter), _letter_page(letter)))
            case _:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is nothing here.")

    def _letter(self, letter_id: str, show: Callable[[Letter], None]) -> None:
        letter = self.server.letters.get(letter_id)
        if letter is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such mail.")
        else:
            show(letter)

    def _attachment(self, letter: Letter, number: str) -> None:
        parts = letter.attachments()
        if not number.isdigit() or int(number) >= len(parts):
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"There is no such attachment.")
            return
        part = parts[int(number)]
        content = part.get_content()
        body = content if isinstance(content, bytes) else str(content).encode()
        name = quote(part.get_filename() or "attachment")
        self._answer(
            HTTPStatus.OK, part.get_content_type(), body, [("Content-Disposition", f"inline; filename={name}")]
        )

    def _page(self, title: str, body: str) -> None:
        page = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>{body}"
        self._answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())

    def _answer(self, status: int, kind: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        if kind != "application/pdf":
            # A browser's own viewer of PDFs counts as a script.
            self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a page of mails is no news."""


def _subject(letter: Letter) -> str:
    return str(letter.message["subject"] or "(no subject)")


def _list_page(letters: list[Letter]) -> str:
    rows = []
    for letter in letters:
        summary = letter.summary()
        to = ", ".join(letter.recipients)
        link = f'<a href="/read/{letter.id}">{escape(_subject(letter))}</a>'
        rows.append(f"<li>{link}<br><small>{escape(str(summary['received_at']))} to {escape(to)}</small>")
    return "<h1>Mails</h1>" + (f"<ul>{''.join(rows)}</ul>" if rows else "<p>None has come yet.</p>")


def _letter_page(letter: Letter) -> str:
    files = "".join(
        f'<li><a href="/messages/{letter.id}/attachments/{number}">{escape(part.get_filename() or "attachment")}</a>'
        for number, part in enumerate(letter.attachments())
    )
    return (
        f'<p><a href="/">All mails</a><h1>{escape(_subject(letter))}</h1>'
        f"<p><small>from {escape(str(letter.message['from']))} to {escape(', '.join(letter.recipients))}</small>"
        f"<pre>{escape(letter.text())}</pre><ul>{files}</ul>"
    )
