"""Which problems an operation can be refused with, and how OpenAPI tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from shared.http.access import Member
from shared.http.idempotency import Idempotency
from shared.http.mapping import ProblemMapper
from shared.http.operations import Operation
from shared.http.problems import (
    MEDIA_TYPE,
    TYPE_PREFIX,
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    HeaderTooLarge,
    InternalError,
    NotFound,
    Problem,
    ScopeMissing,
    TooMany,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.throttling.headers import LEFT, POLICY

# Status, slug of the type, title.
Refusal = tuple[int, str, str]

SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457). Decide by `type`; `title` and `detail` are for people.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": f"^{TYPE_PREFIX}[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong with this very request."},
        "field": {
            "type": "string",
            "description": "The JSON path in the body, or the name of the parameter or header, that is not acceptable.",
        },
        "in": {
            "type": "string",
            "enum": ["path", "query"],
            "description": "Where a parameter named by `field` stands.",
        },
        "trace_id": {"type": "string", "description": "Finds the request in the logs."},
    },
    "required": ["type", "title", "status", "trace_id"],
}
# Whatever is asked can come with a header that is too long; whatever an API does can fail, and whatever it depends on
# can be away.
_ALWAYS: Final = (HeaderTooLarge, InternalError, Unavailable)
_WITH_RETRY_AFTER: Final = (409, 429, 503)


def refusals(operation: Operation, mapper: ProblemMapper) -> list[Refusal]:
    """Every problem of an operation, sorted: those of the kit and those it declares.

    Raises ValueError for a declared exception that becomes no problem document.
    """
    found = {_told(kind) for kind in _ALWAYS}
    found.update(_of_request(operation))
    if operation.idempotency is not None:
        found.update(_of_keys(operation.idempotency))
    for kind in operation.errors:
        found.add(mapper.promised(kind))
    for header in operation.headers:
        found.update(mapper.promised(kind) for kind in header.errors)
    return sorted(found)


def _of_request(operation: Operation) -> Iterator[Refusal]:
    if operation.throttle is None or operation.throttle.counted != "nowhere":
        yield _told(TooMany)
    if operation.access.needs_sign_in:
        yield _told(Unauthorized)
        yield _told(ScopeMissing)
    if isinstance(operation.access, Member):
        if operation.access.roles or f"{{{operation.access.organiser}}}" not in operation.path:
            yield _told(Forbidden)
        # What is another's is not there.
        yield _told(NotFound)
    if "{" in operation.path:
        yield _told(NotFound)
    if operation.raw_body is None:
        # Any parameter that the operation does not have.
        yield _told(ValidationFailed)
    if operation.query is not None:
        yield _told(BadRequest)
        if "cursor" in {field.encode_name for field in msgspec.structs.fields(operation.query)}:
            yield _told(BadRequest, "bad-cursor")
    if operation.body is not None:
        yield _told(BadRequest, "malformed-json")
        yield _told(UnsupportedMediaType)
    if operation.body is not None or operation.raw_body is not None:
        yield _told(BodyTooLarge)


def _of_keys(policy: Idempotency) -> Iterator[Refusal]:
    yield _told(BadRequest, "idempotency-key-unfit")
    if policy.required:
        yield _told(BadRequest, "idempotency-key-missing")
    if policy.store is not None:
        yield _told(Conflict, "idempotency-in-flight")
        yield _told(ValidationFailed, "idempotency-key-reused")


def _told(kind: type[Problem], slug: str | None = None) -> Refusal:
    return kind.status, slug or kind.slug, kind.title


def responses(refused: list[Refusal]) -> dict[str, Any]:
    """The responses of an operation that is refused in these ways, by status."""
    found: dict[str, Any] = {}
    for status in sorted({one[0] for one in refused}):
        titles = list(dict.fromkeys(title for known, _, title in refused if known == status))
        slugs = sorted({slug for known, slug, _ in refused if known == status})
        found[str(status)] = _response(status, slugs, titles)
    return found


def _response(status: int, slugs: list[str], titles: list[str]) -> dict[str, Any]:
    types = {"enum": [TYPE_PREFIX + slug for slug in slugs]}
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"type": types, "status": {"const": status}}},
        ]
    }
    headers = {"Trace-Id": {"$ref": "#/components/headers/Trace-Id"}}
    if status in _WITH_RETRY_AFTER:
        headers["Retry-After"] = {"$ref": "#/components/headers/Retry-After"}
    if status == TooMany.status:
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in (POLICY, LEFT)}
    return {
        "description": ". ".join(titles) + ".",
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def share(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Takes the refusals of one type that stand in several operations out of paths, and answers them by their names."""
    places: dict[str, list[dict[str, Any]]] = {}
    for item in paths.values():
        for operation in item.values():
            for response in operation["responses"].values():
                name = _name(response)
                if name is not None:
                    places.setdefault(name, []).append(response)
    shared: dict[str, Any] = {}
    for name, found in sorted(places.items()):
        first = dict(found[0])
        # One type may have several titles, and then it is told of where it stands.
        if len(found) > 1 and all(other == first for other in found):
            shared[name] = first
            for response in found:
                response.clear()
                response["$ref"] = f"#/components/responses/{name}"
    return shared


def _name(response: Mapping[str, Any]) -> str | None:
    content = response.get("content", {}).get(MEDIA_TYPE)
    types = content["schema"]["allOf"][1]["properties"]["type"]["enum"] if content is not None else []
    return types[0].removeprefix(TYPE_PREFIX) if len(types) == 1 else None
