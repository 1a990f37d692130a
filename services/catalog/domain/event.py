"""Events, their pools and ticket types, and what must be true before the public sees one."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from services.catalog.domain.currencies import CURRENCIES
from services.catalog.domain.errors import FieldError, Fixed, Incomplete
from services.catalog.domain.seat_map import SeatMap
from shared.money import Money

EventState = Literal["draft", "published"]
PoolKind = Literal["general", "seated"]
Access = Literal["public", "voucher", "complimentary"]

POOLS_MAX: Final = 20
TICKET_TYPES_MAX: Final = 60
CAPACITY_MAX: Final = 1_000_000
PRICE_MAX: Final = 100_000_000
HOLD_SECONDS_DEFAULT: Final = 600
PLACES_PER_ORDER_DEFAULT: Final = 10
# What a buyer has of an event is kept in one block of places.
PLACES_PER_BUYER_MAX: Final = 25
# Browsing by date reads one partition a month, and looks no further than this.
PUBLISHED_AHEAD_MAX: Final = timedelta(days=730)


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """A place. A private one is shown to the organiser's members only."""

    venue_id: str
    organiser_id: str
    name: str
    city: str
    time_zone: str
    address: str | None = None
    private: bool = False


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Events that belong together."""

    series_id: str
    organiser_id: str
    name: str


class Pool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A capacity: a number of places, or the seats of a seat map."""

    pool_id: str
    name: str
    kind: PoolKind
    capacity: int = 0
    seat_map_id: str | None = None


