"""Only growth passes: each way of breaking a consumer is told by a sentence."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from runtime import schemas
from runtime.schemas import breaks

TYPE = "orders.order_paid.v1"
RELEASED = schemas.schema(schemas.messages()[TYPE])


def changed(change: Any) -> dict[str, Any]:
    document = copy.deepcopy(RELEASED)
    change(document["$defs"])
    return document


def test_no_change_breaks_nothing() -> None:
    assert breaks(RELEASED, copy.deepcopy(RELEASED)) == []


def test_an_optional_field_may_be_added_at_any_depth() -> None:
    def grow(parts: Any) -> None:
        parts["OrderPaid"]["properties"]["channel"] = {"type": "string", "default": "web"}
        parts["PlaceSold"]["properties"]["zone"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}

    assert breaks(RELEASED, changed(grow)) == []


def test_words_and_names_of_definitions_may_change() -> None:
    def rename(parts: Any) -> None:
        parts["Purchaser"] = parts.pop("Buyer")
        parts["OrderPaid"]["properties"]["buyer"] = {"$ref": "#/$defs/Purchaser"}
        parts["OrderPaid"]["description"] = "In other words."

    assert breaks(RELEASED, changed(rename)) == []


def remove_field(parts: Any) -> None:
    del parts["OrderPaid"]["properties"]["payment_id"]
    parts["OrderPaid"]["required"].remove("payment_id")


def require_new_field(parts: Any) -> None:
    parts["Buyer"]["properties"]["phone"] = {"type": "string"}
    parts["Buyer"]["required"].append("phone")


def let_field_be_missing(parts: Any) -> None:
    parts["OrderPaid"]["required"].remove("hold_id")


def change_type(parts: Any) -> None:
    parts["PlaceSold"]["properties"]["block"] = {"type": "string"}


def change_format(parts: Any) -> None:
    del parts["OrderPaid"]["properties"]["paid_at"]["format"]


def allow_null(parts: Any) -> None:
    parts["OrderPaid"]["properties"]["total"] = {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (remove_field, "$.payment_id is gone"),
        (require_new_field, "$.buyer.phone is required, and was not"),
        (let_field_be_missing, "$.hold_id may be left out, and consumers count on it"),
        (change_type, "$.places[].block: type is 'string', and was 'integer'"),
        (change_format, "$.paid_at: format is None, and was 'date-time'"),
        (allow_null, "$.total has other alternatives than before"),
    ],
)
def test_what_is_more_than_growth_is_told(change: Any, sentence: str) -> None:
    assert sentence in breaks(RELEASED, changed(change))


def test_nothing_is_written_when_one_schema_would_break(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr(
        schemas, "released", lambda type_name: changed(require_new_field) if type_name == TYPE else None
    )
    monkeypatch.setattr(schemas, "CONTRACTS", tmp_path)
    monkeypatch.setattr(schemas, "publishers", lambda: ["orders"])
    assert schemas.main() == 1
    assert list(tmp_path.iterdir()) == []
    assert "Make a v2 beside the v1" in capsys.readouterr().err
