"""Attributes of rows that pynamodb does not bring along."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import msgspec
from pynamodb.attributes import Attribute

from shared import clock
from shared.data import plain

Shape = TypeVar("Shape")


class IntegerAttribute(Attribute[int]):
    """A whole number, which stays one in Python; pynamodb's own NumberAttribute is typed as a float."""

    attr_type = "N"

    def serialize(self, value: int) -> str:
        """The digits DynamoDB keeps. Raises ValueError for anything but a whole number."""
        if int(value) != value:
            raise ValueError(f"{value} is not a whole number")
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """The number that was kept."""
        return int(value)


class MomentAttribute(Attribute[datetime]):
    """A moment, kept as text of 24 characters that sorts as time does."""

    attr_type = "S"

    def serialize(self, value: datetime) -> str:
        """The text kept for a moment. Raises ValueError for a time without a zone."""
        return clock.iso(value)

    def deserialize(self, value: str) -> datetime:
        """The moment a text was kept for."""
        return clock.from_iso(value)


class ShapeAttribute(Attribute[Shape], Generic[Shape]):
    """A value of any type msgspec knows (a struct, a list of structs, a dict), kept as DynamoDB's own maps and lists.

    `shape` is that type. Reading raises msgspec.ValidationError when what is kept no longer fits it. Conditions and
    updates reach inside by path: `Row.address["city"]`.
    """

    attr_type = "M"

    def __init__(self, shape: Any, *, attr_type: str = "M", **options: Any) -> None:
        super().__init__(**options)
        self.shape = shape
        self.attr_type = attr_type

    def serialize(self, value: Shape) -> Any:
        """The typed contents DynamoDB keeps for a value."""
        return plain.to_typed(msgspec.to_builtins(value, builtin_types=(datetime, bytes)))[self.attr_type]

    def deserialize(self, value: Any) -> Shape:
        """The value that was kept. Raises msgspec.ValidationError when it no longer fits the shape."""
        kept = plain.from_typed({self.attr_type: value})
        return cast(Shape, msgspec.convert(kept, self.shape, builtin_types=(bytes,)))


class DocumentAttribute(Attribute[dict[str, Any]]):
    """A dict of plain Python data, kept as a map of DynamoDB's."""

    attr_type = "M"

    def serialize(self, value: dict[str, Any]) -> Any:
        """The typed map DynamoDB keeps. Raises TypeError for what it cannot keep."""
        return plain.to_typed(value)["M"]

    def deserialize(self, value: Any) -> dict[str, Any]:
        """The dict that was kept."""
        document: dict[str, Any] = plain.from_typed({"M": value})
        return document


class DocumentsAttribute(Attribute[list[Any]]):
    """A list of plain Python data, kept as a list of DynamoDB's."""

    attr_type = "L"

    def serialize(self, value: list[Any]) -> Any:
        """The typed list DynamoDB keeps. Raises TypeError for what it cannot keep."""
        return plain.to_typed(list(value))["L"]

    def deserialize(self, value: Any) -> list[Any]:
        """The list that was kept."""
        documents: list[Any] = plain.from_typed({"L": value})
        return documents
