"""What is left of an event, for its page and its seat map: at most two seconds old, and the same for everybody."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from services.reservations import domain, repository
from services.reservations.domain import Layout, Sale, SeatedLayout, Slots
from services.reservations.repository import caching
from services.reservations.schemas import (
    Availability,
    PoolAvailability,
    SectionAvailability,
    TicketTypeAvailability,
)

KEPT_SECONDS: Final = 1.0
# A larger general pool is counted by sample: reading 40,000 blocks for a number on a page would be absurd.
_COUNTED_BLOCKS_MAX: Final = 4000
_SAMPLE_BLOCKS: Final = 400

_encode = msgspec.json.Encoder().encode


class _Count:
    """Free and held places by zone, and whether they were counted or reckoned from a sample."""

    def __init__(self) -> None:
        self.free: defaultdict[str, int] = defaultdict(int)
        self.held: defaultdict[str, int] = defaultdict(int)
        self.scale = 1.0

    def of(self, zone: str | None) -> tuple[int, int]:
        """Free and held places of a zone, or of all."""
        zones = [zone] if zone is not None else list(self.free | self.held)
        return tuple(round(self.scale * sum(count[one] for one in zones)) for count in (self.free, self.held))  # type: ignore[return-value]


def availability(event_id: str, now: datetime) -> bytes:
    """The document as JSON. Raises EventUnknown."""
    sale = repository.sale_of(event_id, now)
    second = int(now.timestamp())
    key = f"{{{event_id}}}:availability:{sale.version}:{second}"
    return caching.cache().get_or_load(key, lambda: _encode(_count(sale, second)), KEPT_SECONDS)


def _count(sale: Sale, now: int) -> Availability:
    pools: list[PoolAvailability] = []
    counts: dict[str, _Count] = {}
    for pool_id, layout in sale.layouts.items():
        seen, scale = _look(pool_id, layout)
        count = counts[pool_id] = _tally(layout, seen, now)
        count.scale = scale
        free, held = count.of(None)
        sections = _sections(layout, seen, pool_id, now) if isinstance(layout, SeatedLayout) else []
        pools.append(
            PoolAvailability(
                pool_id=pool_id,
                kind=layout.kind,
                capacity=layout.capacity,
                free=free,
                held=held,
                sampled=scale != 1.0,
                sections=sections,
            )
        )
    ticket_types = []
    for one in sale.ticket_types:
        if one.pool_id in counts:
            general = sale.layouts[one.pool_id].kind == "general"
            free, held = counts[one.pool_id].of(None if general else one.zone)
            ticket_types.append(
                TicketTypeAvailability(
                    ticket_type_id=one.ticket_type_id, pool_id=one.pool_id, zone=one.zone, free=free, held=held
                )
            )
    return Availability(event_id=sale.event_id, version=sale.version, pools=pools, ticket_types=ticket_types)


def _look(pool_id: str, layout: Layout) -> tuple[Mapping[tuple[str, int], Slots], float]:
    """The blocks to count, and how much each of them stands for."""
    numbers: list[int] = list(range(layout.blocks))
    if layout.kind == "general" and layout.blocks > _COUNTED_BLOCKS_MAX:
        numbers = domain.probe_order(numbers, 0, _SAMPLE_BLOCKS)
    seen = repository.look_at(((pool_id, number) for number in numbers), consistent=False)
    looked = sum(layout.size(number) for number in numbers)
    return seen, layout.capacity / looked if looked != layout.capacity else 1.0


def _tally(layout: Layout, seen: Mapping[tuple[str, int], Slots], now: int) -> _Count:
    count = _Count()
    zones = {number: zone for zone in layout.zones() for number in layout.blocks_of(zone)}
    for (_, number), slots in seen.items():
        zone = zones[number]
        count.free[zone] += len(domain.free_slots(slots, layout.size(number), now))
        count.held[zone] += sum(now <= taken.until < domain.SOLD_UNTIL for taken in slots.values())
    return count


def _sections(
    layout: SeatedLayout, seen: Mapping[tuple[str, int], Slots], pool_id: str, now: int
) -> list[SectionAvailability]:
    free_of_block = {
        number: set(domain.free_slots(slots, layout.size(number), now)) for (_, number), slots in seen.items()
    }
    rows: defaultdict[str, list[tuple[str, int, int, str]]] = defaultdict(list)
    bits: defaultdict[str, list[bool]] = defaultdict(list)
    for run in layout.runs:
        rows[run.section].append((run.row, run.first, run.last, run.zone))
        for number in range(run.first, run.last + 1):
            found = layout.find(domain.Seat(run.section, run.row, number))
            assert found is not None
            bits[run.section].append(found[1] in free_of_block[found[0]])
    return [
        SectionAvailability(
            section=section, free=sum(bits[section]), rows=rows[section], free_bits=_pack(bits[section])
        )
        for section in rows
    ]


def _pack(bits: list[bool]) -> str:
    packed = bytearray(-(-len(bits) // 8))
    for position, bit in enumerate(bits):
        if bit:
            packed[position // 8] |= 1 << position % 8
    return base64.b64encode(packed).decode()
