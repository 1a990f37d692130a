"""Sparse fields and expansions, on routes of every shape of answer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.http import PUBLIC, Answer, App, Call, PageQuery, PageView, page_answer


class Place(msgspec.Struct):
    name: str
    city: str
    address: str | msgspec.UnsetType = msgspec.UNSET


class Line(msgspec.Struct):
    title: str
    minutes: int | None = None


class Show(msgspec.Struct):
    show_id: str
    name: str
    venue: Place | None
    lines: list[Line]
    note: str | msgspec.UnsetType = msgspec.UNSET


def a_show(number: int, call: Call | None = None) -> Show:
    place = Place("Hall", "York", "1 High Street") if call and "venue" in call.expand else Place("Hall", "York")
    return Show(f"sho_{number}", "Hamlet", place, [Line("Act 1", 50), Line("Act 2")])


@pytest.fixture
def app() -> App:
    app = App("shows")

    @app.route("/v1/shows/{show_id}", access=PUBLIC, answers=Show, expand=("venue",))
    def show(call: Call) -> Any:
        return Answer(a_show(1, call), etag=7)

    @app.route("/v1/shows", access=PUBLIC, answers=PageView[Show], query=PageQuery)
    def shows(call: Call) -> Any:
        class Page:
            items = (1, 2)
            next = "more"

        return page_answer(Page(), a_show, "/v1/shows", call.query)

    @app.route("/v1/encoded", access=PUBLIC, answers=Show)
    def encoded(call: Call) -> Any:
        return Answer(msgspec.json.encode(a_show(1)), headers={"Content-Type": "application/json"})

    @app.route("/v1/plain", access=PUBLIC)
    def plain(call: Call) -> Any:
        return {"a": 1}

    @app.route("/v1/failure", access=PUBLIC, answers=Show)
    def fail(call: Call) -> Any:
        return Answer({"state": "gone"}, status=410)

    return app


@pytest.mark.parametrize(
    ("chosen", "body"),
    [
        ("name", {"name": "Hamlet"}),
        ("name,show_id", {"show_id": "sho_1", "name": "Hamlet"}),
        ("venue", {"venue": {"name": "Hall", "city": "York"}}),
        ("venue.city", {"venue": {"city": "York"}}),
        ("venue.city,venue.name,name", {"name": "Hamlet", "venue": {"name": "Hall", "city": "York"}}),
        ("venue,venue.city", {"venue": {"name": "Hall", "city": "York"}}),
        ("venue.city,venue", {"venue": {"name": "Hall", "city": "York"}}),
        ("lines.title", {"lines": [{"title": "Act 1"}, {"title": "Act 2"}]}),
        ("note", {}),
        ("name,name", {"name": "Hamlet"}),
    ],
)
def test_only_the_fields_asked_for_are_sent(client: Any, chosen: str, body: dict[str, Any]) -> None:
    assert client.get(f"/v1/shows/1?fields={chosen}").json == body
    listed = client.get(f"/v1/shows?fields={chosen}").json
    assert listed["next"] == "more"
    assert [set(one) for one in listed["items"]] == [set(body)] * 2
    assert client.get(f"/v1/encoded?fields={chosen}").json == body


@pytest.mark.parametrize(
    "chosen",
    ["", "nome", "name,", "venue.street", "name.first", "lines.0", "venue.city.x", ".", "items", "n" * 500, "a," * 60],
)
@pytest.mark.parametrize("path", ["/v1/shows/1", "/v1/shows", "/v1/encoded"])
def test_fields_that_the_answer_never_has_are_refused(client: Any, path: str, chosen: str) -> None:
    answer = client.get(f"{path}?fields={chosen}")
    assert (answer.status_code, answer.json["field"], answer.json["in"]) == (422, "fields", "query")
    assert len(answer.json["detail"]) < 200


def test_a_parameter_given_twice_is_refused(client: Any) -> None:
    assert client.get("/v1/shows/1?fields=name&fields=venue").json["field"] == "fields"
    assert client.get("/v1/shows/1?expand=venue&expand=venue").json["field"] == "expand"


def test_each_choice_has_an_etag_of_its_own_whatever_its_order(client: Any) -> None:
    etags = {
        client.get(f"/v1/shows/1{query}").headers["ETag"]
        for query in ("", "?fields=name", "?fields=name,show_id", "?fields=venue.city", "?expand=venue")
    }
    assert len(etags) == 5
    assert all(one.startswith('"7') for one in etags)
    one, other = (client.get(f"/v1/shows/1?fields={chosen}") for chosen in ("name,show_id", "show_id,name"))
    assert (one.headers["ETag"], one.body) == (other.headers["ETag"], other.body)
    known = {"If-None-Match": one.headers["ETag"]}
    assert client.get("/v1/shows/1?fields=name,show_id", headers=known).status_code == 304
    assert client.get("/v1/shows/1", headers=known).status_code == 200


def test_the_next_page_is_asked_for_with_the_same_fields(client: Any) -> None:
    answer = client.get("/v1/shows?fields=venue.city,name&limit=2")
    assert answer.headers["Link"] == '</v1/shows?limit=2&cursor=more&fields=name,venue.city>; rel="next"'


def test_an_expansion_is_the_routes_own(client: Any) -> None:
    venue = client.get("/v1/shows/1?expand=venue").json["venue"]
    assert venue == {"name": "Hall", "city": "York", "address": "1 High Street"}
    both = client.get("/v1/shows/1?expand=venue&fields=venue.address")
    assert both.json == {"venue": {"address": "1 High Street"}}
    for path in ("/v1/shows/1?expand=lines", "/v1/shows/1?expand=", "/v1/shows?expand=venue"):
        answer = client.get(path)
        assert (answer.status_code, answer.json["field"], answer.json["in"]) == (422, "expand", "query")


def test_what_is_no_plain_answer_stays_whole(client: Any) -> None:
    assert client.get("/v1/failure?fields=name").json == {"state": "gone"}
    answer = client.get("/v1/plain?fields=b")
    assert (answer.status_code, answer.json["field"]) == (422, "fields"), "nothing is chosen from it"


def test_without_the_mark_two_choices_would_pass_for_one(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.http.conditional.marked", lambda etag, mark: etag)
    assert client.get("/v1/shows/1?fields=name", headers={"If-None-Match": '"7"'}).status_code == 304
