"""The answer to a paid order: are the places the buyer's? However often it is asked, the answer is the same.

A hold that still has its places sells them, run out or not: that one write is its own record, because a place once
lost never carries the hold's id again. Every other answer is pinned by a decision before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

import msgspec

from contracts.orders import OrderCancelled, OrderPaid, OrderRefunded
from contracts.reservations import HoldConfirmed, HoldRefused
from contracts.sale import PlaceSold
from services.reservations import domain, repository
from services.reservations.domain import SOLD_UNTIL, Demand, Place, Sale, Slots
from services.reservations.domain.refusals import Busy, EventUnknown, Refusal
from services.reservations.repository import BlocksRefused, DecisionRow, hints
from services.reservations.repository.decisions import CONFIRMED, REFUSED, decision
from services.reservations.repository.hints import Told
from services.reservations.use_cases.finding import Claim, find_places
from services.reservations.use_cases.letting_go import let_all_go
from shared.ids import raw_bytes

PLACES_TAKEN: Final = "The places were sold to somebody else after the hold had run out."
_TRIES_MAX: Final = 6


def answer_paid_order(order: OrderPaid, now: datetime) -> HoldConfirmed | HoldRefused:
    """Sell the places of a paid order, or others as good for general admission, or say that nothing can be had.

    Raises Busy when no answer can be given yet; the message then comes again.
    """
    wanted = _blocks_of(order.places)
    try:
        after = repository.sell(order.hold_id, wanted, now=now)
    except BlocksRefused as refused:
        return _answer_otherwise(order, refused.blocks, now)
    _tell_sold(order.event_id, wanted, after, now)
    return _confirmed(order, order.places, now)


def forget_cancelled_order(order: OrderCancelled, now: datetime) -> None:
    """Let the places of an order that was given up go, unless they are sold after all."""
    let_all_go(order.hold_id, order.event_id, order.places, sold_too=False, now=now)


def take_back_refunded_order(order: OrderRefunded, now: datetime) -> None:
    """Bring the places of a refunded order back to sale.

    The answer the order was given is pinned first: a late copy of `order_paid` must not find the places gone and be
    told something else than the first one was.
    """
    if order.was_confirmed or _all_sold(order):
        made = decision(order.hold_id, CONFIRMED, places=order.places)
    else:
        made = decision(order.hold_id, REFUSED, reason=PLACES_TAKEN)
    stored = repository.pin(made, now)
    places = {_place(place): place for place in (*order.places, *(stored.places or ()))}
    let_all_go(order.hold_id, order.event_id, list(places.values()), sold_too=True, now=now)


def _all_sold(order: OrderRefunded) -> bool:
    """Whether the order has all its places, though orders had not heard of it when the money went back."""
    hold = raw_bytes(order.hold_id)
    seen = repository.look_at(_blocks_of(order.places))
    places = map(_place, order.places)
    return all(seen[place.pool_id, place.block].get(place.slot) == (hold, SOLD_UNTIL) for place in places)


def _answer_otherwise(
    order: OrderPaid, seen: Mapping[tuple[str, int], Slots], now: datetime
) -> HoldConfirmed | HoldRefused:
    pinned = repository.decision_of(order.hold_id)
    if pinned is None:
        pinned = _decide(order, seen, now)
    if pinned.outcome == CONFIRMED:
        return _confirmed(order, pinned.places or (), now)
    # What the hold still has of its places is of use to somebody else; a repetition finds nothing left to do.
    let_all_go(order.hold_id, order.event_id, order.places, sold_too=True, now=now)
    return HoldRefused(
        hold_id=order.hold_id,
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        reason=pinned.reason or PLACES_TAKEN,
        refused_at=now,
    )


def _decide(order: OrderPaid, seen: Mapping[tuple[str, int], Slots], now: datetime) -> DecisionRow:
    """Pin other places, or the refusal; whichever decision is there first holds. Raises Busy."""
    refusal = decision(order.hold_id, REFUSED, reason=PLACES_TAKEN)
    try:
        sale = repository.sale_of(order.event_id, now)
    except EventUnknown:
        return repository.pin(refusal, now)
    lost = _lost_places(order, seen)
    for _ in range(_TRIES_MAX):
        others = _other_places(order, sale, lost, now)
        if others is None:
            return repository.pin(refusal, now)
        places = [_moved(place, others.get(_place(place))) for place in order.places]
        wanted = _blocks_of(places)
        made = decision(order.hold_id, CONFIRMED, places=places)
        try:
            repository.take(order.hold_id, wanted, SOLD_UNTIL, now=now, decision=made)
        except BlocksRefused as refused:
            if refused.decided is not None:
                return refused.decided
            lost |= _lost_places(order, refused.blocks)
            told = [hints.seen(block, slots, sale.layouts[block[0]]) for block, slots in refused.blocks.items()]
            hints.tell(sale, told, now)
            continue
        _tell_sold(order.event_id, wanted, {}, now)
        return made
    raise Busy


def _other_places(order: OrderPaid, sale: Sale, lost: set[Place], now: datetime) -> dict[Place, Place] | None:
    """A free place for each lost one, of the same general pool; None when there are too few, or seats were lost.

    Raises Busy when that cannot be said yet.
    """
    pools = {place.pool_id for place in lost}
    if any(pool_id not in sale.layouts or sale.layouts[pool_id].kind == "seated" for pool_id in pools):
        return None
    kept = [_place(place) for place in order.places if _place(place) not in lost]
    seed = int.from_bytes(raw_bytes(order.hold_id)[-4:], "big")
    demands = {Demand(pool_id, None, False): sum(place.pool_id == pool_id for place in lost) for pool_id in pools}
    try:
        found = find_places(sale, demands, kept, Claim(order.hold_id, SOLD_UNTIL, seed, now))
    except Busy:
        raise
    except Refusal:
        return None
    others: dict[Place, Place] = {}
    for demand, places in found.items():
        others |= zip((place for place in sorted(lost) if place.pool_id == demand.pool_id), places, strict=True)
    return others


def _lost_places(order: OrderPaid, seen: Mapping[tuple[str, int], Slots]) -> set[Place]:
    """The order's places, among the blocks seen, that the hold does not have any more."""
    hold = raw_bytes(order.hold_id)
    lost = set()
    for place in map(_place, order.places):
        slots = seen.get((place.pool_id, place.block))
        if slots is not None and (place.slot not in slots or slots[place.slot].hold != hold):
            lost.add(place)
    return lost


