"""Is there an order of the operations that explains every answer? A search in the manner of Wing, Gong and Lowe.

An operation may take effect anywhere between its begin and its end, and operations that do not overlap keep their
order. One without an end may have happened at any time after its begin, in part, or not at all. The search goes deep
first and remembers every configuration it has met. Histories are split into parts that share no place, because each
part can be ordered by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from tests.fault.linearizability.places import Place, State, Step

VISITS_MAX: Final = 400_000
_DONE: Final = (-1, -1)

Path = tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Operation:
    """What one caller asked and heard, and the ways in which that may have come about, each a series of steps.

    Begin and end are nanoseconds on one clock that all processes share; no end means that no answer was heard.
    """

    name: str
    begin: int
    end: int | None
    asked: str
    answered: str
    paths: tuple[Path, ...]
    _touches: frozenset[Place | str] = field(init=False, repr=False)

    def touches(self) -> frozenset[Place | str]:
        """The places and the holds it speaks of: what shares none of them can change places with it."""
        return self._touches

    def __post_init__(self) -> None:
        steps = [step for path in self.paths for step in path]
        holds = {hold for step in steps if (hold := getattr(step, "hold", None)) is not None}
        object.__setattr__(self, "_touches", frozenset(holds.union(*(step.places for step in steps))))


class Verdict(NamedTuple):
    """What the search found. `stuck` are the operations none of which could come next, at the deepest point reached."""

    outcome: Literal["linearizable", "violated", "gave up"]
    visits: int
    part: Sequence[Operation] = ()
    stuck: Sequence[Operation] = ()
    state: State | None = None


def check(operations: Iterable[Operation], *, visits_max: int = VISITS_MAX) -> Verdict:
    """Search an order for every part. Gives up, and says so, after so many configurations altogether."""
    visits = 0
    for part in parts_of(operations):
        verdict = _Search(part, visits_max - visits).run()
        visits += verdict.visits
        if verdict.outcome != "linearizable":
            return verdict._replace(visits=visits)
    return Verdict("linearizable", visits)


def parts_of(operations: Iterable[Operation]) -> list[list[Operation]]:
    """The operations by connected sets of places; those that speak of none say nothing and are left out."""
    parts: list[tuple[frozenset[Place | str], list[Operation]]] = []
    for operation in operations:
        places, members = operation.touches(), [operation]
        if not places:
            continue
        apart = []
        for part in parts:
            if part[0].isdisjoint(places):
                apart.append(part)
            else:
                places |= part[0]
                members = part[1] + members
        parts = [*apart, (places, members)]
    return [members for _, members in parts]


class _At(NamedTuple):
    """A configuration: known operations before `low` are done; what others have come to; and the state."""

    low: int
    progress: dict[int, tuple[int, int]]
    state: State

    def key(self) -> Any:
        return self.low, frozenset(self.progress.items()), frozenset(self.state.items())

    def depth(self, known: int) -> int:
        return self.low + sum(done == _DONE for number, done in self.progress.items() if number < known)


@dataclass
class _Search:
    """One part. Operations are numbered: those with an end by their begin, then those without."""

    operations: Sequence[Operation]
    visits_max: int
    visits: int = 0
    met: set[Any] = field(default_factory=set)

    def run(self) -> Verdict:
        """Search until an order is found, none is left, or too much was visited."""
        known = sorted((one for one in self.operations if one.end is not None), key=lambda one: one.begin)
        self.known = len(known)
        self.operations = [*known, *(one for one in self.operations if one.end is None)]
        deepest = start = _At(0, {}, {})
        stack = [self._next(start)]
        while stack:
            at = next(stack[-1], None)
            if at is None:
                stack.pop()
                continue
            if at.low == self.known:
                return Verdict("linearizable", self.visits)
            key = at.key()
            if key in self.met:
                continue
            self.met.add(key)
            self.visits += 1
            if at.depth(self.known) > deepest.depth(self.known):
                deepest = at
            if self.visits > self.visits_max:
                return self._verdict("gave up", deepest)
            stack.append(self._next(at))
        if self.known == 0:
            return Verdict("linearizable", self.visits)
        return self._verdict("violated", deepest)

    def _verdict(self, outcome: Literal["violated", "gave up"], at: _At) -> Verdict:
        stuck = [self.operations[number] for number in self._candidates(at) if number < self.known]
        return Verdict(outcome, self.visits, self.operations, stuck, at.state)

    def _candidates(self, at: _At) -> list[int]:
        """The operations that may take a step next: nothing that is not done has ended before they began."""
        ends_first: float = math.inf
        found: list[tuple[float, int]] = []
        for number in range(at.low, self.known):
            operation = self.operations[number]
            if operation.begin > ends_first:
                break
            if at.progress.get(number) != _DONE:
                assert operation.end is not None
                found.append((operation.end, number))
                ends_first = min(ends_first, operation.end)
        # Without an end last: a history that does without them is explained soonest. And only what has to do with
        # one that may come now: anything else can as well come later.
        near = frozenset[Place | str]().union(*(self.operations[number].touches() for _, number in found))
        unknown = [
            number
            for number in range(self.known, len(self.operations))
            if self.operations[number].begin <= ends_first and at.progress.get(number) != _DONE
        ]
        close: list[int] = []
        while more := [
            number for number in unknown if number not in close and near & self.operations[number].touches()
        ]:
            close += more
            near = near.union(*(self.operations[number].touches() for number in more))
        return [number for _, number in sorted(found)] + sorted(close)

    def _next(self, at: _At) -> Iterator[_At]:
        for number in self._candidates(at):
            paths = self.operations[number].paths
            begun = at.progress.get(number)
            for way in range(len(paths)) if begun is None else (begun[0],):
                position = 0 if begun is None else begun[1]
                path = paths[way]
                after = path[position].apply(at.state) if path else at.state
                if after is not None:
                    done = position + 1 >= len(path)
                    yield self._moved(at, number, _DONE if done else (way, position + 1), after)

    def _moved(self, at: _At, number: int, progress: tuple[int, int], state: State) -> _At:
        moved = {**at.progress, number: progress}
        low = at.low
        while low < self.known and moved.get(low) == _DONE:
            del moved[low]
            low += 1
        return _At(low, moved, state)


def explain(verdict: Verdict, rows_max: int = 40) -> str:
    """A table of what led to a verdict: the operations about the places in question, and those that fit nowhere."""
    lines = [f"{verdict.outcome} after {verdict.visits} configurations"]
    places = frozenset[Place | str]().union(*(one.touches() for one in verdict.stuck))
    until = max((one.end or 0 for one in verdict.stuck), default=math.inf)
    rows = [one for one in verdict.part if one.begin <= until and places & one.touches()]
    rows = sorted(rows, key=lambda one: one.begin)[-rows_max:]
    if not rows:
        return lines[0]
    zero = rows[0].begin
    wide = max(len(one.asked) for one in rows)
    lines.append(f"  {'who':8} {'from':>9} {'to':>9}  {'asked':{wide}}  answered   (milliseconds; > fits nowhere)")
    for one in rows:
        end = "?" if one.end is None else f"{(one.end - zero) / 1e6:.2f}"
        mark = ">" if one in verdict.stuck else " "
        begin = f"{(one.begin - zero) / 1e6:.2f}"
        lines.append(f"{mark} {one.name:8} {begin:>9} {end:>9}  {one.asked:{wide}}  {one.answered}")
    taken = {key: value for key, value in (verdict.state or {}).items() if key in places and isinstance(key, tuple)}
    lines.append("before them: " + (", ".join(f"{short(key)} {value}" for key, value in taken.items()) or "all free"))
    return "\n".join(lines)


def short(place: Place) -> str:
    """A place as tables write it."""
    return f"{place[1]}/{place[2]}"
