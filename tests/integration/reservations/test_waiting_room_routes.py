"""The waiting room's routes, through Chalice, and the challenge of a provider that stands beside the test."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations.repository import caching, waiting_room_proof
from services.reservations.settings import settings
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.cache import Cache
from shared.ids import new_id
from shared.settings import Secret
from tests.integration.reservations.box_office import on_sale

Send = Callable[..., Any]
ME = new_id("per")


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.reservations.app import app

    return app


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request, signed in as somebody with roles."""

    def request(
        method: str, path: str, body: Any = None, *, person: str = ME, roles: Any = None, **headers: str
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        identity = Identity(person, "fan@example.org", "A Fan", new_id("ses"), roles or {})
        sent["Authorization"] = f"Bearer {issue_access_token(identity, now=clock.now()).token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        return getattr(client, method.lower())(path, headers=sent, body=json.dumps(body) if body is not None else "")

    return request


class Rush:
    """An event with a waiting room that opened a minute ago, and requests to it."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.published: EventPublished
        self.kind: TicketType
        self.published, self.kind = on_sale(1000)
        self.path = f"/v1/waiting-rooms/{self.published.event_id}"
        self.opens_at = clock.iso(datetime.now(UTC) - timedelta(minutes=1))

    def set_up(self, **changes: Any) -> Any:
        body = {"opens_at": self.opens_at, "passes_per_second_max": 500.0, **changes}
        return self.send("PUT", self.path, body, roles={self.published.organiser_id: "manager"})

    def steer(self, version: str, **changes: Any) -> Any:
        roles = {self.published.organiser_id: "owner"}
        return self.send("PATCH", self.path, changes, roles=roles, If_Match=version)

    def hold(self, **headers: str) -> Any:
        line = {"ticket_type_id": self.kind.ticket_type_id, "quantity": 2}
        return self.send("POST", "/v1/holds", {"event_id": self.published.event_id, "lines": [line]}, **headers)


@pytest.fixture
def rush(send: Send) -> Rush:
    return Rush(send)


def problem(answer: Any, status: int, slug: str, field: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert document["type"] == f"urn:stagedoor:problem:{slug}"
    assert document.get("field") == field
    return document


def test_from_a_number_to_a_hold(rush: Rush) -> None:
    assert rush.hold().status_code == 201, "without a room anybody may"
    made = rush.set_up()
    assert made.status_code == 200, made.body
    caching.forget()
    problem(rush.hold(), 403, "pass-required", "Pass")
    number = rush.send("POST", f"{rush.path}/numbers", {}).json
    assert (number["phase"], number["rank"]) == ("after", 0)
    assert rush.send("POST", f"{rush.path}/numbers", {}).json == number
    shown = rush.send("GET", f"{rush.path}/status")
    assert shown.headers["Cache-Control"] == "public, max-age=1"
    assert "Retry-After" not in shown.headers
    assert len(shown.body) < 400, "small, because everybody asks for it"
    document = shown.json
    assert (document["state"], document["drawn"]) == ("open", 0)
    assert len(document["seed"]) == 64
    assert document["serving"] == 1
    same = rush.send("GET", f"{rush.path}/status", If_None_Match=shown.headers["ETag"])
    assert same.status_code == 304
    given = rush.send("POST", f"{rush.path}/passes", {"number": number["number"]})
    assert given.status_code == 201, given.body
    held = rush.hold(Pass=given.json["pass"])
    assert held.status_code == 201, held.body
    problem(rush.hold(Pass=given.json["pass"], person=new_id("per")), 403, "pass-required", "Pass")
    boss = {rush.published.organiser_id: "box_office"}
    seen = rush.send("GET", rush.path, roles=boss).json
    assert (seen["waiting"], seen["served"]) == (0, 1)
    assert seen["last_minute"]["passes"] <= 1
    assert seen["explanation"]


def test_whoever_is_not_served_is_told_when_to_come_again(rush: Rush) -> None:
    rush.set_up(opens_at=clock.iso(datetime.now(UTC) + timedelta(seconds=30)))
    number = rush.send("POST", f"{rush.path}/numbers", {}).json
    assert (number["phase"], number["rank"]) == ("before", None)
    refused = rush.send("POST", f"{rush.path}/passes", {"number": number["number"]})
    document = problem(refused, 409, "not-served-yet", "$.number")
    assert document["serving"] == 0
    assert 1 <= int(refused.headers["Retry-After"]) <= 31
    problem(rush.send("POST", f"{rush.path}/passes", {"number": "x.y.z"}), 422, "number-unknown", "$.number")
    other = rush.send("POST", f"{rush.path}/passes", {"number": number["number"]}, person=new_id("per"))
    problem(other, 422, "number-unknown", "$.number")


def test_without_redis_it_closes_politely(rush: Rush) -> None:
    rush.set_up()
    with caching.using(Cache(None, prefix="none")):
        shown = rush.send("GET", f"{rush.path}/status")
        assert (shown.json["state"], shown.json["reason"]) == ("closed", "store-away")
        assert shown.headers["Retry-After"] == "5"
        refused = rush.send("POST", f"{rush.path}/numbers", {})
        problem(refused, 503, "waiting-room-closed")
        assert refused.headers["Retry-After"] == "5"
        problem(rush.hold(), 403, "pass-required", "Pass")


def test_it_is_steered_at_the_version_that_was_read(rush: Rush) -> None:
    first = rush.set_up()
    assert first.headers["ETag"] == '"1"'
    assert rush.set_up().json == first.json
    changed = rush.steer('"1"', passes_per_second_max=3.5, notice="Soon.")
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert (changed.json["passes_per_second_max"], changed.json["notice"]) == (3.5, "Soon.")
    assert rush.steer('"1"', passes_per_second_max=3.5, notice="Soon.").json == changed.json
    problem(rush.steer('"1"', paused=True), 412, "precondition-failed")
    assert rush.steer('"2"', notice=None).json["notice"] is None
    moved = rush.steer('"3"', opens_at=clock.iso(datetime.now(UTC) + timedelta(hours=1)))
    problem(moved, 409, "waiting-room-opened", "$.opens_at")
    missing = rush.send("PATCH", rush.path, {"paused": True}, roles={rush.published.organiser_id: "owner"})
    assert missing.status_code == 428


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"opens_at": "tomorrow"}, "$.opens_at"),
        ({"opens_at": "2031-05-01T10:00:00"}, "$.opens_at"),
        ({"passes_per_second_max": 0}, "$.passes_per_second_max"),
        ({"passes_per_second_max": 10_001}, "$.passes_per_second_max"),
        ({"pass_seconds": 59}, "$.pass_seconds"),
        ({"pass_seconds": 3601}, "$.pass_seconds"),
        ({"notice": ""}, "$.notice"),
        ({"notice": "x" * 501}, "$.notice"),
        ({"paused": "yes"}, "$.paused"),
        ({"surprise": 1}, "$.surprise"),
    ],
)
def test_what_cannot_be_set_is_named(rush: Rush, changes: dict[str, Any], field: str) -> None:
    problem(rush.set_up(**changes), 422, "validation-failed", field)
    roles = {rush.published.organiser_id: "owner"}
    assert rush.send("GET", rush.path, roles=roles).status_code == 404, "and nothing was set"


class Provider:
    """A provider of challenges, with the interface that they all have."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answer: tuple[int, bytes] = (200, b'{"success": true, "hostname": "example.org"}')
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = parse_qs(body)
                provider.asked.append(form)
                status, answer = provider.answer
                if form["response"] != ["solved"]:
                    answer = b'{"success": false, "error-codes": ["invalid-input-response"]}'
                self.send_response(status)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/siteverify"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    provider = Provider()
    serving = threading.Thread(target=provider.server.serve_forever)
    serving.start()
    asking = msgspec.structs.replace(
        settings(), siteverify_url=provider.url, siteverify_secret=Secret("a secret of the house")
    )
    monkeypatch.setattr(waiting_room_proof, "settings", lambda: asking)
    yield provider
    provider.server.shutdown()
    serving.join()
    provider.server.server_close()


def test_where_the_house_asks_a_number_needs_a_proof(rush: Rush, provider: Provider) -> None:
    rush.set_up()
    problem(rush.send("POST", f"{rush.path}/numbers", {}), 422, "proof-required", "$.proof")
    problem(rush.send("POST", f"{rush.path}/numbers", {"proof": "guessed"}), 422, "proof-invalid", "$.proof")
    given = rush.send("POST", f"{rush.path}/numbers", {"proof": "solved"})
    assert given.status_code == 200, given.body
    assert given.json["serial"] == 0, "who was refused took no serial"
    assert provider.asked[-1]["secret"] == ["a secret of the house"]
    assert provider.asked[-1]["response"] == ["solved"]
    asked = len(provider.asked)
    assert rush.send("POST", f"{rush.path}/numbers", {}).json == given.json, "who has a number need not prove it again"
    assert len(provider.asked) == asked


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"no json"), (200, b'{"success": "yes"}')])
def test_a_provider_that_does_not_answer_lets_nobody_in(
    rush: Rush, provider: Provider, answer: tuple[int, bytes]
) -> None:
    rush.set_up()
    provider.answer = answer
    refused = rush.send("POST", f"{rush.path}/numbers", {"proof": "solved"})
    problem(refused, 503, "unavailable")
    assert "Retry-After" in refused.headers


def test_by_default_nobody_is_asked(rush: Rush) -> None:
    assert settings().siteverify_url is None
    rush.set_up()
    assert rush.send("POST", f"{rush.path}/numbers", {"proof": "whatever"}).status_code == 200
