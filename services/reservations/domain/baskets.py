"""Baskets: what a buyer asks for, held against what is on sale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from contracts.catalog import TicketType
from services.reservations.domain.layouts import Layout, Place, Seat, SeatedLayout
from services.reservations.domain.refusals import (
    NotOnSale,
    SaleEnded,
    SeatNotInZone,
    SeatTwice,
    SeatUnknown,
    TicketTypeUnknown,
    TooManyPlaces,
)


class Wish(msgspec.Struct, frozen=True):
    """One line of a basket: so many places of a ticket type, or these seats."""

    ticket_type_id: str
    quantity: int
    seats: tuple[Seat, ...] = ()
    together: bool = True


class Demand(NamedTuple):
    """Places to find: of one zone of one pool, next to each other or not. Lines that draw on the same add up."""

    pool_id: str
    zone: str | None
    together: bool


class Sale(msgspec.Struct, frozen=True):
    """What reservations knows of a published event: its ticket types, limits and the layouts of its pools."""

    event_id: str
    version: int
    organiser_id: str
    name: str
    currency: str
    hold_seconds: int
    places_per_order_max: int
    ticket_types: tuple[TicketType, ...]
    layouts: dict[str, Layout]

    def ticket_type(self, ticket_type_id: str) -> TicketType | None:
        """The ticket type of that id, or None."""
        return next((one for one in self.ticket_types if one.ticket_type_id == ticket_type_id), None)

    def demand(self, ticket_type: TicketType, wish: Wish) -> Demand:
        """What a line draws on. General places know neither zones nor neighbours."""
        if self.layouts[ticket_type.pool_id].kind == "general":
            return Demand(ticket_type.pool_id, None, False)
        return Demand(ticket_type.pool_id, ticket_type.zone, wish.together)


class Basket(msgspec.Struct, frozen=True):
    """A checked basket: what is to be found, and the places that were named. Each line says which of both it is."""

    lines: tuple[tuple[TicketType, Wish, Demand], ...]
    demands: dict[Demand, int]
    chosen: dict[int, tuple[Place, ...]]

    def share_out(self, found: Mapping[Demand, Sequence[Place]]) -> list[tuple[Place, ...]]:
        """The places of each line, from the places found for each demand."""
        rest = {demand: list(places) for demand, places in found.items()}
        shares: list[tuple[Place, ...]] = []
        for number, (_, wish, demand) in enumerate(self.lines):
            if number in self.chosen:
                shares.append(self.chosen[number])
                continue
            places = rest[demand]
            shares.append(tuple(places[: wish.quantity]))
            del places[: wish.quantity]
        return shares


def check_basket(sale: Sale, wishes: Sequence[Wish], now: datetime) -> Basket:
    """Hold a basket against what is on sale now and the limits on one order.

    Raises TicketTypeUnknown, NotOnSale, SaleEnded, TooManyPlaces, SeatUnknown, SeatNotInZone or SeatTwice; each names
    the line it speaks of.
    """
    lines: list[tuple[TicketType, Wish, Demand]] = []
    counts: defaultdict[str, int] = defaultdict(int)
    for number, wish in enumerate(wishes):
        ticket_type = sale.ticket_type(wish.ticket_type_id)
        if ticket_type is None or ticket_type.pool_id not in sale.layouts:
            raise TicketTypeUnknown(f"$.lines[{number}].ticket_type_id")
        _check_window(ticket_type, now, number)
        counts[wish.ticket_type_id] += wish.quantity
        limit = ticket_type.places_per_order_max
        if limit is not None and counts[wish.ticket_type_id] > limit:
            raise TooManyPlaces(f"$.lines[{number}]", limit)
        lines.append((ticket_type, wish, sale.demand(ticket_type, wish)))
    if sum(counts.values()) > sale.places_per_order_max:
        raise TooManyPlaces("$.lines", sale.places_per_order_max)
    chosen = _chosen_places(sale, lines)
    demands: defaultdict[Demand, int] = defaultdict(int)
    for number, (_, wish, demand) in enumerate(lines):
        if number not in chosen:
            demands[demand] += wish.quantity
    return Basket(tuple(lines), dict(demands), chosen)


def _check_window(ticket_type: TicketType, now: datetime, line: int) -> None:
    if ticket_type.sale_starts_at is not None and now < ticket_type.sale_starts_at:
        raise NotOnSale(f"$.lines[{line}].ticket_type_id", ticket_type.sale_starts_at)
    if ticket_type.sale_ends_at is not None and now >= ticket_type.sale_ends_at:
        raise SaleEnded(f"$.lines[{line}].ticket_type_id", ticket_type.sale_ends_at)


def _chosen_places(sale: Sale, lines: Sequence[tuple[TicketType, Wish, Demand]]) -> dict[int, tuple[Place, ...]]:
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
            if ticket_type.zone is not None and found[0] not in layout.blocks_of(ticket_type.zone):
                raise SeatNotInZone(field)
            place = Place(ticket_type.pool_id, *found)
            if place in seen:
                raise SeatTwice(field)
            seen.add(place)
            places.append(place)
        if places:
            chosen[number] = tuple(places)
    return chosen
