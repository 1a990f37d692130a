"""What keys use is counted where their tokens are taken: in the same round trip, and never twice."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from runtime.parts import Part
from shared.cache import Breaker, Cache, CacheDown, CacheUnasked
from shared.throttling import Bucket, Buckets, Counts, Limit, Metered, Usage
from shared.throttling.usage import Gathered

TODAY = date(2026, 11, 28)
LIMIT = Limit.of("pro", rate=0.001, burst=3)


def cache_of(url: str | None = None) -> Cache:
    """A cache that takes a busy machine for no Redis that is gone, and asks one that was gone at once again."""
    return Cache(
        url or os.environ["REDIS_URL"],
        prefix=f"usage-{secrets.token_hex(6)}",
        timeout_milliseconds=30_000,
        breaker=Breaker(failures_max=10_000),
    )


def key_of(owner: str = "org_1", key: str = "key_1", day: date = TODAY) -> Metered:
    return Metered(owner, key, day)


def ask(buckets: Buckets, metered: Metered, number: int = 1) -> list[bool]:
    bucket = Bucket(metered.bucket_key, LIMIT)
    return [buckets.take([bucket], 1, metered).allowed for _ in range(number)]


def counted(cache: Cache, metered: Metered) -> Counts | None:
    """What Redis says of a key, to somebody who has carried nothing yet."""
    changes = Usage(cache).changed(metered.shard, metered.day)
    return None if changes is None else changes.counts.get(metered.owner, {}).get(metered.key)


def test_answered_and_refused_are_counted_apart_in_the_round_trip_that_takes_the_tokens() -> None:
    cache, metered = cache_of(), key_of()
    calls = list[int]()
    real = cache.execute
    cache.execute = lambda call: calls.append(1) or real(call)  # type: ignore[method-assign, func-returns-value]
    assert ask(Buckets(cache), metered, 5) == [True, True, True, False, False]
    assert len(calls) == 5
    assert counted(cache, metered) == Counts(answered=3, refused=2)


def test_keys_and_days_are_counted_apart_and_a_whole_owner_lies_together() -> None:
    cache = cache_of()
    buckets = Buckets(cache)
    one, other, next_day = key_of(), key_of(key="key_2"), key_of(day=TODAY + timedelta(days=1))
    for metered, number in ((one, 2), (other, 1), (next_day, 1)):
        ask(buckets, metered, number)
    changes = Usage(cache).changed(one.shard, TODAY)
    assert changes is not None
    assert changes.counts == {"org_1": {"key_1": Counts(2), "key_2": Counts(1)}}
    assert counted(cache, next_day) == Counts(answered=1)


def test_what_was_carried_is_told_again_only_when_it_has_grown() -> None:
    cache, metered = cache_of(), key_of()
    buckets, usage = Buckets(cache), Usage(cache)
    ask(buckets, metered, 2)
    changes, again = (usage.changed(metered.shard, TODAY) for _ in range(2))
    assert changes is not None
    assert changes == again
    assert changes.counts == {"org_1": {"key_1": Counts(2)}}
    usage.carried(metered.shard, TODAY, changes.life, "org_1", changes.counts["org_1"])
    assert usage.changed(metered.shard, TODAY) is None
    ask(buckets, metered)
    assert counted(cache, metered) == Counts(3), "absolute, not what was added"
    usage.carried(metered.shard, TODAY, "another life", "org_1", {"key_1": Counts(3)})
    assert counted(cache, metered) == Counts(3), "said of a life that is over"


def test_a_redis_that_comes_back_empty_begins_another_life(redis_of_its_own: Part) -> None:
    cache, metered = cache_of(redis_of_its_own.variables["REDIS_URL"]), key_of()
    buckets, usage = Buckets(cache), Usage(cache)
    ask(buckets, metered, 2)
    before = usage.changed(metered.shard, TODAY)
    restart(redis_of_its_own)
    # The first calls may find the broken line.
    redis_of_its_own.process.wait_until(cache.ping, 10.0)
    ask(buckets, metered)
    after = usage.changed(metered.shard, TODAY)
    assert before is not None
    assert after is not None
    assert after.life != before.life


def restart(part: Part) -> None:
    part.process.kill()
    part.process.stop()
    part.process.start()
    part.process.wait_until(part.ready, 10.0)


def test_what_comes_while_redis_is_away_goes_with_the_next_call_of_the_shard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache, yesterday, today = cache_of(), key_of(day=TODAY - timedelta(days=1)), key_of()
    other = key_of(key="key_2")
    buckets = Buckets(cache)
    with monkeypatch.context() as away:
        away.setattr(cache, "execute", unasked)
        assert ask(buckets, yesterday, 2) == [True, True]
        assert ask(buckets, other, 4) == [True, True, True, False]
    assert counted(cache, yesterday) is None
    ask(buckets, today)
    assert counted(cache, today) == Counts(1)
    assert counted(cache, yesterday) == Counts(2)
    assert counted(cache, other) == Counts(3, 1)
    ask(buckets, today)
    assert counted(cache, other) == Counts(3, 1), "sent once"


def unasked(call: Callable[[Any], Any]) -> Any:
    raise CacheUnasked("away")


def lost(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer is lost: the script runs, and its caller hears nothing."""
    real = cache.execute

    def execute(call: Callable[[Any], Any]) -> Any:
        real(call)
        raise CacheDown("the answer was lost")

    monkeypatch.setattr(cache, "execute", execute)


