"""Answers: what a handler gives back, and how it becomes what Lambda hands to API Gateway."""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from chalice.app import Response

from shared.http import conditional
from shared.http.coding import BYTES_MIN, coding_for, compress, compressible
from shared.http.problems import MEDIA_TYPE, Problem

JSON = "application/json"
# For answers of one caller: nobody keeps them. Routes that are for everybody say so by `cache`.
NO_STORE = "no-store"
# An API's answer is no page: it must not be guessed at, framed, run or referred from.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
}

_encoder = msgspec.json.Encoder()


class Answer:
    """A handler's answer where the body alone does not say it all.

    `body` is a struct (sent as JSON), text or bytes (sent as they are: name their Content-Type), or None. `status` is
    the route's own when absent. `etag` is a version (int) or text; GET answers without one get a hash of their body.
    """

    __slots__ = ("body", "etag", "headers", "status")

    def __init__(
        self,
        body: Any = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        etag: str | int | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = dict(headers or {})
        self.etag = etag


def asks_for_csv(accept: str) -> bool:
    """Whether an Accept header asks for a table by name; a browser's `*/*` is not asking."""
    types = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "text/csv" in types and "application/json" not in types


class Encoded(Response):
    """An answer in bytes. Chalice only sees the headers it may add to; the rest is put in on the way out.

    So its rule that a binary answer needs a fitting Accept header does not apply: browsers do not send one for a link.
    """

    def __init__(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        super().__init__(body="", headers={}, status_code=status)
        self.content = content
        self.all_headers = headers

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        """The answer as Lambda returns it; what is not UTF-8 text goes in base 64."""
        headers = {**self.headers, **self.all_headers}
        answer: dict[str, Any] = {
            "headers": headers,
            "multiValueHeaders": {},
            "statusCode": self.status_code,
        }
        try:
            answer["body"] = self.content.decode()
        except UnicodeDecodeError:
            answer["body"] = base64.b64encode(self.content).decode()
            answer["isBase64Encoded"] = True
        return answer


def encode(result: Any, status: int, cache: str | None, method: str) -> Encoded:
    """The answer of a handler's result: a struct or other JSON value, or an Answer."""
    if isinstance(result, Answer):
        body, etag, own_headers = result.body, result.etag, result.headers
        status = result.status or status
    else:
        body, etag, own_headers = result, None, {}
    headers = SECURITY_HEADERS.copy()
    headers["Cache-Control"] = cache or NO_STORE
    if isinstance(body, str):
        content = body.encode()
        headers["Content-Type"] = "text/plain; charset=utf-8"
    elif isinstance(body, bytes):
        content = body
        headers["Content-Type"] = "application/octet-stream"
    elif body is None and (status == 204 or isinstance(result, Answer)):
        content = b""
    else:
        content = _encoder.encode(body)
        headers["Content-Type"] = JSON
    if etag is not None:
        headers["ETag"] = conditional.quoted(etag)
    elif method == "GET" and status == 200 and "ETag" not in own_headers:
        headers["ETag"] = conditional.content_etag(content)
        if cache is None:
            # With an ETag, a browser may keep it as long as it asks each time whether it still holds.
            headers["Cache-Control"] = "private, no-cache"
    if own_headers:
        headers.update(own_headers)
    return Encoded(status, content, headers)


def suited(encoded: Encoded, requested: Mapping[str, str], method: str) -> Encoded:
    """The answer in the coding that suits the client, or the 304 when the client has just that already.

    Each coding has an ETag of its own, and `Vary` says what the choice depends on; a small answer is the same for all.
    """
    headers, content = encoded.all_headers, encoded.content
    coding = None
    if content and _may_be_coded(encoded):
        coding = coding_for(requested.get("accept-encoding"), len(content))
        if coding is not None or len(content) >= BYTES_MIN:
            headers["Vary"] = f"{headers['Vary']}, Accept-Encoding" if "Vary" in headers else "Accept-Encoding"
    etag = headers.get("ETag")
    if etag is not None:
        if coding is not None:
            etag = headers["ETag"] = conditional.marked(etag, coding)
        known = requested.get("if-none-match")
        if method == "GET" and known is not None and encoded.status_code == 200 and conditional.names(known, etag):
            return not_modified(encoded)
    if coding is not None:
        encoded.content = compress(content, coding)
        headers["Content-Encoding"] = coding
    return encoded


def _may_be_coded(encoded: Encoded) -> bool:
    headers = encoded.all_headers
    if "Content-Encoding" in headers or "no-transform" in headers.get("Cache-Control", ""):
        return False
    return encoded.status_code not in (206, 304) and compressible(headers.get("Content-Type"))


def not_modified(encoded: Encoded) -> Encoded:
    """The 304 in place of an answer whose ETag the client has already."""
    kept = {name: value for name, value in encoded.all_headers.items() if name != "Content-Type"}
    return Encoded(304, b"", kept)


def encode_problem(problem: Problem, trace_id: str) -> Encoded:
    """The problem document as an answer."""
    headers = SECURITY_HEADERS.copy()
    headers["Cache-Control"] = NO_STORE
    headers["Content-Type"] = MEDIA_TYPE
    headers.update(problem.headers)
    return Encoded(problem.status, _encoder.encode(problem.document(trace_id)), headers)


def without_body(answer: dict[str, Any]) -> dict[str, Any]:
    """The head of an answer as Lambda returns it; its Content-Length is that of the body which is left out.

    An answer that has none, such as a 304, stays as it is: no bytes would be a false claim (RFC 9110, 8.6).
    """
    body = answer.get("body")
    if not body:
        return answer
    length = len(base64.b64decode(body)) if answer.get("isBase64Encoded") else len(body.encode())
    headers = {**answer["headers"], "Content-Length": str(length)}
    return {**answer, "headers": headers, "body": "", "isBase64Encoded": False}


def with_trace(encoded: Encoded, trace_id: str) -> Encoded:
    """The same answer with the header that names its trace."""
    encoded.all_headers["Trace-Id"] = trace_id
    return encoded
