"""How fast numbers are served: a pure function of what was observed, worked once a second at most.

Three things bound it. The organiser's maximum. What the shop can take: the rate rises by a twentieth of the maximum
each second, and is halved when holds were answered by `busy` or by a server's error. And what there is to buy: no more
Passes than suffice for the places that are free. Whoever is served and does not claim a Pass (a no-show) counts for
nothing after some seconds, and the numbers are served faster by the share of those.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec

from services.reservations.domain.waiting_room import Room

# Counted over so many seconds, the present ones and those before.
WINDOW_SECONDS: Final = 10
# Within so many seconds somebody who waits notices being served and claims the Pass.
CLAIM_SECONDS: Final = 10
# A pause in the polls is no time saved up: whoever waited while nobody looked is served at the same rate.
ELAPSED_SECONDS_MAX: Final = 5.0
RATE_MIN: Final = 0.5
_START_SHARE: Final = 0.25
_RISE_SHARE: Final = 0.05
_FALL: Final = 0.5
# Fewer refusals than these are chance, not a shop that cannot keep up.
_REFUSED_MIN: Final = 3
_REFUSED_SHARE: Final = 0.02
# Not everybody with a Pass buys; and of the places in baskets, some come back.
_PASSES_FOR_FREE: Final = 1.5
_PASSES_FOR_HELD: Final = 0.25
_OVER: Final = 1.1
_COHORT_MIN: Final = 20
_SHOW_UP_MIN: Final = 0.2
_HISTORY_MAX: Final = 40
_MEMORY: Final = 0.8
_LIMITED_BY_RATE: Final = ("shop", "rising", "maximum")

Why = Literal["before", "ended", "paused", "sold_out", "nobody_waits", "demand", "shop", "rising", "maximum"]


class Mark(NamedTuple):
    """How far the serving was at a time, in seconds since 1970."""

    at: float
    serving: int


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """What the control remembers from one second to the next.

    `rate` is in Passes a second, `speed` in numbers served a second of late; `owed` are Passes not given yet;
    `show_up` is the share of those served who claim their Pass.
    """

    serving: int = 0
    rate: float = 0.0
    speed: float = 0.0
    owed: float = 0.0
    show_up: float = 1.0
    eased_at: float = 0.0
    ticked_at: float = 0.0
    marks: tuple[Mark, ...] = ()
    why: Why = "before"


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the shop and of those who wait.

    `issued` ranks exist. `holds` were placed and `refused` answered by busy or an error within WINDOW_SECONDS, and so
    many `passes_per_second` claimed for the first time.
    `outstanding` Passes were claimed, are good and were not used. `free` and `held` are places, None where that is not
    known. Of the numbers `settled(control)` speaks of, `settled_claimed` have claimed, of the fresher `fresh_claimed`.
    """

    issued: int
    holds: int = 0
    refused: int = 0
    passes_per_second: float = 0.0
    outstanding: int = 0
    free: int | None = None
    held: int | None = None
    places_per_hold: float = 2.0
    settled_claimed: int = 0
    fresh_claimed: int = 0


def started(room: Room, at: float, serving: int = 0, rate: float | None = None) -> Control:
    """The control at its beginning, or after what it remembered was lost: only `serving` and `rate` are persisted."""
    first = room.passes_per_second_max * _START_SHARE if rate is None else rate
    return Control(serving=serving, rate=_bounded(first, room), ticked_at=at, marks=(Mark(at, serving),))


def settled(control: Control, at: float) -> tuple[int, int]:
    """The ranks (from, up to) that were served long enough ago for their people to have claimed, but not long ago."""
    return _serving_at(control, at - 2 * CLAIM_SECONDS), _serving_at(control, at - CLAIM_SECONDS)


