"""Cursors come back to their query and to nothing else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.data import BadCursor, cursors

KEYS = {"new": "secret one", "old": "secret two"}
queries = st.tuples(st.text(max_size=8), st.one_of(st.none(), st.text(max_size=8)), st.booleans())
lasts = st.dictionaries(st.sampled_from(["pk", "sk", "listing_sk"]), st.text(max_size=20), max_size=3)


@given(lasts, queries)
def test_a_cursor_comes_back(last: dict[str, str], query: tuple[Any, ...]) -> None:
    assert cursors.verify(cursors.sign(last, query, KEYS), query, KEYS) == last


@given(lasts, queries, queries)
def test_a_cursor_is_of_no_use_to_another_query(
    last: dict[str, str], query: tuple[Any, ...], other: tuple[Any, ...]
) -> None:
    cursor = cursors.sign(last, query, KEYS)
    if query == other:
        return
    with pytest.raises(BadCursor):
        cursors.verify(cursor, other, KEYS)


@settings(max_examples=200)
@given(lasts, st.data())
def test_a_cursor_with_any_one_character_changed_is_refused(last: dict[str, str], data: st.DataObject) -> None:
    cursor = cursors.sign(last, ("q",), KEYS)
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("ABCabc0189-_=.~ é"))
    changed = cursor[:place] + letter + cursor[place + 1 :]
    if changed == cursor:
        return
    with pytest.raises(BadCursor):
        cursors.verify(changed, ("q",), KEYS)


@given(st.text(max_size=80))
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        cursors.verify(text, ("q",), KEYS)


@given(st.binary(max_size=80))
def test_random_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(BadCursor):
        cursors.verify(base64.urlsafe_b64encode(raw).decode(), ("q",), KEYS)


def test_forged_with_another_secret() -> None:
    forged = cursors.sign({"sk": "z"}, ("q",), {"new": "guessed"})
    with pytest.raises(BadCursor):
        cursors.verify(forged, ("q",), KEYS)


def test_a_key_that_was_replaced_still_verifies_until_it_is_gone() -> None:
    cursor = cursors.sign({"sk": "a"}, ("q",), {"old": KEYS["old"]})
    assert cursors.verify(cursor, ("q",), KEYS) == {"sk": "a"}
    with pytest.raises(BadCursor):
        cursors.verify(cursor, ("q",), {"new": KEYS["new"]})


def test_the_first_key_of_the_environment_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRETS", '{"new": "secret one", "old": "secret two"}')
    cursor = cursors.sign({"sk": "a"}, ("q",))
    assert cursors.verify(cursor, ("q",), {"new": KEYS["new"]}) == {"sk": "a"}
    monkeypatch.delenv("TOKEN_SECRETS")
    with pytest.raises(LookupError, match="TOKEN_SECRETS"):
        cursors.sign({"sk": "a"}, ("q",))


def test_parts_of_a_query_do_not_run_into_each_other() -> None:
    cursor = cursors.sign({}, ("ab", "c"), KEYS)
    with pytest.raises(BadCursor):
        cursors.verify(cursor, ("a", "bc"), KEYS)
    absent = cursors.sign({}, (None,), KEYS)
    with pytest.raises(BadCursor):
        cursors.verify(absent, ("None",), KEYS)
