"""The on-sale: hold and order through HTTP, and beside it the same two writes driven bare."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bench.bare import BareWrites
from bench.connection import Connection
from bench.crowd import DONE, Job, crowd, measured
from bench.figures import Round
from bench.sale import Kind, OnSale, Shopper, put_on_sale, shoppers
from bench.world import World

PLACES_AN_ORDER: Final = 2
_CAPACITY: Final = 20_000
_WARMING: Final = 300
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
    for kind, event in events.items():
        say(f"  warming up, {kind}")
        crowd(world.port, 8, _jobs(world, event, _WARMING, []))
        crowd(world.database_port, 8, bare[kind].jobs(_WARMING))
    rounds = []
    for repeat in range(repeats):
        for kind, event in events.items():
            for at_once, orders in steps:
                busy: list[str] = []
                jobs = _jobs(world, event, orders, busy)
                made = measured(world, world.port, kind, "product", at_once, jobs, busy)
                beside = measured(world, world.database_port, kind, "bare", at_once, bare[kind].jobs(orders))
                say(
                    f"  {repeat + 1}/{repeats} {kind:8}{at_once:3} at once: {made.per_second:6.1f} orders/s, "
                    f"{made.cpu['gateway']:.2f} CPU-ms an order; bare {beside.per_second:6.1f}/s"
                )
                rounds += [made, beside]
    return rounds


def _jobs(world: World, event: OnSale, orders: int, busy: list[str]) -> list[Job]:
    return [patient(buying(shopper), busy) for shopper in shoppers(world, event, orders, PLACES_AN_ORDER)]
