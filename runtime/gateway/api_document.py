"""GET /openapi.json: the OpenAPI document of all services, as this gateway serves them."""

import threading

from runtime.gateway.events import Incoming
from runtime.gateway.outgoing import Outgoing
from runtime.gateway.services import Loaded
from runtime.openapi import documents
from shared.http.answer import SECURITY_HEADERS
from shared.http.conditional import content_etag, names
from shared.http.problems import Unavailable

PATH = "/openapi.json"
# It changes with a deployment only, and a browser that asks again is told by the ETag that it did not.
_CACHE = "public, max-age=300"


class ApiDocument:
    """The document, put together when it is first asked for."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._lock = threading.Lock()
        self._made: tuple[bytes, str] | None = None

    def answer(self, incoming: Incoming) -> Outgoing:
        """The document, or 304 for whoever has it. Raises Unavailable while a service did not load."""
        if self._loaded.broken:
            # Without that service's routes the document would be wrong, and kept.
            raise Unavailable("A part of the system did not start.", retry_after=5)
        content, etag = self._document()
        headers = [
            *SECURITY_HEADERS.items(),
            ("Access-Control-Allow-Origin", "*"),
            ("Cache-Control", _CACHE),
            ("ETag", etag),
        ]
        known = incoming.header("if-none-match")
        if known is not None and names(known, etag):
            return Outgoing(304, headers, b"")
        return Outgoing(200, [*headers, ("Content-Type", "application/json")], content)

    def _document(self) -> tuple[bytes, str]:
        with self._lock:
            if self._made is None:
                content = documents.text(documents.of_whole(self._loaded.apps)).encode()
                self._made = content, content_etag(content)
            return self._made
