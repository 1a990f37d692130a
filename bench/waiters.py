"""A simulated on-sale behind the waiting room: the real rules on a virtual clock, everybody else made up.

Real are the permutation, the ranks, the rate control, and that it is reckoned once a second by whoever reads first.
Made up are people (when they come, how often they look, who never claims), edge locations that keep the status document
for a second and send one request to the origin for all who ask meanwhile, and a shop that takes so many holds a second.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from services.reservations.domain.waiting_room import Draw, Number, Room, rank
from services.reservations.domain.waiting_room_rate import WINDOW_SECONDS, Observed, settled, started, step

KEPT_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 1.0
_BUCKET_SECONDS: Final = 0.05
_HOLD_SECONDS: Final = 600.0
_PLACES_PER_HOLD: Final = 2

Serials = Callable[[list[float], random.Random], list[int]]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An on-sale. Times in seconds; the first person comes at 0, the room opens at `opens`.

    `early` people come before the opening and `late` ones within `late_seconds` after it; `no_show` of them never claim
    a Pass. The shop takes `holds_per_second`, and answers busy to the rest. `no_shows_count` is a control: those who
    were served and did not claim are reckoned with for as long as a Pass is good.
    """

    early: int = 60_000
    late: int = 40_000
    opens: float = 600.0
    late_seconds: float = 300.0
    lasts: float = 7200.0
    no_show: float = 0.3
    rate_max: float = 400.0
    pass_seconds: int = 300
    holds_per_second: int = 1000
    places: int = 1_000_000
    buys: float = 0.85
    edges: int = 20
    edge_latency: float = 0.08
    delay_max: float = 0.4
    collapsing: bool = True
    no_shows_count: bool = False
    seed: int = 1


class Outcome(msgspec.Struct, kw_only=True):
    """What became of everybody. Lists by person, early ones first: arrival, rank, and when they were served.

    `asked` has the times of the origin's requests of each edge location, `sold_at` when the last place was sold, and
    `rates` the rate at each second that was reckoned.
    """

    arrived: list[float]
    ranks: list[int]
    served: list[float]
    early: int
    asked: list[list[float]]
    polls: int = 0
    claims: int = 0
    claimed_by_second: dict[int, int] = {}
    sold: int = 0
    sold_at: float | None = None
    busy: int = 0
    outstanding_max: int = 0
    rates: list[tuple[float, float]] = []


def in_order_of_the_counter(taken: list[float], _: random.Random) -> list[int]:
    """Serials as Redis' counter gives them: in the order in which it is asked."""
    serials = [0] * len(taken)
    for serial, person in enumerate(sorted(range(len(taken)), key=taken.__getitem__)):
        serials[person] = serial
    return serials


def leased_by_process(taken: list[float], chance: random.Random, processes: int = 8, size: int = 100) -> list[int]:
    """A control: each process leases a range and gives it out by itself, and some are asked more than others."""
    leased, ranges = 0, [range(0)] * processes
    serials = [0] * len(taken)
    for person in sorted(range(len(taken)), key=taken.__getitem__):
        process = min(int(chance.expovariate(1.0)), processes - 1)
        if not ranges[process]:
            ranges[process] = range(leased, leased + size)
            leased += size
        serials[person] = ranges[process][0]
        ranges[process] = ranges[process][1:]
    return serials


def permuted(number: Number, draw: Draw) -> int:
    """The product's rank."""
    return rank(number, draw)


def in_order_of_serials(number: Number, draw: Draw) -> int:
    """A control: whoever came first before the opening is first after it."""
    return number.serial if number.before else draw.drawn + number.serial


class _Shop:
    """Places, Passes that are out, and how much it takes."""

    def __init__(self, plan: Plan) -> None:
        self.free, self.held = plan.places, 0
        self.outstanding: deque[tuple[float, int]] = deque()
        self.waiting_for_use: set[int] = set()
        self.attempts: deque[tuple[float, bool]] = deque()
        self.second, self.taken = -1, 0

    def prune(self, at: float) -> None:
        while self.outstanding and self.outstanding[0][0] <= at:
            self.waiting_for_use.discard(self.outstanding.popleft()[1])
        while self.attempts and self.attempts[0][0] < at - WINDOW_SECONDS:
            self.attempts.popleft()


