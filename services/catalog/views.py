"""From what catalog knows to what its answers show."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from msgspec import UNSET

from services.catalog import domain, schemas
from services.catalog.domain.availability import Told, left_of
from services.catalog.domain.search import Posting
from services.catalog.use_cases import Expansion

NOTHING_MORE = Expansion()


def venue_view(venue: domain.Venue) -> schemas.VenueView:
    """A venue as answered."""
    return schemas.VenueView(
        venue_id=venue.venue_id,
        organiser_id=venue.organiser_id,
        name=venue.name,
        city=venue.city,
        time_zone=venue.time_zone,
        address=venue.address,
        private=venue.private,
    )


def series_view(series: domain.Series) -> schemas.SeriesView:
    """A series as answered."""
    return schemas.SeriesView(series_id=series.series_id, organiser_id=series.organiser_id, name=series.name)


def seat_map_view(seat_map: domain.SeatMap) -> schemas.SeatMapView:
    """A seat map as answered: with names, where the table keeps positions."""
    return schemas.SeatMapView(
        seat_map_id=seat_map.seat_map_id,
        organiser_id=seat_map.organiser_id,
        venue_id=seat_map.venue_id,
        name=seat_map.name,
        seats=seat_map.seats,
        zones=list(seat_map.zones),
        sections=[
            schemas.SectionView(
                name=section.name,
                rows=[
                    schemas.RowView(
                        name=row.name,
                        runs=[_run(run) for run in row.runs],
                    )
                    for row in section.rows
                ],
            )
            for section in seat_map.sections
        ],
    )


def _run(run: domain.Run) -> schemas.RunView:
    return schemas.RunView(
        first=run.first, last=run.last, zone=run.zone, accessible=run.accessible, companions=run.companions
    )


def event_summary(
    event: domain.Event | Posting,
    told: Told | None,
    now: datetime,
    expansion: Expansion = NOTHING_MORE,
    *,
    for_members: bool = False,
) -> schemas.EventSummary:
    """An event as lists show it, with what was told of its places."""
    venue = None if expansion.venues is None else expansion.venues.get(event.venue_id)
    in_full = None if expansion.events is None else expansion.events.get(event.event_id)
    return schemas.EventSummary(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        state=event.state,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue=_place(event, venue),
        series_id=event.series_id,
        series_name=event.series_name,
        price_from=event.price_from,
        availability=left_of(event, told, now),
        availability_at=None if told is None else told.counted_at,
        ticket_types=UNSET if in_full is None else _ticket_types(in_full, for_members=for_members),
    )


def event_view(
    event: domain.Event,
    told: Told | None,
    now: datetime,
    *,
    for_members: bool = True,
    venue: domain.Venue | None = None,
) -> schemas.EventView:
    """An event as answered in full, with what was told of its places, and the venue's address where that is given.

    The public does not see what only members can give away.
    """
    return schemas.EventView(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        state=event.state,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue=_place(event, venue),
        series_id=event.series_id,
        series_name=event.series_name,
        price_from=event.price_from,
        availability=left_of(event, told, now),
        availability_at=None if told is None else told.counted_at,
        version=event.version,
        doors_at=event.doors_at,
        description=event.description,
        currency=event.currency,
        hold_seconds=event.hold_seconds,
        places_per_order_max=event.places_per_order_max,
        places_per_buyer_max=event.places_per_buyer_max,
        pools=[
            schemas.PoolView(
                pool_id=pool.pool_id,
                name=pool.name,
                kind=pool.kind,
                capacity=None if pool.kind == "seated" else pool.capacity,
                seat_map_id=pool.seat_map_id,
            )
            for pool in event.pools
        ],
        ticket_types=_ticket_types(event, for_members=for_members),
        programme=list(event.programme),
        published_at=event.published_at,
    )


def event_etag(event: domain.Event, told: Told | None, now: datetime) -> str | int:
    """What tells an event as it is from what it was: its version, and what is left where that is not the plain case.

    A change (`If-Match`) is meant for the version, whatever is left.
    """
    left = left_of(event, told, now)
    always_so = told is None and event.sale_starts_at is None and event.sale_ends_at is None
    if always_so:
        return event.version
    return f"{event.version}-{crc32(f'{left} {told and told.version}'.encode()):08x}"


def _ticket_types(event: domain.Event, *, for_members: bool) -> list[schemas.TicketTypeView]:
    pools = {pool.pool_id: pool for pool in event.pools}
    return [
        schemas.TicketTypeView(
            ticket_type_id=one.ticket_type_id,
            name=one.name,
            price=one.price,
            pool_id=one.pool_id,
            pool=pools[one.pool_id].name,
            zone=one.zone,
            sale_starts_at=one.sale_starts_at,
            sale_ends_at=one.sale_ends_at,
            places_per_order_max=one.places_per_order_max,
            places_max=one.places_max,
            access=one.access,
        )
        for one in event.ticket_types
        if for_members or one.access != "complimentary"
    ]


def _place(event: domain.Event | Posting, venue: domain.Venue | None = None) -> schemas.PlaceView:
    address = UNSET if venue is None else venue.address
    return schemas.PlaceView(venue_id=event.venue_id, name=event.venue_name, city=event.venue_city, address=address)
