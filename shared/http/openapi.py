"""OpenAPI 3.1 of routes: everything in it is read from what the routes declare."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from shared.http import openapi_problems
from shared.http.access import Member
from shared.http.answer import JSON
from shared.http.fields import EXPAND, FIELDS
from shared.http.idempotency import KEY_LENGTH_MAX, REPLAYED_HEADER, Idempotency
from shared.http.mapping import ProblemMapper
from shared.http.openapi_links import links
from shared.http.openapi_schemas import Schema, Schemas
from shared.http.operations import Operation
from shared.http.parsing import PATH_PARAMETER_LENGTH_MAX
from shared.http.problems import Unauthorized
from shared.http.throttle import Throttle, is_shared, undeclared
from shared.throttling import plans
from shared.throttling.headers import LEFT, POLICY

VERSION: Final = "3.1.0"
# An operation, and what knows the problems of its app.
Route = tuple[Operation, ProblemMapper]
_PARAMETER: Final = re.compile(r"\{([^}+]+)\+?\}")
_MERGE_PATCH: Final = "application/merge-patch+json"
_HEADERS: Final[dict[str, Any]] = {
    "ETag": {"description": "Names this version of the answer.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true` on the answer of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RateLimit": {
        "description": 'What is left to the caller: `"free";r=42;t=8` is 42 requests, and all of them again in 8 s.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'What the caller may ask: `"free";q=200;w=10` is 200 at once, and as many again within 10 s.',
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "The seconds after which the same request may fare better.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Trace-Id": {"description": "Finds the request in the logs.", "schema": {"type": "string"}},
}


def document(title: str, description: str, version: str, routes: Sequence[Route]) -> dict[str, Any]:
    """The OpenAPI document of routes, the same for the same routes in whatever order they come.

    Raises ValueError for two operations of one name, and for a declared error that becomes no problem document.
    """
    ordered = sorted(routes, key=lambda route: (route[0].path, route[0].method))
    names = [operation.name for operation, _ in ordered]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"more than one operation is called {', '.join(twice)}")
    schemas = Schemas(operation for operation, _ in ordered)
    paths: dict[str, Any] = {}
    for operation, mapper in ordered:
        path = _PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, mapper, schemas)
    for operation, _ in ordered:
        led_to = links(operation, (one for one, _ in ordered))
        if led_to:
            told = paths[_PARAMETER.sub(r"{\1}", operation.path)][operation.method.lower()]
            told["responses"][str(operation.status)]["links"] = led_to
    shared = openapi_problems.share(paths)
    schemas.components["Problem"] = openapi_problems.SCHEMA
    schemas.keep([paths, shared])
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version, "description": description},
        "x-rate-plans": _plans(),
        "tags": [{"name": name} for name in sorted({operation.service for operation, _ in ordered})],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": shared,
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The access token of a session."}
            },
        },
    }


def _plans() -> dict[str, dict[str, Any]]:
    """What each plan allows, by its name; without what it does not limit."""
    told: dict[str, dict[str, Any]] = msgspec.to_builtins(plans().plans)
    return {name: {key: value for key, value in plan.items() if value is not None} for name, plan in told.items()}


def _operation(operation: Operation, mapper: ProblemMapper, schemas: Schemas) -> dict[str, Any]:
    refused = openapi_problems.refusals(operation, mapper)
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.service],
        "security": _security(operation),
        "x-rate-limit": _rate_limit(operation),
    }
    parameters = [*_path(operation, schemas), *_query(operation, schemas), *_parts(operation), *_headers(operation)]
    if parameters:
        told["parameters"] = parameters
    body = _body(operation, schemas)
    if body is not None:
        told["requestBody"] = {"required": True, "content": body}
    told["responses"] = {**_answers(operation, schemas), **_without_answers(operation, refused)}
    if operation.deprecated is not None:
        told["deprecated"] = True
    return told


def _description(operation: Operation) -> str:
    lines = [line.strip() for line in operation.description.splitlines()]
    paragraphs = ["\n".join(lines)] if operation.description else []
    if isinstance(operation.access, Member):
        roles = operation.access.roles
        paragraphs.append(f"Roles: {', '.join(roles)}." if roles else "Roles: any member.")
    if operation.throttle is not None and operation.throttle.cost > 1:
        paragraphs.append(f"Counts as {operation.throttle.cost} requests of the caller's rate.")
    if operation.sunset is not None:
        paragraphs.append(f"Ends on {operation.sunset}.")
    return "\n\n".join(paragraphs)


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.access.needs_sign_in:
        # What is listed beside the scheme is what an API key must have been given.
        return [{"bearer": [operation.scope] if operation.needs_scope else []}]
    # A public route that refuses tokens reads those it is sent.
    return [{}, {"bearer": []}] if Unauthorized in operation.errors else []


def _throttle(operation: Operation) -> Throttle:
    public = not operation.access.needs_sign_in
    return operation.throttle or undeclared(public=public, method=operation.method, cache=operation.cache)


def _rate_limit(operation: Operation) -> dict[str, Any]:
    """What a request costs, and whose requests it is counted among."""
    throttle = _throttle(operation)
    if throttle.counted == "nowhere":
        return {"cost": 0}
    return {"cost": throttle.cost, "counted_by": "person" if operation.access.needs_sign_in else "address"}


def _path(operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    declared = {} if operation.parameters is None else {one[0]: one[1] for one in schemas.members(operation.parameters)}
    text = {"type": "string", "minLength": 1, "maxLength": PATH_PARAMETER_LENGTH_MAX}
    return [
        {"name": name, "in": "path", "required": True, "schema": declared.get(name, text)}
        for name in _PARAMETER.findall(operation.path)
    ]


def _query(operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    found = []
    for name, schema, required in schemas.members(operation.query):
        given = _sayable(schema)
        parameter = {"name": name, "in": "query", "required": required, "schema": given}
        if "description" in given:
            parameter["description"] = given.pop("description")
        found.append(parameter)
    return found


def _parts(operation: Operation) -> list[dict[str, Any]]:
    """The parameters that every JSON answer's parts are chosen by."""
    if not operation.has_fields:
        return []
    about = "The members wanted, `name,venue.city`, of a list's items; all others are left out of the answer."
    found = [{"name": FIELDS, "in": "query", "required": False, "description": about, "schema": {"type": "string"}}]
    if operation.expand:
        one = "|".join(operation.expand)
        schema = {"type": "string", "pattern": f"^({one})(,({one}))*$"}
        told = "What is put in beyond the answer as it is without."
        found.append({"name": EXPAND, "in": "query", "required": False, "description": told, "schema": schema})
    return found


