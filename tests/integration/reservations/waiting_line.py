"""A waiting room to test against: its organiser, people with numbers, and seconds that pass."""

from __future__ import annotations

from datetime import datetime, timedelta

from contracts.catalog import EventPublished
from services.reservations import use_cases
from services.reservations.domain.waiting_room_refusals import NotServedYet
from services.reservations.waiting_room_schemas import (
    NumberView,
    SetUpWaitingRoom,
    WaitingRoomControl,
    WaitingRoomSettings,
    WaitingRoomStatus,
)
from shared.auth import Identity
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING

SECOND = timedelta(seconds=1)
BEFORE = OPENING - timedelta(minutes=10)


def manager(published: EventPublished, role: str = "manager") -> Identity:
    """Somebody with a role at the event's organiser."""
    return Identity(new_id("per"), "boss@example.org", "A Boss", new_id("ses"), {published.organiser_id: role})


def room_for(
    published: EventPublished, *, rate: float = 100.0, pass_seconds: int = 300, opens_at: datetime = OPENING
) -> WaitingRoomSettings:
    """A waiting room for an event."""
    body = SetUpWaitingRoom(opens_at=opens_at, passes_per_second_max=rate, pass_seconds=pass_seconds)
    return use_cases.set_up_room(published.event_id, body, manager(published), BEFORE)


def number(published: EventPublished, now: datetime, person_id: str | None = None) -> NumberView:
    """A number for somebody."""
    return use_cases.take_number(published.event_id, person_id or new_id("per"), None, "", now)


def status(published: EventPublished, now: datetime) -> WaitingRoomStatus:
    """The status document."""
    return use_cases.waiting_room_status(published.event_id, now)[0]


def control(published: EventPublished, now: datetime) -> WaitingRoomControl:
    """What the organiser sees."""
    return use_cases.control_room(published.event_id, manager(published), now)


def pass_seconds_by(published: EventPublished, now: datetime, seconds: int) -> tuple[WaitingRoomStatus, datetime]:
    """Somebody looks at the status each second for so long; answers the last document and its time."""
    for _ in range(seconds):
        now += SECOND
        document = status(published, now)
    return document, now


def served(published: EventPublished, mine: NumberView, person_id: str, now: datetime) -> bool:
    """Whether a number is given a Pass."""
    try:
        use_cases.take_pass(published.event_id, mine.number, person_id, now)
    except NotServedYet:
        return False
    return True
