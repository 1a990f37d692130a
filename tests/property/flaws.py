"""What can be wrong with a body or with parameters, read from the types that a route declares."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

NUL, HUGE, INEXACT = "a\0b", 10**400, 2**53
UNREADABLE = ("a\ud800b", "a\x1bb", "a\x85b", "\x7f")
Path = tuple[str | int, ...]


class Flaw(NamedTuple):
    """Something wrong with a body: what to do at which place, and the field a refusal has to name."""

    place: Path
    what: str
    value: Any = None

    @property
    def field(self) -> str:
        """The place as problem documents write it."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)

    def spoil(self, good: Any) -> Any:
        """The body with the flaw in it."""
        # By way of JSON, because a body may hold the same price twice, and only one of them is to be spoilt.
        body = json.loads(json.dumps(good))
        inner = body
        for step in self.place[:-1]:
            inner = inner[step]
        if self.what == "missing":
            del inner[self.place[-1]]
        else:
            inner[self.place[-1]] = self.value
        return body


def flaws(kind: Any, value: Any, place: Path = ()) -> Iterator[Flaw]:
    """What can be wrong with a value of that type, as it stands in a good body, at its place and below it."""
    options = options_of(kind)
    if any(isinstance(one, inspect.AnyType) for one in options):
        return
    if place:
        yield from (Flaw(place, "wrong", wrong) for wrong in wrong_values(options))
    for one in options:
        if isinstance(one, inspect.StructType) and isinstance(value, dict):
            yield Flaw((*place, "surprise"), "unknown", 1)
            for field in one.fields:
                if field.encode_name in value and field.required:
                    yield Flaw((*place, field.encode_name), "missing")
                yield from flaws(field.type, value.get(field.encode_name), (*place, field.encode_name))
        elif isinstance(one, (inspect.VarTupleType, inspect.ListType)) and isinstance(value, list):
            for number, item in enumerate(value):
                yield from flaws(one.item_type, item, (*place, number))


def options_of(kind: Any) -> tuple[Any, ...]:
    """The types that a value may be of, without what is noted beside them."""
    bare = kind.type if isinstance(kind, inspect.Metadata) else kind
    if isinstance(bare, inspect.UnionType):
        return tuple(option for one in bare.types for option in options_of(one))
    return (bare,)


KINDS: dict[type, tuple[type[inspect.Type], ...]] = {
    str: (inspect.StrType, inspect.LiteralType, inspect.EnumType, inspect.DateTimeType, inspect.DateType),
    # A whole number is a number as well.
    int: (inspect.IntType, inspect.FloatType),
    float: (inspect.FloatType,),
    bool: (inspect.BoolType,),
    type(None): (inspect.NoneType,),
    list: (inspect.VarTupleType, inspect.ListType),
    dict: (inspect.StructType, inspect.DictType),
}


def accepts(options: tuple[Any, ...], sample: Any) -> bool:
    """Whether a value of the sample's JSON type can be right at all."""
    return any(isinstance(one, KINDS.get(type(sample), ())) for one in options)


def wrong_values(options: tuple[Any, ...]) -> Iterator[Any]:
    """Values that no option takes: of every other JSON type, and just beyond what each option allows."""
    yield from (sample for sample in ("text", 7, 1.5, True, None, [1], {"a": 1}) if not accepts(options, sample))
    if accepts(options, 7):
        yield from (HUGE, -HUGE, INEXACT, -INEXACT, float(INEXACT))
    for one in options:
        if isinstance(one, inspect.StrType):
            yield from (NUL, *UNREADABLE)
            if one.max_length is not None:
                yield "x" * (one.max_length + 1)
            if one.min_length or one.pattern is not None:
                yield from ("", " ")
        elif isinstance(one, (inspect.IntType, inspect.FloatType)):
            yield from (one.ge - 1,) if one.ge is not None else ()
            yield from (one.le + 1,) if one.le is not None else ()
        elif isinstance(one, (inspect.VarTupleType, inspect.ListType)) and one.min_length:
            yield []
        elif isinstance(one, (inspect.LiteralType, inspect.DateTimeType, inspect.DateType)):
            yield from ("nonsense", "", "2026-13-45T99:00:00Z", NUL)


def of_another_type(options: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Any JSON value that is of none of the types that can be right; text, also of letters nobody has."""
    leaves: list[st.SearchStrategy[Any]] = [st.text(max_size=30), st.booleans(), st.none()]
    leaves += [st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False)]
    nested = st.recursive(
        st.one_of(leaves),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )

    def wrong(value: Any) -> bool:
        # A whole number is a whole number however it is written.
        whole = isinstance(value, float) and math.isfinite(value) and value.is_integer()
        return not accepts(options, int(value) if whole else value)

    return nested.filter(wrong)


def places(kind: Any, value: Any, place: Path = ()) -> Iterator[tuple[Path, tuple[Any, ...]]]:
    """Every place of a good body that has a type, with its options."""
    found = {flaw.place for flaw in flaws(kind, value, place) if flaw.what == "wrong"}
    for where in sorted(found, key=str):
        options = type_at(kind, where)
        if options is not None:
            yield where, options


def type_at(kind: Any, place: Path) -> tuple[Any, ...] | None:
    """The options at a place below a type."""
    options = options_of(kind)
    if not place:
        return options
    for one in options:
        if isinstance(one, inspect.StructType):
            return next((type_at(f.type, place[1:]) for f in one.fields if f.encode_name == place[0]), None)
        if isinstance(one, (inspect.VarTupleType, inspect.ListType)):
            return type_at(one.item_type, place[1:])
    return None


def wrong_parameters(kind: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """Parameters that cannot be right, by name."""
    yield "surprise", "1"
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        yield from ((name, text) for text in ("", NUL, "a\tb", "a\x85b", "x" * 3000))
        if name in ("q", "city"):
            # Any words are right: what has no word in it is not.
            yield from ((name, text) for text in ("\ud800", "–", " ", "?!", "%"))
        elif name in ("price_min", "price_max"):
            yield from ((name, text) for text in ("-1", "many", "1.5", "1e400", str(HUGE), "100000001"))
        elif name in ("limit",):
            yield from ((name, text) for text in ("0", "101", "-1", "many", "1.5", "1e400", str(HUGE), "١٢x", "null"))
        elif name == "cursor":
            yield from ((name, text) for text in ("x", "?", "\ud800", "AAAA", "a" * 200, "é"))
        else:
            yield from ((name, text) for text in ("x", "\ud800", "é" * 30, "2026-13-45", "org_' OR 1=1 --"))


def is_no_object(raw: bytes) -> bool:
    """Whether the bytes are no JSON object. Chance finds `{}` now and then, which asks for a change of nothing."""
    try:
        return not isinstance(json.loads(raw), dict)
    except ValueError:
        return True
