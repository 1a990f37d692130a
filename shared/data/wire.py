"""One HTTP request to DynamoDB: signed, sent over a kept connection, decoded.

botocore's client spends about 0.8 ms of CPU on a request, most of it in generality this system has no use for; this
spends a third of that. botocore still finds the credentials, so profiles, roles and containers work as
everywhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
import time
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import urllib3
from botocore.credentials import ReadOnlyCredentials
from botocore.session import get_session

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


class _OneWrite:
    """Sends the head and the body of a request in one piece: a system call and, on a network, a packet less."""

    _parts: list[bytes] | None = None

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request; urllib3 and http.client hand over its head and body one after the other."""
        self._parts = []
        try:
            super().request(*arguments, **options)  # type: ignore[misc]
            parts = self._parts
        finally:
            self._parts = None
        super().send(b"".join(parts))  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Send bytes, or keep them while a request is being put together."""
        if self._parts is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._parts.append(data)


class _PlainConnection(_OneWrite, urllib3.connection.HTTPConnection):
    """A connection to an emulator, or through a tunnel of one's own."""


class _SafeConnection(_OneWrite, urllib3.connection.HTTPSConnection):
    """A connection to the service."""


class _Endpoint:
    """Where requests go: address, region, and the pool of connections to it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.address = _address(self.region)
        parts = urlsplit(self.address)
        self.host = parts.netloc
        self.pool = urllib3.connectionpool.connection_from_url(
            self.address, maxsize=CONNECTIONS_MAX, block=False, retries=False
        )
        # On this pool alone: the classes are urllib3's for everybody else in the process.
        self.pool.ConnectionCls = _SafeConnection if parts.scheme == "https" else _PlainConnection

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
    headers = _signed_headers(endpoint, _TARGET + operation, body)
    time_out = urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=min(READ_SECONDS, seconds))
    try:
        answer = endpoint.pool.urlopen(
            "POST", "/", body=body, headers=headers, retries=False, redirect=False, timeout=time_out
        )
        data = answer.data
    except (urllib3.exceptions.HTTPError, OSError) as trouble:
        raise Lost(f"{type(trouble).__name__}") from trouble
    checksum = answer.headers.get("x-amz-crc32")
    if checksum is not None and int(checksum) != zlib.crc32(data):
        raise Lost("the answer was damaged on its way")
    if answer.status == 200:
        return _content(data)
    raise _refusal(answer.status, data)


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


def _signed_headers(endpoint: _Endpoint, target: str, body: bytes) -> dict[str, str]:
    """The headers of a request, with AWS's signature of version 4 over them and the body."""
    credentials = _frozen_credentials()
    # The real time, not shared.clock's: a signature is checked against the server's own clock.
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    day = stamp[:8]
    headers = {
        "content-type": _CONTENT_TYPE,
        "host": endpoint.host,
        "x-amz-date": stamp,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    headers["x-amz-target"] = target
    names = ";".join(headers)
    canonical = "".join(f"{name}:{value}\n" for name, value in headers.items())
    digest = hashlib.sha256(f"POST\n/\n\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}".encode())
    scope = f"{day}/{endpoint.region}/dynamodb/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest.hexdigest()}"
    signature = hmac.digest(_signing_key(credentials.secret_key, day, endpoint.region), to_sign.encode(), "sha256")
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature.hex()}"
    )
    # Compressed answers would cost more CPU than the bytes they save inside one region.
    headers["accept-encoding"] = "identity"
    return headers


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


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
    if isinstance(node, dict):
        for name, value in node.items():
            # A typed value is {"B": text}; an attribute that happens to be called B holds a dict instead.
            if name == "B" and isinstance(value, str) and len(node) == 1:
                node[name] = base64.b64decode(value)
            elif name == "BS" and isinstance(value, list) and len(node) == 1:
                node[name] = [base64.b64decode(entry) for entry in value]
            else:
                _restore_binary(value)
    elif isinstance(node, list):
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
