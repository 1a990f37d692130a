"""Texts at the door: what they may hold, and the form in which they go on."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http import LINES, VERBATIM, BadRequest, QueryParameters, RequestBody, ValidationFailed, parsing
from shared.http.parsing import BodyReader, ParameterReader, clean_path
from shared.http.text import ITEMS_MAX, MEMBERS_MAX, NUMBER_MAX

ACCENT = "e\u0301"
COMPOSED = "\u00e9"


class Part(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    label: Annotated[str, msgspec.Meta(max_length=8)]


class Thing(RequestBody, frozen=True):
    name: str = ""
    secret: Annotated[str, VERBATIM] | None = None
    text: Annotated[str | None, LINES] = None
    number: int = 0
    weight: float = 0.0
    parts: tuple[Part, ...] = ()
    loose: Any = None
    notes: dict[str, str] | None = None


class Asked(QueryParameters, frozen=True):
    name: list[str] = msgspec.field(default_factory=list)
    cursor: Annotated[str, VERBATIM] | None = None


reader = BodyReader(Thing, 1024 * 1024)


def read(body: Any) -> Thing:
    """The body as a handler gets it."""
    thing: Thing = reader.read(body if isinstance(body, bytes) else json.dumps(body).encode(), None)
    return thing


def refused(body: Any) -> str | None:
    """The field that a refusal names."""
    with pytest.raises(ValidationFailed) as refusal:
        read(body)
    return refusal.value.field


def test_texts_go_on_in_one_form_wherever_they_stand() -> None:
    thing = read(
        {"name": ACCENT, "parts": [{"label": ACCENT}], "loose": {"a": [ACCENT]}, "notes": {"a": ACCENT}, "text": ACCENT}
    )
    assert (thing.name, thing.parts[0].label, thing.text) == (COMPOSED, COMPOSED, COMPOSED)
    assert (thing.loose, thing.notes) == ({"a": [COMPOSED]}, {"a": COMPOSED})


def test_letters_that_came_as_escapes_are_normalised_as_well() -> None:
    assert read(b'{"name": "e\\u0301"}').name == COMPOSED


def test_a_secret_goes_on_as_it_came() -> None:
    assert read({"secret": ACCENT + "\u212a"}).secret == ACCENT + "\u212a"


def test_a_length_is_that_of_the_form_that_goes_on() -> None:
    assert read({"parts": [{"label": ACCENT * 8}]}).parts[0].label == COMPOSED * 8
    assert refused({"parts": [{"label": ACCENT * 9}]}) == "$.parts[0].label"


@pytest.mark.parametrize("letter", ["\0", "\x08", "\x1b", "\x7f", "\x85", "\ud800"])
def test_control_characters_and_halves_of_pairs_are_named(letter: str) -> None:
    for field, body in (
        ("$.name", {"name": f"a{letter}"}),
        ("$.secret", {"secret": letter}),
        ("$.text", {"text": letter}),
        ("$.parts[1].label", {"parts": [{"label": "a"}, {"label": letter}]}),
        ("$.loose.a[0]", {"loose": {"a": [letter]}}),
        ("$.notes", {"notes": {letter: "a"}}),
    ):
        assert refused(body) == field


def test_line_breaks_are_for_fields_that_have_lines() -> None:
    assert read({"text": "a\r\n\tb", "loose": ["a\nb"]}).text == "a\r\n\tb"
    for letter in "\n\r\t":
        assert refused({"name": f"a{letter}b"}) == "$.name"


def test_members_that_come_twice_are_named() -> None:
    assert refused(b'{"name": "a", "name": "b"}') == "$.name"
    assert refused(b'{"parts": [{"label": "a", "label": "a"}]}') == "$.parts[0].label"
    assert refused(b'{"name": "a", "n\\u0061me": "b"}') == "$.name"
    assert refused(b'{"name":"1","loose":{":a":"2",":a":"3"}}') == "$.loose.:a"
    assert read(b'{"name": "a:", "loose": [":", ":", {"b": ":"}]}').loose == [":", ":", {"b": ":"}]
    assert read(b'{"parts": [{"label": "a"}, {"label": "a"}]}').parts == (Part("a"), Part("a"))


def test_numbers_that_not_every_reader_keeps_are_named() -> None:
    assert read({"number": NUMBER_MAX}).number == NUMBER_MAX
    assert read({"weight": 0.1234567890123456789}).weight == 0.1234567890123456789
    for number in (NUMBER_MAX + 1, -NUMBER_MAX - 1, 10**400):
        assert refused({"number": number}) == "$.number"
        assert refused({"loose": [number]}) == "$.loose[0]"
    for text in (b"1e16", b"1E+16", b"12345678901e9", b"1e999"):
        assert refused(b'{"number": ' + text + b"}") == "$.number"
        assert refused(b'{"loose": ' + text + b"}") == "$.loose"


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"0" * 17, b"1" * 5000])
def test_what_is_no_number_of_json_is_refused_beside_other_letters(text: bytes) -> None:
    with pytest.raises((BadRequest, ValidationFailed)):
        read(b'{"name": "\xc3\xa9", "number": ' + text + b"}")


def test_lists_and_objects_have_bounds() -> None:
    assert len(read({"loose": [0] * ITEMS_MAX}).loose) == ITEMS_MAX
    assert refused({"loose": [0] * (ITEMS_MAX + 1)}) == "$.loose"
    names = {f"n{number}": "" for number in range(MEMBERS_MAX + 1)}
    assert refused({"notes": names, "name": COMPOSED}) == "$.notes"
    assert refused({"notes": {"n" * 201: "a"}}) == "$.notes"


def test_parameters_are_cleaned_and_cursors_are_not() -> None:
    parameters = ParameterReader(Asked, "query")
    asked = parameters.read({"name": [ACCENT, "a"], "cursor": [ACCENT]})
    assert (asked.name, asked.cursor) == ([COMPOSED, "a"], ACCENT)
    for name, text in (("name", "a\nb"), ("cursor", "\x85"), ("name", "\ud800")):
        with pytest.raises(ValidationFailed) as refusal:
            parameters.read({name: [text]})
        assert (refusal.value.field, refusal.value.extra) == (name, {"in": "query"})
    assert clean_path({"name": ACCENT}) == {"name": COMPOSED}


@given(st.text(st.characters(), max_size=40))
def test_any_text_goes_on_in_its_form_or_is_named(text: str) -> None:
    """Whatever comes: what gets through is NFC and holds nothing that cannot be shown."""
    unfit = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
    body = {"name": text, "secret": text}
    if unfit:
        assert refused(body) in ("$.name", "$.secret")
        return
    thing = read(body)
    assert thing.name == unicodedata.normalize("NFC", text)
    assert thing.secret == text


class TestWithoutTheGuards:
    def test_a_body_that_seems_plain_is_let_through_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parsing, "_is_plain", lambda raw: True)
        assert read({"name": ACCENT}).name == ACCENT
        assert read({"name": "a\nb"}).name == "a\nb"
        assert read(b'{"name": "a", "name": "b"}').name == "b"
        assert read({"number": 2**53}).number == 2**53

    def test_without_the_mark_a_secret_is_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shared.http.text._rule", lambda kind: None)
        assert read({"secret": ACCENT}).secret == COMPOSED
