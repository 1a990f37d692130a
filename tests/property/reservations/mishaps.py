"""What may befall requests on their way to DynamoDB and Redis, by order of the test, and a trace of all that passed."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from shared.cache import Cache, CacheDown
from shared.data import Unavailable, transport, wire
from tests.property.reservations import wiretap
from tests.property.reservations.places_model import Intent
from tests.property.reservations.wiretap import SlotWrites

# What can happen to one write. After "unheard …" its caller has given up and does not know what became of it.
MISHAPS: Final = (
    "lost before it was done",
    "done and its answer lost",
    "done twice",
    "sent again, and the first copy late",
    "unheard and not done",
    "unheard and done",
    "unheard and late",
)
GUARDS: Final = ("take", "sell", "pin")


class Late(NamedTuple):
    """A copy of a write that is still on its way."""

    operation: str
    request: dict[str, Any]
    intent: Intent


class Wire:
    """Stands where requests leave the process.

    `done` are the writes of the operation at hand that DynamoDB did; `removed` is the guard that a control takes away.
    """

    def __init__(self, removed: str | None = None) -> None:
        self.removed = removed
        self.intent: Intent | None = None
        self.mishap: str | None = None
        self.spared = 0
        self.late: list[Late] = []
        self.done: list[SlotWrites] = []
        self.trace: list[str] = []
        self._tokens: set[str] = set()
        self._keys: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self._carry = transport.carry
        transport.carry = self.carry

    def close(self) -> None:
        """Let requests pass again, and remove every row that was written: a replay meets the same ids."""
        transport.carry = self._carry
        for table, key in self._keys.values():
            self._carry("DeleteItem", {"TableName": table, "Key": key}, 5.0)

    def note(self, *what: object) -> None:
        """Add to the trace."""
        self.trace.append(" ".join(map(str, what)))

    def carry(self, operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """One attempt at one request, and what befalls it."""
        write = operation in wiretap.WRITES and wiretap.slot_writes(operation, request)
        if not write or not (write.slots or write.decides) or self.intent is None:
            return self._do(operation, request, seconds)
        if self.spared:
            self.spared -= 1
            mishap = None
        else:
            mishap, self.mishap = self.mishap, None
        if mishap is not None:
            self.note("mishap:", mishap)
        if mishap == "lost before it was done":
            raise wire.Lost("lost on its way")
        if mishap is not None and "late" in mishap:
            self.late.append(Late(operation, copy.deepcopy(request), self.intent))
            raise wire.Lost("late") if mishap.startswith("sent again") else Unavailable("late, and nobody waits")
        if mishap == "unheard and not done":
            raise Unavailable("not done, and nobody knows")
        try:
            return self._do(operation, request, seconds)
        finally:
            if mishap == "done twice":
                with suppress(wire.Refusal):
                    self._do(operation, request, seconds)
            elif mishap == "done and its answer lost":
                raise wire.Lost("its answer was lost")
            elif mishap == "unheard and done":
                raise Unavailable("done or not, nobody knows")

    def arrive(self, late: Late) -> bool:
        """Let a late copy arrive; answers whether it was done, which a transaction is only once."""
        self.note("arrives late")
        known = late.request.get("ClientRequestToken") in self._tokens
        before = len(self.done)
        with suppress(wire.Refusal):
            self._do(late.operation, late.request, 5.0)
        return len(self.done) > before and not known

    def _do(self, operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        if operation in wiretap.WRITES:
            for entry in wiretap.entries(operation, request):
                key = entry.get("Key") or {name: entry["Item"][name] for name in ("pk", "sk")}
                self._keys[key["pk"]["S"], key["sk"]["S"]] = (entry["TableName"], key)
        self.note(operation, _plain(request))
        write = wiretap.slot_writes(operation, request)
        try:
            answer = self._carry(operation, self._unguarded(operation, request, write), seconds)
        except wire.Refusal as refusal:
            self.note("refused:", refusal.code, _plain(refusal.item), _plain(list(refusal.reasons)))
            raise
        answer = self._without_pins(operation, answer)
        self.note("answered:", _plain(answer))
        token = request.get("ClientRequestToken")
        if token not in self._tokens and operation in wiretap.WRITES:
            self.done.append(write)
        if token is not None:
            self._tokens.add(token)
        return answer

    def _unguarded(self, operation: str, request: dict[str, Any], write: SlotWrites) -> dict[str, Any]:
        """The request, without the guard that a control has removed."""
        untils = {until for _, until in write.given.values()}
        sells = untils == {wiretap.FOR_EVER}
        decides = write.decides is not None
        hits = {"take": bool(untils) and not sells, "sell": sells and not decides, "pin": decides}
        if self.removed is None or not hits[self.removed]:
            return request
        bare = copy.deepcopy(request)
        for entry in wiretap.entries(operation, bare) if operation == "TransactWriteItems" else [bare]:
            if ("Item" in entry) == decides:
                wiretap.unguarded(entry)
        return bare

    def _without_pins(self, operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        """What was read, as if no promise had ever been pinned, when that guard is removed."""
        if self.removed != "pin" or operation != "BatchGetItem":
            return answer
        found = {
            table: [row for row in rows if not row["pk"]["S"].startswith("decision#")]
            for table, rows in answer.get("Responses", {}).items()
        }
        return {**answer, "Responses": found}


def _plain(thing: Any) -> str:
    """A request or answer as text: without what is drawn anew for every attempt, and which nothing goes by."""
    return json.dumps(_stripped(thing), sort_keys=True)


def _stripped(thing: Any) -> Any:
    if isinstance(thing, dict):
        ignored = ("ClientRequestToken", "write_id", "ConsumedCapacity", "created_at", "updated_at")
        return {name: _stripped(value) for name, value in thing.items() if name not in ignored}
    if isinstance(thing, (list, tuple)):
        return [_stripped(one) for one in thing]
    return base64.b64encode(thing).decode() if isinstance(thing, (bytes, bytearray)) else thing


class FickleCache(Cache):
    """A Redis that can be away, lose an answer after it was done, and forget everything.

    What one caller may share with another for a moment is shared or not by a seeded coin, not by the real time.
    """

    away = False
    life = 0
    loses_answer = False

    def __init__(self, url: str | None, *, prefix: str, seed: int) -> None:
        super().__init__(url, prefix=prefix, timeout_milliseconds=5000)
        self._coin = random.Random(seed)
        self._shared: dict[str, bytes] = {}

    def execute(self, call: Callable[[Any], Any]) -> Any:
        """As the real one, when it is there."""
        if self.away:
            raise CacheDown("away")
        answer = super().execute(call)
        if self.loses_answer:
            self.loses_answer = False
            raise CacheDown("its answer was late")
        return answer

    def get_or_load(self, key: str, loader: Callable[[], bytes], seconds: float, *_: Any, **__: Any) -> bytes:
        """As the real one for a caller who comes a moment later, or too late."""
        name = self.full_key(key)
        if self.away or name not in self._shared or self._coin.random() < 0.5:
            self._shared[name] = loader()
        return self._shared[name]

    def invalidate_tag(self, tag: str) -> bool:
        """Forget what was shared: no less than the real one would."""
        if not self.away:
            self._shared.clear()
        return super().invalidate_tag(tag)

    def full_key(self, key: str) -> str:
        """The key in the cache's present life."""
        return f"{super().full_key('machine')}:{self.life}:{key}"
