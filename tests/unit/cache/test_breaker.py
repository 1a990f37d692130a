"""The circuit breaker on a clock of its own."""

from __future__ import annotations

import pytest

from shared.cache import Breaker


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def breaker(hand: Hand) -> Breaker:
    return Breaker(failures_max=3, pause_seconds=1.0, pause_seconds_max=4.0, monotonic=hand)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_it_stays_closed_below_so_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    assert breaker.allows()


def test_open_it_lets_nobody_through_until_its_pause_is_over_and_then_one(breaker: Breaker, hand: Hand) -> None:
    fail(breaker, 3)
    assert breaker.is_open
    hand.now += 0.7
    assert not breaker.allows()
    hand.now += 0.6
    assert breaker.allows()
    assert not breaker.allows()


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, hand: Hand) -> None:
    fail(breaker, 3)
    hand.now += 1.3
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_each_failed_trial_doubles_the_pause_up_to_a_limit(breaker: Breaker, hand: Hand) -> None:
    fail(breaker, 3)
    hand.now += 1.3
    for pause in (2, 4, 4):
        assert breaker.allows()
        breaker.failed()
        hand.now += pause * 0.74
        assert not breaker.allows()
        hand.now += pause * 0.52


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_the_pause(breaker: Breaker, hand: Hand) -> None:
    fail(breaker, 30)
    hand.now += 1.3
    assert breaker.allows()
