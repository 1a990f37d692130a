"""Three hundred buyers at once for a hundred places, and what those hear who come when all are sold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from bench.buying_through import Placed, finish
from bench.crowd import DONE, CrowdFailed, Job, Outcome, crowd
from bench.figures import Rush, percentile
from bench.on_sale import buying, patient
from bench.sale import OnSale, Shopper, people, put_on_sale
from bench.world import World, room
from contracts.sale import Buyer
from shared.ids import raw_bytes

BUYERS: Final = 300
PLACES: Final = 100
_LATE: Final = 50
_LATE_AT_ONCE: Final = 8
_BLOCK_PLACES: Final = 25


def last_places(world: World, repeats: int, say: Callable[[str], None]) -> list[Rush]:
    """So many rushes, each for an event of its own. Raises CrowdFailed when a place was sold twice, or not at all."""
    # What a process loads with its first requests is no part of a rush.
    other = put_on_sale("general", PLACES)
    crowd(world.port, _LATE_AT_ONCE, [patient(buying(Shopper(world, other, buyer, 1)), []) for buyer in people(PLACES)])
    rushes = []
    for repeat in range(repeats):
        rush = _rush(world, put_on_sale("general", PLACES))
        say(
            f"  {repeat + 1}/{repeats} {rush.sold} of {rush.places} sold in {rush.seconds:.2f} s; "
            f"losers p99 {rush.losers_p99:.0f} ms, late ones {rush.late_p99:.0f} ms"
        )
        rushes.append(rush)
        if rush.sold != PLACES or rush.sold_twice:
            raise CrowdFailed(f"{rush.sold} of {PLACES} places were sold, {rush.sold_twice} of them twice")
    return rushes


def _rush(world: World, event: OnSale) -> Rush:
    sold: list[tuple[Buyer, Placed]] = []
    busy: list[str] = []
    buyers = people(BUYERS)
    outcome = crowd(world.port, BUYERS, [_noting(world, event, buyer, sold, busy) for buyer in buyers])
    sold_twice = len(sold) - len({(place.block, place.slot) for _, placed in sold for place in placed.places})
    for buyer, placed in sold:
        finish(placed, buyer)
    late = crowd(
        world.port, _LATE_AT_ONCE, [patient(buying(Shopper(world, event, buyer, 1)), busy) for buyer in people(_LATE)]
    )
    lost, too_late = _refused(outcome), _refused(late)
    return Rush(
        buyers=BUYERS,
        places=PLACES,
        sold=_sold_in_table(event, {placed.hold_id for _, placed in sold}),
        sold_twice=sold_twice,
        losers=len(lost),
        seconds=outcome.seconds,
        losers_p50=percentile(lost, 0.5),
        losers_p99=percentile(lost, 0.99),
        late_p50=percentile(too_late, 0.5),
        late_p99=percentile(too_late, 0.99),
        busy=len(busy),
        answers=dict(outcome.counts),
        late_answers=dict(late.counts),
    )


def _noting(world: World, event: OnSale, buyer: Buyer, sold: list[tuple[Buyer, Placed]], busy: list[str]) -> Job:
    """Buys one place, and notes the order."""
    shopper = Shopper(world, event, buyer, 1)

    once = buying(shopper, lambda order: sold.append((buyer, msgspec.json.decode(order, type=Placed))))
    return patient(once, busy)


def _refused(outcome: Outcome) -> list[float]:
    return [1000 * each for answer, times in outcome.times.items() if answer != DONE for each in times]


def _sold_in_table(event: OnSale, holds: set[str]) -> int:
    """The places that DynamoDB itself says are sold, each to a hold that became an order."""
    domain = room("reservations", "domain")
    blocks = [(event.pool_id, number) for number in range(-(-event.capacity // _BLOCK_PLACES))]
    seen: dict[Any, dict[int, Any]] = room("reservations", "repository").look_at(blocks)
    known = {raw_bytes(hold_id) for hold_id in holds}
    return sum(
        taken.until == domain.SOLD_UNTIL and taken.hold in known for slots in seen.values() for taken in slots.values()
    )
