"""What the kit costs a request: CPU of the same request through a service's app, and through a bare Chalice route.

Both are called in this process with the events that API Gateway would send. The bare route is Chalice as it comes: no
validation, no cache, no throttle, no log line, no problem documents; it answers the same body from memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from chalice.app import AuthRequest, AuthResponse, Chalice

from bench.figures import Overhead
from bench.sale import hold_body, put_on_sale
from bench.world import room
from contracts.accounts import OrganiserRegistered
from runtime.gateway.events import Incoming, LambdaContext, build_event, new_request_id
from runtime.gateway.routing import Router
from shared import clock
from shared.auth import CONTEXT_KEY, Identity, pack_identity
from shared.http import App, Call
from shared.ids import new_id

_REQUESTS: Final = 400
READ_TARGET: Final = 1.5
WRITE_TARGET: Final = 2.0

Send = Callable[[dict[str, Any]], Any]


class NotTheSame(Exception):
    """The two ways did not give the answer that was to be compared."""


def overhead(rounds: int, say: Callable[[str], None]) -> list[Overhead]:
    """The cached public read, and the authorized write before its own I/O. Raises NotTheSame."""
    made = []
    for name, target, kit, bare, events in (_read(), *_writes()):
        say(f"  {name}")
        made.append(_compared(name, target, kit, bare, events, rounds))
    return made


def _compared(
    name: str, target: float | None, kit: Send, bare: Send, events: Sequence[dict[str, Any]], rounds: int
) -> Overhead:
    with _log_lines_away():
        content = _content(kit(events[0]))
    if json.loads(content) != json.loads(_content(bare(events[0]))):
        raise NotTheSame(f"{name}: the kit and the bare route answer differently")
    taken: dict[str, list[float]] = {"kit": [], "bare": []}
    with _log_lines_away():
        for number in range(rounds + 1):
            for way, send in (("kit", kit), ("bare", bare)):
                started = time.process_time()
                for event in events:
                    send(event)
                seconds = time.process_time() - started
                # The first round is for what is prepared once, and for the interpreter to get warm.
                if number:
                    taken[way].append(1_000_000 * seconds / len(events))
    return Overhead(
        request=name,
        kit_us=statistics.median(taken["kit"]),
        bare_us=statistics.median(taken["bare"]),
        target=target,
        body_bytes=len(content),
        rounds=rounds,
        requests=len(events),
    )


def _read() -> tuple[str, float, Send, Send, list[dict[str, Any]]]:
    """An event's page, as everybody may see it, from Redis."""
    app = room("catalog", "app").app
    path = f"/v1/events/{_published(app)}"
    headers = [("accept", "application/json")]
    events = [_event(app, Incoming("GET", path, "", headers, b"", address), None) for address in _addresses()]
    body = json.loads(_content(_answered(app, events[0])))
    bare = Chalice("bare")

    @bare.route("/v1/events/{event_id}", cors=True)
    def show_event(event_id: str) -> Any:
        return body

    return "cached public read", READ_TARGET, _sender(app), _sender(bare), events


def _writes() -> Iterator[tuple[str, float | None, Send, Send, list[dict[str, Any]]]]:
    """The request for a hold, declared as reservations declares it, answered without holding anything."""
    event = put_on_sale("general", 100)
    operation = next(op for op in room("reservations", "app").app.operations if op.name == "place_hold")
    request = msgspec.convert(hold_body(event, 2), room("reservations", "schemas").PlaceHold)
    view = room("reservations", "use_cases").place_hold(request, new_id("per"), None, clock.now())
    app = App("overhead")

    @app.authorizer(name="authorize", ttl_seconds=60)
    def authorize(request: AuthRequest) -> AuthResponse:
        return AuthResponse(routes=["*"], principal_id="unused")

    @app.route(
        operation.path,
        methods=[operation.method],
        body=operation.body,
        answers=operation.answers,
        status=operation.status,
        idempotency=operation.idempotency,
        headers=operation.headers,
    )
    def place_hold(call: Call) -> Any:
        return view

    raw = msgspec.json.encode(hold_body(event, 2))
    events = []
    for number, address in enumerate(_addresses()):
        identity = Identity(new_id("per"), f"buyer{number}@stagedoor.example", f"Buyer {number}", new_id("ses"))
        headers = [("content-type", "application/json"), ("idempotency-key", new_id("msg"))]
        events.append(_event(app, Incoming("POST", operation.path, "", headers, raw, address), identity))
    bare = _bare_write(operation.path, json.loads(msgspec.json.encode(view)))
    yield "authorized write", WRITE_TARGET, _sender(app), _sender(bare), events
    yield "authorized write, not throttled", None, _unthrottled(_sender(app)), _sender(bare), events


