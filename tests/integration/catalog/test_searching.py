"""Searching over the routes: what each parameter finds and refuses, where pages go on, and how old rows are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from services.catalog import app as catalog_app
from services.catalog import repository
from services.catalog.domain import search
from shared import clock
from shared.data import consumed, delete, plain, query_page, writes
from shared.messaging import republish

# One year for each test, so that what is coming up holds that test's events alone.
_years: Iterator[int] = iter(range(2401, 2990, 3))

Publish = Callable[..., str]


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    """The moment the test happens at."""
    moment = datetime(next(_years), 1, 15, 12, tzinfo=UTC)
    repository.forget_upcoming()
    with clock.fixed(moment):
        yield moment


@pytest.fixture
def publish_named(organiser: Any, house: Any, publish: Callable[..., Any]) -> Publish:
    """Publishes events by name so many days ahead; answers their ids."""

    def published(name: str, days: float = 1, **changes: Any) -> str:
        starts = clock.iso(clock.now() + timedelta(days=days))
        return str(publish(organiser, house.with_(starts_at=starts, name=name, **changes))["event_id"])

    return published


@pytest.fixture
def find(send: Any) -> Callable[..., list[str]]:
    """The names of the events a search finds, over all its pages."""

    def names(**asked: Any) -> list[str]:
        found: list[str] = []
        path = f"/v1/events?{urlencode({name.rstrip('_'): value for name, value in asked.items()})}"
        while path:
            answer = send("GET", path)
            assert answer.status_code == 200, answer.body
            found += [item["name"] for item in answer.json["items"]]
            link = answer.headers.get("Link", "")
            assert bool(link) == (answer.json["next"] is not None)
            path = link.partition(">")[0].removeprefix("<")
        return found

    return names


def test_all_words_must_be_there_as_beginnings_in_any_spelling(publish_named: Publish, find: Any) -> None:
    works = [{"title": "Cello Concerto in B minor", "composer": "Antonín Dvořák", "soloists": ["Zoë Kravets"]}]
    publish_named("Nights of Bohemia", 2, programme=works)
    publish_named("Dvořák's Cello", 1)
    publish_named("Mahler", 3)
    both = ["Dvořák's Cello", "Nights of Bohemia"]
    assert find(q="DVORAK") == find(q="dvo cel") == find(q="Dvořák’s cello"[:6]) == both
    assert find(q="dvorak zoe") == find(q="kravets, bohemia") == ["Nights of Bohemia"]
    assert find(q="dvorak mahler") == find(q="orak") == find(q="dvoraks") == []
    assert find(q="b mi") == ["Nights of Bohemia"], "short words have no lists of their own, and are found all the same"
    assert find(q="test hall") == [*both, "Mahler"], "the venue's name is searched, too"


def test_the_best_come_first_where_that_is_asked_for(publish_named: Publish, find: Any) -> None:
    publish_named("Winter", 1, programme=[{"title": "Mahlerian songs"}])
    publish_named("Spring", 2, programme=[{"title": "Symphony No. 1", "composer": "Gustav Mahler"}])
    publish_named("Mahlers at home", 3)
    publish_named("Mahler", 4)
    by_date = ["Winter", "Spring", "Mahlers at home", "Mahler"]
    assert find(q="mahler") == by_date
    assert find(q="mahler", sort="-starts_at") == by_date[::-1]
    best = ["Mahler", "Spring", "Mahlers at home", "Winter"]
    assert find(q="mahler", sort="relevance") == find(q="mahler", sort="relevance", limit=1) == best


def test_days_are_the_venues_own_and_both_included(publish_named: Publish, find: Any, now: datetime) -> None:
    # 03:00 UTC of the 17th is ten in the evening of the 16th in New York.
    publish_named("Late", 1.625)
    publish_named("Next day", 2.2)
    year = now.year
    assert find(from_=f"{year}-01-16", to=f"{year}-01-16") == ["Late"]
    assert find(from_=f"{year}-01-17") == ["Next day"]
    assert find(to=f"{year}-01-15") == find(from_="9999-12-31") == find(to="0001-01-01") == []
    assert find(from_="0001-01-01", to="9999-12-31") == ["Late", "Next day"]


def test_what_has_begun_is_found_no_more(publish_named: Publish, find: Any, now: datetime) -> None:
    publish_named("Early", 1), publish_named("Late", 2)
    repository.forget_upcoming()
    with clock.fixed(now + timedelta(days=1, seconds=1)):
        assert find(q="test") == find(from_=now.date()) == find(sort="price") == ["Late"]


def test_places_series_and_organisers_narrow_a_search(
    send: Any, publish_named: Publish, find: Any, organiser: Any, house: Any
) -> None:
    series = send("POST", "/v1/series", {"organiser_id": organiser.organiser_id, "name": "S"}, organiser.owner).json
    publish_named("In a series", 1, series_id=series["series_id"])
    publish_named("Alone", 2)
    assert find(series_id=series["series_id"]) == find(series_id=series["series_id"], q="series") == ["In a series"]
    both = ["In a series", "Alone"]
    assert find(venue_id=house.venue_id) == find(city="NEW  york") == both
    assert find(organiser_id=organiser.organiser_id, sort="-starts_at") == both[::-1]
    nowhere = "ven_01m85kmgtca0g4fmfchr064yk5"
    assert find(city="Newport") == find(venue_id=nowhere) == find(venue_id=nowhere, q="alone") == []


def test_prices_are_those_everybody_can_pay(publish_named: Publish, find: Any) -> None:
    def priced(*amounts: int, access: str = "public") -> dict[str, Any]:
        floor = {"name": "Floor", "kind": "general", "capacity": 9}
        types = [
            {"name": f"T{one}", "price": {"amount": one, "currency": "USD"}, "pool": "Floor", "access": access}
            for one in amounts
        ]
        return {"pools": [floor], "ticket_types": types}

    publish_named("Dear", 1, **priced(9000))
    publish_named("Both", 2, **priced(2000, 9500))
    publish_named("For friends", 3, **priced(1000, access="voucher"))
    publish_named("Free", 4, **priced(0))
    assert find(price_max=2500) == ["Both", "Free"]
    assert find(price_min=9100) == ["Both"]
    assert find(price_min=3000, price_max=8000) == [], "nothing costs as much, though there is cheaper and dearer"
    assert find(price_min=0, currency="EUR") == []
    by_price = ["Free", "Both", "Dear", "For friends"]
    assert find(sort="price", limit=1) == find(sort="price") == find(sort="price", currency="USD") == by_price


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=%3F", "q"),
        ("q=a+b+c+d+e+f+g+h+i", "q"),
        (f"q={'a' * 201}", "q"),
        ("from=2401-02-30", "from"),
        ("from=2401-02-02&to=2401-02-01", "to"),
        ("price_min=2&price_max=1", "price_max"),
        ("price_min=-1", "price_min"),
        ("currency=usd", "currency"),
        ("city=%2F", "city"),
        ("sort=relevance", "sort"),
        ("sort=name", "sort"),
        ("available=perhaps", "available"),
        ("limit=101", "limit"),
    ],
)
def test_what_cannot_be_searched_for_is_a_422_that_names_it(send: Any, query: str, field: str) -> None:
    answer = send("GET", f"/v1/events?{query}")
    assert (answer.status_code, answer.json["field"]) == (422, field), answer.body


def test_a_cursor_holds_for_its_search_alone(send: Any, publish_named: Publish) -> None:
    for days in (1, 2, 3):
        publish_named("Mahler", days)
    asked = ("q=mahler", "q=mahler&sort=relevance", "q=mahler&sort=price", "q=mahler&sort=-starts_at", "q=test", "")
    cursors = {one: send("GET", f"/v1/events?limit=1&{one}").json["next"] for one in asked}
    assert len(set(cursors.values())) == len(asked)
    for one in asked:
        for other, cursor in cursors.items():
            answer = send("GET", f"/v1/events?limit=1&cursor={cursor}&{one}")
            if one == other:
                assert answer.status_code == 200
            else:
                assert (answer.status_code, answer.json["type"]) == (400, "urn:stagedoor:problem:bad-cursor")
                assert answer.json["field"] == "cursor"


def test_an_order_that_takes_too_many_events_is_refused(
    send: Any, publish_named: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.catalog.repository.browsing.RANKED_MAX", 2)
    publish_named("Mahler", 1), publish_named("Mahler", 2)
    assert send("GET", "/v1/events?sort=price").status_code == 200
    publish_named("Mahler", 3)
    answer = send("GET", "/v1/events?sort=price")
    assert (answer.status_code, answer.json["field"]) == (422, "sort")
    assert answer.json["type"] == "urn:stagedoor:problem:too-many-matches"


def test_a_page_ends_where_enough_was_looked_at_and_the_next_goes_on(
    send: Any, publish_named: Publish, find: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.catalog.repository.browsing.EXAMINED_MAX", 2)
    for days in range(1, 6):
        publish_named("Mahler" if days == 5 else "Mahlstein", days)
    first = send("GET", "/v1/events?q=mahler").json
    assert first["items"] == []
    assert first["next"]
    assert find(q="mahler") == ["Mahler"]
    assert find(q="mahl", limit=2) == ["Mahlstein"] * 4 + ["Mahler"]


def test_a_renamed_and_moved_event_is_found_by_what_it_is_now(
    send: Any, organiser: Any, publish_named: Publish, find: Any, now: datetime
) -> None:
    event_id = publish_named("Mahler", 1)
    publish_named("Brahms", 2)
    assert find(q="mahler") == ["Mahler"]
    later = {"starts_at": clock.iso(now + timedelta(days=40)), "name": "Dvořák"}
    assert send("PATCH", f"/v1/events/{event_id}", later, organiser.owner, If_Match="*").status_code == 200
    assert find(q="mahler") == []
    assert find(q="dvorak") == ["Dvořák"]
    assert find() == find(city="new york") == ["Brahms", "Dvořák"]


def test_drafts_are_found_by_nobody(send: Any, organiser: Any, house: Any, find: Any) -> None:
    assert send("POST", "/v1/events", house.event, organiser.owner).status_code == 201
    assert find() == find(q="evening") == find(organiser_id=organiser.organiser_id, sort="-starts_at") == []


def test_a_search_is_answered_from_redis_until_something_changes(
    send: Any, organiser: Any, publish_named: Publish, find: Any
) -> None:
    event_id = publish_named("Mahler", 1)
    assert find(q="mah") == ["Mahler"]
    assert send("PATCH", f"/v1/events/{event_id}", {"name": "Mahl"}, organiser.owner, If_Match="*").status_code == 200
    assert find(q="mah") == ["Mahl"]


def of_before(event_id: str) -> None:
    """Leaves an event as a release without postings left it: on its own row alone."""
    table = boto3.resource("dynamodb").Table(repository.EventRow.table_name())
    row = repository.event(event_id)
    assert row is not None
    listed = search.terms_of(search.posting_of(row.event))
    for term in listed:
        key = f"{clock.iso(row.event.starts_at)}#{event_id}"
        assert "Attributes" in table.delete_item(Key={"pk": f"term#{term}", "sk": key}, ReturnValues="ALL_OLD")
    table.update_item(Key={"pk": f"event#{event_id}", "sk": "event"}, UpdateExpression="REMOVE listed")


def announced_again(event_id: str) -> int:
    """Republishes an event; how many were sent."""
    table = repository.EventRow.table_name()
    done = republish(table, catalog_app._relay, accept=lambda image: image["pk"] == f"event#{event_id}")
    assert done.failed == ()
    # Republishing is not this app's process, which would have remembered its answers for a second more.
    catalog_app.app.changed()
    return done.sent


def test_republishing_lists_what_an_older_release_published(
    send: Any, organiser: Any, publish_named: Publish, find: Any
) -> None:
    event_id = publish_named("Mahler", 1)
    of_before(event_id)
    assert find(q="mahler") == find() == []
    assert announced_again(event_id) == 1
    assert find(q="mahler") == find() == ["Mahler"]
    assert send("GET", f"/v1/events/{event_id}").headers["ETag"] == '"2"', "it is no new version of the event"
    renamed = send("PATCH", f"/v1/events/{event_id}", {"name": "Brahms"}, organiser.owner, If_Match='"2"')
    assert renamed.status_code == 200
    assert find() == find(q="brahms") == ["Brahms"]


def test_republishing_puts_back_what_was_lost_and_mends_what_is_wrong(publish_named: Publish, find: Any) -> None:
    event_id = publish_named("Mahler", 1)
    row = repository.event(event_id)
    assert row is not None
    table = boto3.resource("dynamodb").Table(repository.EventRow.table_name())
    key = {"pk": "term#word:mah", "sk": f"{clock.iso(row.event.starts_at)}#{event_id}"}
    table.delete_item(Key=key)
    assert find(q="mahler") == []
    assert announced_again(event_id) == 1
    assert find(q="mahler") == ["Mahler"]
    posting = table.get_item(Key=key)["Item"]
    table.put_item(Item={**posting, "posting": str(posting["posting"]).replace("Mahler", "Brahms")})
    repository.forget_upcoming()
    catalog_app.app.changed()
    assert find(q="mahler") == ["Brahms"]
    assert announced_again(event_id) == 1
    assert find(q="mahler") == ["Mahler"]
    with consumed() as meter:
        assert announced_again(event_id) == 1
    assert meter.writes == 0, "what is as it should be is not written again"


def test_postings_go_by_themselves_when_the_event_is_over(publish_named: Publish, find: Any, now: datetime) -> None:
    event_id = publish_named("Mahler", 1)
    row = repository.event(event_id)
    assert row is not None
    (posting,) = query_page(repository.PostingRow, "term#word:mah", sk_between=(clock.iso(now), "~"), limit=1).items
    assert posting.expires_at == clock.epoch_seconds(row.event.starts_at + timedelta(days=1))
    delete(posting)
    with clock.fixed(now + timedelta(days=3)):
        assert announced_again(event_id) == 1
    assert find(q="mahler") == [], "what is past is not listed again"


@pytest.fixture
def late_record(send: Any, organiser: Any, publish_named: Publish) -> Callable[[], None]:
    """Renames an event that an older release published, and then lets the relay read a record of before."""

    def read_late() -> None:
        event_id = publish_named("Mahler", 1)
        of_before(event_id)
        key = {"pk": {"S": f"event#{event_id}"}, "sk": {"S": "event"}}
        client = boto3.client("dynamodb")
        image = plain.from_item(client.get_item(TableName=repository.EventRow.table_name(), Key=key)["Item"])
        renamed = send("PATCH", f"/v1/events/{event_id}", {"name": "Brahms"}, organiser.owner, If_Match="*")
        assert renamed.status_code == 200
        assert catalog_app._relay.announce([image]) == []

    return read_late


def test_a_late_record_of_the_stream_lists_nothing_that_has_changed_since(late_record: Any, find: Any) -> None:
    late_record()
    assert find() == find(q="brahms") == ["Brahms"]
    assert find(q="mahler") == []


def test_without_its_guard_a_late_record_lists_what_is_no_more(
    late_record: Any, find: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the row's version is not asked for."""
    update_request = writes.update_request
    monkeypatch.setattr(
        writes,
        "update_request",
        lambda *key, **options: update_request(*key, **{**options, "condition": None}),
    )
    late_record()
    assert find(q="mahler") == ["Mahler"]
