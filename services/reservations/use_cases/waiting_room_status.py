"""The status document: the same for everybody, and reckoned anew at most once a second by one of its readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from services.reservations.domain.waiting_room import Draw, Room, state_of
from services.reservations.domain.waiting_room_rate import Control, Observed, settled, started, step
from services.reservations.repository import waiting_room_board as board
from services.reservations.repository import waiting_rooms
from services.reservations.repository.waiting_room_board import Board
from services.reservations.use_cases.availability import availability
from services.reservations.use_cases.waiting_room_opening import open_room
from services.reservations.waiting_room_schemas import WaitingRoomStatus
from shared.cache import CacheDown
from shared.clock import to_milliseconds
from shared.data import Unavailable

# How old the count of places may be: it is the document of availability, shared with everybody.
PLACES_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 5
# With fewer holds than these, two places a hold is the better guess.
_HOLDS_MIN: Final = 5
_PLACES_PER_HOLD: Final = 2.0


class _PoolCount(msgspec.Struct):
    free: int
    held: int
    closed: bool = False


class _PlacesCount(msgspec.Struct):
    pools: list[_PoolCount]


_counts = msgspec.json.Decoder(_PlacesCount).decode


class Seen(msgspec.Struct, frozen=True):
    """A room and what is known of it now; no board while the store does not answer."""

    room: Room
    board: Board | None
    serving: int
    draw: Draw | None


def status(event_id: str, now: datetime) -> tuple[WaitingRoomStatus, int | None]:
    """The document, and after how many seconds to ask again while the room is closed. Raises WaitingRoomUnknown."""
    seen = see(event_id, now)
    return document_of(seen), RETRY_SECONDS if seen.board is None else None


def document_of(seen: Seen) -> WaitingRoomStatus:
    """The document of a room as it was seen. `updated_at` is when something in it was last different."""
    room, board_, draw = seen.room, seen.board, seen.draw
    updated_at = room.changed_at
    if board_ is not None and board_.changed_at:
        updated_at = max(updated_at, to_milliseconds(datetime.fromtimestamp(board_.changed_at, UTC)))
    reason: Literal["store-away", "ended"] | None = "ended" if room.ended else None
    if board_ is None and not room.ended:
        reason = "store-away"
    sold_out = board_ is not None and board_.sold_out
    return WaitingRoomStatus(
        event_id=room.event_id,
        state="closed" if board_ is None else state_of(room, opened=draw is not None, sold_out=sold_out),
        reason=reason,
        opens_at=room.opens_at,
        seed=draw.seed.hex() if draw is not None else None,
        drawn=draw.drawn if draw is not None else None,
        serving=seen.serving,
        passes_per_second=round(board_.control.speed, 1) if board_ is not None else 0.0,
        notice=room.notice,
        updated_at=updated_at,
    )


def see(event_id: str, now: datetime) -> Seen:
    """What is known of a room now; reckons the next second when that is due. Raises WaitingRoomUnknown."""
    room = waiting_rooms.room_of(event_id, now)
    try:
        known = board.look(event_id, now, reckon=not room.ended)
        current = known.board
        if current is None or known.due:
            current = _reckon(room, current, known.packed, now)
    except CacheDown:
        progress = waiting_rooms.progress_of(event_id)
        return Seen(room, None, progress.serving, progress.draw)
    return Seen(room, current, current.control.serving, current.draw)


def _reckon(room: Room, last: Board | None, packed: bytes, now: datetime) -> Board:
    """The next second's board, persisted before it is shown. Raises CacheDown."""
    at = now.timestamp()
    if last is None:
        last = _from_the_table(room, now)
    draw = last.draw or _opened(room, now)
    control = last.control
    figures = board.observe(room.event_id, now, settled(control, at), control.serving)
    free, held, places_at = _places(room.event_id, last, now) if draw is not None else (None, None, 0.0)
    issued = max(last.issued, draw.drawn + _given(room, figures.after, last) if draw is not None else 0)
    holds, places = figures.minute.get("holds", 0), figures.minute.get("places", 0)
    seen = Observed(
        issued=issued,
        holds=figures.window.get("holds", 0),
        refused=figures.window.get("refused", 0),
        passes_per_second=figures.window.get("passes", 0) / figures.window_seconds,
        outstanding=figures.outstanding,
        free=free,
        held=held,
        places_per_hold=places / holds if holds >= _HOLDS_MIN else _PLACES_PER_HOLD,
        settled_claimed=figures.settled_claimed,
        fresh_claimed=figures.fresh_claimed,
    )
    control = step(control, room, seen, at, opened=draw is not None)
    if draw is not None:
        control = _persisted(room.event_id, control, last.control.serving, now)
    following = Board(
        control=control,
        draw=draw,
        issued=max(issued, control.serving),
        sold_out=free == 0 and held == 0,
        free=free,
        held=held,
        places_at=places_at,
        minute=figures.minute,
        outstanding=figures.outstanding,
    )
    same = last.changed_at and _shown(following) == _shown(last)
    following = msgspec.structs.replace(following, changed_at=last.changed_at if same else at)
    if not board.publish(room.event_id, following, packed):
        # Somebody else was faster, and what they show may be less: it must not be seen to fall.
        return board.look(room.event_id, now, reckon=False).board or following
    return following


def _from_the_table(room: Room, now: datetime) -> Board:
    """The board of a room whose Redis knows nothing: what was persisted, and nobody's rank is another one."""
    progress = waiting_rooms.progress_of(room.event_id)
    # As if the last second had been reckoned: whoever opens the room, or finds it again, is not let wait for another.
    control = started(room, now.timestamp() - 1.0, progress.serving, progress.rate)
    return Board(control=control, draw=progress.draw)


def _given(room: Room, counted: int | None, last: Board) -> int:
    """How many serials of after the opening were given out; where Redis does not know, how many were leased.

    The next ones follow on those leased, so nobody who comes is served before who has come.
    """
    if counted is not None:
        return counted
    return waiting_rooms.progress_of(room.event_id).after if not last.issued else 0


def _opened(room: Room, now: datetime) -> Draw | None:
    if now < room.opens_at:
        return None
    try:
        return open_room(room.event_id, now)
    except waiting_rooms.NotToBeDrawn:
        return None


def _persisted(event_id: str, control: Control, before: int, now: datetime) -> Control:
    """The control with the serving that is in the table: further than its own when somebody died before showing it."""
    if control.serving > before:
        serving = waiting_rooms.advance(event_id, control.serving, control.rate, now)
    else:
        serving = max(before, waiting_rooms.progress_of(event_id).serving)
    return msgspec.structs.replace(control, serving=serving) if serving != control.serving else control


def _places(event_id: str, last: Board, now: datetime) -> tuple[int | None, int | None, float]:
    """Free and held places of the event, and when they were counted."""
    at = now.timestamp()
    if last.free is not None and 0 <= at - last.places_at < PLACES_SECONDS:
        return last.free, last.held, last.places_at
    try:
        pools = [pool for pool in _counts(availability(event_id, now)).pools if not pool.closed]
    except Unavailable:
        return last.free, last.held, last.places_at
    return sum(pool.free for pool in pools), sum(pool.held for pool in pools), at


def _shown(one: Board) -> tuple[object, ...]:
    return one.draw, one.sold_out, one.control.serving, round(one.control.speed, 1)
