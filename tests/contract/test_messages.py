"""The messages: structs, released schemas, examples and the catalogue say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from runtime import schemas

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
MESSAGES = schemas.messages()
CATALOG: dict[str, dict[str, Any]] = yaml.safe_load((CONTRACTS / "catalog.yaml").read_text())["messages"]


def test_the_catalogue_lists_every_message_and_no_other() -> None:
    assert set(CATALOG) == set(MESSAGES)


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_a_message_is_named_by_its_publisher_and_written_in_its_module(type_name: str) -> None:
    publisher, fact, version = type_name.split(".")
    assert CATALOG[type_name]["publisher"] == publisher
    assert MESSAGES[type_name].__module__ == f"contracts.{publisher}"
    assert MESSAGES[type_name].__name__ == "".join(word.capitalize() for word in fact.split("_"))
    assert version == "v1"


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_a_struct_is_as_it_was_released_or_has_grown(type_name: str) -> None:
    released = schemas.released(type_name)
    assert released is not None, "run `make schemas` to release it"
    assert schemas.breaks(released, schemas.schema(MESSAGES[type_name])) == []


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_what_has_grown_is_released_with_it(type_name: str) -> None:
    assert schemas.released(type_name) == schemas.schema(MESSAGES[type_name]), "run `make schemas`"


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_the_example_is_valid_and_goes_through_the_struct_unchanged(type_name: str) -> None:
    text = (CONTRACTS / "examples" / f"{type_name}.json").read_text()
    released = schemas.released(type_name)
    assert released is not None
    jsonschema.Draft202012Validator(released).validate(json.loads(text))
    message = msgspec.json.decode(text, type=MESSAGES[type_name])
    again = json.loads(msgspec.json.encode(message))
    # The struct may have grown since by fields that are optional; what the example says comes through unchanged.
    assert {name: again.get(name) for name in json.loads(text)} == json.loads(text)
    assert msgspec.convert(again, MESSAGES[type_name]) == message


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_a_message_from_a_later_release_is_still_read(type_name: str) -> None:
    grown = json.loads((CONTRACTS / "examples" / f"{type_name}.json").read_text())
    grown["added_later"] = {"anything": 1}
    assert msgspec.convert(grown, MESSAGES[type_name]) is not None


def test_nothing_lies_about_in_schemas_and_examples() -> None:
    for folder in ("schemas", "examples"):
        assert {path.stem for path in (CONTRACTS / folder).iterdir()} == set(MESSAGES)


@pytest.mark.parametrize("type_name", sorted(MESSAGES))
def test_messages_refuse_times_without_an_offset(type_name: str) -> None:
    example = json.loads((CONTRACTS / "examples" / f"{type_name}.json").read_text())
    times = [name for name in example if name.endswith(("_at", "_from", "_until")) and example[name]]
    assert times or type_name == "orders.order_refunding.v1"
    for name in times:
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert({**example, name: "2026-11-24T10:00:00"}, MESSAGES[type_name])
