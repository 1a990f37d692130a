"""Telling the other services when an event's places become few, are sold out, and come back.

It happens beside the sale, never in a hold's way: the stream of the blocks says that something changed, whoever reads
it counts, at most once in some seconds for each event, and what changes in between is noted and counted by the clock.
So a rush costs some counts and no message for each order, and the last state is always told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from contracts.catalog import TicketType
from contracts.reservations import Left
from services.reservations import repository
from services.reservations.domain import GeneralLayout, Sale, is_quota
from services.reservations.domain import left as rules
from services.reservations.domain.left import EVERYTHING, Places, PoolCount
from services.reservations.domain.refusals import EventUnknown
from services.reservations.repository import BlockChange, caching
from services.reservations.repository import left as rows
from shared.clock import epoch_seconds
from shared.telemetry import log

# An event is counted once in so many seconds, and a large one, which takes longer, less often.
COUNT_SECONDS: Final = 5
_BLOCKS_A_SECOND: Final = 400
# A count looks at a few blocks, and at twice as many each time until it has seen enough.
_FIRST_BLOCKS: Final = 8
_BLOCKS_MAX: Final = 800
# How long a process goes by it that there were places enough.
_ENOUGH_SECONDS: Final = 60
# What the clocks of two machines may differ by.
_SKEW_SECONDS: Final = 1
# One call counts so many events and leaves the rest to the next: a function's time is bounded.
EVENTS_PER_CALL_MAX: Final = 300


def follow_left(changes: Iterable[BlockChange], pools: Iterable[tuple[str, str]], now: datetime) -> None:
    """Count the events whose blocks or pools were changed, or note that they are to be counted. Raises Unavailable."""
    event_ids = {event_id for event_id, _ in pools}
    for change in changes:
        event_id = None if is_quota(change.pool_id) else repository.event_of_pool(change.pool_id, now)
        if event_id is not None and not _says_nothing(change, event_id, now):
            event_ids.add(event_id)
    for event_id in sorted(event_ids):
        try:
            _count_or_note(event_id, now)
        except EventUnknown:
            continue
        except Exception as trouble:
            log("places_not_counted", level="WARNING", event_id=event_id, error=trouble)
            rows.note_due(event_id, epoch_seconds(now), now)


def count_due(now: datetime) -> int:
    """Count the events that were noted, up to 300; answers how many of them were told anew."""
    tellings = 0
    for row in rows.due(now)[:EVENTS_PER_CALL_MAX]:
        event_id = rows.event_of_due(row)
        try:
            counted, told = _count(event_id, now)
        except EventUnknown:
            counted, told = True, False
        except Exception as trouble:
            log("places_not_counted", level="ERROR", event_id=event_id, error=trouble)
            continue
        if counted:
            rows.settle_due(row)
        tellings += told
    return tellings


def recount_told(event_id: str, now: datetime) -> None:
    """Let an event be counted again of which something was told: what is on sale of it has changed."""
    if rows.told(event_id) is not None:
        rows.note_due(event_id, epoch_seconds(now), now)


def _says_nothing(change: BlockChange, event_id: str, now: datetime) -> bool:
    """Whether a write only sold or prolonged what was held, of an event that had places enough a moment ago.

    Should others have counted few since, they have noted that it is to be counted until nothing is held.
    """
    at = epoch_seconds(now)
    kept = all(at <= change.before.get(slot, 0) < until for slot, until in change.untils.items())
    return kept and caching.enough_left.get(event_id, at) is not None


def _count_or_note(event_id: str, now: datetime) -> None:
    """Count an event, or where somebody has just done so, note once that it is to be done again."""
    at = now.timestamp()
    if caching.counts_noted.get(event_id, at) is not None:
        return
    next_at = caching.counts.get(event_id, at)
    if next_at is None:
        counted, _ = _count(event_id, now)
        if counted:
            return
        next_at = caching.counts.get(event_id, at)
    if next_at is not None:
        rows.note_due(event_id, next_at, now)
        # Whoever counts begins no sooner, so that this note covers what comes until then.
        caching.counts_noted.put(event_id, True, next_at - _SKEW_SECONDS)


def _count(event_id: str, now: datetime) -> tuple[bool, bool]:
    """Whether the event was counted, and whether its word was another one. Raises EventUnknown."""
    sale = repository.sale_now(event_id)
    ticket_types = rules.sold_to_all(sale)
    blocks = sum(sale.layouts[pool_id].blocks for pool_id in {one.pool_id for one in ticket_types})
    mine, next_at = rows.begin_count(event_id, COUNT_SECONDS + blocks // _BLOCKS_A_SECOND, now)
    caching.counts.put(event_id, next_at, next_at)
    if not mine:
        return False, False
    before = rows.told(event_id)
    left, recount = _left(sale, ticket_types, epoch_seconds(now))
    if left == "available":
        caching.enough_left.put(event_id, True, now.timestamp() + _ENOUGH_SECONDS)
    else:
        caching.enough_left.forget(event_id)
    told = left != (before.left if before is not None else "available")
    if told:
        told = rows.tell(before, sale, left, next_at, now, now)
    if recount:
        # No write tells when baskets run out.
        rows.note_due(event_id, next_at, now)
    return True, told


def _left(sale: Sale, ticket_types: Sequence[TicketType], now: int) -> tuple[Left, bool]:
    """The word for an event's places, and whether it may become another one without a write."""
    if not ticket_types:
        return "not-on-sale", False
    few = rules.few_of(sale, ticket_types)
    open_types = rules.not_waited_for(sale, ticket_types)
    caps = {
        one.ticket_type_id: _looked(one.ticket_type_id, PoolCount(GeneralLayout(one.places_max), EVERYTHING), few, now)
        for one in open_types
        if one.places_max is not None
    }
    places = Places()
    for pool_id in dict.fromkeys(one.pool_id for one in open_types):
        layout = sale.layouts[pool_id]
        limits = rules.limits_of(layout, (one for one in open_types if one.pool_id == pool_id), caps)
        places = places.plus(_looked(pool_id, PoolCount(layout, limits), few - places.free, now))
        if places.free > few:
            break
    left = rules.left_of(places, few)
    return left, left == "few-left" and places.unsold > places.free


def _looked(pool_id: str, counted: PoolCount, enough: int, now: int) -> Places:
    """Look at block after block until more than enough free places were seen, or every block."""
    blocks, size, first = counted.blocks, _FIRST_BLOCKS, 0
    while first < len(blocks) and counted.places.free <= enough:
        for (_, number), slots in repository.look_at((pool_id, one) for one in blocks[first : first + size]).items():
            counted.see(number, slots, now)
        first, size = first + size, min(2 * size, _BLOCKS_MAX)
    return counted.places