def _moved(place: PlaceSold, other: Place | None) -> PlaceSold:
    return place if other is None else msgspec.structs.replace(place, block=other.block, slot=other.slot)


def _blocks_of(places: Sequence[PlaceSold]) -> dict[tuple[str, int], tuple[int, ...]]:
    return domain.by_block(_place(place) for place in places)


def _place(place: PlaceSold) -> Place:
    return Place(place.pool_id, place.block, place.slot)


def _tell_sold(
    event_id: str,
    wanted: Mapping[tuple[str, int], Sequence[int]],
    after: Mapping[tuple[str, int], Slots],
    now: datetime,
) -> None:
    with suppress(EventUnknown):
        sale = repository.sale_of(event_id, now)
        told = []
        for block, slots in wanted.items():
            if block in after and block[0] in sale.layouts:
                told.append(hints.seen(block, after[block], sale.layouts[block[0]]))
            elif block[0] in sale.layouts:
                told.append(Told(block, dict.fromkeys(slots, SOLD_UNTIL), exact=True))
        hints.tell(sale, told, now)


def _confirmed(order: OrderPaid, places: Sequence[PlaceSold], now: datetime) -> HoldConfirmed:
    return HoldConfirmed(
        hold_id=order.hold_id,
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=tuple(places),
        total=order.total,
        payment_id=order.payment_id,
        confirmed_at=now,
    )
