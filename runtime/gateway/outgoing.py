"""Answers on their way to the client."""

import base64
from typing import Any

import msgspec

from shared.http.answer import encode_problem
from shared.http.problems import Problem


class Outgoing(msgspec.Struct):
    """An answer as the server sends it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MalformedAnswer(Exception):
    """A function returned something that is no answer to a proxy request."""


def from_lambda(answer: Any) -> Outgoing:
    """The answer a function returned. Raises MalformedAnswer for what API Gateway would call malformed."""
    try:
        status = int(answer["statusCode"])
        body = answer.get("body")
        content = b"" if body is None else body if isinstance(body, bytes) else str(body).encode()
        if answer.get("isBase64Encoded"):
            content = base64.b64decode(content, validate=True)
        headers = [(str(name), str(value)) for name, value in (answer.get("headers") or {}).items()]
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers.extend((str(name), str(value)) for value in values)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise MalformedAnswer(str(error)) from error
    if not any(name.lower() == "content-type" for name, _ in headers) and content:
        headers.append(("Content-Type", "application/json"))
    return Outgoing(status, headers, content)


def from_problem(problem: Problem, trace_id: str, *, close: bool = False) -> Outgoing:
    """The answer of a problem; with `close`, the connection ends after it."""
    encoded = encode_problem(problem, trace_id)
    headers = [*encoded.all_headers.items(), ("Trace-Id", trace_id), ("Access-Control-Allow-Origin", "*")]
    if close:
        headers.append(("Connection", "close"))
    return Outgoing(problem.status, headers, encoded.content)
