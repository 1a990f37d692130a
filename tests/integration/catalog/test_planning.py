"""Planning over the routes: venues, seat maps, series, drafts, their changes and their publication."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import msgspec
import pytest
from msgspec import structs

from contracts.accounts import OrganiserRegistered
from contracts.catalog import EventPublished
from services.catalog import domain, repository, use_cases
from services.catalog.app import consume, relay
from services.catalog.repository.events import EventRow
from shared import clock
from shared.data import StaleVersion, consumed, plain, transport, wire
from shared.ids import new_id
from shared.messaging import Envelope
from shared.messaging import relay as relaying
from shared.messaging.publishing import enclose


def image_of(event_id: str) -> dict[str, Any]:
    """The event's item as the stream would bring it."""
    key = {"pk": {"S": f"event#{event_id}"}, "sk": {"S": "event"}}
    return dict(boto3.client("dynamodb").get_item(TableName=EventRow.table_name(), Key=key)["Item"])


def test_an_event_is_planned_and_published(send: Any, organiser: Any, house: Any) -> None:
    draft = send("POST", "/v1/events", house.event, organiser.owner)
    assert draft.status_code == 201
    assert draft.json["state"] == "draft"
    assert draft.headers["ETag"] == '"1"'
    assert draft.headers["Location"] == f"/v1/events/{draft.json['event_id']}"
    published = send("POST", f"/v1/events/{draft.json['event_id']}/publication", by=organiser.owner)
    assert published.status_code == 200
    assert published.json["state"] == "published"
    assert published.json["organiser_name"] == "Hall of Tests"
    assert published.json["price_from"] == {"amount": 1500, "currency": "USD"}
    seen = send("GET", f"/v1/events/{draft.json['event_id']}")
    assert seen.json == published.json


def test_the_message_carries_everything_that_selling_needs(organiser: Any, house: Any, publish: Any) -> None:
    event = publish(organiser, house.event)
    image = plain.from_item(image_of(event["event_id"]))
    message = use_cases.published_message(image)
    assert message.version == 2 == event["version"]
    assert message.organiser_name == "Hall of Tests"
    assert (message.venue.name, message.venue.city, message.time_zone) == ("Test Hall", "New York", "America/New_York")
    assert (message.currency, message.hold_seconds, message.places_per_order_max) == ("USD", 600, 10)
    seats, floor = message.pools
    assert (seats.kind, seats.capacity, len(seats.runs)) == ("seated", 60, 3)
    assert sum(run.last - run.first + 1 for run in seats.runs) == 60
    assert (floor.kind, floor.capacity, floor.runs) == ("general", 100, ())
    assert {one.name: (one.price.amount, one.zone) for one in message.ticket_types} == {
        "Front": (4500, "Front"),
        "Back": (2500, "Back"),
        "Standing": (1500, None),
    }
    assert {one.pool_id for one in message.ticket_types} == {seats.pool_id, floor.pool_id}


