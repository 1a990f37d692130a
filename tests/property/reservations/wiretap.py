"""Reading reservations' writes off the wire: which slots of which blocks would be whose, and which decision is put.

Tests use it to know what a write would have done whose answer nobody heard, and to take a single guard away.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from shared.data.plain import from_typed

Spot = tuple[str, int, int]
Request = dict[str, Any]

WRITES: Final = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
# The year 2100, which stands for ever: written out, because a judge must not ask the judged.
FOR_EVER: Final = 4_102_444_800

_SET: Final = re.compile(r"(#\w+|\bp\d+)\s*=\s*(:\w+)")
_NAME: Final = re.compile(r"#\w+|\bp\d+")
_SLOT: Final = re.compile(r"p(\d+)")


class SlotWrites(NamedTuple):
    """What a write would do to slots: whose they would be and until when, None for nobody's, if nothing hinders it.

    `decides` is the hold about which it pins an answer, `confirms` whether that sells, and `promised` its places.
    """

    slots: dict[Spot, tuple[bytes, int] | None]
    decides: str | None = None
    confirms: bool = False
    promised: frozenset[Spot] = frozenset()

    @property
    def given(self) -> dict[Spot, tuple[bytes, int]]:
        """The slots that would be somebody's."""
        return {spot: taken for spot, taken in self.slots.items() if taken is not None}


def slot_writes(operation: str, request: Mapping[str, Any]) -> SlotWrites:
    """What of a request concerns slots and decisions; nothing for other rows and for reads."""
    slots: dict[Spot, tuple[bytes, int] | None] = {}
    decides, confirms = None, False
    promised: frozenset[Spot] = frozenset()
    for entry in entries(operation, request):
        if "Item" in entry:
            kind, _, hold_id = entry["Item"]["pk"]["S"].partition("#")
            if kind == "decision":
                decides, confirms = hold_id, entry["Item"]["outcome"]["S"] == "confirmed"
                listed = [from_typed(place) for place in entry["Item"].get("places", {}).get("L", ())]
                promised = frozenset((one["pool_id"], one["block"], one["slot"]) for one in listed)
                # A use of a limit is an array: the limit, its block and its slot come first.
                promised |= {(use[0], use[1], use[2]) for one in listed for use in one.get("quotas", ())}
            continue
        kind, _, rest = entry["Key"]["pk"]["S"].partition("#")
        if kind == "block":
            pool_id, _, number = rest.rpartition("#")
            slots |= {(pool_id, int(number), slot): taken for slot, taken in _changes(entry)}
    return SlotWrites(slots, decides, confirms, promised)


def entries(operation: str, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The puts and updates of a request, one by one."""
    if operation == "TransactWriteItems":
        for one in request["TransactItems"]:
            yield from (one[kind] for kind in ("Put", "Update") if kind in one)
    elif operation in ("PutItem", "UpdateItem"):
        yield dict(request)


def _changes(entry: Mapping[str, Any]) -> Iterator[tuple[int, tuple[bytes, int] | None]]:
    names = entry.get("ExpressionAttributeNames", {})
    sets, _, removed = entry["UpdateExpression"].partition("REMOVE")
    for name, value in _SET.findall(sets):
        slot = _SLOT.fullmatch(names.get(name, name))
        if slot is not None:
            hold, until = entry["ExpressionAttributeValues"][value]["L"]
            yield int(slot[1]), (_bytes(hold["B"]), int(until["N"]))
    for name in _NAME.findall(removed):
        slot = _SLOT.fullmatch(names.get(name, name))
        if slot is not None:
            yield int(slot[1]), None


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


def unguarded(entry: dict[str, Any]) -> None:
    """Take the condition out of a write, and what only the condition spoke of: DynamoDB wants every name to be used."""
    entry.pop("ConditionExpression", None)
    entry.pop("ReturnValuesOnConditionCheckFailure", None)
    used = set(re.findall(r"[#:]\w+", entry.get("UpdateExpression", "")))
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {name: value for name, value in entry.get(part, {}).items() if name in used}
        entry.pop(part, None)
        if kept:
            entry[part] = kept
