"""What is left of events, as reservations tells it: in any order and repeatedly; in lists and on an event's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from contracts.reservations import AvailabilityChanged
from services.catalog import repository, use_cases
from services.catalog.app import app
from services.catalog.domain.search import Search
from services.catalog.repository import availability, browsing
from shared import clock
from shared.data import update
from shared.ids import new_id

# One year for each test, so that what is coming up holds that test's events alone.
_years: Iterator[int] = iter(range(2101, 2400, 3))


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    """The moment the test happens at."""
    moment = datetime(next(_years), 1, 15, 12, tzinfo=UTC)
    repository.forget_upcoming()
    with clock.fixed(moment):
        yield moment


@pytest.fixture
def publish_at(organiser: Any, house: Any, publish: Callable[..., Any]) -> Callable[..., str]:
    """Publishes events so many days ahead; answers their ids."""

    def published(days: float = 1, **changes: Any) -> str:
        starts = clock.iso(clock.now() + timedelta(days=days))
        return str(publish(organiser, house.with_(starts_at=starts, **changes))["event_id"])

    return published


def message(event_id: str, left: Any, version: int) -> AvailabilityChanged:
    """What reservations says."""
    counted_at = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(minutes=version)
    return AvailabilityChanged(
        event_id=event_id, version=version, organiser_id=new_id("org"), availability=left, counted_at=counted_at
    )


def tell(event_id: str, left: Any, version: int = 1) -> bool:
    """A message arrives; the consumer it comes by makes the process forget what it answered before."""
    try:
        return use_cases.keep_told(message(event_id, left, version), clock.now())
    finally:
        app.changed()


def listed(send: Any, query: str = "") -> list[tuple[str, str]]:
    """The events of a list with what is left of them."""
    answer = send("GET", f"/v1/events?{query}")
    assert answer.status_code == 200, answer.body
    return [(item["event_id"], item["availability"]) for item in answer.json["items"]]


def test_lists_and_the_page_say_what_is_left_and_when_it_was_counted(send: Any, publish_at: Any) -> None:
    event_id = publish_at()
    assert listed(send) == [(event_id, "available")]
    page = send("GET", f"/v1/events/{event_id}")
    assert (page.json["availability"], page.json["availability_at"]) == ("available", None)
    assert tell(event_id, "few-left", 7)
    # At once, although both were kept in Redis.
    assert listed(send) == [(event_id, "few-left")]
    changed = send("GET", f"/v1/events/{event_id}")
    assert (changed.json["availability"], changed.json["availability_at"]) == ("few-left", "2100-01-01T00:07:00Z")
    assert changed.headers["ETag"] != page.headers["ETag"]


def test_what_is_sold_out_is_hidden_where_that_is_asked(send: Any, publish_at: Any) -> None:
    first, second, third = (publish_at(day) for day in (1, 2, 3))
    tell(first, "sold-out")
    tell(second, "not-on-sale")
    assert listed(send, "available=true") == [(second, "not-on-sale"), (third, "available")]
    assert listed(send, "available=false") == [(first, "sold-out"), (second, "not-on-sale"), (third, "available")]
    assert listed(send, "available=true&sort=price") == listed(send, "available=true")
    tell(first, "few-left", 2)
    assert listed(send, "available=true")[0] == (first, "few-left")


ORDERS = list(permutations([("few-left", 1), ("sold-out", 2), ("available", 3)]))


@pytest.mark.parametrize("order", ORDERS)
def test_in_whatever_order_and_however_often_the_last_word_counts(send: Any, publish_at: Any, order: Any) -> None:
    event_id = publish_at()
    for left, version in (*order, *order):
        tell(event_id, left, version)
    assert listed(send) == [(event_id, "available")]
    assert tell(event_id, "available", 3) is False, "no news"


def test_without_the_versions_an_old_word_comes_back(
    send: Any, publish_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the order."""
    monkeypatch.setattr(availability, "update", lambda *keys, condition, **rest: update(*keys, **rest))
    event_id = publish_at()
    for left, version in (("available", 3), ("sold-out", 2)):
        tell(event_id, left, version)
    assert listed(send) == [(event_id, "sold-out")]


