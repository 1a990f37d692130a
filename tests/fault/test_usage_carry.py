"""The carry of usage under faults: crashes, lost answers, repetitions, several at once; no request counts twice."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from runtime.parts import Part
from services.accounts import repository
from services.accounts.domain.usage import Count, by_key, total
from services.accounts.repository.usage import _usage
from services.accounts.use_cases import usage
from shared.cache import Breaker, Cache, CacheDown
from shared.data import TransactionRefused, transport
from shared.ids import new_id
from shared.throttling import Bucket, Buckets, Limit, Metered, Usage
from tests.fault.test_lost_answers_in_a_sale import LosesAnswers
from tests.property.crashes import Crash, crash_at_write

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = NOW.date()
LIMIT = Limit.of("pro", rate=1_000, burst=1_000)


class Counter:
    """Keys of one organiser, counted in a Redis prefix that nobody else carries from."""

    def __init__(self, url: str) -> None:
        self.organiser_id = new_id("org")
        self.cache = Cache(
            url,
            prefix=f"carry-{secrets.token_hex(6)}",
            timeout_milliseconds=30_000,
            breaker=Breaker(failures_max=10_000),
        )
        self.buckets, self.usage = Buckets(self.cache), Usage(self.cache)

    def ask(self, number: int, key: str = "key_a", day: date = TODAY) -> None:
        """So many requests of a key."""
        metered = Metered(self.organiser_id, key, day)
        for _ in range(number):
            self.buckets.take([Bucket(metered.bucket_key, LIMIT)], 1, metered)

    def check(self, answered: int) -> None:
        """Refuses (AssertionError) a day or a month that is not that sum."""
        day = by_key(repository.usage_day(self.organiser_id, TODAY).counts)
        month = repository.usage_month(self.organiser_id, "2026-11").used
        assert (total(day.values()), month) == (Count(answered), Count(answered))


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    made = Counter(os.environ["REDIS_URL"])
    monkeypatch.setattr(repository, "metered", lambda: made.usage)
    yield made
    _usage.cache_clear()


@pytest.mark.parametrize("done", [False, True], ids=["before the write", "after the write"])
def test_a_carry_that_crashes_is_made_good_by_the_next(counter: Counter, done: bool) -> None:
    counter.ask(3)
    counter.ask(2, "key_b")
    with pytest.raises(Crash), crash_at_write(0, done=done):
        usage.carry_usage(NOW)
    usage.carry_usage(NOW)
    counter.check(5)
    counter.ask(1)
    usage.carry_usage(NOW)
    counter.check(6)


def test_a_carry_whose_answers_are_lost_counts_once(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    loses = LosesAnswers()
    monkeypatch.setattr(transport, "carry", loses)
    for _ in range(2):
        counter.ask(4)
        usage.carry_usage(NOW)
    assert loses.lost == 2
    counter.check(8)


def test_a_carry_that_cannot_tell_redis_is_repeated_and_counts_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.ask(4)
    with monkeypatch.context() as away:
        away.setattr(counter.usage, "carried", _down)
        for _ in range(3):
            assert usage.carry_usage(NOW) == 0
    assert usage.carry_usage(NOW) == 1
    assert usage.carry_usage(NOW) == 0
    counter.check(4)


def _down(*_: Any) -> None:
    raise CacheDown("away")


def test_carries_at_once_while_requests_come_count_each_once(counter: Counter) -> None:
    begin, failed = threading.Barrier(5), list[BaseException]()

    def run(work: Any) -> None:
        begin.wait()
        try:
            for _ in range(10):
                work()
        except BaseException as error:
            failed.append(error)

    works = [lambda: usage.carry_usage(NOW)] * 3 + [lambda: counter.ask(5), lambda: counter.ask(3, "key_b")]
    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    usage.carry_usage(NOW)
    counter.check(80)


def test_a_redis_that_restarts_empty_loses_only_what_was_not_carried(
    redis_of_its_own: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter = Counter(redis_of_its_own.variables["REDIS_URL"])
    monkeypatch.setattr(repository, "metered", lambda: counter.usage)
    counter.ask(6)
    usage.carry_usage(NOW)
    counter.ask(2)
    redis_of_its_own.process.kill()
    redis_of_its_own.process.stop()
    assert usage.carry_usage(NOW) == 0, "without Redis there is nothing to carry, and nobody is harmed"
    redis_of_its_own.process.start()
    redis_of_its_own.process.wait_until(redis_of_its_own.ready, 10.0)
    # Until the line to the new server is known to stand.
    redis_of_its_own.process.wait_until(counter.cache.ping, 10.0)
    counter.ask(4)
    usage.carry_usage(NOW)
    counter.check(10)


def test_what_one_organisers_rows_refuse_does_not_keep_the_others_waiting(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = repository.save_usage, new_id("org")
    counter.ask(3)
    metered = Metered(broken, "key_x", TODAY)
    counter.buckets.take([Bucket(metered.bucket_key, LIMIT)], 1, metered)

    def refusing(day: Any, month: Any, **options: Any) -> None:
        if month.organiser_id == broken:
            raise TransactionRefused([], ())
        real(day, month, **options)

    monkeypatch.setattr(repository, "save_usage", refusing)
    assert usage.carry_usage(NOW) == 1
    counter.check(3)
    monkeypatch.setattr(repository, "save_usage", real)
    assert usage.carry_usage(NOW) == 1
    assert repository.usage_month(broken, "2026-11").used == Count(1)


def adding(kept: Any, life: str, said: Any) -> Any:
    """A carry that adds what it is told to what is there."""
    day = {key: dict(lives) for key, lives in kept.items()}
    for key, count in said.items():
        lives = day.setdefault(key, {})
        lives[life] = lives.get(life, Count()) + count
    return day


def test_a_carry_that_adds_counts_twice(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: what absolute values are for."""
    monkeypatch.setattr(usage, "carried", adding)
    counter.ask(3)
    with pytest.raises(Crash), crash_at_write(0, done=True):
        usage.carry_usage(NOW)
    usage.carry_usage(NOW)
    counter.check(6)


def test_a_carry_that_names_no_life_takes_a_restart_for_nothing(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: without lives, a counter that begins anew is lost until it has caught up."""
    real = repository.usage_day
    counter.ask(6)
    usage.carry_usage(NOW)
    counter.cache.execute(lambda client: client.delete(*client.keys(f"{counter.cache.full_key('')}*")))
    counter.ask(4)
    monkeypatch.setattr(usage, "carried", lambda kept, life, said: _same_life(kept, said))
    usage.carry_usage(NOW)
    assert total(by_key(real(counter.organiser_id, TODAY).counts).values()) == Count(6)


def _same_life(kept: Any, said: Any) -> Any:
    return {key: {life: count.at_least(said[key]) for life, count in lives.items()} for key, lives in kept.items()}
