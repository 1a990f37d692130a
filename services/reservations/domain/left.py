"""What is left of an event in one word, for those who ask no more: shops' lists, which show many events at once.

It is what the public may buy: of open pools, by ticket types for everybody, and not what goes to waiting lists first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from contracts.catalog import TicketType
from contracts.reservations import Left
from services.reservations.domain.baskets import Sale
from services.reservations.domain.layouts import Layout, SeatedLayout
from services.reservations.domain.slots import WITHHELD_UNTIL, Slots
from services.reservations.domain.waiting_list import is_waited_for

# Few are a twentieth of the places, but a handful in the smallest house, and no more than a rush takes in a minute.
_FEW_SHARE: Final = 20
_FEW_MIN: Final = 4
_FEW_MAX: Final = 100
# A count reads blocks from all over the pool, so that it soon meets free ones where there are any.
_STRIDE: Final = 8


class Places(NamedTuple):
    """How many places are free, and how many are free or only held, so that they may come free by themselves."""

    free: int = 0
    unsold: int = 0

    def plus(self, other: Places) -> Places:
        """Both together."""
        return Places(self.free + other.free, self.unsold + other.unsold)

    def at_most(self, other: Places) -> Places:
        """The fewer of both."""
        return Places(min(self.free, other.free), min(self.unsold, other.unsold))


Limits = Mapping[str | None, Places | None]
EVERYTHING: Final[Limits] = {None: None}


class PoolCount:
    """What was seen so far of a pool, or of a limit's slots.

    `limits` are the zones that are sold (None for all of them), each with what is left of the caps it is sold under.
    """

    def __init__(self, layout: Layout, limits: Limits) -> None:
        self._layout = layout
        self._limits = limits
        self._free: Counter[str] = Counter()
        self._unsold: Counter[str] = Counter()

    @property
    def blocks(self) -> list[int]:
        """The blocks to look at, bays too, spread over the pool."""
        zones: Iterable[str | None] = [None] if None in self._limits else self._limits
        every = [number for zone in zones for number in (*self._layout.blocks_of(zone), *self._layout.bays_of(zone))]
        return [number for first in range(_STRIDE) for number in every[first::_STRIDE]]

    def see(self, block: int, slots: Slots, now: int) -> None:
        """Take in a block. Companion seats of a bay are sold with its wheelchair places, and not counted."""
        layout = self._layout
        zone, bay = layout.zone_of(block), isinstance(layout, SeatedLayout) and layout.bay_of(block) is not None
        for slot in range(layout.size(block)):
            if bay and isinstance(layout, SeatedLayout) and layout.is_companion(block, slot):
                continue
            until = slots[slot].until if slot in slots else 0
            self._free[zone] += until < now
            self._unsold[zone] += until < WITHHELD_UNTIL

    @property
    def places(self) -> Places:
        """How many there are at least: seeing more blocks never makes it less. None is exact once all were seen."""
        every = Places(self._free.total(), self._unsold.total())
        limited = Places()
        for zone, cap in self._limits.items():
            there = every if zone is None else Places(self._free[zone], self._unsold[zone])
            limited = limited.plus(there if cap is None else there.at_most(cap))
        return every.at_most(limited)


def limits_of(layout: Layout, ticket_types: Iterable[TicketType], caps: Mapping[str, Places]) -> Limits:
    """The zones of a pool that these ticket types sell. `caps` says what is left of each of them that has a cap."""
    limits: dict[str | None, Places | None] = {}
    for one in ticket_types:
        zone, cap = _zone(layout, one), caps.get(one.ticket_type_id)
        before = limits.get(zone, Places())
        limits[zone] = None if cap is None or before is None else before.plus(cap)
    return limits


def sold_to_all(sale: Sale) -> list[TicketType]:
    """The ticket types that everybody may buy, as far as their pools are open."""
    return [
        one
        for one in sale.ticket_types
        if one.access == "public" and one.pool_id in sale.layouts and one.pool_id not in sale.closed_pools
    ]


def not_waited_for(sale: Sale, ticket_types: Iterable[TicketType]) -> list[TicketType]:
    """Those of the ticket types whose places do not go to a waiting list first."""
    return [one for one in ticket_types if not is_waited_for(sale, one, _zone(sale.layouts[one.pool_id], one))]


def few_of(sale: Sale, ticket_types: Iterable[TicketType]) -> int:
    """How many free places are few for what these ticket types sell."""
    capacity = 0
    by_pool: dict[str, list[TicketType]] = {}
    for one in ticket_types:
        by_pool.setdefault(one.pool_id, []).append(one)
    for pool_id, every in by_pool.items():
        size = sale.layouts[pool_id].capacity - sale.given_up.get(pool_id, 0)
        caps = [one.places_max for one in every if one.places_max is not None]
        capacity += min(size, sum(caps)) if len(caps) == len(every) else size
    return max(_FEW_MIN, min(_FEW_MAX, capacity // _FEW_SHARE))


def left_of(places: Places, few: int) -> Left:
    """The word for so many places. What is only held is not sold out: baskets run out."""
    if places.unsold == 0:
        return "sold-out"
    return "few-left" if places.free <= few else "available"


def _zone(layout: Layout, ticket_type: TicketType) -> str | None:
    return ticket_type.zone if layout.kind == "seated" else None
