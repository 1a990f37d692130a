"""What breaks a client is told apart from growth, rule by rule and in both directions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from runtime.openapi import changes as comparison
from runtime.openapi.changes import changes
from runtime.openapi.schema_changes import SchemaComparison

Edit = Callable[[dict[str, Any]], None]
PROBLEM = {"allOf": [{}, {"properties": {"type": {"enum": ["urn:sold-out", "urn:busy"]}}}]}
ASKED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "quantity": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
        "name": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]+$"},
        "kind": {"enum": ["seat", "floor"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
        "weight": {"type": "number"},
        "any": {},
        "line": {"$ref": "#/components/schemas/Line"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
ANSWERED: dict[str, Any] = {**copy.deepcopy(ASKED), "required": list(ASKED["properties"])}
LINE = {"type": "object", "title": "Line", "properties": {"next": {"$ref": "#/components/schemas/Line"}}}
BEFORE: dict[str, Any] = {
    "paths": {
        "/v1/holds": {
            "post": {
                "operationId": "place_hold",
                "security": [],
                "parameters": [
                    {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer", "maximum": 100}},
                    {"name": "Key", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Asked"}},
                        "text/csv": {},
                    },
                },
                "responses": {
                    "200": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answered"}}},
                    },
                    "204": {},
                    "409": {"$ref": "#/components/responses/refused"},
                },
            },
            "get": {"operationId": "list_holds", "security": [{"bearer": []}], "responses": {"200": {}}},
        },
    },
    "components": {
        "schemas": {"Asked": ASKED, "Answered": ANSWERED, "Line": LINE},
        "responses": {"refused": {"content": {"application/problem+json": {"schema": PROBLEM}}}},
    },
}


def after(edit: Edit) -> dict[str, Any]:
    document = copy.deepcopy(BEFORE)
    edit(document)
    return document


def told(edit: Edit) -> list[tuple[bool, str]]:
    return [(one.breaking, f"{one.place} {one.what}") for one in changes(BEFORE, after(edit))]


def post(edit: Edit) -> Edit:
    return lambda document: edit(document["paths"]["/v1/holds"]["post"])


def asked(edit: Edit) -> Edit:
    return lambda document: edit(document["components"]["schemas"]["Asked"])


def answered(edit: Edit) -> Edit:
    return lambda document: edit(document["components"]["schemas"]["Answered"])


def put(*steps: Any) -> Edit:
    """Sets the value at a path of keys; the last step is the value."""

    def edit(node: Any) -> None:
        for step in steps[:-2]:
            node = node[step]
        node[steps[-2]] = steps[-1]

    return edit


def drop(*steps: Any) -> Edit:
    """Takes away what is at a path of keys."""

    def edit(node: Any) -> None:
        for step in steps[:-1]:
            node = node[step]
        del node[steps[-1]]

    return edit


OF_OPERATIONS: dict[str, tuple[Edit, bool]] = {
    "a path is gone": (drop("paths", "/v1/holds"), True),
    "a method is gone": (drop("paths", "/v1/holds", "get"), True),
    "a path is new": (put("paths", "/v1/more", {"get": {"operationId": "x", "responses": {}}}), False),
    "an operation is called otherwise": (post(put("operationId", "hold")), True),
    "an operation is deprecated": (post(put("deprecated", True)), False),
    "a token is needed": (post(put("security", [{"bearer": []}])), True),
    "no token is needed": (put("paths", "/v1/holds", "get", "security", [{}, {"bearer": []}]), False),
    "a parameter is gone": (post(drop("parameters", 0)), True),
    "a parameter is required": (post(put("parameters", 0, "required", True)), True),
    "a parameter may be left out": (post(put("parameters", 1, "required", False)), False),
    "a parameter takes less": (post(put("parameters", 0, "schema", "maximum", 50)), True),
    "a parameter takes more": (post(put("parameters", 0, "schema", "maximum", 200)), False),
    "a body is gone": (post(drop("requestBody")), True),
    "a body is required": (post(put("requestBody", "required", True)), True),
    "a body may not be of a type": (post(drop("requestBody", "content", "text/csv")), True),
    "a body may be of a type": (post(put("requestBody", "content", "text/xml", {})), False),
    "an answer is gone": (post(drop("responses", "204")), True),
    "an answer is new": (post(put("responses", "202", {})), False),
    "an answer is not of a type": (post(put("responses", "200", "content", {})), True),
    "an answer has lost a header": (post(drop("responses", "200", "headers", "ETag")), True),
}


def new_parameter(required: bool) -> Edit:
    parameter = {"name": "sort", "in": "query", "required": required, "schema": {"type": "string"}}
    return post(lambda operation: operation["parameters"].append(parameter))


def problem_types(*types: str) -> Edit:
    return put(
        *("components", "responses", "refused", "content", "application/problem+json", "schema"),
        {"allOf": [{}, {"properties": {"type": {"enum": list(types)}}}]},
    )


OF_OPERATIONS |= {
    "a required parameter is new": (new_parameter(True), True),
    "an optional parameter is new": (new_parameter(False), False),
    "a type of problem is gone": (problem_types("urn:busy"), True),
    "a type of problem is new": (problem_types("urn:sold-out", "urn:busy", "urn:closed"), False),
    "refusals of a status are gone": (post(drop("responses", "409")), True),
    "refusals of a status are new": (post(put("responses", "410", {"$ref": "#/components/responses/refused"})), False),
}

# What breaks when it is asked for, and what when it is answered.
OF_SCHEMAS: dict[str, tuple[Edit, bool, bool]] = {
    "a member is gone": (drop("properties", "note"), True, True),
    "a member is new": (put("properties", "zone", {"type": "string"}), False, False),
    "a member may be left out": (put("required", []), False, True),
    "a member is required": (put("required", [*ASKED["properties"]]), True, False),
    "another type": (put("properties", "quantity", {"type": "string", "default": 1}), True, True),
    "a type less": (put("properties", "note", {"type": "string"}), True, False),
    "a type more": (put("properties", "weight", {"anyOf": [{"type": "number"}, {"type": "null"}]}), False, True),
    "whole numbers only": (put("properties", "weight", {"type": "integer"}), True, False),
    "anything no more": (put("properties", "any", {"type": "string"}), True, False),
    "anything from now on": (put("properties", "tags", {}), False, True),
    "a value less": (put("properties", "kind", "enum", ["seat"]), True, False),
    "a value more": (put("properties", "kind", "enum", ["seat", "floor", "box"]), False, False),
    "a choice of values": (put("properties", "name", "enum", ["a"]), True, False),
    "any value": (put("properties", "kind", {"type": "string"}), False, True),
    "a higher least": (put("properties", "quantity", "minimum", 2), True, False),
    "a lower least": (put("properties", "quantity", "minimum", 0), False, True),
    "a lower most": (put("properties", "name", "maxLength", 10), True, False),
    "a higher most": (put("properties", "name", "maxLength", 30), False, True),
    "a limit more": (put("properties", "tags", "minItems", 1), True, False),
    "a limit less": (drop("properties", "tags", "maxItems"), False, True),
    "another pattern": (put("properties", "name", "pattern", "^[A-Z]+$"), True, True),
    "a format": (put("properties", "name", "format", "email"), True, False),
    "other items": (put("properties", "tags", "items", {"type": "integer"}), True, True),
    "another default": (put("properties", "quantity", "default", 2), True, False),
    "other members": (put("additionalProperties", True), False, False),
    "a rule nobody knows": (put("properties", "name", "contains", {}), True, True),
}


def test_no_change_is_no_change() -> None:
    assert changes(BEFORE, copy.deepcopy(BEFORE)) == []


@pytest.mark.parametrize("case", OF_OPERATIONS)
def test_changes_of_operations(case: str) -> None:
    edit, breaking = OF_OPERATIONS[case]
    found = told(edit)
    assert found, "the change is not seen"
    assert any(breaks for breaks, _ in found) == breaking, found


@pytest.mark.parametrize("case", OF_SCHEMAS)
def test_changes_of_what_is_asked(case: str) -> None:
    edit, breaking, _ = OF_SCHEMAS[case]
    found = told(asked(edit))
    assert found, "the change is not seen"
    assert any(breaks for breaks, _ in found) == breaking, found


@pytest.mark.parametrize(
    "case", [case for case in OF_SCHEMAS if case not in ("a member is required", "another default")]
)
def test_changes_of_what_is_answered(case: str) -> None:
    edit, _, breaking = OF_SCHEMAS[case]
    found = told(answered(edit))
    assert found, "the change is not seen"
    assert any(breaks for breaks, _ in found) == breaking, found


def test_requests_that_take_members_they_know_alone_break_those_that_send_more() -> None:
    open_before = after(asked(put("additionalProperties", True)))
    assert [one.breaking for one in changes(open_before, BEFORE)] == [True]


def test_the_place_is_named() -> None:
    [(breaking, sentence)] = told(asked(put("properties", "tags", "items", {"type": "integer"})))[:1]
    assert breaking
    assert sentence.startswith("POST /v1/holds $.tags[] ")


def test_words_and_names_of_schemas_are_no_change() -> None:
    def rename(document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        schemas["Row"] = schemas.pop("Line")
        schemas["Row"]["properties"]["next"] = {"$ref": "#/components/schemas/Row"}
        schemas["Row"] |= {"title": "Row", "description": "In other words."}
        for name in ("Asked", "Answered"):
            schemas[name]["properties"]["line"] = {"$ref": "#/components/schemas/Row"}

    assert told(rename) == []


def test_a_refusal_told_in_place_is_the_one_referred_to() -> None:
    inline = BEFORE["components"]["responses"]["refused"]
    assert told(post(put("responses", "409", inline))) == []


def test_without_a_look_at_the_direction_narrowed_requests_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: requests judged as answers are let those changes through that break clients."""
    backwards = lambda before, after, direction: SchemaComparison(before, after, "answered")  # noqa: E731
    monkeypatch.setattr(comparison, "SchemaComparison", backwards)
    missed = [
        case
        for case, (edit, breaking, _) in OF_SCHEMAS.items()
        if breaking and not any(breaks for breaks, _ in told(asked(edit)))
    ]
    assert {"a type less", "a value less", "a lower most", "a member is required"} <= set(missed)
