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
from contracts.sale import PlaceSold, QuotaSlot
from services.reservations import domain, repository
from services.reservations.domain import SOLD_UNTIL, Demand, Place, Quota, Sale, Slots
from services.reservations.domain.refusals import Busy, EventUnknown, Refusal
from services.reservations.repository import BlocksRefused, DecisionRow, hints
from services.reservations.repository.decisions import CONFIRMED, REFUSED, decision
from services.reservations.repository.hints import Told
from services.reservations.use_cases.finding import Claim, find_places
from services.reservations.use_cases.letting_go import let_all_go
from shared.ids import raw_bytes

PLACES_TAKEN: Final = "The places were sold to somebody else after the hold had run out."
LIMIT_REACHED: Final = "What the tickets counted for was used up after the hold had run out."
_TRIES_MAX: Final = 6


def answer_paid_order(order: OrderPaid, now: datetime) -> HoldConfirmed | HoldRefused:
    """Sell the places of a paid order, or others as good for general admission, or say that nothing can be had.

    Raises Busy when no answer can be given yet; the message then comes again.
    """
    wanted = _blocks_of(order.places)
    try:
        repository.sell(order.hold_id, wanted, now=now)
    except BlocksRefused as refused:
        return _answer_otherwise(order, refused.blocks, now)
    _tell_sold(order, wanted, now)
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
    places = dict.fromkeys((*order.places, *(stored.places or ())))
    let_all_go(order.hold_id, order.event_id, list(places), sold_too=True, now=now)


def _all_sold(order: OrderRefunded) -> bool:
    """Whether the order has all its places, though orders had not heard of it when the money went back."""
    hold = raw_bytes(order.hold_id)
    seen = repository.look_at(_blocks_of(order.places))
    slots = domain.slots_of(order.places)
    return all(seen[slot.pool_id, slot.block].get(slot.slot) == (hold, SOLD_UNTIL) for slot in slots)


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
    sale = domain.with_quotas(sale, domain.quotas_of(order.places))
    blocks = dict(seen)
    for _ in range(_TRIES_MAX):
        others = _other_places(order, sale, lost, blocks, now)
        if others is None:
            if any(slot.pool_id in sale.quotas for slot in lost):
                refusal = decision(order.hold_id, REFUSED, reason=LIMIT_REACHED)
            return repository.pin(refusal, now)
        places = [_moved(place, others) for place in order.places]
        wanted = _blocks_of(places)
        made = decision(order.hold_id, CONFIRMED, places=places)
        try:
            repository.take(order.hold_id, wanted, SOLD_UNTIL, now=now, decision=made)
        except BlocksRefused as refused:
            if refused.decided is not None:
                return refused.decided
            lost |= _lost_places(order, refused.blocks)
            blocks |= refused.blocks
            told = [
                hints.seen(block, slots, sale.layouts[block[0]])
                for block, slots in refused.blocks.items()
                if block[0] in sale.layouts and not _is_exact(sale, block[0])
            ]
            hints.tell(sale, told, now)
            continue
        _tell_sold(order, wanted, now)
        return made
    raise Busy


def _other_places(
    order: OrderPaid, sale: Sale, lost: set[Place], seen: Mapping[tuple[str, int], Slots], now: datetime
) -> dict[Place, Place] | None:
    """A free slot for each lost one, of the same general pool or limit; None for too few, or when seats were lost.

    Raises Busy when that cannot be said yet.
    """
    # In a fixed order, so that the same order asks for the same things.
    pools = sorted({place.pool_id for place in lost})
    if any(pool_id not in sale.layouts or sale.layouts[pool_id].kind == "seated" for pool_id in pools):
        return None
    counts = {pool_id: sum(place.pool_id == pool_id for place in lost) for pool_id in pools}
    kept = [slot for slot in domain.slots_of(order.places) if slot not in lost and not _is_exact(sale, slot.pool_id)]
    seed = int.from_bytes(raw_bytes(order.hold_id)[-4:], "big")
    found: dict[Demand, tuple[Place, ...]] = {}
    for pool_id in (one for one in pools if _is_exact(sale, one)):
        uses = _other_uses(order, sale.quotas[pool_id], counts[pool_id], seen, now)
        if uses is None:
            return None
        found[sale.quotas[pool_id].demand] = uses
    demands = {Demand(pool_id, None, False): counts[pool_id] for pool_id in pools if not _is_exact(sale, pool_id)}
    try:
        if demands:
            found |= find_places(sale, demands, kept, Claim(order.hold_id, SOLD_UNTIL, seed, now))
    except Busy:
        raise
    except Refusal:
        return None
    others: dict[Place, Place] = {}
    for demand, places in found.items():
        others |= zip((place for place in sorted(lost) if place.pool_id == demand.pool_id), places, strict=True)
    return others


def _other_uses(
    order: OrderPaid, quota: Quota, count: int, seen: Mapping[tuple[str, int], Slots], now: datetime
) -> tuple[Place, ...] | None:
    """Other slots of a limit of one block, which was seen when it refused; None when it has too few."""
    block, hold = (quota.quota_id, 0), raw_bytes(order.hold_id)
    slots = seen[block]
    free = domain.free_slots(slots, quota.places_max, int(now.timestamp()))
    # What the order still has of it may have run out, and is no other slot.
    others = [slot for slot in free if slot not in slots or slots[slot].hold != hold]
    return tuple(Place(*block, slot) for slot in others[:count]) if len(others) >= count else None


def _is_exact(sale: Sale, pool_id: str) -> bool:
    quota = sale.quotas.get(pool_id)
    return quota is not None and quota.exact


def _lost_places(order: OrderPaid, seen: Mapping[tuple[str, int], Slots]) -> set[Place]:
    """The order's places and uses of limits, among the blocks seen, that the hold does not have any more."""
    hold = raw_bytes(order.hold_id)
    lost = set()
    for place in domain.slots_of(order.places):
        slots = seen.get((place.pool_id, place.block))
        if slots is not None and (place.slot not in slots or slots[place.slot].hold != hold):
            lost.add(place)
    return lost


def _moved(place: PlaceSold, others: Mapping[Place, Place]) -> PlaceSold:
    own = Place(place.pool_id, place.block, place.slot)
    other = others.get(own, own)
    quotas = []
    for one in place.quotas:
        use = Place(one.quota_id, one.block, one.slot)
        quotas.append(QuotaSlot(*others.get(use, use), one.places_max))
    return msgspec.structs.replace(place, block=other.block, slot=other.slot, quotas=tuple(quotas))


def _blocks_of(places: Sequence[PlaceSold]) -> dict[tuple[str, int], tuple[int, ...]]:
    return domain.by_block(domain.slots_of(places))


def _tell_sold(
    order: OrderPaid,
    wanted: Mapping[tuple[str, int], Sequence[int]],
    now: datetime,
) -> None:
    with suppress(EventUnknown):
        limits = (quota for quota in domain.quotas_of(order.places) if not quota.exact)
        sale = domain.with_quotas(repository.sale_of(order.event_id, now), limits)
        told = [
            Told(block, dict.fromkeys(slots, SOLD_UNTIL), exact=True)
            for block, slots in wanted.items()
            if block[0] in sale.layouts
        ]
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
