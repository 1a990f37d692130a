"""Whether an answer is what the API's document says."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from runtime.openapi import documents
from shared.http import App

# What the gateway, and API Gateway, answer in front of every route, so that no operation tells of it.
_IN_FRONT = {408, 413}


class Undocumented(AssertionError):
    """An answer that the document does not tell of."""


class ApiDocument:
    """The document of some apps, to hold answers against."""

    def __init__(self, apps: dict[str, App]) -> None:
        self.document = documents.of_whole(apps)
        self._validators: dict[tuple[str, str, str, str], Draft202012Validator] = {}

    def check(self, method: str, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
        """Refuses (Undocumented) an answer of the operation whose status, type or body the document does not have.

        `path` is the route's, with its parameters' names; header names are in lower case.
        """
        operation = self.document["paths"][path][method.lower()]
        told = self._response(operation, status)
        about = f"{method} {path} answered {status} {body[:300]!r}"
        if told is None:
            if status in _IN_FRONT:
                return
            raise Undocumented(f"{about}, a status the document does not have")
        content = told.get("content", {})
        media_type = headers.get("content-type", "").partition(";")[0]
        if not content:
            if body:
                raise Undocumented(f"{about}, a body the document does not have")
            return
        if media_type not in content:
            raise Undocumented(f"{about} as {media_type}, a type the document does not have")
        if "schema" in content[media_type]:
            validator = self._validator(method, path, str(status), media_type, content[media_type]["schema"])
            for error in validator.iter_errors(json.loads(body)):
                raise Undocumented(f"{about}, where {error.json_path} is wrong: {error.message[:300]}")

    def _response(self, operation: dict[str, Any], status: int) -> dict[str, Any] | None:
        told: dict[str, Any] | None = operation["responses"].get(str(status))
        if told is not None and "$ref" in told:
            told = self.document["components"]["responses"][told["$ref"].rsplit("/", 1)[-1]]
        return told

    def _validator(self, *key_and_schema: Any) -> Draft202012Validator:
        *key, schema = key_and_schema
        found = self._validators.get(tuple(key))
        if found is None:
            found = Draft202012Validator(
                {**schema, "components": self.document["components"]},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
            self._validators[tuple(key)] = found
        return found
