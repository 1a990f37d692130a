"""The waiting room's store: what must outlive Redis. Settings, leases of serials, the draw, numbers, the serving."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from services.reservations.domain.waiting_room import Draw, Number, Room
from services.reservations.domain.waiting_room_refusals import WaitingRoomOpened, WaitingRoomUnknown
from services.reservations.repository import caching
from services.reservations.repository.waiting_room_rows import (
    NumberRow,
    ProgressRow,
    RoomRow,
    number_key,
    number_row,
    progress_key,
    room_key,
)
from shared.data import (
    AlreadyExists,
    Check,
    ConditionRefused,
    Replace,
    StaleVersion,
    TransactionRefused,
    Unavailable,
    Update,
    fetch,
    insert,
    replace,
    transact,
    update,
)
from shared.ids import is_id

# How long a hold goes by what its process knows of a room, and how long Redis tells what the table said.
ROOM_SECONDS: Final = 5.0
_CACHED_SECONDS: Final = 30.0
_TRIES_MAX: Final = 8

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Room | None).decode


class AlreadyDrawn(Exception):
    """The opening was drawn, so that no more serials of before are leased."""


class NotToBeDrawn(Exception):
    """The room's opening lies ahead, whatever the caller remembered of it."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a room is, as the table says. `before` and `after` are serials leased, not all of them given out."""

    before: int = 0
    after: int = 0
    draw: Draw | None = None
    serving: int = 0
    rate: float | None = None


def room_of(event_id: str, now: datetime) -> Room:
    """An event's waiting room as it is set: from Redis or the table. Raises WaitingRoomUnknown."""
    if not is_id("evt", event_id):
        raise WaitingRoomUnknown
    stored = caching.cache().get_or_load(
        f"room:{{{event_id}}}", lambda: _load(event_id), _CACHED_SECONDS, (_tag(event_id),)
    )
    caching.rooms.put(event_id, stored, now.timestamp() + ROOM_SECONDS)
    room: Room | None = _decode(stored)
    if room is None:
        raise WaitingRoomUnknown
    return room


def remembered_room(event_id: str, now: datetime) -> Room | None:
    """The room as this process knows it, at most ROOM_SECONDS old; None where the event has none."""
    known = caching.rooms.get(event_id, now.timestamp())
    if known is not None:
        room: Room | None = _decode(known)
        return room
    try:
        return room_of(event_id, now)
    except WaitingRoomUnknown:
        return None


def known_to_have_room(event_id: str, now: datetime) -> bool:
    """Whether this process knows of a room for the event. Asks nobody, so it can be called while things go wrong."""
    known = caching.rooms.get(event_id, now.timestamp())
    return known is not None and _decode(known) is not None


def stored_room(event_id: str) -> RoomRow | None:
    """The row of a room, to be changed; None where there is none."""
    return fetch(RoomRow, *room_key(event_id))


def save_room(row: RoomRow, now: datetime, *, moved: bool) -> None:
    """Keep a room as it was changed, or made. With `moved` only as long as its opening was not drawn.

    Raises StaleVersion when somebody else changed or made it meanwhile, and WaitingRoomOpened.
    """
    if moved and row.version:
        undrawn = Check(ProgressRow, *progress_key(_event_of(row)), condition=ProgressRow.seed.does_not_exist())
        try:
            transact(Replace(row), undrawn, now=now)
        except TransactionRefused as refused:
            if refused.blames(undrawn) is not None:
                raise WaitingRoomOpened(row.opens_at) from refused
            raise StaleVersion(None) from refused
    elif row.version:
        replace(row, now=now)
    else:
        try:
            insert(row, now=now)
        except AlreadyExists as exists:
            raise StaleVersion(exists.stored) from exists
    caching.rooms.forget(_event_of(row))
    caching.cache().invalidate_tag(_tag(_event_of(row)))


def progress_of(event_id: str) -> Progress:
    """How far a room is now; all at nothing for one that nobody has come to."""
    return _progress(fetch(ProgressRow, *progress_key(event_id)))


def draw_of(event_id: str, now: datetime) -> Draw | None:
    """What was drawn at the opening, None before it. It never changes, so a process asks until it knows."""
    known = caching.draws.get(event_id, now.timestamp())
    return known if known is not None else _remember(event_id, progress_of(event_id)).draw


