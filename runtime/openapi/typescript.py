"""The web app's types of what the API answers, written from the documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]
_HEAD = (
    "/** What {service} answers, written from docs/api/{service}.json by `make api`. Not to be changed by hand. */\n"
)
_MEMBER = re.compile(r"[A-Za-z_$][\w$]*")


def types_of(service: str, document: Node) -> str:
    """A module with a type for each schema that a service's answers consist of, in the order of their names."""
    schemas = document["components"].get("schemas", {})
    parts = [_declaration(name, schemas[name]) for name in sorted(_answered(document))]
    return "\n".join([_HEAD.format(service=service), *parts])


def _answered(document: Node) -> set[str]:
    schemas = document["components"].get("schemas", {})
    waiting = [
        name
        for item in document["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status < "400"
        for name in _references(response)
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rsplit("/", 1)[-1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _declaration(name: str, schema: Node) -> str:
    about = str(schema.get("description", "")).partition("\n")[0].replace("*/", "")
    comment = f"/** {about} */\n" if about else ""
    if "properties" not in schema:
        return f"{comment}export type {_name(name)} = {_type(schema)};\n"
    required = schema.get("required", ())
    members = [
        f"  {_member(member)}{'' if member in required else '?'}: {_type(inner)};\n"
        for member, inner in schema["properties"].items()
    ]
    return f"{comment}export interface {_name(name)} {{\n{''.join(members)}}}\n"


def _name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", name)


def _member(name: str) -> str:
    return name if _MEMBER.fullmatch(name) else json.dumps(name)


def _type(schema: Node) -> str:
    if "$ref" in schema:
        return _name(str(schema["$ref"]).rsplit("/", 1)[-1])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one) for one in schema["anyOf"]))
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return " | ".join(json.dumps(value) for value in values)
    kind = schema.get("type")
    if kind == "array":
        return _array(schema)
    if kind == "object":
        others = schema.get("additionalProperties")
        return f"Record<string, {_type(others) if isinstance(others, Mapping) else 'unknown'}>"
    return {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}.get(
        str(kind), "unknown"
    )


def _array(schema: Node) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_type(one) for one in schema['prefixItems'])}]"
    items = _type(schema.get("items", {}))
    return f"({items})[]" if " | " in items else f"{items}[]"
