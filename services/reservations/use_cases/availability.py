"""What is left of an event, for its page and its seat map: at most a second old, and the same for everybody."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from services.reservations import domain, repository
from services.reservations.domain import GeneralLayout, Sale, SeatedLayout
from services.reservations.repository import caching, waiting_rooms
from services.reservations.schemas import (
    Availability,
    PoolAvailability,
    SectionAvailability,
    TicketTypeAvailability,
    WaitingRoomNotice,
)
from services.reservations.use_cases.counting import Count, count

KEPT_SECONDS: Final = 1.0

_encode = msgspec.json.Encoder().encode


def availability(event_id: str, now: datetime) -> bytes:
    """The document as JSON, begun within this second. Raises EventUnknown.

    It goes by the table alone, pools included, so that whatever was written before this second is in it.
    """
    second = int(now.timestamp())
    key = f"{{{event_id}}}:availability:{second}"
    kept = caching.documents.get(key, now.timestamp())
    if kept is None:
        kept = caching.cache().get_or_load(key, lambda: _encode(_document(event_id, now)), KEPT_SECONDS)
        caching.documents.put(key, kept, second + KEPT_SECONDS)
    return kept


def _document(event_id: str, now: datetime) -> Availability:
    sale = repository.sale_now(event_id)
    room = waiting_rooms.remembered_room(event_id, now)
    counts = {pool_id: count(pool_id, layout, int(now.timestamp())) for pool_id, layout in sale.layouts.items()}
    return Availability(
        event_id=sale.event_id,
        version=sale.version,
        pools=[_pool(sale, pool_id, counted, int(now.timestamp())) for pool_id, counted in counts.items()],
        ticket_types=[
            _ticket_type(sale, number, counts[one.pool_id], int(now.timestamp()))
            for number, one in enumerate(sale.ticket_types)
            if one.pool_id in counts
        ],
        waiting_room=WaitingRoomNotice(opens_at=room.opens_at) if room is not None and not room.ended else None,
    )


def _pool(sale: Sale, pool_id: str, counted: Count, now: int) -> PoolAvailability:
    layout, every = sale.layouts[pool_id], counted.of(None)
    return PoolAvailability(
        pool_id=pool_id,
        kind=layout.kind,
        capacity=layout.capacity - sale.given_up.get(pool_id, 0),
        free=every.free,
        held=every.held,
        withheld=every.withheld,
        closed=pool_id in sale.closed_pools,
        sampled=counted.sampled,
        sections=sections_of(layout, counted, now) if isinstance(layout, SeatedLayout) else [],
    )


def _ticket_type(sale: Sale, number: int, counted: Count, now: int) -> TicketTypeAvailability:
    one = sale.ticket_types[number]
    layout = sale.layouts[one.pool_id]
    zone = one.zone if isinstance(layout, SeatedLayout) else None
    ordinary, wheelchairs = counted.ordinary(zone), 0
    if isinstance(layout, SeatedLayout):
        bays = {(one.pool_id, block): counted.seen[one.pool_id, block] for block in layout.bays_of(zone)}
        wheelchairs = sum(len(bay.wheelchairs) for bay in domain.free_bays(layout, bays, now=now))
    is_open = one.pool_id not in sale.closed_pools
    free = ordinary.free
    if one.places_max is not None:
        left = count(one.ticket_type_id, GeneralLayout(one.places_max), now).of(None).free
        free, wheelchairs = min(free, left), min(wheelchairs, left)
    return TicketTypeAvailability(
        ticket_type_id=one.ticket_type_id,
        pool_id=one.pool_id,
        zone=one.zone,
        free=free if is_open else 0,
        held=ordinary.held,
        accessible_free=wheelchairs if is_open else 0,
    )


def sections_of(layout: SeatedLayout, counted: Count, now: int) -> list[SectionAvailability]:
    """The seats of a pool by section, as bits, out of the blocks that were seen."""
    rows: defaultdict[str, list[tuple[str, int, int, str]]] = defaultdict(list)
    free: defaultdict[str, list[bool]] = defaultdict(list)
    accessible: defaultdict[str, list[bool]] = defaultdict(list)
    companions: defaultdict[str, list[bool]] = defaultdict(list)
    for run in layout.runs:
        rows[run.section].append((run.row, run.first, run.last, run.zone))
        seats = range(run.first, run.last + 1)
        accessible[run.section] += (run.accessible and seat not in run.companions for seat in seats)
        companions[run.section] += (seat in run.companions for seat in seats)
    # Block by block and not seat by seat: the stretches of a run follow one another as its seats do.
    free_of_block = {
        number: set(domain.free_slots(slots, layout.size(number), now)) for (_, number), slots in counted.seen.items()
    }
    for number, shape in enumerate(layout.shapes):
        for stretch in shape.stretches:
            section = layout.runs[stretch.run].section
            slots = range(stretch.start, stretch.start + stretch.length)
            free[section] += (slot in free_of_block[number] for slot in slots)
    return [
        SectionAvailability(
            section=section,
            free=sum(free[section]),
            rows=rows[section],
            free_bits=_pack(free[section]),
            accessible_bits=_pack(accessible[section]) if any(accessible[section]) else "",
            companion_bits=_pack(companions[section]) if any(companions[section]) else "",
        )
        for section in rows
    ]


def _pack(bits: Iterable[bool]) -> str:
    every = list(bits)
    packed = bytearray(-(-len(every) // 8))
    for position, bit in enumerate(every):
        if bit:
            packed[position // 8] |= 1 << position % 8
    return base64.b64encode(packed).decode()
