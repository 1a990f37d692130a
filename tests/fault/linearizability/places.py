"""The judge of histories: what may become of places, one step after the other. It knows nothing of the product.

A state says who has which place until when, and which holds have been given an answer that is pinned. A step either
leads from one state to the next or could not have happened there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Place = tuple[str, int, int]
# What has been promised about a hold: "refused", or "confirmed" with these places.
Answer = tuple[str, frozenset[Place]]
State = Mapping[Any, Any]

SOLD: Final = 1 << 40
REFUSED: Final[Answer] = ("refused", frozenset())


def confirmed(places: Iterable[Place]) -> Answer:
    """The answer that sells these places."""
    return "confirmed", frozenset(places)


class Step(Protocol):
    """Something that happens at one moment."""

    @property
    def places(self) -> Iterable[Place]:
        """The places it speaks of."""
        ...

    def apply(self, state: State) -> State | None:
        """The state afterwards; None when this cannot happen here."""
        ...


def is_free(state: State, place: Place, now: int) -> bool:
    """Whether a caller whose clock says `now` may take the place: a hold of that very second still counts."""
    taken = state.get(place)
    return taken is None or taken[1] < now


def has(state: State, hold: str, place: Place) -> bool:
    """Whether the hold has the place, run out or not."""
    taken = state.get(place)
    return taken is not None and taken[0] == hold


@dataclass(frozen=True, slots=True)
class Take:
    """Free places become the hold's."""

    hold: str
    places: tuple[Place, ...]
    until: int
    now: int

    def apply(self, state: State) -> State | None:
        if not all(is_free(state, place, self.now) for place in self.places):
            return None
        return {**state, **dict.fromkeys(self.places, (self.hold, self.until))}


@dataclass(frozen=True, slots=True)
class See:
    """A refusal's picture: these places are taken, those are free."""

    taken: tuple[Place, ...]
    free: tuple[Place, ...]
    now: int

    @property
    def places(self) -> tuple[Place, ...]:
        return (*self.taken, *self.free)

    def apply(self, state: State) -> State | None:
        true = all(is_free(state, place, self.now) for place in self.free)
        return state if true and not any(is_free(state, place, self.now) for place in self.taken) else None


@dataclass(frozen=True, slots=True)
class Sell:
    """The hold still has every one of these places, and they are sold to it."""

    hold: str
    places: tuple[Place, ...]

    def apply(self, state: State) -> State | None:
        if not all(has(state, self.hold, place) for place in self.places):
            return None
        return {**state, **dict.fromkeys(self.places, (self.hold, SOLD))}


@dataclass(frozen=True, slots=True)
class Lost:
    """The hold does not have all of these places any more."""

    hold: str
    places: tuple[Place, ...]

    def apply(self, state: State) -> State | None:
        return None if all(has(state, self.hold, place) for place in self.places) else state


@dataclass(frozen=True, slots=True)
class Move:
    """What the hold has is sold to it, with free places for what it lost; that answer is pinned with it."""

    hold: str
    places: tuple[Place, ...]
    now: int

    def apply(self, state: State) -> State | None:
        if self.hold in state:
            return None
        if not all(has(state, self.hold, place) or is_free(state, place, self.now) for place in self.places):
            return None
        sold = dict.fromkeys(self.places, (self.hold, SOLD))
        return {**state, **sold, self.hold: confirmed(self.places)}


@dataclass(frozen=True, slots=True)
class Pin:
    """The answer is pinned, now or before; never beside another one. Without `first` it must have been before."""

    hold: str
    places: tuple[Place, ...]
    answer: Answer
    first: bool = True

    def apply(self, state: State) -> State | None:
        pinned = state.get(self.hold)
        if pinned is None:
            return {**state, self.hold: self.answer} if self.first else None
        return state if pinned == self.answer else None


@dataclass(frozen=True, slots=True)
class Free:
    """What the hold has of these places comes back to sale; sold ones only with `sold_too`.

    `unsold` claims that none of them was sold.
    """

    hold: str
    places: tuple[Place, ...]
    sold_too: bool = False
    unsold: bool = False

    def apply(self, state: State) -> State | None:
        own = {place for place in self.places if has(state, self.hold, place)}
        sold = {place for place in own if state[place][1] == SOLD}
        if self.unsold and sold:
            return None
        gone = own if self.sold_too else own - sold
        return {key: value for key, value in state.items() if key not in gone} if gone else state


@dataclass(frozen=True, slots=True)
class SomeSold:
    """Some of these places are sold to the hold."""

    hold: str
    places: tuple[Place, ...]

    def apply(self, state: State) -> State | None:
        return state if any(state.get(place) == (self.hold, SOLD) for place in self.places) else None


@dataclass(frozen=True, slots=True)
class Shown:
    """A look at a hold: every one of these places is its own and has not run out; `sold` says of all that they are."""

    hold: str
    places: tuple[Place, ...]
    now: int
    sold: bool | None = None

    def apply(self, state: State) -> State | None:
        if not all(has(state, self.hold, place) and state[place][1] >= self.now for place in self.places):
            return None
        sold = all(state[place][1] == SOLD for place in self.places)
        return state if self.sold is None or sold == self.sold else None


@dataclass(frozen=True, slots=True)
class Gone:
    """A look at a hold: some of these places are not its own any more, or have run out."""

    hold: str
    places: tuple[Place, ...]
    now: int

    def apply(self, state: State) -> State | None:
        return state if Shown(self.hold, self.places, self.now).apply(state) is None else None


@dataclass(frozen=True, slots=True)
class Look:
    """A look at one place: whose it is, None for nobody's, and whether sold."""

    place: Place
    hold: str | None
    sold: bool = False

    @property
    def places(self) -> tuple[Place, ...]:
        return (self.place,)

    def apply(self, state: State) -> State | None:
        taken = state.get(self.place)
        if self.hold is None or taken is None:
            return state if self.hold is None and taken is None else None
        return state if taken[0] == self.hold and (taken[1] == SOLD) == self.sold else None
