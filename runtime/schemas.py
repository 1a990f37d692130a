"""The released JSON schemas of the messages: written from the structs, and kept from anything but growth.

`make schemas` writes them to `contracts/schemas/`. A released schema is a promise to every consumer, so a change that
could break one is refused: it belongs into a `v2` beside the `v1`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from shared.messaging import Message

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
_SAID_ONLY = ("title", "description")


def publishers() -> list[str]:
    """The modules of `contracts/` that publish messages, which are named like the services."""
    return sorted(path.stem for path in CONTRACTS.glob("*.py") if (ROOT / "services" / path.stem).is_dir())


def messages() -> dict[str, type[Message]]:
    """Every message by the name of its type."""
    return {
        message.type_name: message
        for publisher in publishers()
        for message in importlib.import_module(f"contracts.{publisher}").MESSAGES
    }


def schema(message: type[Message]) -> dict[str, Any]:
    """The JSON schema of a message, with every definition it needs."""
    # Through JSON, as it is released: a default of () is [] there.
    written = json.loads(msgspec.json.encode(msgspec.json.schema(message)))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": message.type_name, **written}


def released(type_name: str) -> dict[str, Any] | None:
    """The schema as it was released, or None for a message that is new."""
    path = CONTRACTS / "schemas" / f"{type_name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def breaks(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of a schema's change is more than growth, as sentences; empty when only optional fields were added."""
    return list(_breaks(before, after, before, after, "$", frozenset()))


def _breaks(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    path: str,
    seen: frozenset[tuple[str, str]],
) -> Iterator[str]:
    """Compares one node of two documents; `before` and `after` are the documents, for their references."""
    if "$ref" in old and "$ref" in new:
        pair = (str(old["$ref"]), str(new["$ref"]))
        if pair in seen:
            return
        seen |= {pair}
    old, new = _resolved(before, old), _resolved(after, new)
    for missing in sorted(set(old.get("properties", {})) - set(new.get("properties", {}))):
        yield f"{path}.{missing} is gone"
    for added in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{path}.{added} is required, and was not"
    for dropped in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{path}.{dropped} may be left out, and consumers count on it"
    for name in sorted(set(old.get("properties", {})) & set(new.get("properties", {}))):
        yield from _breaks(before, after, old["properties"][name], new["properties"][name], f"{path}.{name}", seen)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        yield from _breaks(before, after, old["items"], new["items"], f"{path}[]", seen)
    if "anyOf" in old and len(old["anyOf"]) == len(new.get("anyOf", ())):
        for one, other in zip(old["anyOf"], new["anyOf"], strict=True):
            yield from _breaks(before, after, one, other, path, seen)
    handled = {"properties", "required", "items", "anyOf", "$ref", "$defs", "default", *_SAID_ONLY}
    if len(old.get("anyOf", ())) != len(new.get("anyOf", ())):
        yield f"{path} has other alternatives than before"
    for key in sorted((set(old) | set(new)) - handled):
        if old.get(key) != new.get(key):
            yield f"{path}: {key} is {new.get(key)!r}, and was {old.get(key)!r}"


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = document["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
    return node


def main() -> int:
    """Writes all schemas; refuses, and writes none, when one would break what was released."""
    found = {type_name: schema(message) for type_name, message in messages().items()}
    refused = False
    for type_name, now in found.items():
        before = released(type_name)
        for sentence in breaks(before, now) if before is not None else ():
            print(f"{type_name}: {sentence}", file=sys.stderr)
            refused = True
    if refused:
        print("Nothing was written: contracts only grow by optional fields. Make a v2 beside the v1.", file=sys.stderr)
        return 1
    for type_name, now in found.items():
        path = CONTRACTS / "schemas" / f"{type_name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    print(f"{len(found)} schemas are in contracts/schemas")
    return 0


if __name__ == "__main__":
    sys.exit(main())