def test_only_a_publication_is_announced(
    send: Any, organiser: Any, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[Envelope] = []
    monkeypatch.setattr(relaying, "publish_all", lambda topic, envelopes: published.extend(envelopes))

    def relayed(old: Any, new: Any) -> list[str]:
        published.clear()
        keys = {name: new[name] for name in ("pk", "sk")}
        change = {"SequenceNumber": "1", "Keys": keys, "NewImage": new} | ({"OldImage": old} if old else {})
        record = {"eventName": "MODIFY" if old else "INSERT", "dynamodb": change}
        assert relay({"Records": [record]}, None) == {"batchItemFailures": []}
        return [envelope.id for envelope in published]

    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    draft = image_of(event_id)
    assert relayed(None, draft) == []
    send("POST", f"/v1/events/{event_id}/publication", by=organiser.owner)
    open_ = image_of(event_id)
    assert relayed(draft, open_) == [f"event#{event_id}/event|2|{EventPublished.type_name}"]
    assert relayed(open_, open_) == []
    send("PATCH", f"/v1/events/{event_id}", {"name": "Another name"}, organiser.owner, If_Match='"2"')
    assert relayed(open_, image_of(event_id)) == [f"event#{event_id}/event|3|{EventPublished.type_name}"]


def test_a_publication_that_is_repeated_writes_nothing(send: Any, organiser: Any, house: Any, publish: Any) -> None:
    event = publish(organiser, house.event)
    with consumed() as meter:
        again = send("POST", f"/v1/events/{event['event_id']}/publication", by=organiser.owner)
    assert (again.status_code, again.json, meter.writes) == (200, event, 0)


def test_many_publications_at_once_are_one(send: Any, organiser: Any, house: Any) -> None:
    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    barrier = threading.Barrier(5)

    def publish(_: int) -> tuple[int, Any]:
        barrier.wait()
        event = use_cases.publish_event(event_id, organiser.owner, clock.now())
        return event.version, event.published_at

    with ThreadPoolExecutor(5) as threads:
        assert len(set(threads.map(publish, range(5)))) == 1
    assert image_of(event_id)["outbox"]["M"]["version"] == {"N": "2"}


def test_a_publication_whose_answer_was_lost_is_one(
    send: Any, organiser: Any, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    carry, lost = transport.carry, list[str]()

    def lose(operation: str, request: Any, seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if operation == "TransactWriteItems" and not lost:
            lost.append(operation)
            raise wire.Lost("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "carry", lose)
    event = use_cases.publish_event(event_id, organiser.owner, clock.now())
    assert (event.state, event.version, lost) == ("published", 2, ["TransactWriteItems"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ticket_types": None}, "$.ticket_types"),
        ({"pools": None, "ticket_types": None}, "$.pools"),
        ({"starts_at": "2020-01-01T10:00:00Z"}, "$.starts_at"),
    ],
)
def test_what_is_missing_for_publication_is_named(
    send: Any, organiser: Any, house: Any, changes: dict[str, Any], field: str
) -> None:
    draft = send("POST", "/v1/events", house.with_(**changes), organiser.owner)
    assert draft.status_code == 201, draft.body
    event_id = draft.json["event_id"]
    refused = send("POST", f"/v1/events/{event_id}/publication", by=organiser.owner)
    assert refused.status_code == 422
    assert refused.json["field"] == field
    assert [error["field"] for error in refused.json["errors"]] == [field]
    assert send("GET", f"/v1/events/{event_id}").status_code == 404
    assert image_of(event_id)["version"] == {"N": "1"}


def test_a_new_organiser_waits_for_its_message(
    send: Any, organiser: Any, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    monkeypatch.setattr(repository, "organiser_name", lambda organiser_id: None)
    early = send("POST", f"/v1/events/{event_id}/publication", by=organiser.owner)
    assert (early.status_code, early.headers["Retry-After"]) == (503, "1")
    monkeypatch.undo()
    assert send("POST", f"/v1/events/{event_id}/publication", by=organiser.owner).status_code == 200


def test_organisers_come_by_message_and_only_later_ones_count() -> None:
    organiser_id = new_id("org")

    def told(version: int, name: str, times: int = 1) -> None:
        message = OrganiserRegistered(organiser_id=organiser_id, version=version, name=name, registered_at=clock.now())
        envelope = enclose(
            source="accounts",
            subject=f"organiser#{organiser_id}",
            message=message,
            message_id=f"{organiser_id}|{version}",
            trace=None,
            time=clock.now(),
        )
        records = [
            {"messageId": f"{number}", "body": msgspec.json.encode(envelope).decode()} for number in range(times)
        ]
        assert consume({"Records": records}, None) == {"batchItemFailures": []}

    told(1, "First", times=2)
    assert repository.organiser_name(organiser_id) == "First"
    told(3, "Third")
    told(2, "Second")
    assert repository.organiser_name(organiser_id) == "Third"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"venue_id": new_id("ven")}, "$.venue_id"),
        ({"series_id": new_id("ser")}, "$.series_id"),
        ({"currency": "BTC"}, "$.currency"),
        ({"starts_at": "2026-05-01T10:00:00"}, "$.starts_at"),
        ({"starts_at": "soon"}, "$.starts_at"),
        ({"pools": [{"name": "Floor", "kind": "standing", "capacity": 1}]}, "$.pools[0].kind"),
        ({"pools": [{"name": "Floor", "kind": "general"}], "ticket_types": None}, "$.pools[0].capacity"),
        (
            {"pools": [{"name": "S", "kind": "seated", "seat_map_id": new_id("map")}], "ticket_types": None},
            "$.pools[0].seat_map_id",
        ),
        ({"ticket_types": [{"name": "A", "price": {"amount": 1.5, "currency": "USD"}, "pool": "Floor"}]}, None),
        ({"ticket_types": [{"name": "A", "price": {"amount": 1, "currency": "usd"}, "pool": "Floor"}]}, None),
        (
            {"ticket_types": [{"name": "A", "price": {"amount": 1, "currency": "USD"}, "pool": "Roof"}]},
            "$.ticket_types[0].pool",
        ),
        ({"hold_seconds": 5}, "$.hold_seconds"),
        ({"capacity": 5}, "$.capacity"),
        ({"organiser_id": "me"}, "$.organiser_id"),
    ],
)
def test_a_draft_that_cannot_be_names_its_field(
    send: Any, organiser: Any, house: Any, changes: dict[str, Any], field: str | None
) -> None:
    answer = send("POST", "/v1/events", house.with_(**changes), organiser.owner)
    assert answer.status_code == 422, answer.body
    named = answer.json["field"]
    assert named == field if field is not None else named.startswith("$.ticket_types[0].price")
    assert repository.organisers_events(organiser.organiser_id, 10, None).items == []


def test_a_repeated_request_with_its_key_makes_one(send: Any, organiser: Any, house: Any) -> None:
    for path, body in (
        ("/v1/events", house.event),
        ("/v1/venues", {**venue(organiser), "name": "Once"}),
        ("/v1/series", {"organiser_id": organiser.organiser_id, "name": "Once"}),
    ):
        answers = [send("POST", path, body, organiser.owner, Idempotency_Key=f"k{path}") for _ in range(2)]
        assert answers[0].json == answers[1].json
    assert len(repository.organisers_events(organiser.organiser_id, 10, None).items) == 1


def venue(organiser: Any) -> dict[str, Any]:
    return {
        "organiser_id": organiser.organiser_id,
        "name": "Hall",
        "city": "Seoul",
        "time_zone": "Asia/Seoul",
    }


def test_venues_and_series_are_listed_by_name(send: Any, organiser: Any) -> None:
    for name in ("Beta", "Alpha", "Gamma"):
        send("POST", "/v1/venues", {**venue(organiser), "name": name}, organiser.owner)
        send("POST", "/v1/series", {"organiser_id": organiser.organiser_id, "name": name}, organiser.owner)
    for path in ("/v1/venues", "/v1/series"):
        asked = f"{path}?organiser_id={organiser.organiser_id}&limit=2"
        page = send("GET", asked, by=organiser.scanner).json
        rest = send("GET", f"{asked}&cursor={page['next']}", by=organiser.scanner).json
        assert [one["name"] for one in page["items"] + rest["items"]] == ["Alpha", "Beta", "Gamma"]


def test_an_unknown_time_zone_is_refused(send: Any, organiser: Any) -> None:
    answer = send("POST", "/v1/venues", {**venue(organiser), "time_zone": "Mars/Olympus"}, organiser.owner)
    assert (answer.status_code, answer.json["field"]) == (422, "$.time_zone")


def test_a_change_needs_the_version_that_was_read(send: Any, organiser: Any, house: Any) -> None:
    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    path = f"/v1/events/{event_id}"
    assert send("PATCH", path, {"name": "B"}, organiser.owner).status_code == 428
    changed = send("PATCH", path, {"name": "B"}, organiser.owner, If_Match='"1"')
    assert (changed.status_code, changed.json["name"], changed.headers["ETag"]) == (200, "B", '"2"')
    assert send("PATCH", path, {"name": "C"}, organiser.owner, If_Match='"1"').status_code == 412
    assert send("PATCH", path, {"name": "C"}, organiser.owner, If_Match="*").status_code == 200
    with consumed() as meter:
        same = send("PATCH", path, {"name": "C"}, organiser.owner, If_Match='"3"')
    assert (same.headers["ETag"], meter.writes) == ('"3"', 0)


def test_of_two_changes_at_once_one_is_refused(send: Any, organiser: Any, house: Any) -> None:
    event_id = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    row = repository.event(event_id)
    rival = repository.event(event_id)
    assert row is not None
    assert rival is not None
    repository.save_event(row, renamed(row, "A"), clock.now(), announce=False)
    with pytest.raises(StaleVersion):
        repository.save_event(rival, renamed(rival, "B"), clock.now(), announce=False)


def renamed(row: EventRow, name: str) -> domain.Event:
    return structs.replace(repository.of_row(row), name=name)


def test_a_draft_changes_in_everything(send: Any, organiser: Any, house: Any, make_house: Any) -> None:
    draft = send("POST", "/v1/events", house.event, organiser.owner).json
    series = send("POST", "/v1/series", {"organiser_id": organiser.organiser_id, "name": "S"}, organiser.owner).json
    seoul = send("POST", "/v1/venues", venue(organiser), organiser.owner).json
    changes = {
        "venue_id": seoul["venue_id"],
        "series_id": series["series_id"],
        "description": "Bring a coat.",
        "currency": "KRW",
        "pools": [{"name": "Floor", "kind": "general", "capacity": 500}],
        "ticket_types": [{"name": "Standing", "price": {"amount": 90000, "currency": "KRW"}, "pool": "Floor"}],
        "programme": [{"title": "Sinfonia", "composer": "Berio"}],
    }
    path = f"/v1/events/{draft['event_id']}"
    after = send("PATCH", path, changes, organiser.owner, If_Match="*")
    assert after.status_code == 200, after.body
    event = after.json
    assert (event["time_zone"], event["venue"]["city"], event["series_name"]) == ("Asia/Seoul", "Seoul", "S")
    kept = {pool["name"]: pool["pool_id"] for pool in draft["pools"]}
    assert event["pools"][0]["pool_id"] == kept["Floor"]
    types = {one["name"]: one["ticket_type_id"] for one in draft["ticket_types"]}
    assert event["ticket_types"][0]["ticket_type_id"] == types["Standing"]
    assert send("PATCH", path, {"series_id": None}, organiser.owner, If_Match="*").json["series_name"] is None


def test_a_published_event_changes_in_what_nobody_bought(
    send: Any, organiser: Any, house: Any, publish: Callable[..., Any]
) -> None:
    event = publish(organiser, house.event)
    path = f"/v1/events/{event['event_id']}"
    dearer = [{**one, "price": {"amount": 9900, "currency": "USD"}} for one in house.event["ticket_types"]]
    after = send("PATCH", path, {"ticket_types": dearer}, organiser.owner, If_Match='"2"')
    assert after.status_code == 200, after.body
    assert {one["price"]["amount"] for one in after.json["ticket_types"]} == {9900}
    assert send("GET", path).json["version"] == 3, "the public still sees what was before"
    for body, field in (
        ({"pools": house.event["pools"][:1], "ticket_types": house.event["ticket_types"][:2]}, "$.pools"),
        ({"ticket_types": house.event["ticket_types"][:2]}, "$.ticket_types"),
    ):
        refused = send("PATCH", path, body, organiser.owner, If_Match="*")
        assert (refused.status_code, refused.json["field"]) == (409, field)
    past = send("PATCH", path, {"starts_at": "2020-01-01T10:00:00Z"}, organiser.owner, If_Match="*")
    assert (past.status_code, past.json["field"]) == (422, "$.starts_at")


def test_ticket_types_are_known_again_by_id(send: Any, organiser: Any, house: Any, publish: Any) -> None:
    event = publish(organiser, house.event)
    first = event["ticket_types"][0]
    best = {**house.event["ticket_types"][0], "name": "Best", "ticket_type_id": first["ticket_type_id"]}
    path = f"/v1/events/{event['event_id']}"
    body = {"ticket_types": [best, *house.event["ticket_types"][1:]]}
    after = send("PATCH", path, body, organiser.owner, If_Match="*")
    assert after.json["ticket_types"][0] == {**first, "name": "Best"}
    foreign = {**best, "ticket_type_id": new_id("tty")}
    refused = send("PATCH", path, {"ticket_types": [foreign]}, organiser.owner, If_Match="*")
    assert (refused.status_code, refused.json["field"]) == (422, "$.ticket_types[0].ticket_type_id")
