"""The on-sale: hold and order through HTTP, and beside it the same two writes driven bare."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bench.bare import BareWrites
from bench.clients import Clients, Way
from bench.connection import Connection
from bench.crowd import DONE, Job, crowd, measured
from bench.figures import Round, percentile
from bench.processor import cpu_seconds
from bench.sale import Kind, OnSale, Shopper, put_on_sale, shoppers
from bench.world import World

PLACES_AN_ORDER: Final = 2
_CAPACITY: Final = 20_000
_WARMING: Final = 300
_CLIENTS: Final[tuple[Way, ...]] = ("lean", "botocore")
_BUSY: Final = "503"
_TRIES_MAX: Final = 20
# The answer says a second; an impatient buyer does not wait for it.
_PAUSE_SECONDS: Final = 0.05


class HoldAnswer(msgspec.Struct, frozen=True):
    """What of a hold's answer the buyer needs."""

    hold_token: str


class ProblemAnswer(msgspec.Struct, frozen=True):
    """What of a refusal the buyer reads."""

    type: str


_read_hold = msgspec.json.Decoder(HoldAnswer).decode
_read_problem = msgspec.json.Decoder(ProblemAnswer).decode


def buying(shopper: Shopper, note: Callable[[bytes], None] = lambda order: None) -> Job:
    """Holds and orders; the answer is `ordered`, with the order noted, or the status and kind of the first refusal."""

    def job(connection: Connection) -> str:
        status, body = connection.ask(shopper.hold_request)
        if status == 201:
            status, body = connection.ask(shopper.order_request(_read_hold(body).hold_token))
            if status == 201:
                note(body)
                return DONE
        return f"{status} {_read_problem(body).type.rpartition(':')[2]}"

    return job


def patient(once: Job, busy: list[str]) -> Job:
    """Does a job again when the answer is "try again in a moment", which is noted; the time counts."""

    def job(connection: Connection) -> str:
        for _ in range(_TRIES_MAX):
            answer = once(connection)
            if not answer.startswith(_BUSY):
                break
            busy.append(answer)
            time.sleep(_PAUSE_SECONDS)
        return answer

    return job


def on_sale(
    world: World, kinds: Sequence[Kind], steps: Sequence[tuple[int, int]], repeats: int, say: Callable[[str], None]
) -> list[Round]:
    """Rounds through the product and bare by turns. `steps` are numbers of buyers at once, each with its orders.

    Raises CrowdFailed.
    """
    events = {kind: put_on_sale(kind, _CAPACITY) for kind in kinds}
    bare = {kind: BareWrites(world, event, PLACES_AN_ORDER) for kind, event in events.items()}
    clients = [Clients(way, world.workers) for way in _CLIENTS]
    try:
        for kind, event in events.items():
            say(f"  warming up, {kind}")
            crowd(world.port, 8, _jobs(world, event, _WARMING, []))
            crowd(world.database_port, 8, bare[kind].jobs(_WARMING))
            for each in clients:
                each.run(8, bare[kind].orders(_WARMING))
        rounds = []
        for repeat in range(repeats):
            for kind, event in events.items():
                for at_once, orders in steps:
                    made = _all_ways(world, event, bare[kind], clients, at_once, orders)
                    rates = ", ".join(f"{each.way} {each.per_second:.0f}/s" for each in made[1:])
                    say(
                        f"  {repeat + 1}/{repeats} {kind:8}{at_once:3} at once: {made[0].per_second:6.1f} orders/s, "
                        f"{made[0].cpu['gateway']:.2f} CPU-ms an order; bare: {rates}"
                    )
                    rounds += made
        return rounds
    finally:
        for each in clients:
            each.stop()


def _all_ways(
    world: World, event: OnSale, bare: BareWrites, clients: Sequence[Clients], at_once: int, orders: int
) -> list[Round]:
    """The same number of orders through the product and in each bare way, one after the other."""
    kind, busy = event.kind, list[str]()
    jobs = _jobs(world, event, orders, busy)
    made = [
        measured(world, world.port, kind, "product", at_once, jobs, busy),
        measured(world, world.database_port, kind, "raw", at_once, bare.jobs(orders)),
    ]
    for each in clients:
        writes = bare.orders(orders)
        before = cpu_seconds(world.groups)
        done = each.run(at_once, writes)
        after = cpu_seconds(world.groups)
        seconds = max(one.ended for one in done) - min(one.began for one in done)
        times = [1000 * took for one in done for took in one.times]
        cpu = {name: 1000 * (after[name] - before[name]) / orders for name in after}
        made.append(
            Round(
                kind=kind,
                way=each.way,
                buyers=at_once,
                orders=orders,
                seconds=seconds,
                per_second=orders / seconds,
                p50=percentile(times, 0.5),
                p99=percentile(times, 0.99),
                cpu={**cpu, "buyers": 1000 * sum(one.cpu_seconds for one in done) / orders},
            )
        )
    return made


def _jobs(world: World, event: OnSale, orders: int, busy: list[str]) -> list[Job]:
    return [patient(buying(shopper), busy) for shopper in shoppers(world, event, orders, PLACES_AN_ORDER)]
