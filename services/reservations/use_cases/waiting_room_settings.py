"""How an organiser sets a waiting room up, looks at it, and steers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from msgspec import UNSET, structs

from services.reservations import repository
from services.reservations.domain.waiting_room import Room
from services.reservations.domain.waiting_room_rate import Why
from services.reservations.domain.waiting_room_refusals import WaitingRoomOpened, WaitingRoomUnknown
from services.reservations.repository import waiting_room_board, waiting_rooms
from services.reservations.repository.waiting_room_rows import RoomRow, room_key
from services.reservations.use_cases.waiting_room_status import Seen, document_of, see
from services.reservations.waiting_room_schemas import (
    ChangeWaitingRoom,
    LastMinute,
    SetUpWaitingRoom,
    WaitingRoomControl,
    WaitingRoomSettings,
)
from shared.auth import Identity
from shared.cache import CacheDown
from shared.clock import to_milliseconds
from shared.data import StaleVersion

STEERERS: Final = ("owner", "manager")
WATCHERS: Final = ("owner", "manager", "box_office")
_TRIES_MAX: Final = 4
_EXPLANATIONS: Final[dict[Why, str]] = {
    "before": "The room has not opened.",
    "ended": "The room is over; places are held without a Pass.",
    "paused": "The room is paused: nobody new is served, and who was served still gets a Pass.",
    "sold_out": "Every place is sold.",
    "nobody_waits": "Everybody who has a number was served.",
    "demand": "There are Passes enough for the places that are free; more follow as they are used or run out.",
    "shop": "Holds were refused by load of late, so the rate was halved.",
    "rising": "The shop keeps up, so the rate rises by a twentieth of your maximum each second.",
    "maximum": "The rate is your maximum.",
}
_AWAY: Final = "The room's store does not answer: nobody new is served, and who was served still gets a Pass."


def set_up_room(event_id: str, body: SetUpWaitingRoom, person: Identity, now: datetime) -> WaitingRoomSettings:
    """Set an event's waiting room as this says, whether there was one or not; sent again it changes nothing.

    Raises EventUnknown, NotFound, Forbidden, and WaitingRoomOpened for moving an opening that has been.
    """
    _check_member(event_id, person, STEERERS, now)
    for _ in range(_TRIES_MAX):
        row = waiting_rooms.stored_room(event_id) or RoomRow(*room_key(event_id))
        try:
            return _changed(row, structs.asdict(body), now)
        except StaleVersion:
            continue
    raise StaleVersion(row)


def change_room(
    event_id: str, body: ChangeWaitingRoom, expected_version: int | None, person: Identity, now: datetime
) -> WaitingRoomSettings:
    """Change what is named, at the version the caller has read.

    What is as it should be already is answered as it is, whatever the version. Raises EventUnknown, NotFound,
    Forbidden, WaitingRoomUnknown, StaleVersion, and WaitingRoomOpened for moving an opening that has been.
    """
    _check_member(event_id, person, STEERERS, now)
    for _ in range(_TRIES_MAX):
        row = waiting_rooms.stored_room(event_id)
        if row is None:
            raise WaitingRoomUnknown
        given = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
        try:
            return _changed(row, given, now, expected_version)
        except StaleVersion:
            if expected_version is not None and expected_version != row.version:
                raise
    raise StaleVersion(row)


def control_room(event_id: str, person: Identity, now: datetime) -> WaitingRoomControl:
    """The room as those see it who steer it. Raises EventUnknown, NotFound, Forbidden and WaitingRoomUnknown."""
    _check_member(event_id, person, WATCHERS, now)
    seen = see(event_id, now)
    document = document_of(seen)
    board = seen.board
    why: Why = board.control.why if board is not None else ("ended" if seen.room.ended else "before")
    minute = board.minute if board is not None else {}
    return WaitingRoomControl(
        settings=_settings(seen.room),
        state=document.state,
        reason=document.reason,
        seed=document.seed,
        drawn=document.drawn,
        waiting=_waiting(seen),
        served=seen.serving,
        rate=round(board.control.rate, 2) if board is not None else 0.0,
        why=why,
        explanation=_EXPLANATIONS[why] if board is not None else _AWAY,
        show_up=round(board.control.show_up, 2) if board is not None else 1.0,
        passes_outstanding=board.outstanding if board is not None else 0,
        places_free=board.free if board is not None else None,
        places_held=board.held if board is not None else None,
        last_minute=LastMinute(
            passes=minute.get("passes", 0),
            holds=minute.get("holds", 0),
            places_held=minute.get("places", 0),
            places_bought=minute.get("bought", 0),
            refused=minute.get("refused", 0),
        ),
        updated_at=document.updated_at,
    )


def _check_member(event_id: str, person: Identity, roles: tuple[str, ...], now: datetime) -> None:
    person.require_member(repository.sale_of(event_id, now).organiser_id, *roles)


def _changed(row: RoomRow, given: dict[str, Any], now: datetime, expected: int | None = None) -> WaitingRoomSettings:
    if "opens_at" in given:
        given["opens_at"] = to_milliseconds(given["opens_at"].astimezone(UTC))
    before = {name: getattr(row, name) for name in given}
    if row.version and before == given:
        return _settings(row.room())
    if expected is not None and expected != row.version:
        raise StaleVersion(row)
    moved = bool(row.version) and before.get("opens_at") != given.get("opens_at")
    if moved and now >= row.opens_at:
        raise WaitingRoomOpened(row.opens_at)
    for name, value in given.items():
        setattr(row, name, value)
    waiting_rooms.save_room(row, now, moved=moved)
    return _settings(row.room())


def _waiting(seen: Seen) -> int:
    if seen.board is not None and seen.draw is not None:
        return max(0, seen.board.issued - seen.serving)
    given = None if seen.draw is not None else _given_before(seen.room.event_id)
    if given is not None:
        return given
    # Those leased from the table: the most there can be.
    progress = waiting_rooms.progress_of(seen.room.event_id)
    return max(0, progress.before + progress.after - seen.serving)


def _given_before(event_id: str) -> int | None:
    try:
        return waiting_room_board.given_before(event_id)
    except CacheDown:
        return None


def _settings(room: Room) -> WaitingRoomSettings:
    return WaitingRoomSettings(
        event_id=room.event_id,
        version=room.version,
        opens_at=room.opens_at,
        passes_per_second_max=room.passes_per_second_max,
        pass_seconds=room.pass_seconds,
        paused=room.paused,
        ended=room.ended,
        notice=room.notice,
    )
