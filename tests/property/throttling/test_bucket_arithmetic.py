"""Token buckets against a plain model in fractions: in Python, and as Redis runs them."""

from __future__ import annotations

import os
import secrets
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.cache import Cache
from shared.throttling import Limit
from shared.throttling.bucket import SECOND, standing, take
from shared.throttling.buckets import _TAKE_LUA

Step = tuple[int, int]
# Microseconds that pass before a request, and what it costs.
STEPS = st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(-2, 6)), max_size=40)
LIMITS = st.lists(
    st.builds(Limit.of, st.just("any"), rate=st.floats(0.05, 5000), burst=st.integers(1, 12)), min_size=1, max_size=3
)


class Tokens:
    """The textbook's bucket: tokens that flow in with time, up to the burst."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.tokens = Fraction(limit.burst)

    def pass_time(self, microseconds: int) -> None:
        self.tokens = min(Fraction(self.limit.burst), self.tokens + Fraction(microseconds, self.limit.interval))

    def give(self, cost: int) -> None:
        self.tokens = min(Fraction(self.limit.burst), self.tokens - cost)


def played_by_the_model(limits: list[Limit], steps: list[Step]) -> list[tuple[bool, list[int]]]:
    buckets, answers = [Tokens(limit) for limit in limits], []
    for microseconds, cost in steps:
        for bucket in buckets:
            bucket.pass_time(microseconds)
        allowed = all(bucket.tokens >= cost for bucket in buckets)
        for bucket in buckets if allowed else []:
            bucket.give(cost)
        answers.append((allowed, [int(bucket.tokens) for bucket in buckets]))
    return answers


def played_in_python(limits: list[Limit], steps: list[Step]) -> list[tuple[bool, list[int]]]:
    backlogs, answers = [0] * len(limits), []
    for microseconds, cost in steps:
        allowed, backlogs = take(limits, [backlog - microseconds for backlog in backlogs], cost)
        left = [standing(limit, backlog, cost, taken=allowed) for limit, backlog in zip(limits, backlogs, strict=True)]
        answers.append((allowed, [each.remaining for each in left]))
    return answers


@given(LIMITS, STEPS)
def test_the_arithmetic_is_that_of_a_token_bucket(limits: list[Limit], steps: list[Step]) -> None:
    assert played_in_python(limits, steps) == played_by_the_model(limits, steps)


@given(st.floats(0.05, 5000), st.integers(1, 12), STEPS)
def test_never_more_than_burst_and_rate_pass_in_any_stretch_of_time(rate: float, burst: int, steps: list[Step]) -> None:
    """And within one per cent of the rate, although intervals are rounded up to whole microseconds."""
    limit = Limit.of("any", rate=rate, burst=burst)
    assert 0.99 * rate <= SECOND / limit.interval <= rate * (1 + 1e-12)
    at, backlog, passed = 0, 0, list[tuple[int, int]]()
    for microseconds, cost in steps:
        at += microseconds
        allowed, (backlog,) = take([limit], [backlog - microseconds], max(cost, 0))
        passed += [(at, max(cost, 0))] if allowed else []
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            through = sum(cost for _, cost in passed[first : last + 1])
            assert through <= burst + rate * (passed[last][0] - passed[first][0]) / SECOND + 1e-6


@given(st.floats(0.05, 5000), st.integers(1, 12), st.integers(0, 10**9), st.integers(1, 12))
def test_whoever_waits_as_told_is_let_through(rate: float, burst: int, backlog: int, cost: int) -> None:
    limit, cost = Limit.of("any", rate=rate, burst=burst), min(cost, burst)
    allowed, (then,) = take([limit], [backlog], cost)
    told = standing(limit, then, cost, taken=allowed)
    assert allowed == (told.wait_seconds == 0)
    if not allowed:
        assert take([limit], [then - told.wait_seconds * SECOND], cost)[0]
        assert not take([limit], [then - (told.wait_seconds - 1) * SECOND], cost)[0]


# The script as it is, but for its clock, which the test sets, and for the expiry, which Redis would reckon by its own.
_CLOCKLESS = _TAKE_LUA.replace("redis.call('TIME')", "{0, tonumber(ARGV[#ARGV])}").replace(
    ", 'PX', math.ceil(after[i] / 1000)", ""
)
assert "TIME" not in _CLOCKLESS
assert "PX" not in _CLOCKLESS


@settings(max_examples=60, deadline=None)
@given(LIMITS, STEPS, st.integers(1, 1_800_000_000 * SECOND))
def test_redis_reckons_as_python_does(limits: list[Limit], steps: list[Step], now: int) -> None:
    cache = Cache(os.environ["REDIS_URL"], prefix=f"{os.environ['RESOURCE_PREFIX']}:{secrets.token_hex(6)}")
    script = cache.script("take", _CLOCKLESS)
    keys = [f"{{somebody}}:{number}" for number in range(len(limits))]
    sizes = [number for limit in limits for number in (limit.depth, limit.interval)]
    answers = []
    for microseconds, cost in steps:
        now += microseconds
        allowed, *backlogs = script.run(keys, [cost, len(limits), *sizes, now])
        left = [
            standing(limit, backlog, cost, taken=bool(allowed)) for limit, backlog in zip(limits, backlogs, strict=True)
        ]
        answers.append((bool(allowed), [each.remaining for each in left]))
    for key in keys:
        cache.delete(key)
    assert answers == played_in_python(limits, steps)
