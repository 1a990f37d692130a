"""Requests into structs, and what is wrong with them into problems that name the field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shared.http.problems import BadRequest, BodyTooLarge, NotFound, Problem, UnsupportedMediaType, ValidationFailed

BODY_BYTES_MAX = 256 * 1024
NESTING_MAX = 32
PATH_PARAMETER_LENGTH_MAX = 200
QUERY_LENGTH_MAX = 4096

# msgspec ends its sentences with the place: "Expected `int`, got `str` - at `$.lines[0].quantity`".
_PLACE = re.compile(r" - at `(?:key in )?(?P<place>\$[^`]*)`$")
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
# SQL databases and C libraries end a text there, so it is no part of any text of ours.
_NUL_ESCAPED = rb"\u0000"
_NUL_REFUSED = "A text cannot hold the character NUL."
_JSON_TYPES = ("application/json", "application/merge-patch+json")


class BodyReader:
    """Reads JSON bodies of one type, of at most so many bytes."""

    __slots__ = ("_decoder", "bytes_max")

    def __init__(self, kind: Any, bytes_max: int = BODY_BYTES_MAX) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self.bytes_max = bytes_max

    def read(self, raw: bytes, content_type: str | None) -> Any:
        """The body as the route's type.

        Raises BodyTooLarge, UnsupportedMediaType, BadRequest for what is no JSON, ValidationFailed with the JSON path.
        """
        check_size(raw, self.bytes_max)
        if content_type is not None and content_type != "application/json":
            _check_media_type(content_type)
        # Most bodies have fewer brackets than may be nested, and need no closer look.
        if raw.count(b"[") + raw.count(b"{") > NESTING_MAX:
            _check_nesting(raw)
        try:
            body = self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise validation_problem(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = "The body is empty; JSON was expected." if not raw else f"The body is no JSON: {error}."
            raise BadRequest(detail, slug="malformed-json") from error
        except RecursionError as error:
            raise BadRequest("The body is nested too deeply.", slug="malformed-json") from error
        if _NUL_ESCAPED in raw:
            _refuse_nul(msgspec.json.decode(raw), "$")
        return body


class ParameterReader:
    """Reads text parameters, of the query or of the path, into a struct."""

    __slots__ = ("_kind", "_many", "_where")

    def __init__(self, kind: type[msgspec.Struct], where: str) -> None:
        self._kind = kind
        self._where = where
        self._many = {field.encode_name for field in msgspec.structs.fields(kind) if _takes_many(field.type)}

    def read(self, given: Mapping[str, Sequence[str]]) -> Any:
        """The parameters as the route's type. Raises ValidationFailed with the name of the parameter."""
        values: dict[str, Any] = {}
        length = 0
        for name, texts in given.items():
            length += len(name) + sum(map(len, texts))
            if any("\0" in text for text in texts):
                raise self._problem(_NUL_REFUSED, name)
            if name in self._many:
                values[name] = list(texts)
            elif len(texts) == 1:
                values[name] = texts[0]
            else:
                raise self._problem("The parameter was given more than once.", name)
        if length > QUERY_LENGTH_MAX:
            raise BadRequest("The parameters are too long.")
        try:
            return msgspec.convert(values, self._kind, strict=False)
        except msgspec.ValidationError as error:
            detail, place = _split(str(error))
            raise self._problem(detail, place.removeprefix("$.") if place else None) from error

    def _problem(self, detail: str, name: str | None) -> Problem:
        problem = ValidationFailed(detail, field=name)
        problem.extra["in"] = self._where
        return problem


def check_size(raw: bytes, bytes_max: int) -> None:
    """Refuses bodies of more bytes than that. Raises BodyTooLarge."""
    if len(raw) > bytes_max:
        raise BodyTooLarge(f"The body may have {bytes_max} bytes at most.", bytes_max=bytes_max)


def check_path(path: Mapping[str, str]) -> None:
    """Refuses path parameters that can name nothing. Raises NotFound."""
    for value in path.values():
        if len(value) > PATH_PARAMETER_LENGTH_MAX or not value.isprintable():
            raise NotFound()


def validation_problem(text: str) -> ValidationFailed:
    """The problem for what msgspec says, with the JSON path of the member it speaks of."""
    detail, place = _split(text)
    return ValidationFailed(detail, field=place or "$")


def _split(text: str) -> tuple[str, str | None]:
    found = _PLACE.search(text)
    detail = text[: found.start()] if found else text
    place = found["place"] if found else "$"
    named = _NAMED.match(detail)
    if named:
        # What is missing or unknown is named, and the path is only that of the object around it.
        place = f"{place}.{named['name']}"
    return detail.replace("`", "'"), place


def _check_media_type(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES:
        raise UnsupportedMediaType(f"Send JSON as application/json, not {media_type[:100] or 'nothing'}.")


def _check_nesting(raw: bytes) -> None:
    depth = 0
    for found in _BRACKETS.finditer(raw):
        bracket = found[0]
        if bracket in b"[{":
            depth += 1
            if depth > NESTING_MAX:
                raise BadRequest(f"The body is nested more than {NESTING_MAX} deep.", slug="malformed-json")
        elif bracket in b"]}":
            depth -= 1


def _refuse_nul(value: Any, path: str) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValidationFailed(_NUL_REFUSED, field=path)
    if isinstance(value, list):
        for number, one in enumerate(value):
            _refuse_nul(one, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, one in value.items():
            if "\0" in name:
                raise ValidationFailed(_NUL_REFUSED, field=path)
            _refuse_nul(one, f"{path}.{name}")


def _takes_many(kind: Any) -> bool:
    origins = (kind, *getattr(kind, "__args__", ()))
    return any(getattr(one, "__origin__", one) in (list, tuple, set, frozenset) for one in origins)
