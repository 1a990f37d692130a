"""Planning, changing, publishing and showing events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, structs

from contracts.catalog import EventPublished
from contracts.catalog import Pool as PublishedPool
from contracts.catalog import TicketType as PublishedTicketType
from contracts.catalog import Venue as PublishedVenue
from services.catalog import domain, repository
from services.catalog.schemas import ChangeEvent, PlanEvent, PoolBody, TicketTypeBody, WorkBody
from shared import clock
from shared.auth import Identity
from shared.data import StaleVersion
from shared.http import NotFound, PreconditionFailed
from shared.ids import derived_id, new_id, same_body
from shared.money import Money

PLANNERS = ("owner", "manager")
_TRIES_MAX = 4


def plan_event(body: PlanEvent, operation_id: str | None, now: datetime) -> domain.Event:
    """Make a draft. Raises Incomplete naming every field that cannot be."""
    event_id = new_id("evt", now) if operation_id is None else same_body("evt", operation_id)
    venue = _venue(body.venue_id, body.organiser_id)
    series = _series(body.series_id, body.organiser_id)
    pools = _pools(event_id, body.pools)
    event = domain.Event(
        event_id=event_id,
        organiser_id=body.organiser_id,
        name=body.name.strip(),
        venue_id=venue.venue_id,
        venue_name=venue.name,
        venue_city=venue.city,
        time_zone=venue.time_zone,
        starts_at=clock.to_milliseconds(body.starts_at),
        doors_at=body.doors_at,
        series_id=series.series_id if series else None,
        series_name=series.name if series else None,
        description=body.description,
        currency=body.currency,
        hold_seconds=body.hold_seconds,
        places_per_order_max=body.places_per_order_max,
        places_per_buyer_max=body.places_per_buyer_max,
        pools=pools,
        ticket_types=_ticket_types(event_id, body.ticket_types, pools, ()),
        programme=_programme(body.programme),
    )
    domain.check_shape(event)
    _seat_maps(event, complain=True)
    if not repository.add_event(event, now):
        return _row(event_id)[1]
    return structs.replace(event, version=1)


def event_for(event_id: str, visitor: Identity | None, now: datetime) -> domain.Event:
    """The event: for everybody once it is published, before that for the organiser's members. Raises NotFound.

    What everybody may see comes from Redis, where there is one, and is up to half a minute old; members read the row.
    """
    if visitor is not None and visitor.roles:
        event = _row(event_id)[1]
        if event.state == "published" or visitor.is_member(event.organiser_id):
            return event
        raise NotFound("There is no such event.")
    seen = repository.remembered_event(event_id, lambda: _as_public(event_id))
    if seen is None:
        raise NotFound("There is no such event.")
    return seen


def change_event(
    event_id: str, body: ChangeEvent, expected_version: int | None, person: Identity, now: datetime
) -> domain.Event:
    """Change an event at the version the caller has read; a published one is announced again.

    What is as it should be already is answered as it is, whatever the version (RFC 9110, 13.1.1). Raises NotFound,
    Forbidden, PreconditionFailed, StaleVersion, Incomplete, and Fixed for what places were sold from.
    """
    row, before = _row(event_id)
    person.require_member(before.organiser_id, *PLANNERS)
    after = _changed(before, body)
    # Before the version is asked for: a change that is there already is most likely this one, sent again.
    if structs.asdict(after) == structs.asdict(before):
        return before
    if expected_version is not None and expected_version != before.version:
        raise PreconditionFailed(f"The event has version {before.version} now.")
    domain.check_change(before, after)
    if before.state == "published":
        domain.check_publishable(after, _seat_maps(after), now)
    else:
        domain.check_shape(after)
        _seat_maps(after, complain=True)
    saved = repository.save_event(row, after, now, announce=after.state == "published")
    _forget(saved)
    return saved


def publish_event(event_id: str, person: Identity, now: datetime) -> domain.Event:
    """Open an event to the public and announce it. One that is published already is answered as it is.

    Raises NotFound, Forbidden, Incomplete naming everything that is missing, and OrganiserNotKnownYet.
    """
    for _ in range(_TRIES_MAX):
        row, event = _row(event_id)
        person.require_member(event.organiser_id, *PLANNERS)
        if event.state == "published":
            return event
        domain.check_publishable(event, _seat_maps(event), now)
        published = opened(event, organiser_name(event.organiser_id), now)
        try:
            saved = repository.save_event(row, published, now, announce=True)
        except StaleVersion:
            # Somebody changed, or published, it meanwhile: what there is now must be looked at again.
            continue
        _forget(saved)
        return saved
    raise domain.ChangedMeanwhile("the event is being changed by others at this moment")


def opened(event: domain.Event, organiser_name: str, now: datetime) -> domain.Event:
    """The event as it is once it is published."""
    return structs.replace(
        event, state="published", organiser_name=organiser_name, published_at=clock.to_milliseconds(now)
    )


def organiser_name(organiser_id: str) -> str:
    """The organiser's name. Raises OrganiserNotKnownYet while accounts' message is still on its way."""
    name = repository.organiser_name(organiser_id)
    if name is None:
        raise domain.OrganiserNotKnownYet("the organiser is so new that catalog does not know it yet; try again")
    return name


def announced_event(image: Mapping[str, Any], now: datetime) -> EventPublished:
    """The message an event's row announces; before, the event is listed anew where a posting is not as it should be.

    That is so for what an older release published, and for postings that were lost: `republish` comes by them all.
    """
    event = msgspec.convert(image["event"], domain.Event)
    if repository.relist(event, int(image["version"]), image.get("listed"), now):
        repository.forget_upcoming()
    return published_message(image)


def published_message(image: Mapping[str, Any]) -> EventPublished:
    """The message an event's row announces. The seats come from the seat map, which never changes."""
    event = msgspec.convert(image["event"], domain.Event)
    return EventPublished(
        event_id=event.event_id,
        version=int(image["version"]),
        organiser_id=event.organiser_id,
        organiser_name=event.organiser_name or "",
        name=event.name,
        starts_at=event.starts_at,
        doors_at=event.doors_at,
        time_zone=event.time_zone,
        venue=PublishedVenue(venue_id=event.venue_id, name=event.venue_name, city=event.venue_city),
        series_id=event.series_id,
        currency=event.currency,
        hold_seconds=event.hold_seconds,
        places_per_order_max=event.places_per_order_max,
        places_per_buyer_max=event.places_per_buyer_max,
        pools=tuple(_published_pool(pool) for pool in event.pools),
        ticket_types=tuple(
            PublishedTicketType(
                ticket_type_id=one.ticket_type_id,
                name=one.name,
                price=one.price,
                pool_id=one.pool_id,
                zone=one.zone,
                sale_starts_at=one.sale_starts_at,
                sale_ends_at=one.sale_ends_at,
                places_per_order_max=one.places_per_order_max,
                places_max=one.places_max,
                access=one.access,
            )
            for one in event.ticket_types
        ),
    )


