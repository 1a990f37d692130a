"""A small event sells out, and what lists show of it follows within a minute: by messages, in whatever state they come.

The clock of the test goes a minute ahead where the system's schedule would have waited for one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.orders import OrderRefunded
from contracts.sale import Buyer, Money, PlaceSold
from runtime.resending import republish_service
from shared import clock
from shared.ids import new_id
from tests.saga.front_door import Asked
from tests.saga.mill import Parcel
from tests.saga.tenants import Tenant, Town, event, order_request, payment_request

PLACES = 20
CHANGED = "reservations.availability_changed.v1"
SECONDS_MAX = 30.0
_SCHEDULED = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-11-24T10:00:00Z",
    "resources": [],
}


class SmallEvent:
    """An event of one pool, the people who buy it up, and what lists show of it."""

    def __init__(self, town: Town, tenant: Tenant, later: Callable[[], None]) -> None:
        owner = tenant.people["owner"]
        body = event(tenant, "A Small Evening")
        body["pools"] = [{"name": "Floor", "kind": "general", "capacity": PLACES}]
        body["ticket_types"] = body["ticket_types"][:1]
        planned = town.door.expect(Asked("POST", "/v1/events", owner, body), 201)
        self.event_id = planned["event_id"]
        self.type_id = planned["ticket_types"][0]["ticket_type_id"]
        town.door.expect(Asked("POST", f"/v1/events/{self.event_id}/publication", owner), 200)
        self.town, self.tenant, self._later = town, tenant, later
        town.settle()

    def sell(self, quantity: int) -> tuple[Any, Any]:
        """Sells so many places, to their tickets; answers the hold and the order."""
        town, buyer = self.town, self.town.person("Listing Buyer")
        lines = [{"ticket_type_id": self.type_id, "quantity": quantity}]
        hold = town.door.expect(Asked("POST", "/v1/holds", buyer, {"event_id": self.event_id, "lines": lines}), 201)
        order = town.door.expect(order_request(hold, buyer), 201)
        payment = town.door.expect(payment_request(order, buyer), 201)
        town.company.pay(payment["checkout_url"])
        town.company.wait_until_told()
        town.door.expect(town.webhook_request(town.company.webhooks.popleft().body), 202)
        town.settle()
        return hold, order

    def refund(self, hold: Any, order: Any) -> None:
        """Orders says that the money of a confirmed order is back."""
        refunded = OrderRefunded(
            order_id=order["order_id"],
            version=9,
            hold_id=hold["hold_id"],
            event_id=self.event_id,
            organiser_id=self.tenant.organiser_id,
            buyer=Buyer(person_id=new_id("per"), email="fan@example.com", name="A Fan"),
            places=tuple(_place(place) for place in hold["places"]),
            amount=Money(4500 * len(hold["places"]), "USD"),
            reason="asked for",
            refunded_at=clock.now(),
            was_confirmed=True,
        )
        for parcel in self.town.mill.addressed(refunded, "orders", f"refund#{order['order_id']}"):
            if parcel.consumer == "reservations":
                assert self.town.mill.deliver(parcel)

    def shown(self, query: str = "") -> str | None:
        """What the organiser's upcoming events say of it; None where it is not among them."""
        path = f"/v1/events?organiser_id={self.tenant.organiser_id}&sort=-starts_at{query}"
        items = self.town.door.expect(Asked("GET", path), 200)["items"]
        return next((str(one["availability"]) for one in items if one["event_id"] == self.event_id), None)

    def let_a_minute_pass(self) -> None:
        """The schedule comes round."""
        from services.reservations.app import count_places

        self._later()
        count_places(_SCHEDULED, None)

    def wait_for(self, left: str) -> None:
        """A minute passes; lists then show it, as soon as the messages have come."""
        self.let_a_minute_pass()
        ends_at = time.monotonic() + SECONDS_MAX
        while True:
            self.town.settle()
            if self.shown() == left:
                return
            assert time.monotonic() < ends_at, f"{self.shown()}, and not {left}"
            time.sleep(0.05)

    def lose_what_is_told(self) -> list[Parcel]:
        """A minute passes, and whatever is said of its places gets lost; answers that."""
        self.let_a_minute_pass()
        parcels = self.town.mill.collect()
        for parcel in parcels:
            if parcel.type_name != CHANGED:
                self.town.mill.deliver(parcel)
        return [parcel for parcel in parcels if parcel.type_name == CHANGED and self.event_id in parcel.body]


def _place(place: Any) -> PlaceSold:
    return PlaceSold(
        pool_id=place["pool_id"],
        block=place["block"],
        slot=place["slot"],
        ticket_type_id=place["ticket_type_id"],
        ticket_type_name=place["ticket_type_name"],
        price=Money(place["price"]["amount"], place["price"]["currency"]),
    )


@pytest.fixture(scope="module")
def tenant(town: Town) -> Tenant:
    tenant = town.tenant("Listing Concerts", roles=())
    town.plan(tenant, "Listing")
    return tenant


@pytest.fixture
def later() -> Iterator[Callable[[], None]]:
    """Lets a minute pass."""
    with ExitStack() as clocks:
        passed: list[int] = []

        def pass_one() -> None:
            passed.append(1)
            ahead = timedelta(seconds=61 * len(passed))
            clocks.enter_context(clock.use(lambda: datetime.now(UTC) + ahead))

        yield pass_one


def test_an_event_that_sells_out_is_shown_so_and_available_again_after_a_refund(
    town: Town, tenant: Tenant, later: Callable[[], None]
) -> None:
    small = SmallEvent(town, tenant, later)
    assert small.shown() == "available"
    sales = [small.sell(10), small.sell(7)]
    small.wait_for("few-left")
    assert small.shown("&available=true") == "few-left"
    sales.append(small.sell(3))
    small.wait_for("sold-out")
    assert small.shown("&available=true") is None
    small.refund(*sales[0])
    small.wait_for("available")
    assert small.shown("&available=true") == "available"


def test_what_was_lost_on_the_way_is_told_by_republishing(
    town: Town, tenant: Tenant, later: Callable[[], None]
) -> None:
    small = SmallEvent(town, tenant, later)
    small.sell(10)
    small.sell(10)
    # The control: the loss is seen, for lists go on with what they have heard.
    assert small.lose_what_is_told()
    assert small.shown() != "sold-out"
    assert republish_service("reservations", lambda line: None, [small.event_id])
    town.settle()
    assert small.shown() == "sold-out"