class TicketType(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is on sale, at which price, from which pool; a `zone` limits it to the seats of that price zone.

    `places_max` caps it over all orders. `access` says who may hold it: everybody, who has a voucher, or members, who
    give it away.
    """

    ticket_type_id: str
    name: str
    price: Money
    pool_id: str
    zone: str | None = None
    sale_starts_at: datetime | None = None
    sale_ends_at: datetime | None = None
    places_per_order_max: int | None = None
    places_max: int | None = None
    access: Access = "public"


class Work(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of a concert's programme."""

    title: str
    composer: str | None = None
    movement: str | None = None
    conductor: str | None = None
    soloists: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dated occurrence that tickets are sold for."""

    event_id: str
    organiser_id: str
    name: str
    state: EventState = "draft"
    version: int = 0
    venue_id: str
    venue_name: str
    venue_city: str
    time_zone: str
    starts_at: datetime
    doors_at: datetime | None = None
    series_id: str | None = None
    series_name: str | None = None
    organiser_name: str | None = None
    description: str | None = None
    currency: str
    hold_seconds: int = HOLD_SECONDS_DEFAULT
    places_per_order_max: int = PLACES_PER_ORDER_DEFAULT
    places_per_buyer_max: int | None = None
    pools: tuple[Pool, ...] = ()
    ticket_types: tuple[TicketType, ...] = ()
    programme: tuple[Work, ...] = ()
    published_at: datetime | None = None

    @property
    def seat_map_ids(self) -> tuple[str, ...]:
        """The seat maps its pools stand on."""
        return tuple(dict.fromkeys(pool.seat_map_id for pool in self.pools if pool.seat_map_id is not None))

    @property
    def price_from(self) -> Money | None:
        """The lowest price for everybody; None where everybody can buy nothing."""
        return min((one.price for one in self.ticket_types if one.access == "public"), default=None)

    @property
    def sale_starts_at(self) -> datetime | None:
        """When the first sale to everybody begins; None where one always has."""
        begins = [one.sale_starts_at for one in self.ticket_types if one.access == "public"]
        return None if None in begins else min((at for at in begins if at is not None), default=None)

    @property
    def sale_ends_at(self) -> datetime | None:
        """When the last sale to everybody ends; None where one does not."""
        ends = [one.sale_ends_at for one in self.ticket_types if one.access == "public"]
        return None if None in ends else max((at for at in ends if at is not None), default=None)


def check_time_zone(name: str, field: str = "$.time_zone") -> None:
    """Raises Incomplete unless the IANA database knows the zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as trouble:
        raise Incomplete([FieldError(field, "this is no time zone of the IANA database")]) from trouble


def check_shape(event: Event) -> None:
    """Raises Incomplete naming every field of a draft that no later change elsewhere could make right."""
    errors = [*_frame_errors(event), *_pool_errors(event.pools), *_ticket_type_errors(event)]
    if errors:
        raise Incomplete(errors)


def check_publishable(event: Event, seat_maps: Mapping[str, SeatMap], now: datetime) -> None:
    """Raises Incomplete naming everything that still keeps the event from the public.

    `seat_maps` are those its pools name, as far as they exist.
    """
    errors = [*_frame_errors(event), *_pool_errors(event.pools), *_ticket_type_errors(event)]
    if event.starts_at <= now:
        errors.append(FieldError("$.starts_at", "the event would lie in the past"))
    elif event.starts_at > now + PUBLISHED_AHEAD_MAX:
        errors.append(FieldError("$.starts_at", "an event is published at most two years ahead"))
    if not event.pools:
        errors.append(FieldError("$.pools", "an event needs a pool to sell places from"))
    if event.pools and not event.ticket_types:
        errors.append(FieldError("$.ticket_types", "an event needs a ticket type to be on sale"))
    errors += _seating_errors(event, seat_maps)
    if errors:
        raise Incomplete(errors)


def check_change(before: Event, after: Event) -> None:
    """Raises Fixed when a change touches what places of a published event have been sold from."""
    if before.state != "published":
        return
    if before.pools != after.pools:
        raise Fixed(
            "$.pools", "the pools of a published event change by PATCH /v1/pools/{pool_id}, while it is on sale"
        )
    if before.venue_id != after.venue_id:
        raise Fixed("$.venue_id", "the venue of a published event is fixed")
    if before.currency != after.currency:
        raise Fixed("$.currency", "the currency of a published event is fixed")
    kept = {ticket_type.ticket_type_id: ticket_type for ticket_type in after.ticket_types}
    for ticket_type in before.ticket_types:
        later = kept.get(ticket_type.ticket_type_id)
        if later is None:
            raise Fixed(
                "$.ticket_types", f"the ticket type {ticket_type.name!r} has been on sale; end its sale instead"
            )
        if (later.pool_id, later.zone) != (ticket_type.pool_id, ticket_type.zone):
            raise Fixed("$.ticket_types", f"the pool and zone of the ticket type {ticket_type.name!r} are fixed")
        # Places sold while there was no cap would not count for it, nor those beyond a lower one.
        if later.places_max is not None and later.places_max < (ticket_type.places_max or CAPACITY_MAX + 1):
            reason = f"the cap of the ticket type {ticket_type.name!r} is only raised or dropped; else end its sale"
            raise Fixed("$.ticket_types", reason)


def capacity(event: Event, seat_maps: Mapping[str, SeatMap]) -> int:
    """How many places the event has, over all pools."""
    return sum(seat_maps[pool.seat_map_id].seats if pool.seat_map_id else pool.capacity for pool in event.pools)


def _frame_errors(event: Event) -> Iterator[FieldError]:
    if event.currency not in CURRENCIES:
        yield FieldError("$.currency", "this is no currency of ISO 4217")
    if event.doors_at is not None and not event.starts_at - timedelta(days=1) <= event.doors_at <= event.starts_at:
        yield FieldError("$.doors_at", "doors open on the day of the event, not after its beginning")
    if not 60 <= event.hold_seconds <= 3600:
        yield FieldError("$.hold_seconds", "places are held for 60 to 3600 seconds")
    if not 1 <= event.places_per_order_max <= 50:
        yield FieldError("$.places_per_order_max", "an order has at most 1 to 50 places")
    limit = event.places_per_buyer_max
    if limit is not None and not 1 <= limit <= PLACES_PER_BUYER_MAX:
        yield FieldError(
            "$.places_per_buyer_max", f"a buyer may have 1 to {PLACES_PER_BUYER_MAX} places, where limited"
        )


def _pool_errors(pools: Sequence[Pool]) -> Iterator[FieldError]:
    if len(pools) > POOLS_MAX:
        yield FieldError("$.pools", f"an event has at most {POOLS_MAX} pools")
    names: set[str] = set()
    for number, pool in enumerate(pools):
        path = f"$.pools[{number}]"
        if pool.name in names:
            yield FieldError(f"{path}.name", "another pool has this name")
        names.add(pool.name)
        if pool.kind == "seated" and pool.seat_map_id is None:
            yield FieldError(f"{path}.seat_map_id", "a seated pool needs a seat map")
        if pool.kind == "general" and pool.seat_map_id is not None:
            yield FieldError(f"{path}.seat_map_id", "a general pool has no seat map")
        if pool.kind == "general" and not 1 <= pool.capacity <= CAPACITY_MAX:
            yield FieldError(f"{path}.capacity", f"a general pool has 1 to {CAPACITY_MAX} places")


def _ticket_type_errors(event: Event) -> Iterator[FieldError]:
    if len(event.ticket_types) > TICKET_TYPES_MAX:
        yield FieldError("$.ticket_types", f"an event has at most {TICKET_TYPES_MAX} ticket types")
    pools = {pool.pool_id: pool for pool in event.pools}
    names: set[str] = set()
    for number, ticket_type in enumerate(event.ticket_types):
        path = f"$.ticket_types[{number}]"
        if ticket_type.name in names:
            yield FieldError(f"{path}.name", "another ticket type has this name")
        names.add(ticket_type.name)
        pool = pools.get(ticket_type.pool_id)
        if pool is None:
            yield FieldError(f"{path}.pool", "the event has no such pool")
        elif pool.kind == "general" and ticket_type.zone is not None:
            yield FieldError(f"{path}.zone", "a general pool has no zones")
        if ticket_type.price.currency != event.currency:
            yield FieldError(f"{path}.price.currency", f"all prices of the event are in {event.currency}")
        if not 0 <= ticket_type.price.amount <= PRICE_MAX:
            yield FieldError(f"{path}.price.amount", f"a price has 0 to {PRICE_MAX} minor units")
        if ticket_type.access == "complimentary" and ticket_type.price.amount != 0:
            yield FieldError(f"{path}.price.amount", "complimentary tickets cost nothing")
        yield from _sale_errors(path, ticket_type, event)


def _sale_errors(path: str, ticket_type: TicketType, event: Event) -> Iterator[FieldError]:
    starts, ends = ticket_type.sale_starts_at, ticket_type.sale_ends_at
    if starts is not None and ends is not None and starts >= ends:
        yield FieldError(f"{path}.sale_ends_at", "the sale ends after it starts")
    if starts is not None and starts >= event.starts_at:
        yield FieldError(f"{path}.sale_starts_at", "the sale starts before the event does")
    if ticket_type.places_max is not None and not 1 <= ticket_type.places_max <= CAPACITY_MAX:
        yield FieldError(f"{path}.places_max", f"a ticket type is capped at 1 to {CAPACITY_MAX} places, where it is")
    limit = ticket_type.places_per_order_max
    if limit is not None and not 1 <= limit <= event.places_per_order_max:
        yield FieldError(
            f"{path}.places_per_order_max", f"the limit lies between 1 and the event's {event.places_per_order_max}"
        )


def _seating_errors(event: Event, seat_maps: Mapping[str, SeatMap]) -> Iterator[FieldError]:
    """What is wrong between the pools, their seat maps, and the ticket types that should sell every place."""
    for number, pool in enumerate(event.pools):
        path = f"$.pools[{number}]"
        selling = [ticket_type for ticket_type in event.ticket_types if ticket_type.pool_id == pool.pool_id]
        if event.ticket_types and not selling:
            yield FieldError(path, "no ticket type sells the places of this pool")
        if pool.seat_map_id is None:
            continue
        seat_map = seat_maps.get(pool.seat_map_id)
        if seat_map is None or seat_map.organiser_id != event.organiser_id:
            yield FieldError(f"{path}.seat_map_id", "there is no such seat map")
            continue
        if seat_map.venue_id != event.venue_id:
            yield FieldError(f"{path}.seat_map_id", "the seat map belongs to another venue")
        zones = set(seat_map.zones)
        for place, ticket_type in enumerate(event.ticket_types):
            if ticket_type.pool_id == pool.pool_id and ticket_type.zone not in (None, *zones):
                yield FieldError(f"$.ticket_types[{place}].zone", "the seat map has no such zone")
        if selling and all(ticket_type.zone is not None for ticket_type in selling):
            unsold = sorted(zones - {ticket_type.zone for ticket_type in selling})
            if unsold:
                yield FieldError("$.ticket_types", f"no ticket type sells the zone {', '.join(unsold)}")
