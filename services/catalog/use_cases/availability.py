"""What is left of events: hearing of it from reservations, and saying it again."""

from __future__ import annotations

from datetime import datetime

from contracts.reservations import AvailabilityChanged
from services.catalog import domain, repository
from services.catalog.domain.availability import Told


def keep_told(message: AvailabilityChanged, now: datetime) -> bool:
    """Keep what is left of an event; whether it was news. Older and repeated messages change nothing."""
    told = Told(left=message.availability, counted_at=message.counted_at, version=message.version)
    if not repository.keep_told(message.event_id, told, now):
        return False
    repository.forget_event(message.event_id)
    repository.forget_upcoming()
    return True


def told_of(event: domain.Event) -> Told | None:
    """What was told of a published event's places; None where nothing was. It comes from Redis if it can."""
    if event.state != "published":
        return None
    event_id = event.event_id
    return repository.remembered_told(event_id, lambda: repository.told_of([event_id]).get(event_id))