def test_what_arrives_before_the_event_does_no_harm(send: Any, publish_at: Any) -> None:
    assert tell(new_id("evt"), "sold-out")
    publish_at()
    assert [left for _, left in listed(send)] == ["available"]


def test_pages_without_what_is_sold_out_are_full_and_go_on(
    send: Any, publish_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [publish_at(day) for day in range(1, 10)]
    for event_id in ids[::2]:
        tell(event_id, "sold-out")
    for query in ("available=true&limit=2", "available=true&limit=2&sort=-starts_at", "available=true&limit=2&q=tests"):
        pages, path = [], f"/v1/events?{query}"
        while path:
            answer = send("GET", path)
            pages.append([item["event_id"] for item in answer.json["items"]])
            path = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
        assert [len(page) for page in pages] == [2, 2]
        expected = ids[1::2]
        assert [one for page in pages for one in page] == (expected[::-1] if "-starts" in query else expected)


@pytest.mark.parametrize("sort", ["starts_at", "-starts_at", "price"])
def test_a_page_that_may_not_ask_any_further_goes_on_where_it_ended(
    publish_at: Any, now: datetime, sort: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "JUDGED_MAX", 3)
    ids = [publish_at(day) for day in range(1, 9)]
    for event_id in ids[:6]:
        tell(event_id, "sold-out")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(9):
        page = repository.found(Search(available=True, sort=sort), now, 5, cursor)
        seen += [one.event_id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert cursor is None
    assert sorted(seen) == sorted(ids[6:])


def test_a_sale_that_has_not_begun_or_is_over_is_not_on_sale(
    send: Any, publish_at: Any, house: Any, now: datetime
) -> None:
    begins, ends = now + timedelta(days=1), now + timedelta(days=3)
    types = [
        {**one, "sale_starts_at": clock.iso(begins), "sale_ends_at": clock.iso(ends)}
        for one in house.event["ticket_types"]
    ]
    event_id = publish_at(5, ticket_types=types)
    tags = set()
    for moment, left in ((now, "not-on-sale"), (begins, "available"), (ends, "not-on-sale")):
        with clock.fixed(moment):
            assert listed(send) == [(event_id, left)]
            page = send("GET", f"/v1/events/{event_id}")
            assert page.json["availability"] == left
            tags.add(page.headers["ETag"])
    assert len(tags) == 2, "a browser asks again with the tag of what it has, and is not told that it is still so"
    tell(event_id, "sold-out")
    assert listed(send) == [(event_id, "sold-out")], "whether or not the sale has begun"


def test_what_nobody_but_friends_can_buy_is_not_on_sale(send: Any, publish_at: Any, house: Any) -> None:
    publish_at(ticket_types=[{**one, "access": "voucher"} for one in house.event["ticket_types"]])
    assert [left for _, left in listed(send)] == ["not-on-sale"]


def test_members_change_an_event_by_the_tag_of_what_they_have_seen(send: Any, organiser: Any, publish_at: Any) -> None:
    path = f"/v1/events/{publish_at()}"
    tell(path.removeprefix("/v1/events/"), "few-left")
    for query in ("", "?fields=name,version", "?expand=venue"):
        seen = send("GET", path + query, by=organiser.owner)
        changed = send("PATCH", path, {"name": f"New {query}"}, organiser.owner, If_Match=seen.headers["ETag"])
        assert changed.status_code == 200, changed.body
        assert changed.json["availability"] == "few-left"
    stale = send("PATCH", path, {"name": "Late"}, organiser.owner, If_Match=seen.headers["ETag"])
    assert stale.status_code == 412


def test_the_organisers_own_list_says_it_too(send: Any, organiser: Any, house: Any, publish_at: Any) -> None:
    event_id = publish_at(5)
    draft = send("POST", "/v1/events", house.with_(starts_at=clock.iso(clock.now())), organiser.owner)
    tell(event_id, "sold-out")
    query = f"organiser_id={organiser.organiser_id}"
    own = send("GET", f"/v1/events?{query}", by=organiser.owner).json["items"]
    assert {one["event_id"]: one["availability"] for one in own} == {
        event_id: "sold-out",
        draft.json["event_id"]: "not-on-sale",
    }
    assert draft.json["availability"] == "not-on-sale"
    assert listed(send, f"{query}&available=true") == []


def test_lists_show_ticket_types_and_addresses_where_they_are_expanded(
    send: Any, organiser: Any, house: Any, publish_at: Any
) -> None:
    free = {"name": "Staff", "price": {"amount": 0, "currency": "USD"}, "pool": "Floor", "access": "complimentary"}
    event_id = publish_at(ticket_types=[*house.event["ticket_types"], free])
    plain = send("GET", "/v1/events").json["items"][0]
    assert "ticket_types" not in plain
    assert "address" not in plain["venue"]
    for path, by in (
        ("/v1/events?limit=5&expand=venue,ticket_types", None),
        (f"/v1/events?organiser_id={organiser.organiser_id}&expand=ticket_types,venue", None),
        ("/v1/events?q=tests&expand=ticket_types,venue", organiser.owner),
    ):
        [shown] = send("GET", path, by=by).json["items"]
        in_full = send("GET", f"/v1/events/{event_id}?expand=venue").json
        assert shown["ticket_types"] == in_full["ticket_types"]
        assert [one["name"] for one in shown["ticket_types"]] == ["Front", "Back", "Standing"]
        assert shown["venue"] == in_full["venue"]
    path = f"/v1/events?organiser_id={organiser.organiser_id}&expand=ticket_types"
    [own] = send("GET", path, by=organiser.owner).json["items"]
    assert [one["name"] for one in own["ticket_types"]][-1] == "Staff"
    refused = send("GET", "/v1/events?expand=pools")
    assert (refused.status_code, refused.json["field"]) == (422, "expand")


def test_an_expanded_page_is_as_new_as_its_events(send: Any, organiser: Any, house: Any, publish_at: Any) -> None:
    event_id = publish_at()
    path = "/v1/events?expand=ticket_types"
    assert len(send("GET", path).json["items"][0]["ticket_types"]) == 3
    more = {"name": "Late", "price": {"amount": 900, "currency": "USD"}, "pool": "Floor"}
    body = {"ticket_types": [*house.event["ticket_types"], more]}
    assert send("PATCH", f"/v1/events/{event_id}", body, organiser.owner, If_Match="*").status_code == 200
    [shown] = send("GET", path).json["items"]
    assert [one["name"] for one in shown["ticket_types"]][-1] == "Late"
    assert shown["price_from"]["amount"] == 900


def test_a_private_address_is_in_no_list_of_the_public(
    send: Any, organiser: Any, stranger: Any, house: Any, publish: Any
) -> None:
    from tests.integration.catalog.conftest import venue_body

    body = venue_body(organiser, private=True, address="At home")
    venue_id = send("POST", "/v1/venues", body, organiser.owner).json["venue_id"]
    starts_at = clock.iso(clock.now() + timedelta(days=1))
    floor = {"pools": house.event["pools"][1:], "ticket_types": house.event["ticket_types"][2:]}
    publish(organiser, house.with_(venue_id=venue_id, starts_at=starts_at, **floor))
    own = f"/v1/events?organiser_id={organiser.organiser_id}&expand=venue"
    for path, by in (("/v1/events?expand=venue", organiser.owner), (own, None), (own, stranger.owner)):
        assert "address" not in send("GET", path, by=by).json["items"][0]["venue"]
    assert send("GET", own, by=organiser.owner).json["items"][0]["venue"]["address"] == "At home"
