"""OpenAPI of routes: what they declare, and what the kit does for each of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from shared.auth import TokenInvalid
from shared.http import EXEMPT, IF_MATCH, IN_TABLE, PUBLIC, App, Call, NotFound, RequestHeader, Unauthorized, costing
from shared.http.openapi import Route, document
from shared.throttling import plans

PROBLEM = "application/problem+json"
PREFIX = "urn:stagedoor:problem:"


class Size(msgspec.Struct):
    width: int
    depth: int = 1


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    size: Size
    note: str | None = None


class Shown(msgspec.Struct):
    name: str
    note: str | None = None
    later: str | msgspec.UnsetType = msgspec.UNSET


class Terse(msgspec.Struct, omit_defaults=True):
    name: str
    note: str | None = None


class Both(msgspec.Struct):
    size: Size
    shown: Shown
    terse: Terse


class Refusal(Exception):
    """A refusal that no app knows."""


def routes(*apps: App) -> list[Route]:
    return [(operation, app.mapper) for app in apps for operation in app.operations]


def made(app: App) -> dict[str, Any]:
    return document("Sample", "For tests.", "v1", routes(app))


def follow(whole: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    reference = response.get("$ref")
    found: dict[str, Any] = response
    if reference is not None:
        found = whole["components"]["responses"][reference.rsplit("/", 1)[-1]]
    return found


def types(whole: dict[str, Any], operation: dict[str, Any], status: int) -> list[str]:
    schema = follow(whole, operation["responses"][str(status)])["content"][PROBLEM]["schema"]
    return [one.removeprefix(PREFIX) for one in schema["allOf"][1]["properties"]["type"]["enum"]]


def named(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in operation.get("parameters", ())}


@pytest.fixture
def small() -> App:
    """An app without an authorizer, for tests to declare what they look at."""
    return App("small")


def declare(app: App, path: str = "/v1/things", **options: Any) -> dict[str, Any]:
    """The document after one more route, and that route's operation in it."""

    @app.route(path, **{"access": PUBLIC, "name": "thing", **options})
    def thing(call: Call) -> None:
        """Does a thing."""

    return made(app)


def test_it_is_openapi(app: App) -> None:
    validate(made(app))


def test_the_order_of_routes_does_not_matter(app: App) -> None:
    assert document("Sample", "For tests.", "v1", routes(app)[::-1]) == made(app)


def test_two_operations_of_one_name_are_refused(small: App) -> None:
    declare(small)
    with pytest.raises(ValueError, match="more than one operation is called thing"):
        declare(small, path="/v1/others")


def test_parameters_stand_where_they_are_read(app: App) -> None:
    whole = made(app)
    listed = named(whole["paths"]["/v1/orders"]["get"])
    assert {name: one["in"] for name, one in listed.items()} == {
        "limit": "query",
        "cursor": "query",
        "state": "query",
        "paid": "query",
        "organiser_id": "query",
        "If-None-Match": "header",
    }
    assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    # A query cannot say null.
    assert listed["cursor"]["schema"] == {"type": "string", "minLength": 1, "maxLength": 2048}
    numbered = named(whole["paths"]["/v1/orders/{number}"]["patch"])
    assert numbered["number"] == {"name": "number", "in": "path", "required": True, "schema": {"type": "integer"}}
    assert "ListOrders" not in whole["components"]["schemas"]


def test_a_key_is_asked_for_where_a_route_wants_one(app: App) -> None:
    whole = made(app)
    keyed = whole["paths"]["/v1/keyed"]["post"]
    assert named(keyed)["Idempotency-Key"]["required"] is True
    assert types(whole, keyed, 400) == ["idempotency-key-missing", "idempotency-key-unfit"]
    assert "Idempotency-Key" not in named(whole["paths"]["/v1/orders"]["post"])


def test_a_kept_answer_can_be_awaited_replayed_and_misused(small: App) -> None:
    whole = declare(small, methods=["POST"], idempotency=IN_TABLE("ANY_TABLE_NAME", required=False))
    operation = whole["paths"]["/v1/things"]["post"]
    assert types(whole, operation, 400) == ["idempotency-key-unfit"]
    assert types(whole, operation, 409) == ["idempotency-in-flight"]
    assert types(whole, operation, 422) == ["idempotency-key-reused", "validation-failed"]
    assert "Idempotency-Replayed" in operation["responses"]["200"]["headers"]


def test_headers_of_a_route_bring_their_refusals(small: App) -> None:
    ticket = RequestHeader("Ticket", "A signed ticket.", required=True, errors=(TokenInvalid,))
    whole = declare(small, methods=["PATCH"], headers=(IF_MATCH, ticket))
    operation = whole["paths"]["/v1/things"]["patch"]
    assert named(operation)["If-Match"]["required"] is True
    assert named(operation)["Ticket"]["description"] == "A signed ticket."
    assert types(whole, operation, 412) == ["precondition-failed"]
    assert types(whole, operation, 428) == ["precondition-required"]
    assert types(whole, operation, 422) == ["token-invalid", "validation-failed"]


