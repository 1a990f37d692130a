"""Rows become items and come back as pynamodb itself would have it, by a shorter way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynamodb.attributes import (
    AttributeContainer,
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.exceptions import AttributeDeserializationError, AttributeNullError
from pynamodb.models import Model

from shared.data import DocumentAttribute, IntegerAttribute, ListedRow, MomentAttribute, ShapeAttribute
from shared.data.outbox import empty_outbox
from shared.data.rows import _plan_of
from shared.data.writes import update_request


class Everything(ListedRow):
    class Meta:
        table_name = "t"

    name = UnicodeAttribute(attr_name="n")
    raw = BinaryAttribute(null=True, legacy_encoding=False)
    price = NumberAttribute(null=True)
    number = IntegerAttribute(default=3)
    open = BooleanAttribute(default=False)
    words = UnicodeSetAttribute(null=True)
    at = MomentAttribute(null=True)
    shape: ShapeAttribute[list[int]] = ShapeAttribute(list[int], attr_type="L", null=True)
    more = DocumentAttribute(null=True)


class Nested(ListedRow):
    class Meta:
        table_name = "t"

    all: ListAttribute[Any] = ListAttribute(null=True)
    one = MapAttribute(null=True)  # type: ignore[no-untyped-call, var-annotated]


VALUES = st.fixed_dictionaries(
    {"name": st.text(max_size=5)},
    optional={
        "raw": st.none() | st.binary(max_size=5),
        "price": st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
        "number": st.none() | st.integers(),
        "open": st.none() | st.booleans(),
        "words": st.none() | st.sets(st.text(max_size=3), max_size=1),
        "at": st.none() | st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        "shape": st.none() | st.lists(st.integers(), max_size=3),
        "more": st.none() | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
        "listing_pk": st.none() | st.text(max_size=3),
        "version": st.integers(0, 9),
    },
)


def by_pynamodb(item: dict[str, Any]) -> Everything:
    row: Any = Everything.__new__(Everything)
    row.attribute_values = {}
    AttributeContainer._container_deserialize(row, item)
    made: Everything = row
    return made


@settings(max_examples=100, deadline=None)
@given(values=VALUES)
def test_a_row_becomes_the_item_that_pynamodb_makes_of_it(values: dict[str, Any]) -> None:
    row = Everything("p", "s", **values)
    for check in (False, True):
        try:
            theirs: Any = AttributeContainer._container_serialize(row, null_check=check)
        except AttributeNullError as error:
            with pytest.raises(AttributeNullError, match=str(error)):
                row.serialize(check)
        else:
            assert row.serialize(check) == theirs


@settings(max_examples=100, deadline=None)
@given(values=VALUES, nulls=st.sets(st.sampled_from(["raw", "number", "open", "n", "at"])), more=st.booleans())
def test_an_item_becomes_the_row_that_pynamodb_makes_of_it(values: dict[str, Any], nulls: set[str], more: bool) -> None:
    item = Everything("p", "s", **values).serialize(False)
    item |= {name: {"NULL": True} for name in nulls}
    if more:
        item["unknown"] = {"S": "x"}
    ours, theirs = Everything.from_raw_data(item), by_pynamodb(item)
    assert ours.attribute_values == theirs.attribute_values
    assert [getattr(ours, name) for name in Everything.get_attributes()] == [
        getattr(theirs, name) for name in Everything.get_attributes()
    ]


def test_a_new_row_has_its_defaults_and_shares_nothing_with_the_next() -> None:
    first, second = Everything("p", "s"), Everything("p", "s")
    assert (first.number, first.open, first.version) == (3, False, 0)
    first.number = 4
    assert (second.number, Everything("p", "s").number) == (3, 3)
    back = Everything.from_raw_data(second.serialize(False))
    back.number = 5
    assert Everything.from_raw_data(second.serialize(False)).number == 3


def test_a_value_of_another_type_is_refused_as_pynamodb_refuses_it() -> None:
    item = {"pk": {"S": "p"}, "sk": {"S": "s"}, "n": {"N": "1"}}
    with pytest.raises(AttributeDeserializationError):
        by_pynamodb(item)
    with pytest.raises(AttributeDeserializationError):
        Everything.from_raw_data(item)


def test_a_model_with_maps_or_lists_of_pynamodbs_own_is_left_to_pynamodb() -> None:
    assert _plan_of(Everything) is not None
    assert _plan_of(Nested) is None
    row = Nested("p", "s", all=[1, "a"], one={"x": 1})
    item = row.serialize()
    assert item == Model.serialize(row)
    assert Nested.from_raw_data(item).all == [1, "a"]


def test_a_change_is_asked_for_as_pynamodb_asks_for_it() -> None:
    """Keys, condition and update, with their placeholders: the request pynamodb itself would send."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    condition = (Everything.name == "a") & (Everything.more["x"] < 3) | Everything.at.does_not_exist()
    actions = [Everything.number.set(Everything.number + 1), Everything.raw.remove(), Everything.price.add(2)]
    for held_to, wanted in ((condition, actions), (None, actions), (condition, [])):
        ours, mark = update_request(
            Everything, "p", "s", actions=wanted, condition=held_to, now=now, announce=(), mark=False
        )
        assert mark is None
        # What every Row gets on top of the actions asked for, in the order in which it gets them.
        version = (Everything.version | 0) + 1
        stamps = [
            Everything.version.set(version),
            Everything.updated_at.set(now),
            Everything.created_at.set(Everything.created_at | now),
            Everything.outbox.set(Everything.outbox | empty_outbox()),
        ]
        theirs = Everything._get_connection().get_operation_kwargs(
            hash_key="p",
            range_key="s",
            condition=held_to,
            actions=[*wanted, *stamps],
            return_values_on_condition_failure="ALL_OLD",
        )
        assert ours == theirs
