"""Requests as API Gateway's Lambda proxy integration (REST, version 1.0) hands them on."""

import base64
import os
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import msgspec

from runtime.gateway.routing import Target

QUERY_FIELDS_MAX = 100
ACCOUNT = "000000000000"
REGION = "us-east-1"


class Incoming(msgspec.Struct):
    """A request as it came in: headers in order with lower-case names, the path percent-encoded, the body whole."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """The last value of a header, None when it did not come."""
        found = None
        for known, value in self.headers:
            if known == name:
                found = value
        return found


class LambdaContext:
    """What Lambda tells a function about the invocation."""

    memory_limit_in_mb = 512
    function_version = "$LATEST"
    log_group_name = ""
    log_stream_name = ""
    identity = None
    client_context = None

    def __init__(self, function_name: str, request_id: str, seconds: float) -> None:
        self.function_name = function_name
        self.aws_request_id = request_id
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        self._ends_at = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until API Gateway would give up."""
        return max(0, int((self._ends_at - time.monotonic()) * 1000))


class MalformedQuery(Exception):
    """The query string has too many parameters or cannot be read."""


def method_arn(target: Target, stage: str, incoming: Incoming) -> str:
    """The name by which a policy allows or denies this request."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{target.service}/{stage}/{incoming.method}{incoming.path}"


def build_event(incoming: Incoming, target: Target, stage: str, request_id: str) -> dict[str, Any]:
    """The event for the service's function. Raises MalformedQuery."""
    headers: dict[str, str] = {}
    all_headers: dict[str, list[str]] = {}
    for name, value in incoming.headers:
        headers[name] = value
        all_headers.setdefault(name, []).append(value)
    query = _query(incoming.query)
    now = time.time()
    body, encoded = _body(incoming.body, headers.get("content-type", ""), target.app.api.binary_types)
    return {
        "resource": target.resource,
        "path": incoming.path,
        "httpMethod": incoming.method,
        "headers": headers,
        "multiValueHeaders": all_headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} if query else None,
        "multiValueQueryStringParameters": query,
        "pathParameters": target.parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": target.service,
            "domainName": headers.get("host", ""),
            "extendedRequestId": request_id,
            "httpMethod": incoming.method,
            "identity": {"sourceIp": incoming.source_ip, "userAgent": headers.get("user-agent")},
            "path": f"/{stage}{incoming.path}",
            "protocol": incoming.protocol,
            "requestId": request_id,
            "requestTime": _request_time(int(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": target.resource,
            "resourcePath": target.resource,
            "stage": stage,
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def new_request_id() -> str:
    """An id as API Gateway gives each request: a random UUID, written down without the object."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


@lru_cache(maxsize=4)
def _request_time(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def _query(text: str) -> dict[str, list[str]] | None:
    if not text:
        return None
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX) or None
    except ValueError as error:
        raise MalformedQuery(str(error)) from error


def _body(raw: bytes, content_type: str, binary_types: list[str]) -> tuple[str | None, bool]:
    if not raw:
        return None, False
    media_type = content_type.partition(";")[0].strip().lower()
    if "*/*" not in binary_types and media_type not in binary_types:
        try:
            return raw.decode(), False
        except UnicodeDecodeError:
            # API Gateway would replace what is no UTF-8; a service should rather see what was sent.
            return base64.b64encode(raw).decode(), True
    return base64.b64encode(raw).decode(), True
