"""What Redis keeps of a waiting room: the order of arrival, who reckons the next second, and what was observed.

All of an event lies in one hash slot. Redis may vanish, come back empty, or come back with what it knew a while ago (a
snapshot, a replica that took over). So whatever would do harm when it is old carries the `run_id` of the server it was
written on, and counts as absent on any other; then the table says what holds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from random import uniform
from typing import Any, Final

import msgspec

from services.reservations.domain.waiting_room import Draw
from services.reservations.domain.waiting_room_rate import WINDOW_SECONDS, Control
from services.reservations.repository import caching, waiting_rooms
from services.reservations.repository.waiting_room_lua import (
    CLAIM_LUA,
    CLOSE_LUA,
    GIVEN_LUA,
    LOOK_LUA,
    OBSERVE_LUA,
    OFFER_LUA,
    PUBLISH_LUA,
    TAKE_LUA,
    USE_LUA,
)
from shared.cache import CacheDown

# The next second is reckoned by one reader, and not before it is over.
TICK_MILLISECONDS: Final = 1000
KEPT_SECONDS: Final = 24 * 3600
# Serials are leased in small ranges first: what is left of one when Redis vanishes, or at the draw, is a gap.
LEASE_FIRST: Final = 10
LEASE_MAX: Final = 1000
_LEASE_WAIT_SECONDS: Final = 2.0
_BUCKET_SECONDS: Final = 5
_MINUTE_SECONDS: Final = 60


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted: within the control's window, of `window_seconds`, and in the last minute.

    `after` is how many serials of after the opening were given out, None where Redis cannot know (see `close_before`).
    """

    window: dict[str, int] = {}
    window_seconds: int = 1
    minute: dict[str, int] = {}
    outstanding: int = 0
    settled_claimed: int = 0
    fresh_claimed: int = 0
    after: int | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a room this second: what those who wait see, and what the organiser does.

    `issued` ranks exist; `changed_at` is when something was last different, in seconds since 1970.
    """

    control: Control
    draw: Draw | None = None
    issued: int = 0
    sold_out: bool = False
    changed_at: float = 0.0
    free: int | None = None
    held: int | None = None
    places_at: float = 0.0
    minute: dict[str, int] = {}
    outstanding: int = 0


class Look(msgspec.Struct, frozen=True):
    """What a reader found: the board (packed, too), and whether it falls to this reader to reckon the next second."""

    board: Board | None
    packed: bytes
    due: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Board).decode


def look(event_id: str, now: datetime, *, reckon: bool = True) -> Look:
    """The board of an event. With `reckon`, one reader a second is told that the next is due. Raises CacheDown."""
    arguments = [_ms(now), TICK_MILLISECONDS, 1 if reckon else 0, KEPT_SECONDS]
    packed, due = _run("look", LOOK_LUA, event_id, ("board", "tick"), arguments)
    return Look(_decode(packed) if packed else None, packed or b"", bool(due))


def publish(event_id: str, board: Board, over: bytes) -> bool:
    """Show a board to everybody, unless it is not any more the one that it was reckoned from. Raises CacheDown."""
    return bool(_run("publish", PUBLISH_LUA, event_id, ("board",), [over, _encode(board), KEPT_SECONDS]))


def take_serial(event_id: str, now: datetime, *, before: bool) -> int:
    """The next serial: whoever asks later gets a higher one. Ranges are leased from the table as they are needed.

    Raises AlreadyDrawn for a serial of before when the opening was drawn, and CacheDown.
    """
    kind = "before" if before else "after"
    give_up_at = time.monotonic() + _LEASE_WAIT_SECONDS
    while True:
        impatient = 1 if time.monotonic() >= give_up_at else 0
        answer, value = _run(
            "take", TAKE_LUA, event_id, ("serials",), [kind, _ms(now), impatient, LEASE_FIRST, LEASE_MAX, KEPT_SECONDS]
        )
        if answer == b"serial":
            return int(value)
        if answer == b"drawn":
            raise waiting_rooms.AlreadyDrawn
        if answer == b"wait":
            # Somebody else is leasing: a few milliseconds.
            time.sleep(uniform(0.002, 0.008))
            continue
        try:
            leased = waiting_rooms.lease(event_id, int(value), now, before=before)
        except waiting_rooms.AlreadyDrawn:
            if before:
                close_before(event_id)
            raise
        _run(
            "offer",
            OFFER_LUA,
            event_id,
            ("serials",),
            [kind, leased.start, leased.stop, len(leased), _ms(now), KEPT_SECONDS],
        )


def close_before(event_id: str) -> int | None:
    """Give out no more serials of before; answers how many there were, None where Redis cannot know. Raises CacheDown.

    It knows as long as it runs without a break: then every serial that anybody has is below the next one.
    """
    return _given("close", CLOSE_LUA, event_id, [KEPT_SECONDS])


def given_before(event_id: str) -> int | None:
    """How many serials of before have been given out so far, None where Redis cannot know. Raises CacheDown."""
    return _given("given", GIVEN_LUA, event_id, [])


def open_before(event_id: str) -> None:
    """Give out serials of before again: it was not the opening after all. Raises CacheDown."""
    key = caching.cache().full_key(_key(event_id, "serials"))
    caching.cache().execute(lambda client: client.hdel(key, "drawn"))


def claim(event_id: str, rank: int, person_id: str, now: datetime, pass_seconds: int) -> int:
    """Note that a number's Pass is claimed; answers until when it is good, in seconds since 1970. Raises CacheDown.

    Asked again while the first one has more than half of its time, the same is answered: a retry gets the same Pass.
    """
    arguments = [rank, person_id, int(now.timestamp()), pass_seconds, _field("passes", now), KEPT_SECONDS]
    return int(_run("claim", CLAIM_LUA, event_id, ("claimed", "outstanding", _minute(now)), arguments))


def note(event_id: str, counts: Mapping[str, int], now: datetime, *, used_by: str = "") -> bool:
    """Count what happened (`holds`, `places`, `bought`, `refused`), and that a person's Pass was used.

    Counting is not worth an error: without Redis it is not done, and False is answered.
    """
    fields = [part for name, count in counts.items() for part in (_field(name, now), count)]
    try:
        _run("use", USE_LUA, event_id, ("outstanding", _minute(now)), [used_by, *fields])
    except CacheDown:
        return False
    return True


def observe(event_id: str, now: datetime, settled: tuple[int, int], serving: int) -> Figures:
    """What was counted of late, and how many of the ranks `settled`, and of those after them, have claimed.

    Raises CacheDown.
    """
    first, until = settled
    seconds = int(now.timestamp())
    keys = ("claimed", "outstanding", "serials", _minute(now), _minute(now, -1))
    found = _run("observe", OBSERVE_LUA, event_id, keys, [seconds, first, until, serving])
    outstanding, settled_claimed, fresh_claimed, after, *hashes = found
    window: dict[str, int] = {}
    minute: dict[str, int] = {}
    for pairs in hashes:
        for name, count in zip(pairs[::2], pairs[1::2], strict=True):
            kind, _, bucket = name.decode().partition(" ")
            age = seconds - int(bucket)
            if age < _MINUTE_SECONDS:
                minute[kind] = minute.get(kind, 0) + int(count)
            if age < WINDOW_SECONDS:
                window[kind] = window.get(kind, 0) + int(count)
    return Figures(
        window=window,
        # The oldest bucket that counts began at the first multiple of its length within the window.
        window_seconds=max(1, seconds - -(-(seconds - WINDOW_SECONDS + 1) // _BUCKET_SECONDS) * _BUCKET_SECONDS),
        minute=minute,
        outstanding=outstanding,
        settled_claimed=settled_claimed,
        fresh_claimed=fresh_claimed,
        after=int(after) if after >= 0 else None,
    )


def _given(name: str, lua: str, event_id: str, arguments: list[Any]) -> int | None:
    given = int(_run(name, lua, event_id, ("serials",), arguments))
    return None if given < 0 else given


def _run(name: str, lua: str, event_id: str, keys: tuple[str, ...], arguments: list[Any]) -> Any:
    script = caching.cache().script(f"room_{name}", lua)
    return script.run([_key(event_id, key) for key in keys], arguments)


def _key(event_id: str, name: str) -> str:
    return f"{{{event_id}}}:room:{name}"


def _minute(now: datetime, offset: int = 0) -> str:
    return f"counts:{int(now.timestamp()) // _MINUTE_SECONDS + offset}"


def _field(name: str, now: datetime) -> str:
    return f"{name} {int(now.timestamp()) // _BUCKET_SECONDS * _BUCKET_SECONDS}"


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