def step(control: Control, room: Room, seen: Observed, at: float, *, opened: bool) -> Control:
    """The control a moment later. `serving` never falls, and never passes what was issued."""
    elapsed = min(max(at - control.ticked_at, 0.0), ELAPSED_SECONDS_MAX)
    show_up = _show_up(control, seen, at)
    rate, eased_at = _rate(control, room, seen, at, elapsed)
    sold_out = seen.free == 0 and seen.held == 0
    advance, owed, why = 0, 0.0, _stands_still(room, opened=opened, sold_out=sold_out)
    if why is None:
        owed = min(control.owed + rate * elapsed, max(rate * 2, 1.0))
        open_to = _open_to(control, seen, show_up, at)
        waiting = max(0, seen.issued - control.serving)
        # Late claims come on top of those expected: nothing is made up for while more claim than there shall.
        share = 1.0 if seen.passes_per_second > _OVER * rate else show_up
        wanted = int(min(owed, open_to) / share)
        advance = min(wanted, waiting)
        why = _why(rate, room, advance=advance, waiting=waiting, owed=owed, open_to=open_to, eased=at - eased_at)
        # What could not be given is not saved up: it would be a burst when the reason is gone.
        owed = owed - advance * share if advance == wanted and open_to >= owed else 0.0
    serving = control.serving + advance
    speed = control.speed
    if elapsed > 0:
        speed = advance / elapsed if not control.speed else _MEMORY * speed + (1 - _MEMORY) * advance / elapsed
    marks = (*control.marks, Mark(at, serving))[-_HISTORY_MAX:]
    return Control(
        serving=serving,
        rate=rate,
        speed=speed if speed >= 0.01 else 0.0,
        owed=max(0.0, owed),
        show_up=show_up,
        eased_at=eased_at,
        ticked_at=max(at, control.ticked_at),
        marks=marks,
        why=why,
    )


def _stands_still(room: Room, *, opened: bool, sold_out: bool) -> Why | None:
    if room.ended:
        return "ended"
    if not opened:
        return "before"
    if sold_out:
        return "sold_out"
    return "paused" if room.paused else None


def _why(rate: float, room: Room, *, advance: int, waiting: int, owed: float, open_to: float, eased: float) -> Why:
    if waiting == 0 or (advance == waiting and open_to >= owed):
        return "nobody_waits"
    if open_to < owed:
        return "demand"
    if rate >= room.passes_per_second_max:
        return "maximum"
    return "shop" if eased < WINDOW_SECONDS else "rising"


def _rate(control: Control, room: Room, seen: Observed, at: float, elapsed: float) -> tuple[float, float]:
    """The rate in Passes a second, and when it was last halved."""
    too_many = max(_REFUSED_MIN, _REFUSED_SHARE * (seen.holds + seen.refused))
    if seen.refused >= too_many:
        if at - control.eased_at < WINDOW_SECONDS:
            # The refusals that led to the last halving are still being counted.
            return _bounded(control.rate, room), control.eased_at
        return _bounded(control.rate * _FALL, room), at
    if control.why not in _LIMITED_BY_RATE:
        # What was not used says nothing about what the shop could take.
        return _bounded(control.rate, room), control.eased_at
    return _bounded(control.rate + room.passes_per_second_max * _RISE_SHARE * elapsed, room), control.eased_at


def _bounded(rate: float, room: Room) -> float:
    return min(max(rate, RATE_MIN), room.passes_per_second_max)


def _show_up(control: Control, seen: Observed, at: float) -> float:
    first, until = settled(control, at)
    if until - first < _COHORT_MIN:
        return control.show_up
    share = min(max(seen.settled_claimed / (until - first), _SHOW_UP_MIN), 1.0)
    return _MEMORY * control.show_up + (1 - _MEMORY) * share


def _open_to(control: Control, seen: Observed, show_up: float, at: float) -> float:
    """For how many more Passes there are places. Those just served are expected to claim, until they have not."""
    if seen.free is None:
        return float("inf")
    coming = max(0.0, (control.serving - settled(control, at)[1]) * show_up - seen.fresh_claimed)
    places = seen.free * _PASSES_FOR_FREE + (seen.held or 0) * _PASSES_FOR_HELD
    passes = places / max(seen.places_per_hold, 1.0)
    # One may try for the last place, however the shares round.
    return max(0.0, (max(passes, 1.0) if places else 0.0) - seen.outstanding - coming)


def _serving_at(control: Control, at: float) -> int:
    """How far the serving was then, as far as is remembered."""
    known = control.marks[0].serving if control.marks else control.serving
    for mark in control.marks:
        if mark.at > at:
            break
        known = mark.serving
    return known
