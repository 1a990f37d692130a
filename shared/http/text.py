"""What a text of a request may hold, and the one form in which it goes on: Unicode's NFC.

The same word can be written with different code points, and looks the same to people; past the door there is one way,
so that names can be compared. A field whose type carries `VERBATIM` (passwords, codes, signed tokens) is never changed.
Control characters are refused, but for line breaks and tabs in fields whose type carries `LINES`.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

import msgspec

from shared.http.problems import ValidationFailed

VERBATIM: Final = msgspec.Meta(extra={"text": "verbatim"})
LINES: Final = msgspec.Meta(extra={"text": "lines"})

# The largest whole number that every JSON reader keeps exactly (RFC 8259, 6).
NUMBER_MAX: Final = 2**53 - 1
ITEMS_MAX: Final = 10_000
MEMBERS_MAX: Final = 1_000
MEMBER_NAME_LENGTH_MAX: Final = 200

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROLS_IN_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class Repeated(dict[str, Any]):
    """An object in which members were given more than once; `names` are theirs."""

    names: tuple[str, ...] = ()


def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members, as a hook of json.loads; a Repeated when a name comes twice."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    repeated = Repeated(found)
    repeated.names = tuple(name for name in found if names.count(name) > 1)
    return repeated


def clean_text(text: str, rule: str | None, field: str) -> str:
    """The text in NFC, or as it came where the rule is verbatim.

    Raises ValidationFailed with the field for control characters and for halves of surrogate pairs.
    """
    if text.isascii() and text.isprintable():
        return text
    found = (_CONTROLS_IN_LINES if rule == "lines" else _CONTROLS).search(text)
    if found is not None:
        raise ValidationFailed(f"A text cannot hold the character U+{ord(found[0]):04X}.", field=field)
    return text if rule == "verbatim" else unicodedata.normalize("NFC", text)


def clean(value: Any, kind: Any, field: str) -> Any:
    """A JSON value with every text cleaned by the rule of its place in the type `kind` (see `type_of`).

    Raises ValidationFailed, with the JSON path, for what `clean_text` refuses, for numbers beyond NUMBER_MAX, for
    members given twice and for objects and lists of too many members or items. What the value's types are is not
    looked at: that is the decoder's to say.
    """
    if isinstance(value, str):
        return clean_text(value, _rule(kind), field)
    if isinstance(value, dict):
        return _clean_object(value, kind, field)
    if isinstance(value, list):
        if len(value) > ITEMS_MAX:
            raise ValidationFailed(f"A list has {ITEMS_MAX} items at most.", field=field)
        item = item_kind(kind)
        return [clean(one, item, f"{field}[{number}]") for number, one in enumerate(value)]
    if isinstance(value, int | float) and abs(value) > NUMBER_MAX:
        raise ValidationFailed(f"A number lies between -{NUMBER_MAX} and {NUMBER_MAX}.", field=field)
    return value


def _clean_object(value: dict[str, Any], kind: Any, field: str) -> dict[str, Any]:
    if isinstance(value, Repeated):
        raise ValidationFailed("The member was given more than once.", field=f"{field}.{value.names[0][:100]}")
    if len(value) > MEMBERS_MAX:
        raise ValidationFailed(f"An object has {MEMBERS_MAX} members at most.", field=field)
    cleaned = {}
    for name, one in value.items():
        if len(name) > MEMBER_NAME_LENGTH_MAX:
            raise ValidationFailed(f"A member's name has {MEMBER_NAME_LENGTH_MAX} characters at most.", field=field)
        clean_text(name, "verbatim", field)
        cleaned[name] = clean(one, _member_kind(kind, name), f"{field}.{name}")
    return cleaned


@lru_cache(maxsize=256)
def type_of(kind: Any) -> Any:
    """What msgspec knows of a type; made when first needed, because few requests need it."""
    from msgspec import inspect

    return inspect.type_info(kind)


def rule_of_field(struct: type[msgspec.Struct], name: str) -> str | None:
    """The rule of a struct's field: verbatim, lines or None."""
    return _rule(_member_kind(type_of(struct), name))


def _rule(kind: Any) -> str | None:
    """The rule that a type carries. What is of any type is read by its domain, and may have lines."""
    from msgspec import inspect

    for one in (kind, *_options(kind)):
        if isinstance(one, inspect.Metadata) and one.extra is not None and "text" in one.extra:
            return str(one.extra["text"])
        if isinstance(one, inspect.AnyType):
            return "lines"
    return None


def _options(kind: Any) -> tuple[Any, ...]:
    from msgspec import inspect

    if isinstance(kind, inspect.Metadata) and isinstance(kind.type, inspect.UnionType):
        return _options(kind.type)
    return tuple(kind.types) if isinstance(kind, inspect.UnionType) else (kind,)


def _bare(kind: Any) -> tuple[Any, ...]:
    from msgspec import inspect

    return tuple(one.type if isinstance(one, inspect.Metadata) else one for one in _options(kind))


def _member_kind(kind: Any, name: str) -> Any:
    from msgspec import inspect

    for one in _bare(kind):
        if isinstance(one, inspect.AnyType):
            return one
        if isinstance(one, inspect.DictType):
            return one.value_type
        if isinstance(one, inspect.StructType):
            for field in one.fields:
                if field.encode_name == name:
                    return field.type
    return None


def member_kinds(kind: Any) -> dict[str, Any]:
    """The types of a struct's members by name, empty for what is no struct."""
    from msgspec import inspect

    return {
        field.encode_name: field.type
        for one in _bare(kind)
        if isinstance(one, inspect.StructType)
        for field in one.fields
    }


def item_kind(kind: Any) -> Any:
    """The type of a list's items, None for what is no list."""
    from msgspec import inspect

    for one in _bare(kind):
        if isinstance(one, inspect.AnyType):
            return one
        if isinstance(one, (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)):
            return one.item_type
    return None
