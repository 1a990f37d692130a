"""One HTTP request to DynamoDB: signed, sent over a kept connection, decoded.

botocore's client spends about 0.8 ms of CPU on a request, most of it in generality this system has no use for; this
spends a third of that. botocore still finds the credentials, so profiles, roles and containers work as
everywhere.
"""

from __future__ import annotations

import hmac
import os
import threading
import zlib
from binascii import a2b_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.credentials import ReadOnlyCredentials
from botocore.session import get_session

from shared.data.connections import Connections, Malformed

# Both far under the deadline: a request that hangs is sent again over another connection.
CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 3.0
CONNECTIONS_MAX: Final = 32

_TARGET: Final = "DynamoDB_20120810."
_CONTENT_TYPE: Final = "application/x-amz-json-1.0"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Lost(Exception):
    """No answer, or none that can be read. The request may have been done."""


class Refusal(Exception):
    """DynamoDB answered with an error."""

    def __init__(self, status: int, code: str, message: str, answer: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        # The item a failed condition met, and a cancelled transaction's reasons, one for each write.
        self.item: dict[str, dict[str, Any]] | None = answer.get("Item")
        self.reasons: list[Mapping[str, Any]] = answer.get("CancellationReasons") or []


class _Endpoint:
    """Where requests go: address, region, and the pool of connections to it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.address = _address(self.region)
        parts = urlsplit(self.address)
        safe = parts.scheme == "https"
        name, usual = parts.hostname or "", 443 if safe else 80
        port = parts.port or usual
        # As botocore writes it, because it is signed: without the port that goes without saying.
        self.host = (f"[{name}]" if ":" in name else name) + (f":{port}" if port != usual else "")
        self.url = f"{self.address}/"
        self.connections = Connections(name, port, safe=safe, kept_max=CONNECTIONS_MAX)

    def still_fits(self) -> bool:
        """Whether it is this process's own (a fork must not share sockets) and the address is still the one set."""
        return self.process == os.getpid() and self.address == _address(self.region)


_endpoint: _Endpoint | None = None
_credentials: Any = None
_lock = threading.Lock()


def call(operation: str, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Do one request within so many seconds, without retries. Raises Lost and Refusal."""
    endpoint = _current_endpoint()
    body = _encode(request)
    head = _signed_head(endpoint, _TARGET + operation, body)
    try:
        reply = endpoint.connections.exchange(head + body, min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds))
    except (Malformed, OSError) as trouble:
        raise Lost(f"{type(trouble).__name__}") from trouble
    checksum = reply.headers.get(b"x-amz-crc32")
    if checksum is not None and checksum != b"%d" % zlib.crc32(reply.body):
        raise Lost("the answer was damaged on its way")
    if reply.status == 200:
        return _content(reply.body)
    raise _refusal(reply.status, reply.body)


def _current_endpoint() -> _Endpoint:
    global _endpoint
    endpoint = _endpoint
    if endpoint is None or not endpoint.still_fits():
        with _lock:
            endpoint = _endpoint
            if endpoint is None or not endpoint.still_fits():
                endpoint = _endpoint = _Endpoint()
    return endpoint


def _address(region: str) -> str:
    # The variables are botocore's own, so that one setting moves every AWS client of the process.
    chosen = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB") or os.environ.get("AWS_ENDPOINT_URL")
    if chosen:
        return chosen.rstrip("/")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://dynamodb.{region}.{suffix}"


def _frozen_credentials() -> ReadOnlyCredentials:
    """The credentials as of now; botocore refreshes those that expire."""
    global _credentials
    if _credentials is None:
        with _lock:
            if _credentials is None:
                _credentials = get_session().get_credentials()
    if _credentials is None:
        raise Lost("no AWS credentials were found")
    frozen: ReadOnlyCredentials = _credentials.get_frozen_credentials()
    return frozen


class _Headers(dict[str, str]):
    """Headers as botocore's signer reads them; its own are e-mail's, which take twice as long as the signing."""

    def get_all(self, name: str) -> list[str]:
        """The values of a header, of which there is one."""
        return [self[name]]


class _Unsigned:
    """A request as botocore's signer reads it."""

    __slots__ = ("body", "context", "headers", "url")

    method: Final = "POST"
    params: Final = None

    def __init__(self, url: str, headers: _Headers, body: bytes) -> None:
        self.url = url
        self.headers = headers
        self.body = body
        self.context: dict[str, Any] = {}


class _Signer(SigV4Auth):
    _region_name: str

    def headers_to_sign(self, request: Any) -> Any:
        """Every header there is: whoever calls puts in nothing that may change on the way."""
        return _Headers((name.lower(), value) for name, value in request.headers.items())

    def signature(self, string_to_sign: str, request: Any) -> str:
        """The library's, with its key of the day derived once and not for every request."""
        key = _key_of_the_day(self.credentials.secret_key, request.context["timestamp"][:8], self._region_name)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


@lru_cache(maxsize=8)
def _key_of_the_day(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _signed_head(endpoint: _Endpoint, target: str, body: bytes) -> bytes:
    """The head of a request, with AWS's signature of version 4 over it and the body: botocore's work.

    It dates the signature by the real time and not by shared.clock's, because the server checks it against its own.
    """
    headers = _Headers({"Content-Type": _CONTENT_TYPE, "Host": endpoint.host, "X-Amz-Target": target})
    request: Any = _Unsigned(endpoint.url, headers, body)
    _Signer(_frozen_credentials(), "dynamodb", endpoint.region).add_auth(request)
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # Compressed answers would cost more CPU than the bytes they save inside one region.
    return (f"POST / HTTP/1.1\r\n{lines}Accept-Encoding: identity\r\nContent-Length: {len(body)}\r\n\r\n").encode()


def _content(data: bytes) -> dict[str, Any]:
    try:
        content = _decode(data) if data else {}
    except msgspec.DecodeError as trouble:
        raise Lost("the answer is not JSON") from trouble
    if not isinstance(content, dict):
        raise Lost("the answer is no object")
    # Binary values travel in base 64; most answers hold none, and a look at the text is cheaper than a walk.
    if b'"B"' in data or b'"BS"' in data:
        _restore_binary(content)
    return content


def _restore_binary(node: Any) -> None:
    if type(node) is dict:
        for name, value in node.items():
            # A typed value is {"B": text}; an attribute that happens to be called B holds a dict instead.
            kind = type(value)
            if kind is dict or (kind is list and name != "BS"):
                _restore_binary(value)
            elif name == "B" and kind is str and len(node) == 1:
                node[name] = a2b_base64(value)
            elif kind is list:
                if len(node) == 1 and name == "BS":
                    node[name] = [a2b_base64(entry) for entry in value]
                else:
                    _restore_binary(value)
    elif type(node) is list:
        for entry in node:
            _restore_binary(entry)


def _refusal(status: int, data: bytes) -> Exception:
    try:
        content = _content(data)
    except Lost:
        # A proxy's or load balancer's page: only its status means anything.
        content = {}
    code = str(content.get("__type", "")).rpartition("#")[2] or f"Http{status}"
    message = content.get("message") or content.get("Message") or ""
    return Refusal(status, code, str(message), content)
