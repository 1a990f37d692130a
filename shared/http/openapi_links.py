"""Which operations an answer leads to: OpenAPI's links, found by the names of the ids and tokens in the answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from shared.http.operations import Operation
from shared.http.text import item_kind, member_kinds, type_of

_PARAMETER: Final = re.compile(r"\{([^}+]+)\+?\}")

_LEADING: Final = ("_id", "_token")


def links(source: Operation, operations: Iterable[Operation]) -> dict[str, Any]:
    """The links of an operation's good answer, by the names of the operations they lead to.

    An answer that begins with an id tells of one thing, and a page tells of its items. From what was made, and from a
    page, a link leads wherever that id, or a token beside it, is asked for and all else that is required is at hand.
    """
    own, given = _own(source)
    if not own:
        return {}
    for name in _PARAMETER.findall(source.path):
        given.setdefault(name, f"$request.path.{name}")
    found = {}
    for target in sorted(operations, key=lambda one: one.name):
        if target is not source:
            link = _link(target, given)
            if link is not None and not own.isdisjoint(_expressions(link)):
                found[target.name] = {"operationId": target.name, **link}
    return found


def _own(source: Operation) -> tuple[set[str], dict[str, str]]:
    """Where the ids and tokens are that are the answer's own, and where all of its members are."""
    kind = None if source.answers is None else type_of(source.answers)
    members, place = member_kinds(kind), "$response.body#/"
    if next(iter(members), None) == "items":
        members, place = member_kinds(item_kind(members["items"])), "$response.body#/items/0/"
    elif source.status != 201:
        return set(), {}
    first = next(iter(members), "")
    if not first.endswith("_id") or f"{{{first}}}" in source.path:
        return set(), {}
    given = {name: place + name for name in members}
    return {given[name] for name in members if name == first or name.endswith("_token")}, given


def _link(target: Operation, given: Mapping[str, str]) -> dict[str, Any] | None:
    parameters: dict[str, str] = {}
    for name in _PARAMETER.findall(target.path):
        if name not in given:
            return None
        parameters[f"path.{name}"] = given[name]
    for name, required in _fields(target.query):
        # An optional parameter narrows a list down, which is meant where it is the thing's own id.
        if name in given and name.endswith("_id"):
            parameters[f"query.{name}"] = given[name]
        elif required:
            return None
    for header in target.headers:
        name = header.name.lower().replace("-", "_")
        if header.required and name in given:
            parameters[f"header.{header.name}"] = given[name]
    link: dict[str, Any] = {"parameters": parameters} if parameters else {}
    needed = [name for name, required in _fields(target.body) if required]
    if needed and all(name in given and name.endswith(_LEADING) for name in needed):
        link["requestBody"] = {name: given[name] for name in needed}
    elif target.body is not None and not parameters:
        return None
    return link


def _expressions(link: Mapping[str, Any]) -> set[str]:
    return {*link.get("parameters", {}).values(), *link.get("requestBody", {}).values()}


def _fields(kind: Any) -> list[tuple[str, bool]]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return []
    return [(field.encode_name, field.required) for field in msgspec.structs.fields(kind)]
