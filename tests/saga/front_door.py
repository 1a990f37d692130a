"""The eight services behind the gateway's own dispatch, in this process: every request goes the way a client's goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from runtime.gateway.dispatch import Gateway
from runtime.gateway.events import Incoming
from runtime.gateway.options import Options
from runtime.gateway.routing import Router
from runtime.gateway.services import Loaded
from shared.auth import Identity
from shared.http.operations import Operation
from tests.saga.box_office import BoxOffice
from tests.saga.documented import ApiDocument


class Caller(NamedTuple):
    """Somebody with an access token of a real session; `identity` is what the token says."""

    identity: Identity
    token: str
    refresh_token: str


class Reply(NamedTuple):
    """An answer as it leaves the gateway; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Asked(NamedTuple):
    """A request that can be sent again as it is."""

    method: str
    path: str
    caller: Caller | None = None
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()

    def by(self, caller: Caller | None) -> Asked:
        """The same request, sent by somebody else."""
        return self._replace(caller=caller)

    def with_header(self, name: str, value: str) -> Asked:
        """The same request with one more header."""
        return self._replace(headers=(*self.headers, (name, value)))


class FrontDoor:
    """Sends requests through a gateway of its own; whatever comes back must be in the API's document."""

    def __init__(self, office: BoxOffice) -> None:
        self.apps: dict[str, Any] = dict(office.apps)
        self._gateway = Gateway(Loaded(self.apps, []), Options(stage="test", web=str(Path(__file__).parent / "none")))
        self._router = Router(self.apps)
        self.document = ApiDocument(self.apps)

    def send(self, asked: Asked) -> Reply:
        """The answer to a request. A body that is no bytes goes as JSON.

        Refuses (Undocumented) an answer that the API's document does not tell of.
        """
        headers = [(name.lower(), value) for name, value in asked.headers]
        if asked.caller is not None:
            headers.append(("authorization", f"Bearer {asked.caller.token}"))
        raw = asked.body if isinstance(asked.body, bytes) else b""
        if asked.body is not None and not isinstance(asked.body, bytes):
            raw = json.dumps(asked.body).encode()
        if asked.body is not None and not any(name == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
        path, _, query = asked.path.partition("?")
        outgoing = self._gateway.answer(
            Incoming(method=asked.method, path=path, query=query, headers=headers, body=raw, source_ip="192.0.2.7")
        )
        reply = Reply(outgoing.status, {name.lower(): value for name, value in outgoing.headers}, outgoing.body)
        target = self._router.find(path)
        # Where a caller chose some fields, the others are missing by its own wish.
        if target is not None and asked.method in target.methods and "fields=" not in query:
            self.document.check(asked.method, target.resource, reply.status, reply.headers, reply.body)
        return reply

    def expect(self, asked: Asked, *statuses: int) -> Any:
        """The JSON of an answer, None where it has no body. Refuses other statuses (AssertionError)."""
        reply = self.send(asked)
        assert reply.status in (statuses or (200, 201, 202, 204)), (asked.method, asked.path, reply.status, reply.body)
        is_json = "json" in reply.headers.get("content-type", "")
        return reply.json if reply.body and is_json else None

    def operations(self) -> Iterator[Operation]:
        """Every method of every route of every service."""
        for app in self.apps.values():
            yield from app.operations


def route_of(operation: Operation) -> str:
    """How tables of routes name an operation. All services have /health, so that it stands with its service."""
    name = f"{operation.method} {operation.path}"
    return f"{name} of {operation.service}" if operation.path == "/health" else name
