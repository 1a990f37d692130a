"""Is the waiting room fair? A simulated on-sale of 100,000 people by the product's own rules, and negative controls."""

from __future__ import annotations

import math
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.fairness import chi_square_p, longest_inversion, most_within, steady_rate, uniformity
from bench.waiters import OnSale, Outcome, Plan, in_order_of_serials, leased_by_process
from services.reservations.domain.waiting_room import Draw, shuffled

PEOPLE = Plan()
# A smaller on-sale for the controls and for what there is to buy.
SMALL = Plan(early=1500, late=1500, opens=60.0, late_seconds=60.0, rate_max=60.0)
# With these seeds a fair room is never refused; an unfair one is at any of them.
P_MIN = 0.001


@cache
def crowd() -> Outcome:
    """The on-sale that most of this speaks of."""
    return OnSale(PEOPLE).run()


def test_everybody_is_served() -> None:
    assert len(crowd().arrived) == 100_000
    assert not any(math.isinf(at) for at in crowd().served)


def test_when_somebody_came_before_the_opening_says_nothing_about_the_rank() -> None:
    ranks = crowd().ranks[: crowd().early]
    assert len(ranks) == 60_000
    assert uniformity(ranks) > P_MIN


def test_a_room_that_serves_by_serial_is_found_out() -> None:
    unfair = OnSale(SMALL, rank_of=in_order_of_serials).run()
    assert uniformity(unfair.ranks[: unfair.early]) < 1e-12
    # Slightly unfair will do: a tenth of the people, those who came first, keep their rank.
    draw = Draw(b"s" * 32, 60_000)
    ranks = [serial if serial < 6000 else shuffled(serial, draw) for serial in range(60_000)]
    assert uniformity(ranks) < 1e-12


def test_after_the_opening_nobody_is_served_before_who_came_a_second_earlier() -> None:
    late = slice(crowd().early, None)
    assert 0 < longest_inversion(crowd().arrived[late], crowd().served[late]) <= 1.0


def test_everybody_of_before_is_served_before_everybody_of_after() -> None:
    early = crowd().early
    assert max(crowd().served[:early]) <= min(crowd().served[early:])


def test_a_counter_for_each_process_is_found_out() -> None:
    unfair = OnSale(SMALL, serials=leased_by_process).run()
    late = slice(unfair.early, None)
    assert longest_inversion(unfair.arrived[late], unfair.served[late]) > 1.0


def test_an_edge_location_asks_the_origin_once_a_second_whoever_polls() -> None:
    assert crowd().polls > 1_000_000
    assert max(most_within(times, 1.0) for times in crowd().asked) == 1


def test_an_edge_that_does_not_collapse_is_found_out() -> None:
    crowded = OnSale(Plan(early=5000, late=0, opens=30.0, edges=2, collapsing=False, lasts=60.0)).run()
    assert max(most_within(times, 1.0) for times in crowded.asked) > 1


def test_no_shows_do_not_slow_it_down() -> None:
    assert steady_rate(crowd()) >= 0.9 * PEOPLE.rate_max
    everybody_comes = OnSale(Plan(no_show=0.0, early=6000, late=4000, rate_max=100.0)).run()
    a_third_stays_away = OnSale(Plan(no_show=0.3, early=6000, late=4000, rate_max=100.0)).run()
    assert steady_rate(a_third_stays_away) >= 0.9 * steady_rate(everybody_comes)


def test_a_small_sale_sells_out_though_a_third_stays_away_and_admits_no_crowd() -> None:
    plan = few_places()
    outcome = OnSale(plan).run()
    assert outcome.sold_at is not None
    assert outcome.sold == plan.places == 100
    assert outcome.outstanding_max <= 1.5 * plan.places / 2 + plan.rate_max, "a burst of one second above it at most"
    assert outcome.claims < 200, "of 1,400 who would have claimed"


def test_a_room_that_waits_for_no_shows_is_found_out() -> None:
    fair, waiting = OnSale(few_places()).run(), OnSale(few_places(no_shows_count=True)).run()
    assert fair.sold_at is not None
    assert waiting.sold_at is None or waiting.sold_at > fair.sold_at + 60


def few_places(*, no_shows_count: bool = False) -> Plan:
    """A hundred places, and twenty times as many people."""
    return Plan(
        early=1500,
        late=500,
        opens=30.0,
        places=100,
        rate_max=20.0,
        no_show=0.6,
        lasts=2400.0,
        buys=1.0,
        no_shows_count=no_shows_count,
    )


def test_a_slow_shop_is_not_overrun() -> None:
    plan = Plan(early=8000, late=0, opens=30.0, rate_max=400.0, holds_per_second=40)
    slow = OnSale(plan).run()
    settled = [rate for at, rate in slow.rates if 120 < at < 300]
    assert sum(settled) / len(settled) < 80, "about what the shop takes, far below what the organiser would allow"
    assert min(settled) >= 0.5
    quick = OnSale(Plan(early=8000, late=0, opens=30.0, rate_max=400.0)).run()
    assert max(rate for _, rate in quick.rates) > 300, "and that was the shop's doing"


@settings(max_examples=40, deadline=None)
@given(
    people=st.integers(1, 60),
    edges=st.integers(1, 3),
    latency=st.floats(0.0, 2.0),
    seed=st.integers(0, 1000),
    rate=st.floats(0.5, 200.0),
)
def test_no_poll_however_timed_reaches_the_origin_twice_in_a_second(
    people: int, edges: int, latency: float, seed: int, rate: float
) -> None:
    plan = Plan(
        early=people, late=people, opens=5.0, late_seconds=5.0, edges=edges, edge_latency=latency, seed=seed,
        rate_max=rate, lasts=60.0,
    )  # fmt: skip
    assert max(most_within(times, 1.0) for times in OnSale(plan).run().asked) <= 1


@pytest.mark.parametrize(
    ("arrived", "served", "longest"),
    [
        ([0.0, 1.0, 2.0], [5.0, 6.0, 7.0], 0.0),
        ([0.0, 1.0, 2.0], [7.0, 7.0, 7.0], 0.0),
        ([0.0, 1.0, 2.0], [7.0, 6.0, 5.0], 2.0),
        ([0.0, 10.0, 10.5], [7.0, 8.0, 6.0], 10.5),
    ],
)
def test_inversions_are_measured(arrived: list[float], served: list[float], longest: float) -> None:
    assert longest_inversion(arrived, served) == longest


def test_the_test_of_uniformity_is_itself_right() -> None:
    # From a printed table: 5 % of the mass lies beyond these.
    for freedom, beyond in ((10, 18.307), (100, 124.342), (931, 1003.1)):
        assert chi_square_p(beyond, freedom) == pytest.approx(0.05, abs=0.001)