def _published_pool(pool: domain.Pool) -> PublishedPool:
    if pool.seat_map_id is None:
        return PublishedPool(pool_id=pool.pool_id, kind=pool.kind, name=pool.name, capacity=pool.capacity)
    seat_map = _fixed_seat_map(pool.seat_map_id)
    return PublishedPool(
        pool_id=pool.pool_id, kind=pool.kind, name=pool.name, capacity=seat_map.seats, runs=seat_map.seat_runs()
    )


@lru_cache(maxsize=8)
def _fixed_seat_map(seat_map_id: str) -> domain.SeatMap:
    seat_map = repository.seat_map(seat_map_id)
    if seat_map is None:
        raise LookupError(f"the seat map {seat_map_id} of a published event is gone")
    return seat_map


def _as_public(event_id: str) -> domain.Event | None:
    row = repository.event(event_id)
    if row is None:
        return None
    event = repository.of_row(row)
    return event if event.state == "published" else None


def _row(event_id: str) -> tuple[repository.EventRow, domain.Event]:
    row = repository.event(event_id)
    if row is None:
        raise NotFound("There is no such event.")
    return row, repository.of_row(row)


def _forget(event: domain.Event) -> None:
    repository.forget_event(event.event_id)
    if event.state == "published":
        repository.forget_upcoming()


def forget_changed(keys: Iterable[str]) -> None:
    """Lets the public see the events among these rows' keys as they are now.

    Whoever changed one has done so already, unless it was stopped, had no Redis, or a reader came in between and read
    the index, which is a moment behind: the rows' stream comes after all of that.
    """
    event_ids = {key.removeprefix("event#") for key in keys if key.startswith("event#")}
    for event_id in event_ids:
        repository.forget_event(event_id)
    if event_ids:
        repository.forget_upcoming()


