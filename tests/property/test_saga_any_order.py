"""A sale comes out right in whatever order its messages and webhooks arrive, and however often.

Hypothesis chooses what happens to each order (paid in time, paid after the hold ran out, cancelled and paid all the
same, its places sold to a rival) and the seed that decides, at every step, which message or webhook arrives next and
whether it stays to arrive again; a failing seed is printed. What must be true in the end is looked up by
tests/saga/truth.py.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared import clock
from tests.saga.box_office import HOLD_SECONDS, BoxOffice
from tests.saga.company import Company
from tests.saga.mill import Mill, Parcel
from tests.saga.truth import Untrue
from tests.saga.world import DELIVERIES_MAX, World

COPIES_MAX = 2


def play(world: World, fates: list[str], chance: random.Random) -> None:
    """Lets every order meet its fate, with arrivals in drawn order in between, and then everything come to rest."""
    after_the_hold = clock.use(lambda: datetime.now(UTC) + timedelta(seconds=HOLD_SECONDS + 30))
    baskets = [(world.order(), fate) for fate in fates]
    for (basket, order), fate in baskets:
        if fate == "cancelled then paid":
            world.pay(basket, order)
            world.office.cancel(basket, order)
        elif fate in ("paid in time", "paid late", "paid after a rival"):
            world.pay(basket, order)
        world.look()
        if fate in ("paid in time",) and world.under_way:
            world.arrive(chance.randrange(len(world.under_way)), stays=chance.random() < 0.5)
    if any(fate in ("paid late", "paid after a rival") for fate in fates):
        with after_the_hold:
            if "paid after a rival" in fates:
                rival_basket, rival_order = world.order()
                world.pay(rival_basket, rival_order)
            come_to_rest(world, chance)
        return
    come_to_rest(world, chance)


def come_to_rest(world: World, chance: random.Random) -> None:
    """Arrivals in drawn order, some of them more than once, until nothing is under way."""
    copies = 0
    for _ in range(DELIVERIES_MAX):
        world.look()
        if not world.under_way:
            return
        stays = copies < COPIES_MAX * len(world.orders) and chance.random() < 0.5
        copies += stays
        world.arrive(chance.randrange(len(world.under_way)), stays=stays)
    raise AssertionError(f"still under way after {DELIVERIES_MAX} arrivals: {world.under_way}")


FATES = st.lists(
    st.sampled_from(["paid in time", "paid late", "paid after a rival", "cancelled then paid", "never paid"]),
    min_size=1,
    max_size=2,
)
QUICK = settings(
    max_examples=12,
    deadline=None,
    # One world serves all examples; each has an event of its own in it.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    print_blob=True,
)


@QUICK
@given(fates=FATES, seated=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_paid_orders_end_in_tickets_or_a_full_refund(
    office: BoxOffice, mill: Mill, company: Company, fates: list[str], seated: bool, seed: int
) -> None:
    capacity = 2 * len(fates)
    event = office.event(seats=capacity) if seated else office.event(general=capacity)
    world = World(office, mill, company, event, capacity)
    play(world, fates, random.Random(seed))
    world.check()


def test_a_general_place_lost_after_the_hold_ran_out_is_replaced_by_another(
    office: BoxOffice, mill: Mill, company: Company
) -> None:
    world = World(office, mill, company, office.event(general=4), 4)
    basket, order = world.order()
    world.pay(basket, order)
    with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=HOLD_SECONDS + 30)):
        rival = office.hold(world.event, office.buyer(), quantity=3)
        world.settle()
        assert rival.places & basket.places, "the rival should have been given places of the hold that ran out"
        assert world.check() == ["refunded"], "one free place is not enough for two"
        office.call(
            "reservations",
            "DELETE",
            f"/v1/holds/{rival.hold['hold_id']}",
            person=rival.buyer,
            headers={"Hold-Token": rival.hold["hold_token"]},
            status=204,
        )
    world = World(office, mill, company, office.event(general=4), 4)
    basket, order = world.order()
    world.pay(basket, order)
    with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=HOLD_SECONDS + 30)):
        for _ in range(2):
            world.office.hold(world.event, office.buyer(), quantity=1)
        world.settle()
        assert world.check() == ["confirmed"]


def test_without_the_pinned_decision_a_repetition_contradicts_itself(
    office: BoxOffice, mill: Mill, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: with decisions forgotten, a refused order that comes again is confirmed and refunded."""
    from services.reservations import repository

    monkeypatch.setattr(repository, "decision_of", lambda hold_id: None)
    monkeypatch.setattr(repository, "pin", lambda row, now: row)
    world = World(office, mill, company, office.event(general=2), 2)
    basket, order = world.order()
    world.pay(basket, order)
    with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=HOLD_SECONDS + 30)):
        rival = office.hold(world.event, office.buyer(), quantity=2)
        repeated: list[Parcel] = []
        for _ in range(DELIVERIES_MAX):
            world.look()
            if not world.under_way:
                break
            repeated += [
                thing
                for thing in world.under_way
                if isinstance(thing, Parcel) and thing.type_name == "orders.order_paid.v1"
            ]
            world.arrive(0, stays=False)
        assert world.check() == ["refunded"]
        office.call(
            "reservations",
            "DELETE",
            f"/v1/holds/{rival.hold['hold_id']}",
            person=rival.buyer,
            headers={"Hold-Token": rival.hold["hold_token"]},
            status=204,
        )
        world.under_way = [repeated[0]]
        world.settle()
        with pytest.raises(Untrue):
            world.check()
