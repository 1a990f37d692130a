"""Numbers: one for each person and event, for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from services.reservations.domain.waiting_room import Draw, Number, Room, rank
from services.reservations.domain.waiting_room_refusals import (
    ProofInvalid,
    ProofRequired,
    WaitingRoomClosed,
    WaitingRoomEnded,
)
from services.reservations.repository import waiting_room_board as board
from services.reservations.repository import waiting_rooms
from services.reservations.repository.waiting_room_proof import proof_holds, proof_wanted
from services.reservations.repository.waiting_room_rows import NUMBER_DAYS, NumberRow
from services.reservations.use_cases.waiting_room_opening import open_room
from services.reservations.waiting_room_schemas import NumberView
from shared.auth import sign_token
from shared.cache import CacheDown

NUMBER_AUDIENCE: Final = "number"


def take_number(event_id: str, person_id: str, proof: str | None, source_ip: str, now: datetime) -> NumberView:
    """A person's number; asked again, by whichever device and however often, the same.

    A number that was given out is answered without Redis as well. Raises WaitingRoomUnknown, WaitingRoomEnded,
    ProofRequired, ProofInvalid, Unavailable when the proof cannot be verified, and WaitingRoomClosed.
    """
    room = waiting_rooms.room_of(event_id, now)
    if room.ended:
        raise WaitingRoomEnded
    row = waiting_rooms.number_of(event_id, person_id)
    if row is None:
        _check_proof(proof, source_ip)
        try:
            number = _next(room, person_id, now)
        except CacheDown as down:
            raise WaitingRoomClosed from down
        row = waiting_rooms.keep_number(number, now)
    return _view(row, waiting_rooms.draw_of(event_id, now) if now >= room.opens_at else None)


def _next(room: Room, person_id: str, now: datetime) -> Number:
    """The next serial, of before the opening or of after it. Raises CacheDown, WaitingRoomClosed."""
    before = now < room.opens_at
    if not before:
        try:
            open_room(room.event_id, now)
        except waiting_rooms.NotToBeDrawn:
            # The opening was moved since this process heard of it; who comes now must not be counted as late.
            before = True
    try:
        serial = board.take_serial(room.event_id, now, before=before)
    except waiting_rooms.AlreadyDrawn:
        # Somebody whose clock is ahead has opened the room; or meant to, died, and then the opening was moved.
        before = waiting_rooms.draw_of(room.event_id, now) is None
        if before:
            board.open_before(room.event_id)
        serial = board.take_serial(room.event_id, now, before=before)
    return Number(event_id=room.event_id, person_id=person_id, serial=serial, before=before)


def _check_proof(proof: str | None, source_ip: str) -> None:
    if not proof_wanted():
        return
    if proof is None:
        raise ProofRequired
    if not proof_holds(proof, source_ip):
        raise ProofInvalid


def _view(row: NumberRow, draw: Draw | None) -> NumberView:
    number = row.number()
    return NumberView(
        event_id=number.event_id,
        number=sign_token(NUMBER_AUDIENCE, number, row.issued_at + timedelta(days=NUMBER_DAYS)),
        serial=number.serial,
        phase="before" if number.before else "after",
        rank=rank(number, draw) if draw is not None else None,
        issued_at=row.issued_at.astimezone(UTC),
    )
