"""Between plain Python and DynamoDB's typed values, and how big an item is."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from shared import clock

TypedValue = dict[str, Any]
Item = dict[str, TypedValue]

# What the documentation adds to the contents of every list or map, and to each of its entries.
_NESTED_BYTES: Final = 3
_ENTRY_BYTES: Final = 1


def to_typed(value: Any) -> TypedValue:
    """The typed value of DynamoDB for plain Python data. Raises TypeError for what DynamoDB cannot keep."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            if not math.isfinite(value):
                raise TypeError("DynamoDB keeps finite numbers only")
            return {"N": repr(value)}
        case bytes() | bytearray() | memoryview():
            return {"B": bytes(value)}
        case datetime():
            return {"S": clock.iso(value)}
        case Mapping():
            return {"M": {str(name): to_typed(entry) for name, entry in value.items()}}
        case list() | tuple():
            return {"L": [to_typed(entry) for entry in value]}
    raise TypeError(f"DynamoDB cannot keep a {type(value).__name__}")


def from_typed(typed: Mapping[str, Any]) -> Any:
    """Plain Python data of a typed value: whole numbers as int, other numbers as float, sets as sorted lists.

    Bytes may come raw or, as Lambda's stream events carry them, in base 64. Raises TypeError for an unknown type.
    """
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "B":
            return _binary(value)
        case "NULL":
            return None
        case "M":
            return {name: from_typed(entry) for name, entry in value.items()}
        case "L":
            return [from_typed(entry) for entry in value]
        case "SS":
            return sorted(value)
        case "NS":
            return sorted(_number(entry) for entry in value)
        case "BS":
            return sorted(_binary(entry) for entry in value)
    raise TypeError(f"{kind} is no type of DynamoDB's")


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item, or a stream's image of one, as plain Python data."""
    return {name: from_typed(typed) for name, typed in item.items()}


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size DynamoDB reckons an item at, in bytes: what 1 KB write units and the 400 KB limit count.

    Numbers follow the documented rule of thumb (two digits a byte and one more), so a byte or two may differ.
    """
    return sum(len(name.encode()) + _value_bytes(typed) for name, typed in item.items())


def _value_bytes(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_bytes(value)
        case "B":
            return len(_binary(value))
        case "BOOL" | "NULL":
            return 1
        case "M":
            return _NESTED_BYTES + sum(
                len(name.encode()) + _value_bytes(entry) + _ENTRY_BYTES for name, entry in value.items()
            )
        case "L":
            return _NESTED_BYTES + sum(_value_bytes(entry) + _ENTRY_BYTES for entry in value)
        case "SS":
            return sum(len(entry.encode()) for entry in value)
        case "NS":
            return sum(_number_bytes(entry) for entry in value)
        case "BS":
            return sum(len(_binary(entry)) for entry in value)
    raise TypeError(f"{kind} is no type of DynamoDB's")


def _number_bytes(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _binary(value: str | bytes | bytearray) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)
