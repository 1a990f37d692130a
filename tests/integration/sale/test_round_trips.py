"""How often a hold and an order wait for another machine, one time after another, when they come over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from shared.cache import Cache
from shared.cache.script import Script
from shared.data import consumed
from tests.saga.front_door import Asked
from tests.saga.tenants import Town, hold_request, order_request

# The town takes its time to be built; one worker does all that is about one.
pytestmark = pytest.mark.xdist_group("round-trips")


@pytest.fixture
def redis_calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls of Redis since the last `clear`: all of them, and those that nobody waits for."""
    calls: Counter[str] = Counter()
    execute, send = Cache.execute, Script.send

    def counted(cache: Cache, call: Callable[[Any], Any]) -> Any:
        calls["all"] += 1
        return execute(cache, call)

    def unwaited(script: Script, keys: Any, args: Any = ()) -> None:
        calls["unwaited"] += 1
        send(script, keys, args)

    monkeypatch.setattr(Cache, "execute", counted)
    monkeypatch.setattr(Script, "send", unwaited)
    monkeypatch.setenv("THROTTLING_ENABLED", "1")
    return calls


def test_a_hold_waits_three_times_and_an_order_twice(town: Town, redis_calls: Counter[str]) -> None:
    tenant = town.tenant("Short Ways")
    town.plan(tenant, "Short Ways")
    town.hold(tenant, town.person("First"))  # loads what later ones find in the process

    def waits(asked: Asked) -> tuple[int, Any]:
        redis_calls.clear()
        with consumed() as meter:
            answer = town.door.expect(asked, 201)
        return redis_calls["all"] - redis_calls["unwaited"] + meter.requests, answer

    buyer = town.person("Second")
    number, hold = waits(hold_request(tenant, buyer).with_header("Idempotency-Key", "short"))
    assert (number, redis_calls["unwaited"]) == (3, 1), "throttle, pick, write; what was written is told on the way out"
    number, _ = waits(order_request(hold, buyer))
    assert number == 2, "throttle, write"
