"""What a route says once a later version has taken its place."""

from __future__ import annotations

from typing import Any

import pytest

from shared.http import PUBLIC, App, Call, PageQuery, PageView, page_answer
from shared.http.retirement import announcement

SINCE, UNTIL = "@1796083200", "Tue, 01 Jun 2027 00:00:00 GMT"


@pytest.fixture
def app() -> App:
    app = App("retiring")

    @app.route("/v1/things/{name}", access=PUBLIC, deprecated=SINCE, sunset=UNTIL, successor="/v2/things/{name}")
    def old(call: Call) -> dict[str, Any]:
        if call.path["name"] == "broken":
            raise RuntimeError("of no concern to the client")
        return {"name": call.path["name"]}

    @app.route("/v2/things/{name}", access=PUBLIC)
    def new(call: Call) -> dict[str, Any]:
        return {"thing": {"name": call.path["name"]}}

    @app.route("/v1/things", access=PUBLIC, query=PageQuery, answers=PageView[str], successor="/v2/things")
    def listed(call: Call) -> Any:
        class Page:
            items = ("a",)
            next = "more"

        return page_answer(Page(), str, "/v1/things", call.query)

    return app


@pytest.mark.parametrize("name", ["a", "broken"])
def test_every_answer_of_the_older_version_says_so(client: Any, name: str) -> None:
    headers = client.get(f"/v1/things/{name}").headers
    assert (headers["Deprecation"], headers["Sunset"]) == (SINCE, UNTIL)
    assert (
        headers["Link"] == f'</v2/things/{name}>; rel="successor-version", </docs>; rel="deprecation"; type="text/html"'
    )
    assert not {"Deprecation", "Sunset", "Link"} & set(client.get(f"/v2/things/{name}").headers)


def test_what_stands_in_the_path_cannot_break_out_of_the_link(app: App) -> None:
    old = next(one for one in app.operations if one.name == "old")
    link = announcement(old, {"name": "a>; rel=x/é"})["Link"]
    assert link.startswith('</v2/things/a%3E%3B%20rel%3Dx%2F%C3%A9>; rel="successor-version", ')


def test_a_list_keeps_the_link_to_its_next_page(client: Any) -> None:
    link = client.get("/v1/things").headers["Link"]
    assert link == '</v1/things?cursor=more>; rel="next", </v2/things>; rel="successor-version"'


@pytest.mark.parametrize(
    ("deprecated", "sunset"),
    [
        ("2026-12-01", None),
        ("true", None),
        (SINCE, "2027-06-01"),
        (SINCE, "Mon, 01 Jun 2027 00:00:00 GMT"),
        (SINCE, "Tue, 01 Jun 2027 02:00:00 +0200"),
        (SINCE, "Wed, 01 Jul 2026 00:00:00 GMT"),
    ],
)
def test_dates_that_no_client_could_read_are_refused_when_declared(deprecated: str, sunset: str | None) -> None:
    with pytest.raises(ValueError, match=r"Deprecation|Sunset|end before"):
        App("wrong").route("/v1/things", access=PUBLIC, deprecated=deprecated, sunset=sunset)
