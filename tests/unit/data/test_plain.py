"""Plain Python to DynamoDB's typed values and back, and what an item weighs."""

from __future__ import annotations

import base64
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.data import plain

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer())
    | st.text(max_size=12)
    | st.binary(max_size=12)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)


@given(values)
def test_a_value_comes_back(value: Any) -> None:
    assert plain.from_typed(plain.to_typed(value)) == value


def test_bytes_come_raw_from_the_api_and_in_base_64_from_lambda() -> None:
    assert plain.from_typed({"B": b"\x00\xff"}) == b"\x00\xff"
    assert plain.from_typed({"B": base64.b64encode(b"\x00\xff").decode()}) == b"\x00\xff"
    assert plain.from_typed({"BS": ["AQ==", "AA=="]}) == [b"\x00", b"\x01"]


def test_numbers_are_whole_where_they_can_be() -> None:
    assert plain.from_item({"a": {"N": "7"}, "b": {"N": "7.0"}, "c": {"N": "7.25"}, "d": {"NS": ["3", "1"]}}) == {
        "a": 7,
        "b": 7,
        "c": 7.25,
        "d": [1, 3],
    }
    assert plain.to_typed(Decimal("1.10")) == {"N": "1.10"}


def test_times_are_kept_as_text() -> None:
    assert plain.to_typed(datetime(2026, 5, 1, tzinfo=UTC)) == {"S": "2026-05-01T00:00:00.000Z"}


@pytest.mark.parametrize("value", [math.inf, math.nan, object(), {1, 2}])
def test_what_dynamodb_cannot_keep(value: Any) -> None:
    with pytest.raises(TypeError):
        plain.to_typed(value)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError):
        plain.from_typed({"Z": "?"})


def test_sizes_follow_the_documentation() -> None:
    assert plain.item_bytes({"name": {"S": "é"}}) == 4 + 2
    assert plain.item_bytes({"n": {"N": "12345"}}) == 1 + 4
    assert plain.item_bytes({"n": {"N": "-100"}}) == 1 + 3
    assert plain.item_bytes({"b": {"B": b"12345678"}}) == 1 + 8
    assert plain.item_bytes({"t": {"BOOL": True}}) == 2
    assert plain.item_bytes({"l": {"L": [{"B": b"1234"}, {"N": "1"}]}}) == 1 + 3 + (4 + 1) + (2 + 1)
    assert plain.item_bytes({"m": {"M": {"k": {"S": "v"}}}}) == 1 + 3 + (1 + 1 + 1)
