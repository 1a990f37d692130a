"""The process that carries a sale on is killed at every single one of its writes; the next one brings it to its end.

Each round sells two places of one event. A child process takes the payment's webhook and runs the triggers until it is
killed just before its n-th write, which is just after the one before it; then this process runs what is left. Rounds go
on with the next write until a child lives to its end. Whoever did not acknowledge gets the webhook or message again,
nobody else.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import httpx
import pytest

from runtime.resending import republish_service
from runtime.triggers.pump import Triggers
from shared import clock
from shared.messaging import publish
from tests.forking import forking
from tests.saga.box_office import SERVICES, Basket, BoxOffice
from tests.saga.company import Company, Webhook
from tests.saga.process import Task, carry_on
from tests.saga.truth import Outcome, Untrue, check, outcome_of

ROUNDS_MAX = 60
CAPACITY = 2 * ROUNDS_MAX
# A queue brings a message again after six times its function's time-out; claims that a dead process made are over then.
VISIBILITY = timedelta(minutes=6)


class Sales:
    """One event's sales, carried on by child processes that may die and by this one that does not."""

    def __init__(self, office: BoxOffice, company: Company, folder: Path) -> None:
        self.office, self.company = office, company
        self._folder = folder
        self._checkpoints = folder / "checkpoints.sqlite3"
        # What other tests left in this worker's tables and queues is not of these sales.
        self.triggers = Triggers(office.apps, checkpoints=self._checkpoints, from_now=True, retry_seconds=0)
        self.orders: dict[str, tuple[Basket, str]] = {}
        sqs = boto3.client("sqs")
        for service in SERVICES:
            if queue := os.environ.get(f"{service.upper()}_QUEUE_NAME"):
                sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"])
        self.event = office.event(general=CAPACITY)
        message_id = f"event#{self.event.event_id}|1|event"
        publish(office.topic_arn("catalog"), "catalog", self.event.event_id, self.event, message_id)
        assert self.triggers.drain(60).idle

    def paid(self) -> tuple[str, Webhook]:
        """An order of two places for which the buyer has just paid, and the company's webhook."""
        basket = self.office.hold(self.event, self.office.buyer(), quantity=2)
        order = self.office.order(basket)
        payment = self.office.open_checkout(basket, order)
        self.orders[order["order_id"]] = basket, payment["payment_id"]
        # What came of holding and ordering is done with before the child starts, so that it has this sale alone.
        assert self.triggers.drain(30).idle
        self.company.pay(payment["checkout_url"])
        self.company.wait_until_told()
        return order["order_id"], self.company.webhooks.popleft()

    def run_child(self, webhook: Webhook, *, crash_at: int, acknowledge_first: bool = False) -> bool:
        """Whether the child lived to its end; a child that was killed and had not acknowledged leaves the webhook."""
        acknowledged, last_words = self._folder / "acknowledged", self._folder / "last-words"
        acknowledged.unlink(missing_ok=True)
        last_words.write_text("said nothing")
        files = (self._checkpoints, acknowledged, last_words)
        task = Task(self.company.address, webhook, *files, crash_at, acknowledge_first)
        child = forking().Process(target=carry_on, args=(task,))
        child.start()
        child.join(100)
        child.kill()
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL), (child.exitcode, last_words.read_text())
        if not acknowledged.exists():
            self.office.take_webhook(webhook)
        return child.exitcode == 0

    def finish(self) -> None:
        """Carries everything to its end, as late as a queue's visibility time-out would bring it again."""
        # A new pump, because the child has moved the checkpoints that this one has in memory.
        self.triggers.close()
        self.triggers = Triggers(self.office.apps, checkpoints=self._checkpoints, retry_seconds=0)
        with clock.use(lambda: datetime.now(UTC) + VISIBILITY):
            assert self.triggers.drain(60).idle

    def outcomes(self, order_ids: Iterable[str] | None = None) -> dict[str, Outcome]:
        """How these orders stand, or all."""
        return {
            order_id: outcome_of(self.office, self.company, *self.orders[order_id], order_id=order_id)
            for order_id in order_ids or self.orders
        }

    def mails_to(self, order_id: str) -> int:
        """How many mails the buyer of an order has had."""
        buyer = self.orders[order_id][0].buyer
        answer = httpx.get(f"{os.environ['AWS_ENDPOINT_URL']}/_ministack/ses/messages", timeout=10.0).json()
        mails = [mail for account in answer["messages"].values() for mail in account]
        return sum(1 for mail in mails if any(buyer.email in to for to in mail["To"]))

    def sold_as_reported(self) -> int:
        """The places sold, as the organiser's report says."""
        owner = self.office.buyer()
        owner.roles[self.office.organiser_id] = "owner"
        path = f"/v1/reports/events/{self.event.event_id}/sales"
        return int(self.office.call("reporting", "GET", path, person=owner)["sold"])


@pytest.fixture
def sales(office: BoxOffice, company: Company, tmp_path: Path) -> Sales:
    return Sales(office, company, tmp_path)


@pytest.mark.timeout(400)
def test_a_sale_survives_a_crash_at_every_one_of_its_writes(sales: Sales) -> None:
    for crash_at in range(1, ROUNDS_MAX + 1):
        order_id, webhook = sales.paid()
        lived = sales.run_child(webhook, crash_at=crash_at)
        sales.finish()
        outcome = sales.outcomes([order_id])[order_id]
        assert outcome.state == "confirmed", f"after a crash at write {crash_at}: {outcome}"
        assert sales.mails_to(order_id) >= 1, f"no mail after a crash at write {crash_at}"
        if lived:
            break
    else:
        raise AssertionError(f"a sale has more than {ROUNDS_MAX} writes, and some were not tried")
    check(sales.outcomes(), sales.event.pools[0].pool_id, CAPACITY)
    # Fewer than these cannot be: payment, order, places, tickets and mail are at least one write each.
    assert crash_at > 10, f"only {crash_at - 1} writes were seen"
    assert sales.sold_as_reported() == 2 * len(sales.orders)


@pytest.mark.timeout(400)
def test_a_queue_that_forgets_loses_the_sale_until_the_rows_are_republished(sales: Sales) -> None:
    """The negative control: with messages acknowledged before they are handled, a crash leaves an order half way.

    It is also the cure: what a queue has lost, `republish` brings back from the rows.
    """
    for crash_at in range(1, ROUNDS_MAX + 1):
        _, webhook = sales.paid()
        lived = sales.run_child(webhook, crash_at=crash_at, acknowledge_first=True)
        assert not lived, "no crash lost anything, so the check cannot see a loss"
        sales.finish()
        try:
            check(sales.outcomes(), sales.event.pools[0].pool_id, CAPACITY)
        except Untrue:
            break
    for service in ("payments", "orders"):
        assert republish_service(service, lambda line: None, [sales.event.event_id, *sales.orders])
    sales.finish()
    check(sales.outcomes(), sales.event.pools[0].pool_id, CAPACITY)
    assert {outcome.state for outcome in sales.outcomes().values()} == {"confirmed"}
