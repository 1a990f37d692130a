"""The OpenAPI documents: valid, complete, released as the code says, and true to what routes declare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from openapi_spec_validator import validate

from runtime.deployment.stages import SERVICES
from runtime.gateway.routing import HEALTH
from runtime.openapi import documents
from runtime.openapi.typescript import types_of
from runtime.triggers.sources import load_app
from shared.http import App
from shared.http.access import Member

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "api"
TYPES = ROOT / "web" / "src" / "api" / "generated"
HTTP_METHODS = ("get", "put", "post", "patch", "delete")
APPS = {service: cast(App, load_app(service)) for service in SERVICES}


def released(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((API / f"{name}.json").read_text(encoding="utf-8"))
    return found


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, item in document["paths"].items() for method in item}


def declared(*apps: App) -> set[tuple[str, str]]:
    """The routes as Chalice knows them, which is what API Gateway will serve; HEAD is said with every GET."""
    routes = [(method, path) for app in apps for path, methods in app.routes.items() for method in methods]
    heads, gets = ({path for method, path in routes if method == one} for one in ("HEAD", "GET"))
    assert heads == gets
    return {(method.lower(), path) for method, path in routes if method != "HEAD"}


@pytest.mark.parametrize("name", [*SERVICES, documents.WHOLE])
def test_a_released_document_is_openapi(name: str) -> None:
    validate(released(name))


def test_there_are_no_other_documents() -> None:
    assert {path.name for path in API.glob("*.json")} == {f"{name}.json" for name in (*SERVICES, documents.WHOLE)}


def test_what_is_released_is_what_the_code_says() -> None:
    for name, made in documents.of_all(APPS).items():
        assert (API / f"{name}.json").read_text(encoding="utf-8") == documents.text(made), f"{name}: run `make api`"


def test_the_web_apps_types_are_those_of_the_documents() -> None:
    written = {path.stem: path.read_text(encoding="utf-8") for path in TYPES.iterdir()}
    assert written == {service: types_of(service, released(service)) for service in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_of_a_service_is_in_its_document(service: str) -> None:
    assert operations(released(service)) == declared(APPS[service])


def test_every_route_is_in_the_whole() -> None:
    assert operations(released(documents.WHOLE)) == declared(*APPS.values())
    assert ("get", HEALTH) in operations(released(documents.WHOLE))


def test_a_route_without_a_document_is_missed() -> None:
    """The negative control: one more route, and the comparison with the released document fails."""
    app = App("orders")
    app.routes |= {**APPS["orders"].routes, "/v1/secret-orders": APPS["orders"].routes["/v1/orders"]}
    assert operations(released("orders")) != declared(app)


def test_every_operation_has_a_summary_and_says_more() -> None:
    for path, item in released(documents.WHOLE)["paths"].items():
        for method, operation in item.items():
            assert operation["summary"].strip(), (method, path)
            assert operation["description"].strip(), (method, path)
            assert not operation["summary"].endswith("."), (method, path)


def test_no_name_of_a_schema_tells_where_its_code_lies() -> None:
    whole = released(documents.WHOLE)
    assert [name for name in whole["components"]["schemas"] if name.startswith("services.")] == []
    assert "#/components/schemas/services." not in json.dumps(whole)


def test_routes_for_members_say_so() -> None:
    for app in APPS.values():
        for operation in app.operations:
            told = released(app.service)["paths"][operation.path][operation.method.lower()]
            assert ("Roles: " in told["description"]) == isinstance(operation.access, Member), operation.name
            scopes = [operation.scope] if operation.needs_scope else []
            assert (told["security"] == [{"bearer": scopes}]) == operation.access.needs_sign_in, operation.name


def linked(document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every link of a document with the schema of the answer it starts from."""
    return [
        (link, response["content"]["application/json"]["schema"])
        for item in document["paths"].values()
        for operation in item.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]


@pytest.mark.parametrize("name", [*SERVICES, documents.WHOLE])
def test_every_link_leads_from_a_member_to_a_parameter_that_there_is(name: str) -> None:
    document = released(name)
    known = {operation["operationId"]: operation for item in document["paths"].values() for operation in item.values()}
    for link, schema in linked(document):
        target = known[link["operationId"]]
        taken = {f"{one['in']}.{one['name']}" for one in target.get("parameters", ())}
        assert set(link.get("parameters", {})) <= taken, link
        assert link.get("parameters") or "requestBody" in target, link
        for expression in (*link.get("parameters", {}).values(), *link.get("requestBody", {}).values()):
            if expression.startswith("$response.body#/"):
                assert member(document, schema, expression.removeprefix("$response.body#/").split("/")), link


def member(document: dict[str, Any], schema: dict[str, Any], steps: list[str]) -> dict[str, Any]:
    """The schema of a member of a member. Raises KeyError where there is none."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if not steps:
        return schema
    return member(document, schema["items"] if steps[0].isdigit() else schema["properties"][steps[0]], steps[1:])


def test_a_sale_can_be_followed_along_the_links() -> None:
    paths = released(documents.WHOLE)["paths"]
    assert "place_order" in paths["/v1/holds"]["post"]["responses"]["201"]["links"]
    assert "open_checkout" in paths["/v1/orders"]["post"]["responses"]["201"]["links"]
    assert "show_payment" in paths["/v1/payments"]["post"]["responses"]["201"]["links"]
