"""Bodies of the waiting room's requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from services.reservations.domain.waiting_room import State
from services.reservations.domain.waiting_room_rate import Why
from shared.http import RequestBody

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Rate = Annotated[float, msgspec.Meta(ge=0.5, le=10_000)]
PassSeconds = Annotated[int, msgspec.Meta(ge=60, le=3600)]
Notice = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
Sealed = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class SetUpWaitingRoom(RequestBody, frozen=True, kw_only=True):
    """A waiting room, whole: what is not named is as the defaults say."""

    opens_at: Moment
    passes_per_second_max: Rate = 10.0
    pass_seconds: PassSeconds = 300
    paused: bool = False
    ended: bool = False
    notice: Notice | None = None


class ChangeWaitingRoom(RequestBody, frozen=True, kw_only=True):
    """What shall be different; what is not named stays."""

    opens_at: Moment | UnsetType = UNSET
    passes_per_second_max: Rate | UnsetType = UNSET
    pass_seconds: PassSeconds | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    ended: bool | UnsetType = UNSET
    notice: Notice | UnsetType | None = UNSET


class TakeNumber(RequestBody, frozen=True, kw_only=True):
    """A number is wanted; `proof` is what the challenge gave, where the house asks for one."""

    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=4096, pattern=r"\S")] | None = None


class TakePass(RequestBody, frozen=True, kw_only=True):
    """A Pass is wanted for this number, as it was signed."""

    number: Sealed


class WaitingRoomSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting room as it is set."""

    event_id: str
    version: int
    opens_at: datetime
    passes_per_second_max: float
    pass_seconds: int
    paused: bool
    ended: bool
    notice: str | None


class LastMinute(msgspec.Struct, frozen=True, kw_only=True):
    """Counted in the last minute (to five seconds): Passes, holds and their places, places bought, refusals by load."""

    passes: int = 0
    holds: int = 0
    places_held: int = 0
    places_bought: int = 0
    refused: int = 0


class WaitingRoomControl(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting room as its organiser sees it: how it is set, who waits, and why it goes as fast as it does.

    `rate` is in Passes a second; numbers are served faster by those who do not come, `show_up` being the share of those
    who do. `why` is a word for programs, `explanation` a sentence for people. `places_free` and `places_held` are null
    until they were first counted.
    """

    settings: WaitingRoomSettings
    state: State
    reason: str | None
    seed: str | None
    drawn: int | None
    waiting: int
    served: int
    rate: float
    why: Why
    explanation: str
    show_up: float
    passes_outstanding: int
    places_free: int | None
    places_held: int | None
    last_minute: LastMinute
    updated_at: datetime


class WaitingRoomStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The room as everybody sees it. A number is served when its rank is below `serving`.

    `seed` (hexadecimal) and `drawn` are null before the opening; with them anybody can work out a rank. `reason` says
    why a room is closed: `store-away` for a moment, `ended` for good. `passes_per_second` is what is served of late.
    """

    event_id: str
    state: State
    reason: Literal["store-away", "ended"] | None = None
    opens_at: datetime
    seed: str | None = None
    drawn: int | None = None
    serving: int
    passes_per_second: float
    notice: str | None = None
    updated_at: datetime


class NumberView(msgspec.Struct, frozen=True, kw_only=True):
    """A person's number: `number` is signed, and what a Pass is asked for with.

    `rank` is null before the opening for a number of before it; it then follows from the status document.
    """

    event_id: str
    number: str
    serial: int
    phase: Literal["before", "after"]
    rank: int | None
    issued_at: datetime


class PassView(msgspec.Struct, frozen=True, kw_only=True):
    """A Pass, for the header Pass of POST /v1/holds."""

    event_id: str
    pass_token: str = msgspec.field(name="pass")
    expires_at: datetime
