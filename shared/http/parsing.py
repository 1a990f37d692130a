"""Requests into structs, and what is wrong with them into problems that name the field."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from shared.http.problems import (
    BadRequest,
    BodyTooLarge,
    HeaderTooLarge,
    NotFound,
    Problem,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.http.text import ITEMS_MAX, MEMBER_NAME_LENGTH_MAX, clean, clean_text, members, rule_of_field, type_of

BODY_BYTES_MAX = 256 * 1024
HEADER_LENGTH_MAX = 16 * 1024
NESTING_MAX = 32
PATH_PARAMETER_LENGTH_MAX = 200
QUERY_LENGTH_MAX = 4096

# msgspec ends its sentences with the place: "Expected `int`, got `str` - at `$.lines[0].quantity`".
_PLACE = re.compile(r" - at `(?:key in )?(?P<place>\$[^`]*)`$")
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>[^`]*)`")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
# Without any of these, texts are plain ASCII and numbers are small: an escape, other letters, long numbers, exponents.
# A number stands at the beginning, behind one of these signs, or behind a blank; within a text, most digits do not.
_SUSPICIOUS = re.compile(rb"[\\\x7f-\xff]|(?:^|[\[:,\s])-?\d(?:\d{15}|[\d.]*[eE])")
# Every text of a body without escapes, so that none is missed, with the colon behind those that are members' names.
_TEXTS = re.compile(rb'"([^"]*)"(\s*:)?')
_JSON_TYPES = ("application/json", "application/merge-patch+json")


class BodyReader:
    """Reads JSON bodies of one type, of at most so many bytes."""

    __slots__ = ("_decoder", "_kind", "bytes_max")

    def __init__(self, kind: Any, bytes_max: int = BODY_BYTES_MAX) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)
        self.bytes_max = bytes_max

    def read(self, raw: bytes, content_type: str | None) -> Any:
        """The body as the route's type, its texts in NFC (see `shared.http.text`).

        Raises BodyTooLarge, UnsupportedMediaType, BadRequest for what is no JSON, ValidationFailed with the JSON path.
        """
        check_size(raw, self.bytes_max)
        if content_type is not None and content_type != "application/json":
            _check_media_type(content_type)
        # Most bodies have fewer brackets than may be nested, and need no closer look.
        if raw.count(b"[") + raw.count(b"{") > NESTING_MAX:
            _check_nesting(raw)
        if not _is_plain(raw):
            raw = self._cleaned(raw)
        try:
            body = self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise validation_problem(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            detail = "The body is empty; JSON was expected." if not raw else f"The body is no JSON: {error}."
            raise BadRequest(detail, slug="malformed-json") from error
        except RecursionError as error:
            raise BadRequest("The body is nested too deeply.", slug="malformed-json") from error
        return body

    def _cleaned(self, raw: bytes) -> bytes:
        """The body as it goes on: the same bytes where nothing in it had to change."""
        try:
            value = json.loads(raw.decode(), object_pairs_hook=members, parse_constant=_no_number)
        except (ValueError, RecursionError):
            # The decoder finds words for it.
            return raw
        cleaned = clean(value, type_of(self._kind), "$")
        return raw if cleaned == value else msgspec.json.encode(cleaned)


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
            if name in self._many:
                values[name] = [self._text(text, name) for text in texts]
            elif len(texts) == 1:
                values[name] = self._text(texts[0], name)
            else:
                raise self._problem("The parameter was given more than once.", name)
        if length > QUERY_LENGTH_MAX:
            raise BadRequest("The parameters are too long.")
        try:
            return msgspec.convert(values, self._kind, strict=False)
        except msgspec.ValidationError as error:
            detail, place = _split(str(error))
            raise self._problem(detail, place.removeprefix("$.") if place else None) from error

    def _text(self, text: str, name: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        try:
            return clean_text(text, rule_of_field(self._kind, name), name)
        except ValidationFailed as refused:
            raise self._problem(str(refused), name) from refused

    def _problem(self, detail: str, name: str | None) -> Problem:
        problem = ValidationFailed(detail, field=name)
        problem.extra["in"] = self._where
        return problem


def check_size(raw: bytes, bytes_max: int) -> None:
    """Refuses bodies of more bytes than that. Raises BodyTooLarge."""
    if len(raw) > bytes_max:
        raise BodyTooLarge(f"The body may have {bytes_max} bytes at most.", bytes_max=bytes_max)


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuses headers longer than HEADER_LENGTH_MAX characters. Raises HeaderTooLarge with the header's name."""
    if headers and max(map(len, headers.values())) > HEADER_LENGTH_MAX:
        name = next(name for name, value in headers.items() if len(value) > HEADER_LENGTH_MAX)
        raise HeaderTooLarge(f"A header may have {HEADER_LENGTH_MAX} characters at most.", field=name[:100])


def clean_path(path: Mapping[str, str]) -> dict[str, str]:
    """The path parameters, in NFC. Raises NotFound for those that can name nothing."""
    for value in path.values():
        if len(value) > PATH_PARAMETER_LENGTH_MAX or not value.isprintable():
            raise NotFound()
    return {name: clean_text(value, None, name) for name, value in path.items()}


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


def refuse_parameters(given: Mapping[str, Sequence[str]]) -> NoReturn:
    """For a route that takes none, when some came: what nobody reads is a mistake that its sender should hear of.

    Raises ValidationFailed with the name of the first.
    """
    problem = ValidationFailed("There is no such parameter.", field=next(iter(given))[:PATH_PARAMETER_LENGTH_MAX])
    problem.extra["in"] = "query"
    raise problem


def _is_plain(raw: bytes) -> bool:
    """Whether nothing in a body can need a closer look: most have nothing to clean, and no name in them twice."""
    if _SUSPICIOUS.search(raw) is not None or raw.count(b",") >= ITEMS_MAX:
        return False
    names = [text for text, colon in _TEXTS.findall(raw) if colon]
    return len(set(names)) == len(names) and (not names or max(map(len, names)) <= MEMBER_NAME_LENGTH_MAX)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _takes_many(kind: Any) -> bool:
    origins = (kind, *getattr(kind, "__args__", ()))
    return any(getattr(one, "__origin__", one) in (list, tuple, set, frozenset) for one in origins)
