"""What the public sees of events: upcoming ones by date, page by page, and never a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.catalog import repository
from services.catalog.app import relay
from services.catalog.repository.events import PointerRow, _put_pointer
from shared import clock
from shared.data import consumed, query_page
from shared.ids import new_id

# One year for each test, so that the public list, which is of everybody, holds that test's events alone.
_years: Iterator[int] = iter(range(2041, 2400, 3))


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    """The moment the test happens at."""
    moment = datetime(next(_years), 1, 15, 12, tzinfo=UTC)
    with clock.fixed(moment):
        yield moment


@pytest.fixture
def publish_at(organiser: Any, house: Any, publish: Callable[..., Any]) -> Callable[..., str]:
    """Publishes events so many days ahead; answers their ids."""

    def published(days: float, name: str = "An Evening") -> str:
        starts = clock.iso(clock.now() + timedelta(days=days))
        return str(publish(organiser, house.with_(starts_at=starts, name=name))["event_id"])

    return published


def pages(send: Any, path: str, by: Any = None) -> list[list[str]]:
    """All pages of a list, as ids."""
    found, separator = [], "&" if "?" in path else "?"
    answer = send("GET", path, by=by)
    assert answer.status_code == 200, answer.body
    while True:
        found.append([item["event_id"] for item in answer.json["items"]])
        following = answer.json["next"]
        assert ("Link" in answer.headers) == (following is not None)
        if following is None:
            return found
        answer = send("GET", f"{path}{separator}cursor={following}", by=by)


def test_upcoming_events_come_by_date_over_months(send: Any, publish_at: Callable[..., str]) -> None:
    days = [400, 3, 40, 1, 1.5, 90, 2, 720]
    ids = {day: publish_at(day) for day in days}
    wanted = [ids[day] for day in sorted(days)]
    for limit in (1, 3, 4, 8, 100):
        found = pages(send, f"/v1/events?limit={limit}")
        assert [event_id for page in found for event_id in page] == wanted
        assert all(len(page) == limit for page in found[:-1])
        assert found[-1]


def test_a_list_goes_on_where_it_was_though_events_come_and_go(
    send: Any, publish_at: Callable[..., str], now: datetime
) -> None:
    ids = [publish_at(day) for day in (1, 2, 3, 4)]
    first = send("GET", "/v1/events?limit=2").json
    between = publish_at(1.5)
    with clock.fixed(now + timedelta(days=1, hours=1)):
        rest = send("GET", f"/v1/events?limit=10&cursor={first['next']}").json
    assert [one["event_id"] for one in first["items"] + rest["items"]] == ids
    assert pages(send, "/v1/events?limit=10") == [[ids[0], between, *ids[1:]]]


def test_what_has_begun_is_not_upcoming(send: Any, publish_at: Callable[..., str], now: datetime) -> None:
    early, late = publish_at(1), publish_at(2)
    assert pages(send, "/v1/events") == [[early, late]]
    repository.forget_upcoming()
    with clock.fixed(now + timedelta(days=1, seconds=1)):
        assert pages(send, "/v1/events") == [[late]]


def test_a_page_is_read_from_its_month_and_not_by_a_scan(publish_at: Callable[..., str], now: datetime) -> None:
    ids = [publish_at(day) for day in (0.1, 0.2, 0.3)]
    with consumed() as meter:
        page = repository.upcoming(now, 2, None)
    assert [event.event_id for event in page.items] == ids[:2]
    assert page.next is not None
    # The month, and what is left of the two events that are shown.
    assert meter.requests == 2
    assert meter.reads <= 1.5 + 2 * 0.5
    with consumed() as meter:
        assert repository.upcoming(now, 2, page.next).next is None
    # Nothing follows, and that is known only after a look into every month of the next two years.
    assert meter.requests == 25 + 1


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", ""])
def test_a_cursor_that_was_not_given_out_is_refused(send: Any, publish_at: Any, cursor: str) -> None:
    answer = send("GET", f"/v1/events?cursor={cursor}")
    assert answer.status_code in (400, 422)
    assert answer.json["field"] == "cursor"


def test_cursors_of_other_lists_are_refused(send: Any, publish_at: Any, organiser: Any) -> None:
    publish_at(1), publish_at(2)
    everywhere = send("GET", "/v1/events?limit=1").json["next"]
    own = send("GET", f"/v1/events?limit=1&organiser_id={organiser.organiser_id}").json["next"]
    assert everywhere
    assert own
    assert send("GET", f"/v1/events?cursor={own}").status_code == 400
    assert send("GET", f"/v1/events?organiser_id={organiser.organiser_id}&cursor={everywhere}").status_code == 400


def test_drafts_are_for_members_alone(
    send: Any, organiser: Any, house: Any, stranger: Any, publish_at: Callable[..., str]
) -> None:
    published = publish_at(2)
    body = house.with_(starts_at=clock.iso(clock.now() + timedelta(days=1)))
    draft = send("POST", "/v1/events", body, organiser.owner).json["event_id"]
    own = f"/v1/events?organiser_id={organiser.organiser_id}"
    assert pages(send, "/v1/events") == [[published]]
    assert pages(send, own) == [[published]]
    assert pages(send, own, by=stranger.owner) == [[published]]
    assert pages(send, own, by=organiser.scanner) == [[draft, published]]
    assert pages(send, f"{own}&limit=1", by=organiser.owner) == [[draft], [published]]
    assert send("GET", f"/v1/events/{draft}", by=organiser.scanner).status_code == 200
    assert send("GET", f"/v1/events/{draft}").status_code == 404
    assert send("GET", f"/v1/events/{draft}", by=stranger.owner).status_code == 404
    nowhere = send("GET", f"/v1/events/{new_id('evt')}", by=stranger.owner)
    hidden = send("GET", f"/v1/events/{draft}", by=stranger.owner)
    assert {**nowhere.json, "trace_id": ""} == {**hidden.json, "trace_id": ""}, "the answers tell drafts from nothing"


def test_what_only_members_see_is_for_no_cache(send: Any, organiser: Any, house: Any, publish_at: Any) -> None:
    public = publish_at(2)
    draft = send("POST", "/v1/events", house.event, organiser.owner).json["event_id"]
    own = f"/v1/events?organiser_id={organiser.organiser_id}"
    assert send("GET", f"/v1/events/{draft}", by=organiser.owner).headers["Cache-Control"] == "private, no-store"
    assert send("GET", own, by=organiser.owner).headers["Cache-Control"] == "private, no-store"
    assert "public" in send("GET", own).headers["Cache-Control"]
    assert "public" in send("GET", f"/v1/events/{public}").headers["Cache-Control"]
    assert "public" in send("GET", "/v1/events").headers["Cache-Control"]
    assert send("GET", f"/v1/events/{draft}").headers["Cache-Control"] == "no-store"


def test_an_invalid_token_is_said_to_be_one(send: Any, publish_at: Callable[..., str]) -> None:
    event_id = publish_at(1)
    answer = send("GET", f"/v1/events/{event_id}", Authorization="Bearer nonsense")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_event_that_has_not_changed_is_not_sent_again(send: Any, publish_at: Callable[..., str]) -> None:
    path = f"/v1/events/{publish_at(1)}"
    etag = send("GET", path).headers["ETag"]
    assert etag == '"2"'
    same = send("GET", path, If_None_Match=etag)
    assert (same.status_code, same.body) == (304, "")
    assert send("GET", path, If_None_Match='"1"').status_code == 200


def test_the_publics_second_look_costs_the_table_nothing(send: Any, publish_at: Callable[..., str]) -> None:
    path = f"/v1/events/{publish_at(1)}"
    for asked in (path, "/v1/events"):
        send("GET", asked)
        with consumed() as meter:
            assert send("GET", asked).status_code == 200
        assert meter.requests == 0


def test_without_redis_the_public_sees_the_same(
    send: Any, publish_at: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/events/{publish_at(1)}"
    with_redis = (send("GET", path).json, send("GET", "/v1/events").json["items"])
    for url in (None, "redis://127.0.0.1:9/0"):
        monkeypatch.delenv("REDIS_URL") if url is None else monkeypatch.setenv("REDIS_URL", url)
        assert (send("GET", path).json, send("GET", "/v1/events").json["items"]) == with_redis


def test_a_change_is_seen_at_once_everywhere(send: Any, organiser: Any, publish_at: Callable[..., str]) -> None:
    first, second = publish_at(1), publish_at(2)
    assert pages(send, "/v1/events") == [[first, second]]
    send("GET", f"/v1/events/{first}")
    later = {"starts_at": clock.iso(clock.now() + timedelta(days=60)), "name": "Postponed"}
    moved = send("PATCH", f"/v1/events/{first}", later, organiser.owner, If_Match='"2"')
    assert moved.status_code == 200, moved.body
    assert send("GET", f"/v1/events/{first}").json["name"] == "Postponed"
    assert pages(send, "/v1/events") == [[second, first]]
    own = f"/v1/events?organiser_id={organiser.organiser_id}"
    assert pages(send, own, by=organiser.owner) == [[second, first]]
    pointers = query_page(PointerRow, f"organiser#{organiser.organiser_id}", sk_prefix="event#")
    assert len(pointers.items) == 2


def test_a_pointer_whose_event_never_came_is_passed_over(
    send: Any, organiser: Any, publish_at: Callable[..., str]
) -> None:
    """What a crash between the two writes of a new event leaves behind."""
    event_id = publish_at(1)
    row = repository.event(event_id)
    assert row is not None
    ghost = structs.replace(row.event, event_id=new_id("evt"))
    _put_pointer(ghost, clock.now())
    own = f"/v1/events?organiser_id={organiser.organiser_id}"
    assert pages(send, own, by=organiser.owner) == [[event_id]]


def test_an_event_can_be_read_with_the_address_of_its_venue(
    send: Any, organiser: Any, make_house: Any, publish: Callable[..., Any]
) -> None:
    open_house, home = make_house(organiser), make_house(organiser)
    event_id = publish(organiser, open_house.event)["event_id"]
    path = f"/v1/events/{event_id}"
    assert "address" not in send("GET", path).json["venue"]
    expanded = send("GET", f"{path}?expand=venue")
    assert expanded.json["venue"]["address"] is None
    assert expanded.headers["ETag"] != send("GET", path).headers["ETag"]
    with consumed() as meter:
        send("GET", f"{path}?expand=venue")
    assert meter.requests == 0
    body = {
        "organiser_id": organiser.organiser_id,
        "name": "At Home",
        "city": "York",
        "time_zone": "Europe/London",
        "address": "1 High Street",
        "private": True,
    }
    private = send("POST", "/v1/venues", body, organiser.owner).json["venue_id"]
    general = [{"name": "Floor", "kind": "general", "capacity": 9}]
    types = [{"name": "All", "price": {"amount": 1500, "currency": "USD"}, "pool": "Floor"}]
    hidden = publish(organiser, home.with_(venue_id=private, pools=general, ticket_types=types))["event_id"]
    assert "address" not in send("GET", f"/v1/events/{hidden}?expand=venue").json["venue"]
    shown = send("GET", f"/v1/events/{hidden}?expand=venue", by=organiser.scanner)
    assert shown.json["venue"]["address"] == "1 High Street"


def test_a_change_whose_writer_was_stopped_is_seen_once_its_row_is_relayed(
    send: Any, organiser: Any, publish_at: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = publish_at(2)
    path = f"/v1/events/{event_id}"
    assert send("GET", path).json["name"] == send("GET", "/v1/events").json["items"][0]["name"] == "An Evening"
    with monkeypatch.context() as stopped:
        for name in ("forget_event", "forget_upcoming"):
            stopped.setattr(repository, name, lambda *_: None)
        changed = send("PATCH", path, {"name": "Another"}, organiser.owner, If_Match='"2"')
        assert changed.status_code == 200
    assert send("GET", path).json["name"] == "An Evening", "without anybody who forgets it, the old one is served"
    relay({"Records": [{"dynamodb": {"Keys": {"pk": {"S": f"event#{event_id}"}}}}]}, None)
    assert send("GET", path).json["name"] == send("GET", "/v1/events").json["items"][0]["name"] == "Another"
