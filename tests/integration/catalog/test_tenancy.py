"""Nobody sees or changes what is another organiser's, whatever the role there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.catalog import repository
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id


def as_role(organiser: Any, role: str) -> Identity:
    return Identity(new_id("per"), "ann@example.org", "Ann", new_id("ses"), {organiser.organiser_id: role})


def writes(organiser: Any, house: Any, event_id: str) -> list[tuple[str, str, Any]]:
    """Every route of catalog that changes something, aimed at that organiser."""
    organiser_id = organiser.organiser_id
    return [
        ("POST", "/v1/venues", {"organiser_id": organiser_id, "name": "V", "city": "C", "time_zone": "Asia/Seoul"}),
        (
            "POST",
            "/v1/seat-maps",
            {
                "organiser_id": organiser_id,
                "venue_id": house.venue_id,
                "name": "M",
                "sections": [{"name": "S", "rows": [{"name": "A", "first": 1, "last": 2, "zone": "Z"}]}],
            },
        ),
        ("POST", "/v1/series", {"organiser_id": organiser_id, "name": "S"}),
        ("POST", "/v1/events", house.event),
        ("PATCH", f"/v1/events/{event_id}", {"name": "Mine now"}),
        ("POST", f"/v1/events/{event_id}/publication", None),
        ("POST", "/v1/imports", {"organiser_id": organiser_id, "source": "nyphil-performance-history"}),
    ]


@pytest.fixture
def draft(send: Any, organiser: Any, house: Any) -> str:
    """A draft of the organiser's."""
    return str(send("POST", "/v1/events", house.event, organiser.owner).json["event_id"])


def test_strangers_change_nothing(send: Any, organiser: Any, stranger: Any, house: Any, draft: str) -> None:
    before = repository.event(draft)
    for method, path, body in writes(organiser, house, draft):
        answer = send(method, path, body, stranger.owner, If_Match="*")
        assert answer.status_code == 404, f"{method} {path}: {answer.body}"
    after = repository.event(draft)
    assert before is not None
    assert after is not None
    assert after.attribute_values == before.attribute_values
    assert len(repository.organisers_venues(organiser.organiser_id, 10, None).items) == 1
    assert repository.organisers_series(organiser.organiser_id, 10, None).items == []
    assert len(repository.organisers_events(organiser.organiser_id, 10, None).items) == 1


@pytest.mark.parametrize("role", ["box_office", "scanner"])
def test_members_who_do_not_plan_change_nothing(send: Any, organiser: Any, house: Any, draft: str, role: str) -> None:
    for method, path, body in writes(organiser, house, draft):
        answer = send(method, path, body, as_role(organiser, role), If_Match="*")
        assert answer.status_code == 403, f"{method} {path}: {answer.body}"


def test_nobody_without_a_token_changes_anything(send: Any, organiser: Any, house: Any, draft: str) -> None:
    for method, path, body in writes(organiser, house, draft):
        assert send(method, path, body, If_Match="*").status_code == 401


def test_managers_plan_as_owners_do(send: Any, organiser: Any, house: Any, draft: str) -> None:
    statuses = [
        send(method, path, body, as_role(organiser, "manager"), If_Match="*").status_code
        for method, path, body in writes(organiser, house, draft)[:-1]
    ]
    assert statuses == [201, 201, 201, 201, 200, 200]


def test_an_event_cannot_stand_on_what_is_anothers(
    send: Any, organiser: Any, stranger: Any, house: Any, make_house: Any
) -> None:
    theirs = make_house(stranger)
    series = send("POST", "/v1/series", {"organiser_id": stranger.organiser_id, "name": "S"}, stranger.owner).json
    pools = [{"name": "Seats", "kind": "seated", "seat_map_id": theirs.seat_map_id}]
    for changes, field in (
        ({"venue_id": theirs.venue_id}, "$.venue_id"),
        ({"series_id": series["series_id"]}, "$.series_id"),
        ({"pools": pools, "ticket_types": None}, "$.pools[0].seat_map_id"),
    ):
        answer = send("POST", "/v1/events", house.with_(**changes), organiser.owner)
        assert (answer.status_code, answer.json["field"]) == (422, field)
    own = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    for body, field in (
        ({"venue_id": theirs.venue_id}, "$.venue_id"),
        ({"series_id": series["series_id"]}, "$.series_id"),
        ({"pools": pools, "ticket_types": []}, "$.pools[0].seat_map_id"),
    ):
        answer = send("PATCH", f"/v1/events/{own}", body, organiser.owner, If_Match="*")
        assert (answer.status_code, answer.json["field"]) == (422, field)
    plan = {"organiser_id": organiser.organiser_id, "venue_id": theirs.venue_id, "name": "M", "sections": []}
    answer = send("POST", "/v1/seat-maps", plan, organiser.owner)
    assert (answer.status_code, answer.json["field"]) == (422, "$.venue_id")


def test_lists_are_for_members(send: Any, organiser: Any, stranger: Any, house: Any) -> None:
    for path in ("/v1/venues", "/v1/series"):
        asked = f"{path}?organiser_id={organiser.organiser_id}"
        assert send("GET", asked).status_code == 401
        assert send("GET", asked, by=stranger.owner).status_code == 404
        assert send("GET", asked, by=organiser.scanner).status_code == 200
        assert send("GET", path, by=organiser.scanner).status_code == 422


def test_private_venues_are_for_members(send: Any, organiser: Any, stranger: Any) -> None:
    body = {"organiser_id": organiser.organiser_id, "name": "Home of Ann", "city": "C", "time_zone": "Asia/Seoul"}
    public = send("POST", "/v1/venues", body, organiser.owner).json["venue_id"]
    private = send("POST", "/v1/venues", {**body, "private": True}, organiser.owner).json["venue_id"]
    assert "public" in send("GET", f"/v1/venues/{public}").headers["Cache-Control"]
    for visitor in (None, stranger.owner):
        assert send("GET", f"/v1/venues/{private}", by=visitor).status_code == 404
    seen = send("GET", f"/v1/venues/{private}", by=organiser.scanner)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "private, no-store")


def test_a_token_past_its_time_opens_nothing(send: Any, organiser: Any, house: Any) -> None:
    with clock.fixed(clock.now() - timedelta(minutes=11)):
        old = issue_access_token(organiser.owner, now=clock.now()).token
    assert send("POST", "/v1/events", house.event, Authorization=f"Bearer {old}").status_code == 401