def _venue(venue_id: str, organiser_id: str) -> domain.Venue:
    venue = repository.venue(venue_id)
    if venue is None or venue.organiser_id != organiser_id:
        raise domain.Incomplete([domain.FieldError("$.venue_id", "the organiser has no such venue")])
    return venue


def _series(series_id: str | None, organiser_id: str) -> domain.Series | None:
    if series_id is None:
        return None
    series = repository.series(series_id)
    if series is None or series.organiser_id != organiser_id:
        raise domain.Incomplete([domain.FieldError("$.series_id", "the organiser has no such series")])
    return series


def _seat_maps(event: domain.Event, *, complain: bool = False) -> dict[str, domain.SeatMap]:
    """The seat maps of the event's pools, as far as they exist; to `complain` about others raises Incomplete."""
    found = {one: seat_map for one in event.seat_map_ids if (seat_map := repository.seat_map(one)) is not None}
    missing = [
        domain.FieldError(f"$.pools[{number}].seat_map_id", "the organiser has no such seat map")
        for number, pool in enumerate(event.pools)
        if pool.seat_map_id is not None
        and (pool.seat_map_id not in found or found[pool.seat_map_id].organiser_id != event.organiser_id)
    ]
    if complain and missing:
        raise domain.Incomplete(missing)
    return found


def _pools(event_id: str, bodies: Iterable[PoolBody]) -> tuple[domain.Pool, ...]:
    # Derived from the name, so that a pool keeps its id through changes and retries.
    return tuple(
        domain.Pool(
            pool_id=derived_id("pol", event_id, body.name),
            name=body.name,
            kind=body.kind,
            capacity=body.capacity,
            seat_map_id=body.seat_map_id,
        )
        for body in bodies
    )


def _ticket_types(
    event_id: str, bodies: Iterable[TicketTypeBody], pools: Sequence[domain.Pool], before: Sequence[domain.TicketType]
) -> tuple[domain.TicketType, ...]:
    ids = {pool.name: pool.pool_id for pool in pools}
    known = {one.ticket_type_id for one in before}
    named = {one.name: one.ticket_type_id for one in before}
    made: list[domain.TicketType] = []
    for number, body in enumerate(bodies):
        given = body.ticket_type_id
        if given is not None and given not in known:
            field = f"$.ticket_types[{number}].ticket_type_id"
            raise domain.Incomplete([domain.FieldError(field, "the event has no such ticket type")])
        made.append(
            domain.TicketType(
                ticket_type_id=given or named.get(body.name) or derived_id("tty", event_id, body.name, len(before)),
                name=body.name,
                price=Money(body.price.amount, body.price.currency),
                # An unknown pool's name goes in as it is, to be reported with everything else.
                pool_id=ids.get(body.pool, body.pool),
                zone=body.zone,
                sale_starts_at=body.sale_starts_at,
                sale_ends_at=body.sale_ends_at,
                places_per_order_max=body.places_per_order_max,
                places_max=body.places_max,
                access=body.access,
            )
        )
    return tuple(made)


def _programme(bodies: Iterable[WorkBody]) -> tuple[domain.Work, ...]:
    return tuple(domain.Work(**structs.asdict(body)) for body in bodies)


def _changed(before: domain.Event, body: ChangeEvent) -> domain.Event:
    given = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    if "venue_id" in given:
        venue = _venue(given["venue_id"], before.organiser_id)
        given |= {"venue_name": venue.name, "venue_city": venue.city, "time_zone": venue.time_zone}
    if "series_id" in given:
        series = _series(given["series_id"], before.organiser_id)
        given["series_name"] = series.name if series else None
    if "starts_at" in given:
        given["starts_at"] = clock.to_milliseconds(given["starts_at"])
    if "programme" in given:
        given["programme"] = _programme(given["programme"])
    if "pools" in given:
        given["pools"] = _pools(before.event_id, given["pools"])
    pools = given.get("pools", before.pools)
    if "ticket_types" in given:
        given["ticket_types"] = _ticket_types(before.event_id, given["ticket_types"], pools, before.ticket_types)
    return structs.replace(before, **given)
