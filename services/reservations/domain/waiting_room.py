"""The waiting room's rules: which rank a number has, and who is served (docs/decisions/0010-waiting-room.md).

Whoever comes before the opening gets a serial, counted from 0. The opening draws a seed, which is published together
with the count of serials drawn and keys a permutation of them: that is their rank. Whoever comes later is counted from
0 again and ranks behind all of those, in the order of arrival. A number is served when its rank is below `serving`.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

import msgspec

SEED_BYTES: Final = 32
ROUNDS: Final = 8
# A round's value is four bytes, so a half has at most 32 bits.
DRAWN_MAX: Final = 1 << 64

State = Literal["before", "open", "paused", "closed", "sold_out"]


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What an organiser has set: when the room opens, how many Passes a second it may give, how long they are good.

    `paused` stops the serving, `ended` does away with the room: holds then need no Pass.
    """

    event_id: str
    version: int
    opens_at: datetime
    passes_per_second_max: float
    pass_seconds: int
    paused: bool = False
    ended: bool = False
    notice: str | None = None
    changed_at: datetime


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A person's number: a serial of before the opening, or of after it. It never changes; its rank follows from it."""

    event_id: str
    person_id: str
    serial: int
    before: bool


class Draw(msgspec.Struct, frozen=True):
    """What the opening has drawn: the seed, and the count of the serials of before that it puts in order."""

    seed: bytes
    drawn: int


def rank(number: Number, draw: Draw) -> int:
    """How many numbers are served before this one."""
    if number.before:
        return shuffled(number.serial, draw)
    return draw.drawn + number.serial


def shuffled(serial: int, draw: Draw) -> int:
    """Where the draw puts a serial: a permutation of 0 to drawn - 1. Raises ValueError for a serial it does not cover.

    A Feistel network over the smallest even number of bits that holds every serial. What comes out too high goes in
    again (cycle walking), which ends because a permutation leads back, after less than four turns on average.
    """
    if not 0 <= serial < draw.drawn <= DRAWN_MAX:
        raise ValueError("the draw does not cover this serial")
    half = 1
    while 1 << 2 * half < draw.drawn:
        half += 1
    mask = (1 << half) - 1
    value = serial
    while True:
        left, right = value >> half, value & mask
        for turn in range(ROUNDS):
            digest = sha256(draw.seed + bytes((turn,)) + right.to_bytes(4, "big")).digest()
            left, right = right, left ^ (int.from_bytes(digest[:4], "big") & mask)
        value = left << half | right
        if value < draw.drawn:
            return value


def state_of(room: Room, *, opened: bool, sold_out: bool) -> State:
    """What those who wait are told while the room's store answers."""
    if room.ended:
        return "closed"
    if sold_out and opened:
        return "sold_out"
    if room.paused:
        return "paused"
    return "open" if opened else "before"
