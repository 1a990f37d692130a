"""Examples of requests and answers: recorded by a test that passes, released, and put into the documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "api" / "examples"
_JSON: Final = "application/json"

# By service and operation: `request` and `answer` as JSON values, each only where there is one, and the `status`.
Examples = dict[str, dict[str, dict[str, Any]]]


def released(folder: Path = FOLDER) -> Examples:
    """The examples in a folder, none where it is not there: an image of the gateway need not have it."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def text(examples: Mapping[str, Any]) -> str:
    """A service's examples as they are written down."""
    return json.dumps(dict(sorted(examples.items())), indent=1, ensure_ascii=False) + "\n"


def illustrate(document: dict[str, Any], examples: Examples) -> None:
    """Puts each example beside the schema it is one of; those of operations that the document has not are left out."""
    known = {name: one for of_service in examples.values() for name, one in of_service.items()}
    for item in document["paths"].values():
        for operation in item.values():
            example = known.get(operation["operationId"])
            if example is not None and operation["operationId"] != "health":
                _put(operation.get("requestBody", {}), example, "request")
                _put(operation["responses"].get(str(example["status"]), {}), example, "answer")


def _put(place: dict[str, Any], example: Mapping[str, Any], which: str) -> None:
    content = place.get("content", {}).get(_JSON)
    if content is not None and which in example:
        # Another type of the same content may share the object, and an answer's other status, too.
        place["content"] = {**place["content"], _JSON: {**content, "examples": {"example": {"value": example[which]}}}}
