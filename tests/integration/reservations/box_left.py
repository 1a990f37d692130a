"""What is left of an event, as the stream brings its changes and as it is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.catalog import EventPublished, TicketType
from services.reservations import use_cases
from services.reservations.repository import BlockChange, left
from tests.integration.reservations.box_office import OPENING, hold, paid


def follow(published: EventPublished, now: datetime) -> None:
    """The stream brings a block of the event's first pool that was written."""
    use_cases.follow_left([BlockChange(published.pools[0].pool_id, 0, {0: 1}, freed=False)], [], now)


def word(published: EventPublished) -> str | None:
    """What was told last of the event."""
    row = left.told(published.event_id)
    return None if row is None else row.left


def after(seconds: float) -> datetime:
    """So many seconds after the opening."""
    return OPENING + timedelta(seconds=seconds)


def sell_out(published: EventPublished, kind: TicketType, quantity: int, now: datetime) -> None:
    """So many places, held and paid."""
    use_cases.answer_paid_order(paid(published, hold(published, kind, quantity, now)), now)


def count(published: EventPublished, now: datetime = OPENING) -> str | None:
    """The word for the event once its stream has been followed."""
    follow(published, now)
    return word(published)
