"""Types for the web app: one for each schema that answers consist of."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.openapi.typescript import types_of


def document(schemas: dict[str, Any], answered: str = "Shown") -> dict[str, Any]:
    def content(name: str) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    operation = {
        "requestBody": content("Sent"),
        "responses": {"200": content(answered), "409": content("Problem")},
    }
    others = {"Sent": {"type": "object", "properties": {}}, "Problem": {"type": "object", "properties": {}}}
    return {"paths": {"/v1/things": {"post": operation}}, "components": {"schemas": {**others, **schemas}}}


def member(schema: dict[str, Any]) -> str:
    """The type that a schema becomes."""
    made = types_of("things", document({"Shown": {"type": "object", "properties": {"a": schema}, "required": ["a"]}}))
    return made.partition("  a: ")[2].partition(";\n}")[0]


def test_what_is_answered_is_there_and_what_is_sent_or_refused_is_not() -> None:
    inner = {"type": "object", "title": "Inner", "properties": {"b": {"type": "string"}}}
    shown = {
        "type": "object",
        "description": "What is shown.\nAnd more.",
        "properties": {"inner": {"$ref": "#/components/schemas/Inner"}, "not-a-name": {"type": "integer"}},
        "required": ["inner"],
    }
    assert types_of("things", document({"Shown": shown, "Inner": inner})) == (
        "/** What things answers, written from docs/api/things.json by `make api`. Not to be changed by hand. */\n"
        "\nexport interface Inner {\n  b?: string;\n}\n"
        '\n/** What is shown. */\nexport interface Shown {\n  inner: Inner;\n  "not-a-name"?: number;\n}\n'
    )


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date-time"}, "string"),
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({}, "unknown"),
        ({"enum": ["in", "out"]}, '"in" | "out"'),
        ({"const": 1}, "1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, "(number | null)[]"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}, "[string, number]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Record<string, number>"),
        ({"type": "object"}, "Record<string, unknown>"),
    ],
)
def test_schemas_become_types(schema: dict[str, Any], expected: str) -> None:
    assert member(schema) == expected


def test_names_of_lists_are_names_in_typescript() -> None:
    made = types_of("things", document({"PageView_Thing_": {"type": "array", "items": {}}}, answered="PageView_Thing_"))
    assert "export type PageViewThing = unknown[];" in made
