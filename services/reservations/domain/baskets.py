"""Baskets: what a buyer asks for, held against what is on sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from contracts.catalog import TicketType
from services.reservations.domain.bays import companions_alone
from services.reservations.domain.demands import NOBODY, Asking, Demand, Wish
from services.reservations.domain.layouts import Layout, Place, SeatedLayout
from services.reservations.domain.quotas import Quota, buyers_quota_id
from services.reservations.domain.refusals import (
    AccessibleUnknown,
    BuyerLimit,
    CompanionAlone,
    GuestNotHere,
    MembersOnly,
    NotOnSale,
    PoolClosed,
    SaleEnded,
    SeatNotInZone,
    SeatTwice,
    SeatUnknown,
    TicketTypeUnknown,
    TooManyPlaces,
    VoucherNotForThis,
    VoucherRequired,
    ZoneUnknown,
)


class Sale(msgspec.Struct, frozen=True):
    """What reservations knows of a published event: its ticket types, limits and the layouts of its pools.

    `version` is catalog's. Nothing of the `closed_pools` is for sale, whatever is free of them; what
    is `waited_for` goes to the waiting lists first (`domain.waiting_list`); `given_up`
    counts the places of pools that were made smaller.
    """

    event_id: str
    version: int
    organiser_id: str
    name: str
    currency: str
    hold_seconds: int
    places_per_order_max: int
    ticket_types: tuple[TicketType, ...]
    layouts: dict[str, Layout]
    places_per_buyer_max: int | None = None
    closed_pools: frozenset[str] = frozenset()
    waited_for: frozenset[str] = frozenset()
    time_zone: str = "UTC"
    starts_at: datetime | None = None
    quotas: dict[str, Quota] = {}
    given_up: dict[str, int] = {}

    def ticket_type(self, ticket_type_id: str) -> TicketType | None:
        """The ticket type of that id, or None."""
        return next((one for one in self.ticket_types if one.ticket_type_id == ticket_type_id), None)

    def demand(self, ticket_type: TicketType, wish: Wish) -> Demand:
        """What a line draws on. General places know neither zones nor neighbours."""
        if self.layouts[ticket_type.pool_id].kind == "general":
            return Demand(ticket_type.pool_id, None, False)
        return Demand(ticket_type.pool_id, wish.zone or ticket_type.zone, wish.together)


Line = tuple[TicketType, Wish, Demand]


class Basket(msgspec.Struct, frozen=True):
    """A checked basket: what is to be found, and the places that were named. Each line says which of both it is.

    `bays` are wheelchair places to find, with how many companions at most are to sit beside them; the ordinary places
    of such a line are among the demands only after it is known how many of them it takes (`with_bays`). The price in a
    line is what it costs the buyer, by voucher or not.
    """

    lines: tuple[Line, ...]
    demands: dict[Demand, int]
    chosen: dict[int, tuple[Place, ...]]
    quotas: tuple[Quota, ...] = ()
    bays: dict[Demand, tuple[int, int]] = {}

    def with_bays(self, found: Mapping[Demand, Sequence[Place]]) -> dict[Demand, int]:
        """The demands for ordinary places and quotas, once the wheelchair places and companions are found."""
        demands = dict(self.demands)
        for bay, places in found.items():
            _, wish, demand = self.lines[bay.bay or 0]
            if wish.quantity > len(places):
                demands[demand] = demands.get(demand, 0) + wish.quantity - len(places)
        return demands

    def share_out(self, found: Mapping[Demand, Sequence[Place]]) -> list[tuple[Place, ...]]:
        """The places of each line, from the places found for each demand."""
        rest = {demand: list(places) for demand, places in found.items()}
        shares: list[tuple[Place, ...]] = []
        for number, (_, wish, demand) in enumerate(self.lines):
            if number in self.chosen:
                shares.append(self.chosen[number])
                continue
            seated = rest.pop(demand._replace(bay=number), [])
            places = rest.get(demand, [])
            missing = wish.quantity - len(seated)
            shares.append((*seated, *places[:missing]))
            del places[:missing]
        return shares


def check_basket(sale: Sale, wishes: Sequence[Wish], now: datetime, asking: Asking = NOBODY) -> Basket:
    """Hold a basket against what is on sale now, the limits on one order and what the asking person may have.

    Raises TicketTypeUnknown, PoolClosed, VoucherRequired, VoucherNotForThis, MembersOnly, GuestNotHere, NotOnSale,
    SaleEnded, TooManyPlaces, BuyerLimit, ZoneUnknown, AccessibleUnknown, SeatUnknown, SeatNotInZone, SeatTwice or
    CompanionAlone; each names the line it speaks of.
    """
    lines: list[Line] = []
    counts: defaultdict[str, int] = defaultdict(int)
    for number, wish in enumerate(wishes):
        ticket_type = sale.ticket_type(wish.ticket_type_id)
        if ticket_type is None or ticket_type.pool_id not in sale.layouts:
            raise TicketTypeUnknown(f"$.lines[{number}].ticket_type_id")
        if ticket_type.pool_id in sale.closed_pools:
            raise PoolClosed(f"$.lines[{number}].ticket_type_id")
        ticket_type = _priced(ticket_type, asking, number)
        _check_window(ticket_type, now, number)
        counts[wish.ticket_type_id] += wish.quantity
        limit = ticket_type.places_per_order_max
        if limit is not None and counts[wish.ticket_type_id] > limit:
            raise TooManyPlaces(f"$.lines[{number}]", limit)
        _check_zone(sale, ticket_type, wish, number)
        lines.append((ticket_type, wish, sale.demand(ticket_type, wish)))
    if sum(counts.values()) > sale.places_per_order_max:
        raise TooManyPlaces("$.lines", sale.places_per_order_max)
    _check_gifts(lines, asking)
    chosen = _chosen_places(sale, lines)
    if companions_alone(sale.layouts, (place for places in chosen.values() for place in places)):
        raise CompanionAlone
    demands: defaultdict[Demand, int] = defaultdict(int)
    bays: dict[Demand, tuple[int, int]] = {}
    for number, (_, wish, demand) in enumerate(lines):
        if wish.accessible:
            bays[demand._replace(bay=number)] = (wish.accessible, wish.quantity - wish.accessible)
        elif number not in chosen:
            demands[demand] += wish.quantity
    return Basket(tuple(lines), dict(demands), chosen, _quotas(sale, lines, asking), bays)


def _priced(ticket_type: TicketType, asking: Asking, line: int) -> TicketType:
    """The ticket type at the price it has for who asks."""
    field = f"$.lines[{line}].ticket_type_id"
    if ticket_type.access == "complimentary":
        if not asking.member:
            raise MembersOnly(field)
        return ticket_type
    if asking.voucher is not None and asking.voucher.covers(ticket_type):
        return msgspec.structs.replace(ticket_type, price=asking.voucher.price_of(ticket_type))
    if ticket_type.access == "voucher":
        raise VoucherRequired(field)
    return ticket_type


def _check_gifts(lines: Sequence[Line], asking: Asking) -> None:
    if asking.voucher is not None and not any(asking.voucher.covers(ticket_type) for ticket_type, _, _ in lines):
        raise VoucherNotForThis
    if asking.names_withholding and not asking.member:
        raise MembersOnly("$.withholding_id")
    if asking.names_guest and any(ticket_type.access != "complimentary" for ticket_type, _, _ in lines):
        raise GuestNotHere


def _quotas(sale: Sale, lines: Sequence[Line], asking: Asking) -> tuple[Quota, ...]:
    """The limits that the basket counts for; what is given away counts for nobody's own. Raises BuyerLimit."""
    by_type: defaultdict[str, list[int]] = defaultdict(list)
    by_voucher: list[int] = []
    by_buyer: list[int] = []
    for number, (ticket_type, _, _) in enumerate(lines):
        if ticket_type.places_max is not None:
            by_type[ticket_type.ticket_type_id].append(number)
        if asking.voucher is not None and asking.voucher.covers(ticket_type):
            by_voucher.append(number)
        if ticket_type.access != "complimentary":
            by_buyer.append(number)

    def places(numbers: Sequence[int]) -> int:
        return sum(lines[number][1].quantity for number in numbers)

    quotas = [
        Quota(type_id, "type", lines[numbers[0]][0].places_max or 0, tuple(numbers), places(numbers))
        for type_id, numbers in by_type.items()
    ]
    if asking.voucher is not None:
        voucher_id, uses_max = asking.voucher.voucher_id, asking.voucher.uses_max
        quotas.append(Quota(voucher_id, "voucher", uses_max, tuple(by_voucher), places(by_voucher)))
    limit = sale.places_per_buyer_max
    if limit is not None and asking.person_id is not None and by_buyer:
        if places(by_buyer) > limit:
            raise BuyerLimit(limit)
        quota_id = buyers_quota_id(sale.event_id, asking.person_id)
        quotas.append(Quota(quota_id, "buyer", limit, tuple(by_buyer), places(by_buyer)))
    return tuple(quotas)


