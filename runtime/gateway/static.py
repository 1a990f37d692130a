"""The web app's files, where it has been built."""

import mimetypes
import re
from pathlib import Path
from urllib.parse import unquote

from runtime.gateway.events import Incoming
from runtime.gateway.outgoing import Outgoing
from shared.http.conditional import names

# The API's part of the address space. Nothing in it is ever answered by the web app.
_API = re.compile(r"/+(?:v(?:\d[^/]*)?|health|openapi\.json|\.well-known)(?:/.*)?", re.IGNORECASE | re.DOTALL)
_PAGE_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
]
_POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
# The app's own pages set styles of single elements.
_POLICY_OF_APP = f"{_POLICY}; style-src 'self' 'unsafe-inline'"
_APP = "index.html"
# File names under here carry a hash of their content.
_HASHED_FOLDER = "assets"


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, existing or not."""
    return _API.fullmatch(unquote(path)) is not None


class WebApp:
    """Serves a folder; addresses that are no files get a page of their name, or index.html for the app's own router."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder).resolve()

    def answer(self, incoming: Incoming) -> Outgoing | None:
        """The file for the request, None when this is none of the web app's business."""
        if incoming.method not in ("GET", "HEAD") or is_api(incoming.path):
            return None
        path = unquote(incoming.path)
        if "\0" in path:
            return None
        file = (self._folder / path.lstrip("/")).resolve()
        # A path with dots, or a link that leads outside, names nothing of the web app's.
        if not file.is_relative_to(self._folder):
            return None
        if not file.is_file():
            if "." in path.rpartition("/")[2]:
                return None
            file = self._page(path)
            if not file.is_file():
                return None
        return self._file(file, incoming)

    def _page(self, path: str) -> Path:
        """The file of a page that stands apart (`/docs` is docs.html), else the app's."""
        own = self._folder / f"{path.strip('/')}.html"
        return own if "/" not in path.strip("/") and own.is_file() else self._folder / _APP

    def _file(self, file: Path, incoming: Incoming) -> Outgoing:
        about = file.stat()
        etag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
        hashed = file.parent.name == _HASHED_FOLDER
        headers = [
            *_PAGE_HEADERS,
            ("Content-Security-Policy", _POLICY_OF_APP if file.name == _APP else _POLICY),
            ("ETag", etag),
            ("Cache-Control", "public, max-age=31536000, immutable" if hashed else "no-cache"),
        ]
        known = incoming.header("if-none-match")
        if known is not None and names(known, etag):
            return Outgoing(304, headers, b"")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind in ("application/javascript", "application/json"):
            kind += "; charset=utf-8"
        return Outgoing(200, [*headers, ("Content-Type", kind)], file.read_bytes())
