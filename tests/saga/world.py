"""One event's sales, with everything that is under way between the services in the test's hand."""

from __future__ import annotations

from contracts.catalog import EventPublished
from tests.saga.box_office import Basket, BoxOffice, Refused
from tests.saga.company import Company, Webhook
from tests.saga.mill import Mill, Parcel
from tests.saga.truth import check, outcome_of

DELIVERIES_MAX = 400


class World:
    """One event's sales with everything that is under way between the services."""

    def __init__(self, office: BoxOffice, mill: Mill, company: Company, event: EventPublished, capacity: int) -> None:
        self.office, self.mill, self.company = office, mill, company
        self.event, self.capacity = event, capacity
        self.under_way: list[Parcel | Webhook] = []
        self.orders: dict[str, tuple[Basket, str | None]] = {}
        for parcel in mill.addressed(event, "catalog", f"event#{event.event_id}|1|event"):
            assert mill.deliver(parcel)

    def order(self) -> tuple[Basket, dict[str, object]]:
        """A buyer holds one place less than half of the event, or what is left, and orders it."""
        basket = self.office.hold(self.event, self.office.buyer(), quantity=2)
        order = self.office.order(basket)
        self.orders[order["order_id"]] = basket, None
        return basket, order

    def pay(self, basket: Basket, order: dict[str, object]) -> None:
        """The buyer pays on the company's page; the webhook is then under way."""
        payment = self.office.open_checkout(basket, order)
        self.orders[str(order["order_id"])] = basket, str(payment["payment_id"])
        self.company.pay(str(payment["checkout_url"]))

    def look(self) -> None:
        """Finds out what has come under way since."""
        self.company.wait_until_told()
        while self.company.webhooks:
            self.under_way.append(self.company.webhooks.popleft())
        self.under_way += self.mill.collect()

    def arrive(self, number: int, *, stays: bool) -> None:
        """Something arrives; it stays under way when it failed, or to come again."""
        thing = self.under_way[number]
        if isinstance(thing, Parcel):
            done = self.mill.deliver(thing)
        else:
            try:
                self.office.take_webhook(thing)
                done = True
            except Refused as refused:
                if refused.status < 500:
                    raise
                done = False
        if not (done and stays):
            self.under_way.pop(number)
        if not done:
            # It comes again, but not before everything else has had its turn, or nothing that it waits for ever comes.
            self.under_way.append(thing)

    def check(self) -> list[str]:
        """Everything that must be true; answers the states the orders ended in. Raises Untrue."""
        outcomes = {
            order_id: outcome_of(self.office, self.company, basket, payment_id, order_id=order_id)
            for order_id, (basket, payment_id) in self.orders.items()
        }
        check(outcomes, self.event.pools[0].pool_id, self.capacity)
        return [outcome.state for outcome in outcomes.values()]

    def settle(self) -> None:
        """Everything arrives once, oldest first."""
        for _ in range(DELIVERIES_MAX):
            self.look()
            if not self.under_way:
                return
            self.arrive(0, stays=False)
        raise AssertionError(f"still under way: {self.under_way}")
