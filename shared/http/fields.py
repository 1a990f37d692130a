"""Parts of answers: `?fields=name,venue.city` leaves out all else, `?expand=venue` puts more in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from shared.http import conditional
from shared.http.answer import JSON, Encoded
from shared.http.problems import ValidationFailed
from shared.http.text import item_kind, member_kinds, type_of

FIELDS: Final = "fields"
EXPAND: Final = "expand"
NAMES_MAX: Final = 50

# A member's name → the chosen members of its value, or None for the whole of it.
Chosen = dict[str, dict[str, None] | None]


class Selection:
    """Reads which parts of an operation's answer are wanted, and makes the answer so.

    `answers` is the type of the answer's body; of a list, names are those of its items. `expandable` are the names that
    the handler understands in `call.expand`.
    """

    __slots__ = ("_answers", "_expandable")

    def __init__(self, answers: Any, expandable: Sequence[str] = ()) -> None:
        self._answers = answers
        self._expandable = frozenset(expandable)

    def read(self, given: Mapping[str, Sequence[str]]) -> tuple[Chosen | None, frozenset[str]]:
        """The chosen fields (None: all) and the expansions. Raises ValidationFailed naming the parameter."""
        fields = _names(given, FIELDS)
        expand = frozenset(_names(given, EXPAND) or ())
        for name in sorted(expand - self._expandable):
            known = ", ".join(sorted(self._expandable)) or "nothing"
            raise _refusal(EXPAND, f"There is no '{name[:100]}' to expand here, but {known}.")
        return None if fields is None else self._chosen(fields), expand

    def _chosen(self, fields: Iterable[str]) -> Chosen:
        known = member_kinds(_item(type_of(self._answers)))
        chosen: Chosen = {}
        for field in fields:
            name, dot, inner = field.partition(".")
            if name not in known or (dot and inner not in member_kinds(_element(known[name]))):
                raise _refusal(FIELDS, f"The answer has no field '{field[:100]}'.")
            if not dot:
                chosen[name] = None
            elif (some := chosen.setdefault(name, {})) is not None:
                some[inner] = None
        return chosen

    def applied(self, encoded: Encoded, chosen: Chosen | None, expand: frozenset[str]) -> Encoded:
        """The answer with the chosen fields alone. Its ETag says the choice, and a Link to the next page repeats it."""
        headers = encoded.all_headers
        if encoded.status_code != 200 or headers.get("Content-Type") != JSON:
            return encoded
        choice = []
        if chosen is not None:
            body = msgspec.json.decode(encoded.content)
            encoded.content = msgspec.json.encode(_selected(body, chosen, listed=_is_list(type_of(self._answers))))
            choice.append(f"{FIELDS}={','.join(sorted(_written(chosen)))}")
        if expand:
            choice.append(f"{EXPAND}={','.join(sorted(expand))}")
        parameters = "&".join(choice)
        if "ETag" in headers:
            digest = hashlib.blake2b(parameters.encode(), digest_size=4).hexdigest()
            headers["ETag"] = conditional.marked(headers["ETag"], digest)
        if "Link" in headers:
            headers["Link"] = headers["Link"].replace('>; rel="next"', f'&{parameters}>; rel="next"')
        return encoded


def _names(given: Mapping[str, Sequence[str]], parameter: str) -> list[str] | None:
    texts = given.get(parameter)
    if texts is None:
        return None
    if len(texts) != 1:
        raise _refusal(parameter, "The parameter was given more than once; names are parted by commas.")
    names = texts[0].split(",")
    if len(names) > NAMES_MAX:
        raise _refusal(parameter, f"At most {NAMES_MAX} names can be given.")
    return names


def _refusal(parameter: str, detail: str) -> ValidationFailed:
    problem = ValidationFailed(detail, field=parameter)
    problem.extra["in"] = "query"
    return problem


def _selected(body: Any, chosen: Chosen, *, listed: bool) -> Any:
    if listed and isinstance(body, dict):
        return {**body, "items": _some(body["items"], chosen)}
    return _some(body, chosen)


def _some(value: Any, chosen: Mapping[str, Any] | None) -> Any:
    if chosen is None:
        return value
    if isinstance(value, list):
        return [_some(one, chosen) for one in value]
    if isinstance(value, dict):
        return {name: _some(one, chosen[name]) for name, one in value.items() if name in chosen}
    return value


def _written(chosen: Chosen) -> Iterable[str]:
    for name, inner in chosen.items():
        yield from [name] if inner is None else (f"{name}.{one}" for one in inner)


def _is_list(kind: Any) -> bool:
    """Whether the answer is an object around its `items`."""
    items = member_kinds(kind).get("items")
    return items is not None and item_kind(items) is not None


def _item(kind: Any) -> Any:
    return item_kind(member_kinds(kind)["items"]) if _is_list(kind) else _element(kind)


def _element(kind: Any) -> Any:
    """The type itself, or that of its items."""
    item = item_kind(kind)
    return kind if item is None else item
