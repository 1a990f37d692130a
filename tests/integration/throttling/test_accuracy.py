"""A hundred clients in four processes take from one bucket: never more passes than burst and rate allow."""

from __future__ import annotations

import os

import pytest

from runtime.parts import Part
from shared.cache import Cache
from shared.throttling import Bucket, Buckets, Limit
from tests.integration.throttling.crowd import let_through

# Small against what a busy machine still asks for in the time.
RATE = 50
LIMIT = Limit.of("any", rate=RATE, burst=100)
SECONDS = 2.0
# One worker after the other, because each run keeps all cores busy.
pytestmark = pytest.mark.xdist_group("throttling-accuracy")


def allowed(seconds: float, bursts: int = 1) -> float:
    return bursts * LIMIT.burst + RATE * seconds


def test_a_hundred_clients_get_burst_and_rate_and_no_more(redis_of_its_own: Part) -> None:
    passed = let_through(redis_of_its_own.variables["REDIS_URL"], LIMIT, SECONDS)
    assert passed.number <= 1.01 * allowed(passed.seconds), passed
    assert passed.number >= 0.9 * allowed(SECONDS), f"it should not be so far below either: {passed}"


def test_a_bucket_that_is_read_and_then_written_lets_more_through(redis_of_its_own: Part) -> None:
    """The negative control: what the one script is for."""
    passed = let_through(redis_of_its_own.variables["REDIS_URL"], LIMIT, SECONDS, careless=True)
    assert passed.number > 1.01 * allowed(passed.seconds), passed


def test_without_redis_every_process_gives_as_much(redis_of_its_own: Part) -> None:
    redis_of_its_own.process.kill()
    redis_of_its_own.process.stop()
    for url in (None, redis_of_its_own.variables["REDIS_URL"]):
        passed = let_through(url, LIMIT, SECONDS, processes=2)
        assert passed.number <= 1.01 * 2 * allowed(passed.seconds), passed
        assert passed.number > 1.01 * allowed(passed.seconds), "one process' worth would mean that they share a bucket"


def test_a_redis_that_comes_back_empty_gives_one_burst_more(redis_of_its_own: Part) -> None:
    buckets = Buckets(Cache(redis_of_its_own.variables["REDIS_URL"], prefix="restart", timeout_milliseconds=5000))
    slow = Limit.of("slow", rate=0.001, burst=20)

    def through() -> int:
        return sum(buckets.take([Bucket("somebody", slow)]).allowed for _ in range(100))

    assert through() == 20
    redis_of_its_own.process.kill()
    redis_of_its_own.process.stop()
    redis_of_its_own.process.start()
    redis_of_its_own.process.wait_until(redis_of_its_own.ready, 10.0)
    # The first call finds the broken line, and is counted here; it is the one that may pass beside the burst.
    assert 20 <= through() <= 21


def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    prefix = f"{os.environ['RESOURCE_PREFIX']}:forgotten"
    cache = Cache(os.environ["REDIS_URL"], prefix=prefix)
    buckets = Buckets(cache)
    bucket = Bucket("somebody", Limit.of("any", rate=10, burst=100))
    buckets.take([bucket], 30)
    kept = cache.execute(lambda client: client.pttl(f"{prefix}:somebody"))
    assert 0 < kept <= 3000
    buckets.take([bucket], -30)
    assert cache.get("somebody") is None


def test_several_buckets_are_one_round_trip_and_are_taken_together() -> None:
    cache = Cache(os.environ["REDIS_URL"], prefix=f"{os.environ['RESOURCE_PREFIX']}:together")
    calls = list[int]()
    real = cache.execute
    cache.execute = lambda call: calls.append(1) or real(call)  # type: ignore[method-assign, func-returns-value]
    buckets = Buckets(cache)
    small = Bucket("{them}:small", Limit.of("small", rate=0.01, burst=1))
    large = Bucket("{them}:large", Limit.of("large", rate=0.01, burst=5))
    assert buckets.take([small, large]).allowed
    refused = buckets.take([small, large])
    assert not refused.allowed
    assert [each.remaining for each in refused.standings] == [0, 4]
    assert len(calls) == 2
