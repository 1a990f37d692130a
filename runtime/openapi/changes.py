"""What two versions of an OpenAPI document differ in, and which of it breaks clients (after oasdiff's rules)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runtime.openapi.schema_changes import Change, Node, SchemaComparison, resolved

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def changes(before: Node, after: Node) -> list[Change]:
    """Every change between two documents, in the order of their paths."""
    return list(_paths(before, after))


def _paths(before: Node, after: Node) -> Iterator[Change]:
    for path in sorted({*before["paths"], *after["paths"]}):
        old, new = before["paths"].get(path, {}), after["paths"].get(path, {})
        for method in _METHODS:
            place = f"{method.upper()} {path}"
            if method in old and method not in new:
                yield Change(True, place, "is gone")
            elif method in new and method not in old:
                yield Change(False, place, "is new")
            elif method in old:
                for breaking, inner, what in _operation(before, after, old[method], new[method]):
                    yield Change(breaking, f"{place} {inner}".rstrip(), what)


def _operation(before: Node, after: Node, old: Node, new: Node) -> Iterator[Change]:
    if old["operationId"] != new["operationId"]:
        yield Change(True, "", f"is called {new['operationId']}, and was {old['operationId']}")
    if new.get("deprecated") and not old.get("deprecated"):
        yield Change(False, "", "is deprecated")
    if _open(old) != _open(new):
        yield Change(_open(old), "", "needs a token" if _open(old) else "needs no token any more")
    yield from _parameters(before, after, old, new)
    yield from _bodies(before, after, old.get("requestBody"), new.get("requestBody"))
    yield from _responses(before, after, _told(before, old), _told(after, new))


def _open(operation: Node) -> bool:
    needed = operation.get("security", [])
    return not needed or {} in needed


def _parameters(before: Node, after: Node, old: Node, new: Node) -> Iterator[Change]:
    first, second = _by_name(old), _by_name(new)
    for key in sorted({*first, *second}):
        place = " ".join(key)
        if key not in second:
            yield Change(True, place, "is gone")
        elif key not in first:
            required = second[key].get("required", False)
            yield Change(required, place, "is new and required" if required else "is new")
        else:
            yield from _required(first[key], second[key], place)
            comparison = SchemaComparison(before, after, "asked")
            yield from comparison.compare(first[key]["schema"], second[key]["schema"], place)


def _by_name(operation: Node) -> dict[tuple[str, str], Node]:
    return {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}


def _required(old: Node, new: Node, place: str) -> Iterator[Change]:
    was, now = old.get("required", False), new.get("required", False)
    if was != now:
        yield Change(now, place, "is required, and was not" if now else "may be left out, and was required")


def _bodies(before: Node, after: Node, old: Node | None, new: Node | None) -> Iterator[Change]:
    if old is None and new is not None:
        required = new.get("required", False)
        yield Change(required, "body", "is new and required" if required else "is new")
    elif old is not None and new is None:
        yield Change(True, "body", "is gone")
    elif old is not None and new is not None:
        yield from _required(old, new, "body")
        yield from _contents(SchemaComparison(before, after, "asked"), old["content"], new["content"], "body")


def _responses(before: Node, after: Node, old: Node, new: Node) -> Iterator[Change]:
    for status in sorted({*old, *new}):
        place = f"answer {status}"
        was, now = old.get(status), new.get(status)
        if status >= "400" and _is_refusal(was, now):
            yield from _refusals(was, now, place)
        elif now is None:
            yield Change(True, place, "is gone")
        elif was is None:
            yield Change(False, place, "is new")
        else:
            for name in sorted(set(was.get("headers", {})) - set(now.get("headers", {}))):
                yield Change(True, f"{place} header {name}", "is gone")
            comparison = SchemaComparison(before, after, "answered")
            yield from _contents(comparison, was.get("content", {}), now.get("content", {}), place)


def _told(document: Node, operation: Node) -> dict[str, Node]:
    return {status: resolved(document, response) for status, response in operation["responses"].items()}


def _contents(comparison: SchemaComparison, old: Node, new: Node, place: str) -> Iterator[Change]:
    for media_type in sorted({*old, *new}):
        if media_type not in new:
            yield Change(True, place, f"is never {media_type}, and was")
        elif media_type not in old:
            yield Change(False, place, f"may be {media_type}, and never was")
        else:
            yield from comparison.compare(old[media_type].get("schema", {}), new[media_type].get("schema", {}), "$")


def _is_refusal(*responses: Node | None) -> bool:
    return all("application/problem+json" in one.get("content", {}) for one in responses if one is not None)


def _refusals(old: Node | None, new: Node | None, place: str) -> Iterator[Change]:
    """A client decides by the type of a problem: a type that is gone has most likely been renamed."""
    before, after = _types(old), _types(new)
    for one in sorted(before - after):
        yield Change(True, place, f"is never {one}, and was")
    for one in sorted(after - before):
        yield Change(False, place, f"may be {one}, and never was")


def _types(response: Node | None) -> set[str]:
    if response is None:
        return set()
    parts: list[Any] = response["content"]["application/problem+json"]["schema"]["allOf"]
    return {
        value
        for part in parts
        if isinstance(part, Mapping)
        for value in part.get("properties", {}).get("type", {}).get("enum", ())
    }