class OnSale:
    """One run: people, edges, origin and shop."""

    def __init__(
        self,
        plan: Plan,
        *,
        serials: Serials = in_order_of_the_counter,
        rank_of: Callable[[Number, Draw], int] = permuted,
    ) -> None:
        self.plan = plan
        self._chance = random.Random(plan.seed)
        opens_at = datetime.fromtimestamp(plan.opens, UTC)
        self.room = Room(
            event_id="evt",
            version=1,
            opens_at=opens_at,
            passes_per_second_max=plan.rate_max,
            pass_seconds=plan.pass_seconds,
            changed_at=opens_at,
        )
        self._control = started(self.room, 0.0)
        self._shop = _Shop(plan)
        self._claimed = bytearray(plan.early + plan.late + 8000)
        self._people(serials, rank_of)
        self._documents: list[tuple[float, float, int, float]] = [(-9.0, -9.0, 0, 0.0)] * plan.edges
        self._buckets: list[list[tuple[int, int]]] = []
        self._lately: deque[tuple[float, int]] = deque()
        self._claims: deque[float] = deque()

    def _people(self, serials: Serials, rank_of: Callable[[Number, Draw], int]) -> None:
        plan, chance = self.plan, self._chance
        # Most come shortly before the opening, and most of the late ones shortly after it.
        early = sorted(plan.opens * chance.random() ** 0.5 for _ in range(plan.early))
        late = sorted(plan.opens + 0.5 + plan.late_seconds * chance.random() ** 2 for _ in range(plan.late))
        taken = [[at + chance.uniform(0.005, plan.delay_max) for at in group] for group in (early, late)]
        # Whoever is asked for before the opening and answered after it is of before: the request counts.
        numbers = [serials(times, chance) for times in taken]
        draw = Draw(chance.randbytes(32), max(numbers[0], default=-1) + 1)
        ranks = [
            rank_of(Number(event_id="evt", person_id="", serial=serial, before=before), draw)
            for before, group in ((True, numbers[0]), (False, numbers[1]))
            for serial in group
        ]
        self._person_of = {place: person for person, place in enumerate(ranks)}
        self._issued = draw.drawn
        self._late_taken = deque(sorted(zip(taken[1], numbers[1], strict=True)))
        self._drawn = draw.drawn
        self._no_show = bytearray(chance.random() < plan.no_show for _ in ranks)
        self.outcome = Outcome(
            arrived=early + late,
            ranks=ranks,
            served=[float("inf")] * len(ranks),
            early=len(early),
            asked=[[] for _ in range(plan.edges)],
        )

    def run(self) -> Outcome:
        """Everybody comes, waits, claims and buys, until all were served or everything is sold."""
        count = int(self.plan.lasts / _BUCKET_SECONDS) + 2
        self._buckets = [[] for _ in range(count)]
        for person, at in enumerate(self.outcome.arrived):
            self._at(at, _LOOK, person)
        for number in range(count):
            bucket, at = self._buckets[number], number * _BUCKET_SECONDS
            # What is added to the bucket meanwhile is met by this very loop.
            for what, person in bucket:
                _ACTIONS[what](self, person, at)
            self._buckets[number] = []
            if self._is_over():
                break
        return self.outcome

    def _is_over(self) -> bool:
        everybody = self._control.serving >= self._issued and not self._late_taken
        if self.outcome.sold >= self.plan.places:
            return True
        return everybody and self.plan.places >= 3 * len(self.outcome.arrived) and not self._shop.waiting_for_use

    def _at(self, at: float, what: int, person: int) -> None:
        number = int(at / _BUCKET_SECONDS) + 1
        if number < len(self._buckets):
            self._buckets[number].append((what, person))

    def _look(self, person: int, at: float) -> None:
        """Somebody asks for the status document, and comes back when it may be worth it."""
        self.outcome.polls += 1
        plan = self.plan
        place = self.outcome.ranks[person]
        edge = person % plan.edges
        began, done, serving, speed = self._documents[edge]
        in_flight = began <= at < done
        if at >= done + KEPT_SECONDS or (in_flight and not plan.collapsing):
            self.outcome.asked[edge].append(at)
            serving, speed = self._origin(at)
            done = at + plan.edge_latency
            self._documents[edge] = (at, done, serving, speed)
        if at < plan.opens:
            # The document says when it opens; everybody looks again then, and not all at the same moment.
            self._at(min(at + 30.0, plan.opens) + self._chance.uniform(0.0, 2.0), _LOOK, person)
        elif place < serving:
            if not self._no_show[person]:
                self._at(max(at, done), _CLAIM, person)
        else:
            ahead = (place - serving) / speed if speed else 20.0
            self._at(max(at, done) + min(max(ahead / 10, 2.0), 30.0) * self._chance.uniform(0.8, 1.2), _LOOK, person)

    def _origin(self, at: float) -> tuple[int, float]:
        """What the origin answers; the next second is reckoned when it is due."""
        control = self._control
        if at - control.ticked_at >= _TICK_SECONDS:
            while self._late_taken and self._late_taken[0][0] <= at:
                self._issued = max(self._issued, self._drawn + self._late_taken.popleft()[1] + 1)
            following = step(control, self.room, self._observed(at), at, opened=at >= self.plan.opens)
            for place in range(control.serving, following.serving):
                person = self._person_of.get(place)
                if person is not None:
                    self.outcome.served[person] = at
                self._lately.append((at, place))
            self._control = control = following
            self.outcome.rates.append((at, control.rate))
        return control.serving, control.speed

    def _observed(self, at: float) -> Observed:
        shop, control = self._shop, self._control
        shop.prune(at)
        first, until = settled(control, at)
        outstanding = len(shop.waiting_for_use)
        if self.plan.no_shows_count:
            while self._lately and self._lately[0][0] <= at - self.plan.pass_seconds:
                self._lately.popleft()
            outstanding += sum(not self._claimed[place] for _, place in self._lately)
        refused = sum(1 for _, ok in shop.attempts if not ok)
        while self._claims and self._claims[0] < at - WINDOW_SECONDS:
            self._claims.popleft()
        return Observed(
            issued=self._issued,
            passes_per_second=len(self._claims) / WINDOW_SECONDS,
            holds=len(shop.attempts) - refused,
            refused=refused,
            outstanding=outstanding,
            free=shop.free,
            held=shop.held,
            settled_claimed=sum(self._claimed[first:until]),
            fresh_claimed=sum(self._claimed[until : control.serving]),
        )

    def _claim(self, person: int, at: float) -> None:
        shop = self._shop
        self._claimed[self.outcome.ranks[person]] = 1
        self.outcome.claims += 1
        self._claims.append(at)
        second = int(at)
        self.outcome.claimed_by_second[second] = self.outcome.claimed_by_second.get(second, 0) + 1
        shop.outstanding.append((at + self.plan.pass_seconds, person))
        shop.waiting_for_use.add(person)
        self.outcome.outstanding_max = max(self.outcome.outstanding_max, len(shop.waiting_for_use))
        self._at(at + self._chance.uniform(2.0, 20.0), _HOLD, person)

    def _hold(self, person: int, at: float) -> None:
        shop = self._shop
        if person not in shop.waiting_for_use:
            return
        if int(at) != shop.second:
            shop.second, shop.taken = int(at), 0
        shop.taken += 1
        if shop.taken > self.plan.holds_per_second:
            shop.attempts.append((at, False))
            self.outcome.busy += 1
            self._at(at + self._chance.uniform(1.0, 4.0), _HOLD, person)
            return
        shop.attempts.append((at, True))
        if shop.free < _PLACES_PER_HOLD:
            self._at(at + self._chance.uniform(3.0, 9.0), _HOLD, person)
            return
        shop.waiting_for_use.discard(person)
        shop.free -= _PLACES_PER_HOLD
        shop.held += _PLACES_PER_HOLD
        if self._chance.random() < self.plan.buys:
            self._at(at + self._chance.uniform(30.0, 200.0), _BUY, person)
        else:
            self._at(at + _HOLD_SECONDS, _GIVE_UP, person)

    def _buy(self, person: int, at: float) -> None:
        self._shop.held -= _PLACES_PER_HOLD
        self.outcome.sold += _PLACES_PER_HOLD
        if self.outcome.sold >= self.plan.places:
            self.outcome.sold_at = at

    def _give_up(self, person: int, at: float) -> None:
        self._shop.held -= _PLACES_PER_HOLD
        self._shop.free += _PLACES_PER_HOLD


_LOOK, _CLAIM, _HOLD, _BUY, _GIVE_UP = range(5)
_ACTIONS: Final = (OnSale._look, OnSale._claim, OnSale._hold, OnSale._buy, OnSale._give_up)
