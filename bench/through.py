"""Orders through to confirmed: buyers who pay at the test provider, and every trigger of every service running."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import urllib3

from bench.connection import Connection
from bench.crowd import DONE, CrowdFailed, Job, crowd
from bench.figures import Whole, percentile
from bench.processor import cpu_seconds
from bench.sale import OnSale, Shopper, publication, shoppers
from bench.world import World, room
from runtime.payment_company.pages import CARD_THAT_PAYS
from runtime.supervisor import answers_ok
from shared.data import fetch_many
from shared.ids import new_id
from shared.messaging import publish

_CAPACITY: Final = 20_000
_PLACES: Final = 2
_WARMING: Final = 60
_KNOWN_SECONDS_MAX: Final = 30.0
_CONFIRMED_SECONDS_MAX: Final = 120.0
# Rarely enough to cost next to nothing: when an order was confirmed is read from its row afterwards.
_LOOK_SECONDS: Final = 0.25


class _HoldAnswer(msgspec.Struct, frozen=True):
    hold_token: str


class _OrderAnswer(msgspec.Struct, frozen=True):
    order_id: str
    order_token: str


class _PaymentAnswer(msgspec.Struct, frozen=True):
    checkout_url: str


_read_hold = msgspec.json.Decoder(_HoldAnswer).decode
_read_order = msgspec.json.Decoder(_OrderAnswer).decode
_read_payment = msgspec.json.Decoder(_PaymentAnswer).decode


def through(world: World, steps: Sequence[tuple[int, int]], repeats: int, say: Callable[[str], None]) -> list[Whole]:
    """Rounds of whole sales; `steps` are numbers of buyers at once, each with its orders. Raises CrowdFailed."""
    with world.triggers():
        event = _published()
        say("  warming up")
        _round(world, event, 8, _WARMING)
        made = []
        for repeat in range(repeats):
            for at_once, orders in steps:
                whole = _round(world, event, at_once, orders)
                say(
                    f"  {repeat + 1}/{repeats} {orders} orders, {at_once:2} at once: {whole.per_second:5.1f} orders/s "
                    f"confirmed, {whole.confirmed_p50:.0f} ms after payment (p99 {whole.confirmed_p99:.0f})"
                )
                made.append(whole)
        return made


def _published() -> OnSale:
    """A new event that all services have heard of from catalog's topic."""
    event = OnSale(
        kind="general",
        event_id=new_id("evt"),
        pool_id=new_id("pol"),
        ticket_type_id=new_id("tty"),
        capacity=_CAPACITY,
    )
    message_id = f"{event.event_id}|1|bench"
    publish(os.environ["CATALOG_TOPIC_ARN"], "catalog", event.event_id, publication(event), message_id)
    address = f"{os.environ['PUBLIC_URL']}/v1/availability/{event.event_id}"
    ends_at = time.monotonic() + _KNOWN_SECONDS_MAX
    while not answers_ok(address):
        if time.monotonic() > ends_at:
            raise CrowdFailed("reservations never heard of the event")
        time.sleep(_LOOK_SECONDS)
    return event


def _round(world: World, event: OnSale, at_once: int, orders: int) -> Whole:
    paid_at: dict[str, float] = {}
    company = urllib3.PoolManager(retries=False, maxsize=at_once)
    jobs = [_buying(each, company, paid_at) for each in shoppers(world, event, orders, _PLACES)]
    before = cpu_seconds(world.groups)
    began = time.time()
    outcome = crowd(world.port, at_once, jobs)
    if set(outcome.counts) != {DONE}:
        raise CrowdFailed(f"whole sales, {at_once} at once: {dict(outcome.counts)}")
    sold = max(paid_at.values())
    confirmed_at = _confirmations(list(paid_at))
    after = cpu_seconds(world.groups)
    ended = max(confirmed_at.values())
    bought = [1000 * each for each in outcome.times[DONE]]
    # The payment's answer and the confirmation come from two clocks of this machine, and the latter is cut to the
    # millisecond: a confirmation can look a little early.
    waited = [max(0.0, 1000 * (confirmed_at[order_id] - at)) for order_id, at in paid_at.items()]
    return Whole(
        buyers=at_once,
        orders=orders,
        seconds=ended - began,
        selling_seconds=sold - began,
        per_second=orders / (ended - began),
        bought_p50=percentile(bought, 0.5),
        bought_p99=percentile(bought, 0.99),
        confirmed_p50=percentile(waited, 0.5),
        confirmed_p99=percentile(waited, 0.99),
        cpu={name: 1000 * (after[name] - before[name]) / orders for name in after},
    )


def _buying(shopper: Shopper, company: urllib3.PoolManager, paid_at: dict[str, float]) -> Job:
    """Holds, orders, opens the checkout, pays on its page; the answer is `ordered`, or the first other status."""

    def job(connection: Connection) -> str:
        status, body = connection.ask(shopper.hold_request)
        if status != 201:
            return f"{status} for a hold"
        status, body = connection.ask(shopper.order_request(_read_hold(body).hold_token))
        if status != 201:
            return f"{status} for an order"
        order = _read_order(body)
        status, body = connection.ask(shopper.payment_request(order.order_token))
        if status != 201:
            return f"{status} for a checkout"
        page = _read_payment(body).checkout_url
        fields = {"card": CARD_THAT_PAYS}
        answer = company.request("POST", f"{page}/pay", fields=fields, redirect=False, encode_multipart=False)
        if answer.status != 303:
            return f"{answer.status} for a payment"
        paid_at[order.order_id] = time.time()
        return DONE

    return job


def _confirmations(order_ids: Sequence[str]) -> dict[str, float]:
    """When each order was confirmed, in seconds since 1970. Raises CrowdFailed when one never is."""
    repository = room("orders", "repository")
    waiting = [(order_id, repository.ORDER_SK) for order_id in order_ids]
    confirmed: dict[str, float] = {}
    ends_at = time.monotonic() + _CONFIRMED_SECONDS_MAX
    while waiting:
        # The last one paid is likely to be the last one confirmed; the rest is read when it is there.
        rows: dict[Any, Any] = fetch_many(repository.OrderRow, waiting[-1:])
        if all(row.state == "confirmed" for row in rows.values()):
            rows = fetch_many(repository.OrderRow, waiting)
            confirmed |= {key[0]: row.updated_at.timestamp() for key, row in rows.items() if row.state == "confirmed"}
            waiting = [key for key in waiting if key[0] not in confirmed]
        if waiting and time.monotonic() > ends_at:
            states = {row.state for row in fetch_many(repository.OrderRow, waiting).values()}
            raise CrowdFailed(f"{len(waiting)} orders were not confirmed in time; they are {sorted(states)}")
        if waiting:
            time.sleep(_LOOK_SECONDS)
    return confirmed