def _sayable(schema: Schema) -> Schema:
    """A parameter's schema without null, which a query has no way to say but to leave the parameter out."""
    plain = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    if "anyOf" in plain:
        others = [one for one in plain.pop("anyOf") if one != {"type": "null"}]
        plain = {**plain, **others[0]} if len(others) == 1 else {**plain, "anyOf": others}
    return plain


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.idempotency is not None:
        found.append(_idempotency_key(operation.idempotency))
    if operation.method == "GET" and operation.status == 200:
        about = "The ETag of an answer the client has: 304 if it still holds."
        found.append(_header("If-None-Match", about, required=False))
    found += [_header(one.name, one.description, required=one.required) for one in operation.headers]
    return found


def _header(name: str, description: str, *, required: bool) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


def _idempotency_key(policy: Idempotency) -> dict[str, Any]:
    about = "A random text, new for each request of its own: sent again with it, the request gets the same answer."
    header = _header("Idempotency-Key", about, required=policy.required)
    header["schema"] = {"type": "string", "maxLength": KEY_LENGTH_MAX, "pattern": '^[ -"$-~]+$'}
    return header


def _body(operation: Operation, schemas: Schemas) -> dict[str, Any] | None:
    if operation.body is None:
        return None if operation.raw_body is None else {operation.raw_body: {}}
    schema = {"schema": schemas.of(operation.body)}
    return {JSON: schema, _MERGE_PATCH: schema} if operation.method == "PATCH" else {JSON: schema}


def _answers(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    headers = {"Trace-Id": {"$ref": "#/components/headers/Trace-Id"}}
    if operation.method == "GET" and operation.status == 200:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    if _throttle(operation).counted != "nowhere":
        headers[POLICY] = {"$ref": f"#/components/headers/{POLICY}"}
        # What is left to whoever asked first is nobody else's affair.
        if not is_shared(operation.cache):
            headers[LEFT] = {"$ref": f"#/components/headers/{LEFT}"}
    if operation.idempotency is not None and operation.idempotency.store is not None:
        headers[REPLAYED_HEADER] = {"$ref": f"#/components/headers/{REPLAYED_HEADER}"}
    content: dict[str, Any] = {}
    if operation.answers is not None:
        content[JSON] = {"schema": schemas.of(operation.answers)}
    for media_type in operation.media_types:
        content[media_type] = {}
    found: dict[str, Any] = {}
    for status in (operation.status, *operation.other_statuses):
        found[str(status)] = {"description": HTTPStatus(status).phrase, "headers": headers}
        if content:
            found[str(status)]["content"] = content
    return found


def _without_answers(operation: Operation, refused: list[openapi_problems.Refusal]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.method == "GET" and operation.status == 200:
        found["304"] = {"description": "It is still what the client has."}
    told = openapi_problems.responses(refused)
    return found | {status: one for status, one in told.items() if int(status) not in operation.other_statuses}