def draw(event_id: str, seed: bytes, given: int | None, now: datetime) -> Progress:
    """Draw the opening unless it was drawn: the seed, and the count of serials `given` out.

    Where that is not known (None) it is the count of those leased until this very write, some of which nobody has.
    Answers what holds, whoever drew it. Raises NotToBeDrawn when the room in the table opens later than now.
    """
    count = ProgressRow.drawn.set(ProgressRow.before | 0) if given is None else ProgressRow.drawn.set(given)
    due = Check(RoomRow, *room_key(event_id), condition=RoomRow.opens_at <= now)
    drawn = Update(
        ProgressRow,
        *progress_key(event_id),
        actions=[ProgressRow.seed.set(seed), count],
        condition=ProgressRow.seed.does_not_exist(),
    )
    for _ in range(_TRIES_MAX):
        early = None
        try:
            transact(due, drawn, now=now)
        except TransactionRefused as refused:
            early = refused.blames(due)
        # Read in either case: the transaction does not answer the count, and somebody else's draw holds.
        progress = progress_of(event_id)
        if progress.draw is not None:
            return _remember(event_id, progress)
        if early is not None and early.code == "ConditionalCheckFailed":
            raise NotToBeDrawn
    raise Unavailable("the opening could not be drawn")


def lease(event_id: str, size: int, now: datetime, *, before: bool) -> range:
    """The next serials of before the opening, or of after it, for this caller to give out.

    A lease whose answer was lost is a gap in the serials. Raises AlreadyDrawn for those of before after the draw.
    """
    leased = ProgressRow.before if before else ProgressRow.after
    try:
        row = update(
            ProgressRow,
            *progress_key(event_id),
            actions=[leased.set((leased | 0) + size)],
            condition=ProgressRow.seed.does_not_exist() if before else ProgressRow.seed.exists(),
            now=now,
        )
    except ConditionRefused as refused:
        raise AlreadyDrawn from refused
    until = (row.before if before else row.after) or 0
    return range(until - size, until)


def number_of(event_id: str, person_id: str) -> NumberRow | None:
    """A person's number, None for who has none yet."""
    return fetch(NumberRow, *number_key(event_id, person_id))


def keep_number(number: Number, now: datetime) -> NumberRow:
    """Give a person this number unless there is one: the one that was there first is answered, and stays."""
    row = number_row(number, now)
    try:
        insert(row, now=now)
    except AlreadyExists as exists:
        stored = exists.stored
        assert isinstance(stored, NumberRow)
        return stored
    return row


def advance(event_id: str, serving: int, rate: float, now: datetime) -> int:
    """Persist how far the serving is; answers how far it really is, which is further when somebody was faster."""
    try:
        update(
            ProgressRow,
            *progress_key(event_id),
            actions=[ProgressRow.serving.set(serving), ProgressRow.rate.set(round(rate, 3))],
            condition=ProgressRow.serving.does_not_exist() | (ProgressRow.serving < serving),
            now=now,
        )
    except ConditionRefused as refused:
        old = refused.old
        assert isinstance(old, ProgressRow)
        return max(serving, old.serving or 0)
    return serving


def _load(event_id: str) -> bytes:
    row = stored_room(event_id)
    return _encode(None if row is None else row.room())


def _progress(row: ProgressRow | None) -> Progress:
    if row is None:
        return Progress()
    return Progress(
        before=row.before or 0,
        after=row.after or 0,
        draw=row.draw(),
        serving=row.serving or 0,
        rate=None if row.rate is None else float(row.rate),
    )


def _remember(event_id: str, progress: Progress) -> Progress:
    if progress.draw is not None:
        caching.draws.put(event_id, progress.draw, float("inf"))
    return progress


def _event_of(row: RoomRow) -> str:
    return row.pk.partition("#")[2]


def _tag(event_id: str) -> str:
    return f"room {event_id}"


__all__ = [
    "AlreadyDrawn",
    "NotToBeDrawn",
    "Progress",
    "advance",
    "draw",
    "draw_of",
    "keep_number",
    "known_to_have_room",
    "lease",
    "number_of",
    "progress_of",
    "remembered_room",
    "room_of",
    "save_room",
    "stored_room",
]