def _bare_write(path: str, answer: dict[str, Any]) -> Chalice:
    bare = Chalice("bare")

    @bare.authorizer()
    def authorize(request: AuthRequest) -> AuthResponse:
        return AuthResponse(routes=["*"], principal_id="unused")

    @bare.route(path, methods=["POST"], cors=True, authorizer=authorize)
    def place_hold() -> Any:
        request: Any = bare.current_request
        if not request.json_body["event_id"] or not request.context["authorizer"]["principalId"]:
            raise NotTheSame("the bare route saw another request")
        return answer

    return bare


def _published(app: App) -> str:
    """The id of an event on sale in catalog, planned and published over its own routes."""
    organiser_id = new_id("org")
    now = clock.now()
    registered = OrganiserRegistered(organiser_id=organiser_id, version=1, name="Riverside Opera", registered_at=now)
    room("catalog", "use_cases").keep_organiser(registered, now)
    planner = Identity(new_id("per"), "planner@stagedoor.example", "Planner", new_id("ses"), {organiser_id: "owner"})

    def post(path: str, body: dict[str, Any] | None) -> Any:
        headers = [("content-type", "application/json"), ("idempotency-key", new_id("msg"))]
        raw = b"" if body is None else msgspec.json.encode({"organiser_id": organiser_id, **body})
        return json.loads(_content(_answered(app, _event(app, Incoming("POST", path, "", headers, raw, ""), planner))))

    place = {"name": "Riverside Opera House", "city": "Berlin", "time_zone": "Europe/Berlin", "address": "Quay 1"}
    venue = post("/v1/venues", place)
    starts_at = (clock.now() + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    types = [
        {"name": name, "price": {"amount": amount, "currency": "EUR"}, "pool": "House"}
        for name, amount in (("Full price", 4500), ("Student", 1500), ("Senior", 3000))
    ]
    planned = post(
        "/v1/events",
        {
            "name": "Opening night",
            "venue_id": venue["venue_id"],
            "starts_at": starts_at,
            "currency": "EUR",
            "description": "The season begins. " * 20,
            "pools": [{"name": "House", "kind": "general", "capacity": 1000}],
            "ticket_types": types,
        },
    )
    return str(post(f"/v1/events/{planned['event_id']}/publication", None)["event_id"])


def _addresses() -> Iterator[str]:
    """Everybody has an address of their own, or the throttle would answer in the place of the route."""
    return (f"198.18.{number // 250}.{number % 250}" for number in range(_REQUESTS))


def _event(app: App, incoming: Incoming, identity: Identity | None) -> dict[str, Any]:
    target = Router({app.service: app}).find(incoming.path)
    assert target is not None, f"{app.service} has no route {incoming.path}"
    event = build_event(incoming, target, "dev", new_request_id())
    if identity is not None:
        context = {"principalId": identity.person_id, CONTEXT_KEY: pack_identity(identity)}
        event["requestContext"]["authorizer"] = context
    return event


def _sender(app: Chalice) -> Send:
    context = LambdaContext("bench", new_request_id(), 29.0)
    return lambda event: app(event, context)


def _unthrottled(send: Send) -> Send:
    def sent(event: dict[str, Any]) -> Any:
        os.environ["THROTTLING_ENABLED"] = "0"
        try:
            return send(event)
        finally:
            del os.environ["THROTTLING_ENABLED"]

    return sent


def _answered(app: App, event: dict[str, Any]) -> Any:
    with _log_lines_away():
        answer = _sender(app)(event)
    if answer["statusCode"] >= 300:
        raise NotTheSame(f"{event['httpMethod']} {event['path']} answered {answer['statusCode']}: {answer['body']}")
    return answer


def _content(answer: Any) -> str | bytes:
    """An answer's body; ours is base 64, as API Gateway wants it where every type is handed on."""
    return b64decode(answer["body"]) if answer.get("isBase64Encoded") else str(answer["body"])


@contextlib.contextmanager
def _log_lines_away() -> Iterator[None]:
    """Log lines are written and nobody reads them; what writing takes counts."""
    with Path(os.devnull).open("w", encoding="utf-8") as away, contextlib.redirect_stdout(away):
        yield