def test_a_request_whose_answer_was_lost_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, metered = cache_of(), key_of()
    buckets = Buckets(cache)
    buckets.gathered.add(metered, answered=True)
    with monkeypatch.context() as losing:
        lost(cache, losing)
        ask(buckets, metered)
    assert len(buckets.gathered) == 0
    ask(buckets, metered)
    assert counted(cache, metered) == Counts(3)


def test_gathering_what_may_have_been_sent_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: what knowing whether Redis was asked is for."""
    cache, metered = cache_of(), key_of()
    buckets = Buckets(cache)
    with monkeypatch.context() as losing:
        lost(cache, losing)
        losing.setattr("shared.throttling.buckets.CacheUnasked", CacheDown)
        ask(buckets, metered)
    ask(buckets, metered)
    assert counted(cache, metered) == Counts(3), "of two requests"


def test_a_redis_that_is_gone_was_not_asked_and_one_that_dies_meanwhile_may_have_been(redis_of_its_own: Part) -> None:
    url = redis_of_its_own.variables["REDIS_URL"]
    fresh, dying = cache_of(url), cache_of(url)
    dying.execute(lambda client: client.ping())
    with pytest.raises(CacheDown) as told:
        dying.execute(lambda client: end(redis_of_its_own, client))
    assert not isinstance(told.value, CacheUnasked)
    with pytest.raises(CacheUnasked):
        fresh.execute(lambda client: client.ping())


def end(part: Part, client: Any) -> Any:
    part.process.kill()
    part.process.stop()
    return client.ping()


def test_a_route_without_a_round_trip_is_told_of_by_the_next_one_that_makes_one() -> None:
    cache, metered = cache_of(), key_of()
    buckets = Buckets(cache)
    bucket = Bucket(metered.bucket_key, LIMIT)
    assert [buckets.take_here([bucket], 1, metered).allowed for _ in range(4)] == [True, True, True, False]
    assert counted(cache, metered) is None
    ask(buckets, metered)
    assert counted(cache, metered) == Counts(4, 1)


def test_without_any_redis_nothing_waits_to_be_told() -> None:
    buckets = Buckets(Cache(None, prefix="none"))
    ask(buckets, key_of(), 2)
    assert len(buckets.gathered) == 0


def test_a_process_remembers_a_bounded_number_of_counts_and_sends_a_bounded_number_at_once() -> None:
    gathered = Gathered(kept_max=150)
    for number in range(1000):
        gathered.add(key_of(key=f"key_{number}"), answered=True)
        gathered.add(key_of(key="key_0"), answered=True)
    assert len(gathered) == 150
    shard = key_of().shard
    sent = [gathered.take(shard) for _ in range(3)]
    assert [len(one) for one in sent] == [100, 50, 0]
    assert next(number for _, field, number in sent[0] if field == "org_1/key_0+") == 1001
