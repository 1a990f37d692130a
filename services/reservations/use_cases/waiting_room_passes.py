"""Passes: what they are given for, and what a hold needs one for."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from services.reservations import domain
from services.reservations.domain import Sale
from services.reservations.domain.waiting_room import Number, rank
from services.reservations.domain.waiting_room_refusals import (
    NotServedYet,
    NumberUnknown,
    PassRequired,
    WaitingRoomEnded,
)
from services.reservations.repository import waiting_room_board as board
from services.reservations.repository import waiting_rooms
from services.reservations.use_cases.waiting_room_numbers import NUMBER_AUDIENCE
from services.reservations.waiting_room_schemas import PassView
from shared.auth import TokenInvalid, sign_token, verify_token
from shared.cache import CacheDown

PASS_AUDIENCE: Final = "pass"
_RETRY_SECONDS_MAX: Final = 60


class Pass(msgspec.Struct, frozen=True):
    """What a Pass says: this person may hold places of this event, until the token's time is over."""

    event_id: str
    person_id: str


def take_pass(event_id: str, sealed_number: str, person_id: str, now: datetime) -> PassView:
    """A Pass for a number whose turn it is; asked again, a Pass again.

    What is served stays served: also while the room is paused or its store is away. Raises WaitingRoomUnknown,
    WaitingRoomEnded, NumberUnknown and NotServedYet.
    """
    room = waiting_rooms.room_of(event_id, now)
    if room.ended:
        raise WaitingRoomEnded
    try:
        number = verify_token(sealed_number, NUMBER_AUDIENCE, Number, now=now)
    except TokenInvalid as invalid:
        raise NumberUnknown from invalid
    if number.event_id != event_id or number.person_id != person_id:
        raise NumberUnknown
    draw = waiting_rooms.draw_of(event_id, now) if now >= room.opens_at else None
    if draw is None:
        raise NotServedYet(None, 0, _retry_after((room.opens_at - now).total_seconds()))
    place = rank(number, draw)
    serving, speed = _serving(event_id, now)
    if place >= serving:
        raise NotServedYet(place, serving, _retry_after((place - serving) / speed if speed else _RETRY_SECONDS_MAX))
    try:
        until = datetime.fromtimestamp(board.claim(event_id, place, person_id, now, room.pass_seconds), UTC)
    except CacheDown:
        until = domain.moment(int(now.timestamp())) + timedelta(seconds=room.pass_seconds)
    token = sign_token(PASS_AUDIENCE, Pass(event_id, person_id), until)
    return PassView(event_id=event_id, pass_token=token, expires_at=until)


def check_pass(sale: Sale, token: str | None, person_id: str, now: datetime) -> bool:
    """Whether the event has a waiting room, in which case `token` was a Pass of this person that is good now.

    A signature is enough, so Redis may be gone. A room set up or ended is known here within five seconds. Raises
    PassRequired.
    """
    room = waiting_rooms.remembered_room(sale.event_id, now)
    if room is None or room.ended:
        return False
    if not token:
        raise PassRequired("The event has a waiting room: send the Pass it gave you in the header Pass.", room.opens_at)
    try:
        given = verify_token(token, PASS_AUDIENCE, Pass, now=now)
    except TokenInvalid as invalid:
        detail = "This Pass is not good (any more). Ask for another with your number."
        raise PassRequired(detail, room.opens_at) from invalid
    if given.event_id != sale.event_id or given.person_id != person_id:
        raise PassRequired("This Pass is for another event or another person.", room.opens_at)
    return True


def has_waiting_room(event_id: str, now: datetime) -> bool:
    """Whether holds of the event need a Pass, as far as this process knows."""
    room = waiting_rooms.remembered_room(event_id, now)
    return room is not None and not room.ended


def note_hold(event_id: str, person_id: str, places: int, now: datetime) -> None:
    """Tell the room that a Pass has led to a hold: its control reckons with the Passes that have not."""
    board.note(event_id, {"holds": 1, "places": places}, now, used_by=person_id)


def note_refused(event_id: str, now: datetime) -> None:
    """Tell the room, where this process knows of one, that the shop could not keep up with a hold."""
    if waiting_rooms.known_to_have_room(event_id, now):
        board.note(event_id, {"refused": 1}, now)


def note_bought(event_id: str, places: int, now: datetime) -> None:
    """Tell the room, where the event has one, that places were sold."""
    if has_waiting_room(event_id, now):
        board.note(event_id, {"bought": places}, now)


def _serving(event_id: str, now: datetime) -> tuple[int, float]:
    """How far the serving is and how fast; never less than anybody was shown."""
    try:
        seen = board.look(event_id, now, reckon=False).board
    except CacheDown:
        seen = None
    if seen is not None:
        return seen.control.serving, seen.control.speed
    return waiting_rooms.progress_of(event_id).serving, 0.0


def _retry_after(seconds: float) -> int:
    return min(max(1, math.ceil(seconds)), _RETRY_SECONDS_MAX)
