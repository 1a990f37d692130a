"""How the rows of reservations become messages: one builder for each type the relay publishes."""

from __future__ import annotations

from typing import Any, Final

from contracts.reservations import AvailabilityChanged, PlacesOffered, PoolChanged
from services.reservations.repository.waiting_list import entry_of_image
from shared import clock
from shared.messaging import Message
from shared.messaging.relay import Builder

Image = dict[str, Any]


def places_offered(image: Image) -> Message:
    """`reservations.places_offered.v1` of an entry's row."""
    entry = entry_of_image(image)
    offer = entry.offer
    if offer is None:
        raise ValueError(f"the entry {entry.entry_id} announces an offer that it does not hold")
    return PlacesOffered(
        entry_id=entry.entry_id,
        version=int(image["outbox"]["version"]),
        hold_id=offer.token.hold_id,
        event_id=entry.event_id,
        event_name=offer.token.event_name,
        organiser_id=offer.token.organiser_id,
        time_zone=offer.time_zone,
        buyer=entry.buyer,
        ticket_type_name=offer.token.lines[0].ticket_type_name,
        places=offer.token.places(),
        total=offer.token.total,
        offered_at=offer.offered_at,
        expires_at=offer.token.expires_at,
    )


def pool_changed(image: Image) -> Message:
    """`reservations.pool_changed.v1` of a pool's row."""
    return PoolChanged(
        pool_id=str(image["pk"]).partition("#")[2],
        version=int(image["outbox"]["version"]),
        event_id=image["event_id"],
        organiser_id=image["organiser_id"],
        kind=image["kind"],
        capacity=int(image["capacity"]) - int(image.get("shrunk") or 0),
        closed=bool(image.get("closed")),
        changed_at=clock.from_iso(image["updated_at"]),
    )


def availability_changed(image: Image) -> Message:
    """`reservations.availability_changed.v1` of the row that keeps what was told last of an event."""
    return AvailabilityChanged(
        event_id=str(image["pk"]).partition("#")[2],
        version=int(image["outbox"]["version"]),
        organiser_id=image["organiser_id"],
        availability=image["left"],
        counted_at=clock.from_iso(image["counted_at"]),
    )


BUILDERS: Final[dict[str, Builder]] = {
    PlacesOffered.type_name: places_offered,
    PoolChanged.type_name: pool_changed,
    AvailabilityChanged.type_name: availability_changed,
}
