"""Links of OpenAPI: from what was made, and from a page, to where its id or a token beside it is asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from shared.http import PUBLIC, App, RequestHeader
from shared.http.openapi import document


class Parcel(msgspec.Struct):
    parcel_id: str
    depot_id: str
    parcel_token: str
    name: str


class Parcels(msgspec.Struct):
    items: list[Parcel]
    next: str | None


class Sending(msgspec.Struct):
    parcel_token: str
    note: str | None = None


class Naming(msgspec.Struct):
    parcel_id: str
    name: str


class Searching(msgspec.Struct):
    parcel_id: str | None = None
    depot_id: str | None = None
    name: str | None = None


class Nothing(msgspec.Struct):
    name: str


def links_of(*, made_by: str = "POST", status: int = 201, answers: Any = Parcel) -> dict[str, Any]:
    """The links from an answer of /v1/depots/{depot_id}/parcels to some routes."""
    app = App("sample")
    token = RequestHeader("Parcel-Token", "The token.", required=True)
    path = "/v1/depots/{depot_id}/parcels"
    handler = lambda call: None  # noqa: E731
    app.route(path, methods=(made_by,), access=PUBLIC, answers=answers, status=status, name="source")(handler)
    app.route("/v1/parcels/{parcel_id}", access=PUBLIC, headers=(token,), name="show")(handler)
    app.route("/v1/parcels/{parcel_id}/labels/{label_id}", access=PUBLIC, name="show_label")(handler)
    app.route("/v1/depots/{depot_id}", access=PUBLIC, name="show_depot")(handler)
    app.route("/v1/sendings", methods=("POST",), access=PUBLIC, body=Sending, name="send")(handler)
    app.route("/v1/names", methods=("POST",), access=PUBLIC, body=Naming, name="give_name")(handler)
    app.route("/v1/parcels", access=PUBLIC, query=Searching, name="search")(handler)
    made = document("Sample", "For tests.", "v1", [(operation, app.mapper) for operation in app.operations])
    found: dict[str, Any] = made["paths"][path][made_by.lower()]["responses"][str(status)].get("links", {})
    return found


def test_what_was_made_leads_to_where_its_id_and_its_tokens_are_asked_for() -> None:
    body = "$response.body#/"
    assert links_of() == {
        "search": {
            "operationId": "search",
            "parameters": {"query.parcel_id": f"{body}parcel_id", "query.depot_id": "$response.body#/depot_id"},
        },
        "send": {"operationId": "send", "requestBody": {"parcel_token": f"{body}parcel_token"}},
        "show": {
            "operationId": "show",
            "parameters": {
                "path.parcel_id": f"{body}parcel_id",
                "header.Parcel-Token": f"{body}parcel_token",
            },
        },
    }


def test_a_page_leads_on_from_its_first_item() -> None:
    found = links_of(made_by="GET", status=200, answers=Parcels)
    assert found["show"]["parameters"]["path.parcel_id"] == "$response.body#/items/0/parcel_id"


def test_what_was_only_looked_at_leads_nowhere() -> None:
    assert links_of(made_by="GET", status=200) == {}


def test_an_answer_without_an_id_of_its_own_leads_nowhere() -> None:
    assert links_of(answers=Nothing) == {}
    assert links_of(answers=None) == {}
