"""Catalog on a real table: a client of the routes, signed in as members of organisers that are new in every test."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from chalice.local import NotAuthorizedError

from contracts.accounts import OrganiserRegistered
from services.catalog import use_cases
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id

Send = Callable[..., Any]


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.catalog.app import app

    return app


class Organiser(NamedTuple):
    """An organiser that catalog knows, and the identities of its people."""

    organiser_id: str
    owner: Identity
    scanner: Identity


def new_organiser(name: str = "Hall of Tests") -> Organiser:
    """A new organiser, told to catalog as accounts does."""
    organiser_id = new_id("org")
    now = clock.now()
    use_cases.keep_organiser(
        OrganiserRegistered(organiser_id=organiser_id, version=1, name=name, registered_at=now), now
    )
    return Organiser(organiser_id, somebody({organiser_id: "owner"}), somebody({organiser_id: "scanner"}))


def somebody(roles: dict[str, str] | None = None) -> Identity:
    """A person with those roles."""
    return Identity(new_id("per"), "ann@example.org", "Ann Lee", new_id("ses"), roles or {})


@pytest.fixture
def organiser() -> Organiser:
    """An organiser."""
    return new_organiser()


@pytest.fixture
def stranger() -> Organiser:
    """Another organiser, which must not see or change anything of the first."""
    return new_organiser("Somebody Else")


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request through the Chalice app, signed in as `by` when given."""

    def request(method: str, path: str, body: Any = None, by: Identity | None = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if by is not None:
            sent["Authorization"] = f"Bearer {issue_access_token(by, now=clock.now()).token}"
        raw = ""
        if body is not None:
            sent["Content-Type"] = "application/json"
            raw = body if isinstance(body, str) else json.dumps(body)
        try:
            return getattr(client, method.lower())(path, headers=sent, body=raw)
        except NotAuthorizedError:
            # How the local gateway says that the authorizer refused.
            return SimpleNamespace(status_code=401, json={}, headers={}, body="")

    return request


class House(NamedTuple):
    """A venue with a seat map, and the body of an event that could be published there."""

    venue_id: str
    seat_map_id: str
    event: dict[str, Any]

    def with_(self, **changes: Any) -> dict[str, Any]:
        """The event's body with changes; a field given as None is left out."""
        return {name: value for name, value in {**self.event, **changes}.items() if value is not None}


@pytest.fixture
def make_house(send: Send) -> Callable[[Organiser], House]:
    """Makes venues with a seat map of 60 seats in two zones."""

    def make(organiser: Organiser) -> House:
        venue = send("POST", "/v1/venues", venue_body(organiser), organiser.owner)
        assert venue.status_code == 201, venue.body
        venue_id = venue.json["venue_id"]
        seat_map = send("POST", "/v1/seat-maps", seat_map_body(organiser, venue_id), organiser.owner)
        assert seat_map.status_code == 201, seat_map.body
        seat_map_id = seat_map.json["seat_map_id"]
        return House(venue_id, seat_map_id, event_body(organiser, venue_id, seat_map_id))

    return make


@pytest.fixture
def house(make_house: Callable[[Organiser], House], organiser: Organiser) -> House:
    """A venue of the organiser's."""
    return make_house(organiser)


def venue_body(organiser: Organiser, **changes: Any) -> dict[str, Any]:
    """A venue's body."""
    return {
        "organiser_id": organiser.organiser_id,
        "name": "Test Hall",
        "city": "New York",
        "time_zone": "America/New_York",
        **changes,
    }


def seat_map_body(organiser: Organiser, venue_id: str, **changes: Any) -> dict[str, Any]:
    """A seat map's body: rows given in either way."""
    return {
        "organiser_id": organiser.organiser_id,
        "venue_id": venue_id,
        "name": "Plan",
        "sections": [
            {"name": "Stalls", "rows": [{"name": row, "first": 1, "last": 20, "zone": "Front"} for row in "AB"]},
            {"name": "Balcony", "rows": [{"name": "A", "runs": [{"first": 1, "last": 20, "zone": "Back"}]}]},
        ],
        **changes,
    }


def starts_at(days: float = 30, at: datetime | None = None) -> str:
    """A moment so many days ahead."""
    return clock.iso((at or clock.now()) + timedelta(days=days))


def event_body(organiser: Organiser, venue_id: str, seat_map_id: str) -> dict[str, Any]:
    """The body of an event that lacks nothing."""
    return {
        "organiser_id": organiser.organiser_id,
        "name": "An Evening of Tests",
        "venue_id": venue_id,
        "starts_at": starts_at(),
        "currency": "USD",
        "pools": [
            {"name": "Seats", "kind": "seated", "seat_map_id": seat_map_id},
            {"name": "Floor", "kind": "general", "capacity": 100},
        ],
        "ticket_types": [
            {"name": "Front", "price": {"amount": 4500, "currency": "USD"}, "pool": "Seats", "zone": "Front"},
            {"name": "Back", "price": {"amount": 2500, "currency": "USD"}, "pool": "Seats", "zone": "Back"},
            {"name": "Standing", "price": {"amount": 1500, "currency": "USD"}, "pool": "Floor"},
        ],
    }


@pytest.fixture
def publish(send: Send) -> Callable[..., dict[str, Any]]:
    """Plans an event and publishes it; answers it."""

    def published(organiser: Organiser, body: dict[str, Any]) -> dict[str, Any]:
        draft = send("POST", "/v1/events", body, organiser.owner)
        assert draft.status_code == 201, draft.body
        answer = send("POST", f"/v1/events/{draft.json['event_id']}/publication", by=organiser.owner)
        assert answer.status_code == 200, answer.body
        return dict(answer.json)

    return published
