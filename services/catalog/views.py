"""From what catalog knows to what its answers show."""

from __future__ import annotations

from services.catalog import domain, schemas
from services.catalog.domain.search import Posting


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


def event_summary(event: domain.Event | Posting) -> schemas.EventSummary:
    """An event as lists show it."""
    return schemas.EventSummary(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        state=event.state,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue=_place(event),
        series_id=event.series_id,
        series_name=event.series_name,
        price_from=event.price_from,
    )


def event_view(event: domain.Event, *, for_members: bool = True) -> schemas.EventView:
    """An event as answered in full: to the public without what only members can give away."""
    pools = {pool.pool_id: pool for pool in event.pools}
    return schemas.EventView(
        event_id=event.event_id,
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name,
        name=event.name,
        state=event.state,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue=_place(event),
        series_id=event.series_id,
        series_name=event.series_name,
        price_from=event.price_from,
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
        ticket_types=[
            schemas.TicketTypeView(
                ticket_type_id=ticket_type.ticket_type_id,
                name=ticket_type.name,
                price=ticket_type.price,
                pool_id=ticket_type.pool_id,
                pool=pools[ticket_type.pool_id].name,
                zone=ticket_type.zone,
                sale_starts_at=ticket_type.sale_starts_at,
                sale_ends_at=ticket_type.sale_ends_at,
                places_per_order_max=ticket_type.places_per_order_max,
                places_max=ticket_type.places_max,
                access=ticket_type.access,
            )
            for ticket_type in event.ticket_types
            if for_members or ticket_type.access != "complimentary"
        ],
        programme=list(event.programme),
        published_at=event.published_at,
    )


def _place(event: domain.Event | Posting) -> schemas.PlaceView:
    return schemas.PlaceView(venue_id=event.venue_id, name=event.venue_name, city=event.venue_city)