def test_only_what_can_occur_is_told(app: App) -> None:
    whole, always = made(app), ("429", "422", "431", "500", "503")
    assert set(whole["paths"]["/v1/document"]["get"]["responses"]) == {"200", "304", *always}
    placed = whole["paths"]["/v1/orders"]["post"]
    assert set(placed["responses"]) == {"201", "400", "401", "403", "409", "413", "415", *always}
    exempt = made(app)["paths"]["/health"]["get"]
    assert "429" not in exempt["responses"]
    assert types(whole, placed, 409) == ["sold-out"]
    assert types(whole, whole["paths"]["/v1/orders"]["get"], 400) == ["bad-cursor", "bad-request"]
    assert set(whole["paths"]["/v1/organisers/{organiser_id}/things"]["get"]["responses"]) >= {"403", "404"}


def test_an_error_that_becomes_no_problem_is_refused(small: App) -> None:
    with pytest.raises(ValueError, match="Refusal becomes no problem document"):
        declare(small, errors=(Refusal,))


def test_who_may_call_is_told(app: App, small: App) -> None:
    whole = made(app)
    assert whole["paths"]["/v1/orders"]["post"]["security"] == [{"bearer": ["sample:write"]}]
    assert whole["paths"]["/v1/orders"]["get"]["security"] == []
    things = whole["paths"]["/v1/organisers/{organiser_id}/things"]["get"]
    assert things["description"].endswith("Roles: owner, manager.")
    looked_at = declare(small, errors=(NotFound, Unauthorized))["paths"]["/v1/things"]["get"]
    assert looked_at["security"] == [{}, {"bearer": []}]


def test_answers_promise_every_field_that_is_always_sent(small: App) -> None:
    schemas = declare(small, methods=["POST"], body=Sent, answers=Both)["components"]["schemas"]
    assert schemas["Shown"]["required"] == ["name", "note"]
    assert schemas["Terse"]["required"] == ["name"]
    assert schemas["Sent"]["required"] == ["size"]
    # What is sent, too, keeps what may be left out of it.
    assert schemas["Size"]["required"] == ["width"]
    assert schemas["Sent"]["additionalProperties"] is False


def test_raw_bodies_and_answers_are_told_by_their_types(small: App) -> None:
    options: dict[str, Any] = {
        "methods": ["POST"],
        "raw_body": "text/csv",
        "media_types": ("application/pdf",),
        "status": 202,
    }
    operation = declare(small, **options)["paths"]["/v1/things"]["post"]
    assert operation["requestBody"] == {"required": True, "content": {"text/csv": {}}}
    assert operation["responses"]["202"]["content"] == {"application/pdf": {}}
    assert "413" in operation["responses"]
    assert "415" not in operation["responses"]


def test_changes_may_be_sent_as_merge_patches(app: App) -> None:
    body = made(app)["paths"]["/v1/orders/{number}"]["patch"]["requestBody"]
    assert list(body["content"]) == ["application/json", "application/merge-patch+json"]


def test_the_same_body_may_come_with_another_status(app: App) -> None:
    health = made(app)["paths"]["/health"]["get"]["responses"]
    assert health["503"]["content"] == health["200"]["content"]


def test_an_end_is_announced(app: App) -> None:
    table = made(app)["paths"]["/v1/table"]["get"]
    assert table["deprecated"] is True
    assert "Ends on Fri, 01 Jan 2027 00:00:00 GMT." in table["description"]


def test_refusals_that_are_the_same_everywhere_stand_once(app: App) -> None:
    whole = made(app)
    assert whole["paths"]["/v1/orders"]["post"]["responses"]["401"] == {"$ref": "#/components/responses/unauthorized"}
    assert "content" in whole["components"]["responses"]["unauthorized"]


def test_what_a_request_costs_is_told_with_the_headers_that_say_what_is_left(small: App) -> None:
    small.route("/v1/dear", access=PUBLIC, throttle=costing(4), answers=Shown, name="dear")(lambda call: None)
    small.route("/v1/shared", access=PUBLIC, cache="public, max-age=1", answers=Shown, name="shared")(lambda call: None)
    small.route("/v1/free", access=PUBLIC, throttle=EXEMPT, answers=Shown, name="free")(lambda call: None)
    whole = made(small)
    dear, shared, free = (whole["paths"][f"/v1/{name}"]["get"] for name in ("dear", "shared", "free"))
    assert dear["x-rate-limit"] == {"cost": 4, "counted_by": "address"}
    assert {"RateLimit", "RateLimit-Policy"} <= set(dear["responses"]["200"]["headers"])
    refused = follow(whole, dear["responses"]["429"])["headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(refused)
    assert set(shared["responses"]["200"]["headers"]) & {"RateLimit", "RateLimit-Policy"} == {"RateLimit-Policy"}
    assert free["x-rate-limit"] == {"cost": 0}
    assert not set(free["responses"]["200"]["headers"]) & {"RateLimit", "RateLimit-Policy"}
    assert "429" not in free["responses"]


def test_the_plans_are_told_as_they_are_read(app: App) -> None:
    told = made(app)["x-rate-plans"]
    assert set(told) == {"anonymous", *plans().offered}
    assert (told["pro"]["rate"], told["pro"]["burst"]) == (plans().plans.pro.rate, plans().plans.pro.burst)
    assert "quota" not in told["anonymous"]
