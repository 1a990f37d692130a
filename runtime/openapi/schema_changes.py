"""What changes of a schema mean to clients: what is asked of them may only widen, what they are answered only narrow.

New members and new values of enumerations in answers are growth: the API tells its clients to expect them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

Node = Mapping[str, Any]
Direction = Literal["asked", "answered"]


class Change(NamedTuple):
    """One difference: where, what, and whether a client that works today may fail by it."""

    breaking: bool
    place: str
    what: str


_SAID_ONLY: Final = ("title", "description", "examples", "deprecated", "$comment")
_AT_LEAST: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_AT_MOST: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_EXACT: Final = ("pattern", "format", "multipleOf", "uniqueItems", "contentEncoding")
_LOOKED_INTO: Final = (
    *("type", "enum", "const", "default", "properties", "required", "additionalProperties"),
    *("items", "prefixItems", "anyOf", "$ref"),
    *_SAID_ONLY,
    *_AT_LEAST,
    *_AT_MOST,
    *_EXACT,
)
_NUMBERS: Final = ("integer", "number")


class SchemaComparison:
    """Compares schemas of two documents, which it knows for their references."""

    def __init__(self, before: Node, after: Node, direction: Direction) -> None:
        self._before = before
        self._after = after
        self._asked = direction == "asked"
        self._seen: set[tuple[str, str]] = set()

    def compare(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        """Every difference of two schemas and of what is in them."""
        if "$ref" in old and "$ref" in new:
            pair = (str(old["$ref"]), str(new["$ref"]))
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = resolved(self._before, old), resolved(self._after, new)
        if self._asked and old.get("default") != new.get("default"):
            yield Change(True, place, f"is {new.get('default')!r} when left out, and was {old.get('default')!r}")
        yield from self._alternatives(old, new, place)

    def _alternatives(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        before, after = self._by_kind(self._before, old), self._by_kind(self._after, new)
        # A schema that says nothing lets everything through.
        if "anything" in before or "anything" in after:
            if "anything" not in after:
                yield Change(self._asked, place, f"is only {' or '.join(sorted(after))}, and was anything")
            elif "anything" not in before:
                yield Change(not self._asked, place, f"is anything, and was {' or '.join(sorted(before))}")
            return
        for kind in sorted(set(before) - set(after)):
            yield Change(self._asked, place, f"is never {kind}, and was")
        for kind in sorted(set(after) - set(before)):
            yield Change(not self._asked, place, f"may be {kind}, and never was")
        for kind in sorted(set(before) & set(after)):
            yield from self._one(before[kind], after[kind], place)

    def _by_kind(self, document: Node, node: Node) -> dict[str, Node]:
        alternatives = [resolved(document, one) for one in node.get("anyOf", [node])]
        objects = sum(_kind(one) == "object" for one in alternatives)
        return {
            f"object {one.get('title')}" if objects > 1 and _kind(one) == "object" else _kind(one): one
            for one in alternatives
        }

    def _one(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        if old.get("type") != new.get("type") and {old.get("type"), new.get("type")} == set(_NUMBERS):
            narrower = new["type"] == "integer"
            yield Change(narrower == self._asked, place, f"is {new['type']}, and was {old['type']}")
        yield from self._limits(old, new, place)
        yield from self._enumeration(old, new, place)
        yield from self._members(old, new, place)
        yield from self._items(old, new, place)
        for keyword in sorted((set(old) | set(new)) - set(_LOOKED_INTO)):
            if old.get(keyword) != new.get(keyword):
                # A rule for it is missing, so that nobody can say that it is harmless.
                yield Change(True, place, f"has {keyword} {new.get(keyword)!r}, and had {old.get(keyword)!r}")

    def _limits(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        for keyword in (*_AT_LEAST, *_AT_MOST, *_EXACT):
            before, after = old.get(keyword), new.get(keyword)
            if before == after:
                continue
            narrower, wider = after is not None, before is not None
            if before is not None and after is not None and keyword not in _EXACT:
                narrower = (after > before) == (keyword in _AT_LEAST)
                wider = not narrower
            told = f"has {keyword} {after!r}, and had {before!r}"
            yield Change(narrower if self._asked else wider, place, told)

    def _enumeration(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        before, after = _values(old), _values(new)
        if before is None and after is not None:
            yield Change(self._asked, place, f"is one of {', '.join(map(str, after))}, and was any")
        elif before is not None and after is None:
            yield Change(not self._asked, place, f"may be any, and was one of {', '.join(map(str, before))}")
        elif before is not None and after is not None:
            for value in (one for one in before if one not in after):
                yield Change(self._asked, place, f"is never {value!r}, and was")
            for value in (one for one in after if one not in before):
                yield Change(False, place, f"may be {value!r}, and never was")

    def _members(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(set(before) - set(after)):
            yield Change(True, f"{place}.{name}", "is gone")
        for name in sorted(set(after) - set(before)):
            told = "is new and required" if name in needs else "is new"
            yield Change(self._asked and name in needs, f"{place}.{name}", told)
        for name in sorted(set(before) & set(after)):
            if name in needs - needed:
                yield Change(self._asked, f"{place}.{name}", "is required, and was not")
            if name in needed - needs:
                yield Change(not self._asked, f"{place}.{name}", "may be left out, and was always there")
            yield from self.compare(before[name], after[name], f"{place}.{name}")
        yield from self._others(old.get("additionalProperties", True), new.get("additionalProperties", True), place)

    def _others(self, before: Any, after: Any, place: str) -> Iterator[Change]:
        """Members by any name."""
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.compare(before, after, f"{place}.*")
        elif before != after:
            if after is False or before is True:
                yield Change(self._asked, place, "takes fewer other members than before")
            else:
                # Clients are told to pass over members they do not know.
                yield Change(not self._asked and before is not False, place, "takes more other members than before")

    def _items(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        before, after = old.get("prefixItems", ()), new.get("prefixItems", ())
        if len(before) != len(after):
            yield Change(True, place, f"has {len(after)} places, and had {len(before)}")
        for number, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from self.compare(one, other, f"{place}[{number}]")
        items, others = old.get("items", {}), new.get("items", {})
        if isinstance(items, Mapping) and isinstance(others, Mapping):
            yield from self.compare(items, others, f"{place}[]")
        elif items != others:
            yield Change(True, place, f"has items {others!r}, and had {items!r}")


def _kind(node: Node) -> str:
    if "type" in node:
        kind = str(node["type"])
        return "number" if kind in _NUMBERS else kind
    values = _values(node)
    if values is None:
        return "anything"
    return "string" if all(isinstance(value, str) for value in values) else "value"


def _values(node: Node) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    found = node.get("enum")
    return list(found) if found is not None else None


def resolved(document: Node, node: Node) -> Node:
    """What a node says, or what it refers to in its document."""
    while "$ref" in node:
        found: Any = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node