def _check_zone(sale: Sale, ticket_type: TicketType, wish: Wish, line: int) -> None:
    layout = sale.layouts[ticket_type.pool_id]
    if wish.zone is not None and (
        layout.kind == "general" or wish.zone not in layout.zones() or ticket_type.zone not in (None, wish.zone)
    ):
        raise ZoneUnknown(f"$.lines[{line}].zone")
    if wish.accessible and (
        wish.accessible > wish.quantity or wish.seats or not layout.bays_of(wish.zone or ticket_type.zone)
    ):
        raise AccessibleUnknown(f"$.lines[{line}].accessible")


def _check_window(ticket_type: TicketType, now: datetime, line: int) -> None:
    if ticket_type.sale_starts_at is not None and now < ticket_type.sale_starts_at:
        raise NotOnSale(f"$.lines[{line}].ticket_type_id", ticket_type.sale_starts_at)
    if ticket_type.sale_ends_at is not None and now >= ticket_type.sale_ends_at:
        raise SaleEnded(f"$.lines[{line}].ticket_type_id", ticket_type.sale_ends_at)


def _chosen_places(sale: Sale, lines: Sequence[Line]) -> dict[int, tuple[Place, ...]]:
    chosen: dict[int, tuple[Place, ...]] = {}
    seen: set[Place] = set()
    for number, (ticket_type, wish, _) in enumerate(lines):
        places: list[Place] = []
        for position, seat in enumerate(wish.seats):
            field = f"$.lines[{number}].seats[{position}]"
            layout = sale.layouts[ticket_type.pool_id]
            found = layout.find(seat) if isinstance(layout, SeatedLayout) else None
            if found is None:
                raise SeatUnknown(field)
            if layout.zone_of(found[0]) != (wish.zone or ticket_type.zone or layout.zone_of(found[0])):
                raise SeatNotInZone(field)
            place = Place(ticket_type.pool_id, *found)
            if place in seen:
                raise SeatTwice(field)
            seen.add(place)
            places.append(place)
        if places:
            chosen[number] = tuple(places)
    return chosen
