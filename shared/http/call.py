"""What a handler is given: one request, read and checked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from chalice.app import Request

from shared import clock
from shared.auth import Identity
from shared.http import conditional
from shared.http.problems import Unauthorized
from shared.telemetry import current_trace


class RequestBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of request bodies: members that the struct does not have are refused."""


class QueryParameters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of query parameters; a field of a list type takes a parameter given several times."""


class PathParameters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Base of path parameters, where a route wants more of them than text."""


class Call:
    """One request. `body`, `query` and `parameters` are structs of the types the route names, None where it names none.

    `path` are the path parameters as text, `headers` the request's headers (any case), `now` the time the request was
    taken up, `identity` the signed-in person or None on public routes, `expand` which of the
    route's expansions are asked for.
    """

    __slots__ = (
        "_now",
        "_request",
        "body",
        "expand",
        "idempotency_key",
        "identity",
        "operation_id",
        "parameters",
        "path",
        "query",
    )

    def __init__(self, request: Request, identity: Identity | None) -> None:
        self._request = request
        self._now: datetime | None = None
        self.identity = identity
        self.path: Mapping[str, str] = request.uri_params or {}
        self.body: Any = None
        self.query: Any = None
        self.parameters: Any = None
        self.expand: frozenset[str] = frozenset()
        self.idempotency_key: str | None = None
        # With a stored Idempotency-Key: an id that stays the same for every try of this operation (see idempotency).
        self.operation_id: str | None = None

    @property
    def now(self) -> datetime:
        """The time this request happens at: the same however often it is asked for."""
        if self._now is None:
            self._now = clock.now()
        return self._now

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers; names in any case."""
        headers: Mapping[str, str] = self._request.headers
        return headers

    @property
    def raw_body(self) -> bytes:
        """The body as it came, empty when there was none."""
        raw = self._request.raw_body
        return raw if isinstance(raw, bytes) else raw.encode()

    @property
    def trace_id(self) -> str:
        """The trace id of this request."""
        return current_trace()

    @property
    def source_ip(self) -> str:
        """The caller's address as the gateway saw it, empty when it did not say."""
        return str((self._request.context.get("identity") or {}).get("sourceIp") or "")

    @property
    def person(self) -> Identity:
        """The signed-in person. Raises Unauthorized on public routes, where there may be none."""
        if self.identity is None:
            raise Unauthorized()
        return self.identity

    @property
    def caller(self) -> str:
        """Who calls, for keys: the person's id, or the address of somebody who is not signed in."""
        return self.identity.person_id if self.identity is not None else f"ip:{self.source_ip}"

    def expected_version(self) -> int | None:
        """The version that If-Match says the change is meant for; None for `*`, any version.

        Raises PreconditionRequired when the header is missing, PreconditionFailed when it is no version of ours.
        """
        return conditional.expected_version(self.headers.get("if-match"))
