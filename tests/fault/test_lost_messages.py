"""Each message of a sale is lost for good once, for one of its consumers; `republish` brings the sale to its end."""

from __future__ import annotations

import pytest

from runtime.resending import republish_service
from tests.saga.box_office import BoxOffice
from tests.saga.company import Company
from tests.saga.mill import Mill, Parcel
from tests.saga.truth import Untrue
from tests.saga.world import DELIVERIES_MAX, World


def settle_without(world: World, type_name: str, consumer: str) -> int:
    """Everything arrives but that message to that consumer, which is lost; how many were."""
    lost = 0
    for _ in range(DELIVERIES_MAX):
        world.look()
        kept = [
            thing
            for thing in world.under_way
            if not (isinstance(thing, Parcel) and (thing.type_name, thing.consumer) == (type_name, consumer))
        ]
        lost += len(world.under_way) - len(kept)
        world.under_way = kept
        if not kept:
            return lost
        world.arrive(0, stays=False)
    raise AssertionError(f"still under way: {world.under_way}")


@pytest.mark.parametrize(
    ("type_name", "consumer", "ends"),
    [
        ("payments.payment_succeeded.v1", "orders", "confirmed"),
        ("orders.order_paid.v1", "reservations", "confirmed"),
        ("reservations.hold_confirmed.v1", "orders", "confirmed"),
        ("reservations.hold_confirmed.v1", "tickets", "confirmed"),
        ("orders.order_refunding.v1", "payments", "refunded"),
        ("payments.payment_refunded.v1", "orders", "refunded"),
    ],
)
def test_what_was_lost_comes_back_from_the_rows(
    office: BoxOffice, mill: Mill, company: Company, type_name: str, consumer: str, ends: str
) -> None:
    world = World(office, mill, company, office.event(seats=4), 4)
    basket, order = world.order()
    world.pay(basket, order)
    if ends == "refunded":
        world.office.cancel(basket, order)
    assert settle_without(world, type_name, consumer) == 1
    if type_name != "payments.payment_refunded.v1":
        # The negative control: the loss is seen. A refund that orders has not heard of has done its work all the same.
        with pytest.raises(Untrue):
            world.check()
    for service in ("payments", "orders"):
        # All of them would be what every test before this one has left.
        assert republish_service(service, lambda line: None, [world.event.event_id, *world.orders])
    world.settle()
    assert world.check() == [ends]
