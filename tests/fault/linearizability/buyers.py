"""Buyers, payments and returns in several real processes, each of which writes down what it asks and what it hears.

The clock is the test's: one number for all processes, moved on by whoever likes, and read by each with its own skew.
Everything goes to files by single writes, so that a process may be killed at any moment without taking along what it
has noted.
"""

from __future__ import annotations

import copy
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from contracts.catalog import EventPublished
from contracts.hold import HoldToken
from contracts.reservations import HoldConfirmed
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import caching
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from shared.auth import verify_token
from shared.cache import Cache
from shared.data import Unavailable, transport, wire
from shared.ids import from_raw_bytes
from tests.fault.linearizability.history import Asked, Heard, LostAnswer, Sent
from tests.fault.linearizability.places import Place
from tests.forking import forking
from tests.integration.reservations.box_office import OPENING, basket, paid, refunded
from tests.property.reservations import wiretap

ME: Final = "per_me"
# Recent holds are what several processes want something of at once.
_RECENT: Final = 8


class Plan(NamedTuple):
    """What one process is to do. It kills itself in the first write from operation `dies_at` on.

    On a busy machine it stops after so many seconds, however few operations those were; who is to die does so first."""

    published: EventPublished
    folder: str
    url: str | None
    prefix: str
    seed: str
    process: int
    operations: int
    first: int = 0
    seconds: float = 20
    skew_milliseconds: int = 0
    mishaps: bool = True
    guarded: bool = True
    dies_at: int | None = None


def run(plans: list[Plan], seconds: float = 90) -> list[int]:
    """Let the processes loose; one that dies is followed by another, which goes on. Answers how they ended."""
    context = forking()
    clock = context.RawValue("q", 0)
    barrier = context.Barrier(len(plans))
    ends_at = time.monotonic() + seconds
    running = [(plan, context.Process(target=_process, args=(plan, clock, barrier))) for plan in plans]
    for _, process in running:
        process.start()
    ended = []
    while running:
        plan, process = running.pop(0)
        process.join(max(0.0, ends_at - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        ended.append(process.exitcode)
        if process.exitcode == -signal.SIGKILL and plan.dies_at is not None:
            rest = plan._replace(first=_last_noted(plan) + 1, dies_at=None)
            heir = context.Process(target=_process, args=(rest, clock, None))
            heir.start()
            running.append((rest, heir))
    return ended


def _last_noted(plan: Plan) -> int:
    lines = history_file(plan).read_bytes().splitlines()
    return int(msgspec.json.decode(lines[-1])["name"].rpartition(".")[2])


def history_file(plan: Plan) -> Path:
    """Where a process writes down what it does."""
    return Path(plan.folder) / f"history-{plan.process}-{plan.first}.jsonl"


def _process(plan: Plan, clock: Any, barrier: Any) -> None:
    with caching.using(Cache(plan.url, prefix=plan.prefix, timeout_milliseconds=5000)):
        buyers = Buyers(plan, clock)
        # What is on sale is known before the start, so that all meet at the writes.
        use_cases.availability(plan.published.event_id, OPENING)
        if barrier is not None:
            barrier.wait(60)
        with buyers.on_the_wire():
            ends_at = time.monotonic() + plan.seconds
            for number in range(plan.first, plan.operations):
                if time.monotonic() > ends_at and plan.dies_at is None:
                    break
                buyers.do(number)


class Shared:
    """A list that all processes add to and read, by appending lines to a file."""

    def __init__(self, path: Path, kind: Any) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR)
        self._decode = msgspec.json.Decoder(kind).decode
        self._read = 0
        self.items: list[Any] = []

    def add(self, item: Any) -> None:
        """Add an item for all."""
        os.write(self.file, msgspec.json.encode(item) + b"\n")

    def recent(self) -> list[Any]:
        """The last few items."""
        new = os.pread(self.file, 1 << 24, self._read)
        # A line that another process is just writing can be seen in part.
        new = new[: new.rfind(b"\n") + 1]
        self._read += len(new)
        self.items += map(self._decode, new.splitlines())
        return self.items[-_RECENT:]


class Buyers:
    """The operations of one process, one after the other."""

    def __init__(self, plan: Plan, clock: Any) -> None:
        self.plan, self.clock = plan, clock
        self.random = random.Random(f"{plan.seed} {plan.process} {plan.first}")
        folder = Path(plan.folder)
        self.notes = Shared(history_file(plan), Any)
        self.holds = Shared(folder / "holds.jsonl", HoldView)
        self.confirmed = Shared(folder / "confirmed.jsonl", HoldConfirmed)
        self.name = ""
        self.mishap: str | None = None
        self.now_milliseconds = 0

    def do(self, number: int) -> None:
        """One operation: chosen at random, noted before and after. One whose answer is lost has no end in the notes."""
        self.name = f"{self.plan.process}.{number}"
        if self.random.random() < 0.5:
            self.clock.value += self.random.choice((500, 1000, 1500, 3000))
        self.now_milliseconds = self.clock.value + self.plan.skew_milliseconds
        self.mishap = self._mishap(number)
        # In this order: the hold of every confirmation that was read is then among the holds.
        sold = self.confirmed.recent()
        holds = self.holds.recent()
        choices: list[tuple[float, Callable[[], None]]] = [(4.5, self._hold)]
        if holds:
            held = self.random.choice(holds)
            choices += [(3, lambda: self._confirm(held)), (1.5, lambda: self._release(held))]
            choices += [(1, lambda: self._show(held))]
        if sold:
            choices += [(1.5, lambda: self._refund(self.random.choice(sold)))]
        weights, calls = zip(*choices, strict=True)
        self.random.choices(calls, weights)[0]()

    def _mishap(self, number: int) -> str | None:
        if self.plan.dies_at is not None and number >= self.plan.dies_at:
            return self.random.choice(("killed before", "killed after"))
        if not self.plan.mishaps:
            return None
        kinds = ("sent again", "silent before", "silent after", None)
        return self.random.choices(kinds, (0.1, 0.02, 0.02, 0.86))[0]

    @property
    def now(self) -> Any:
        return OPENING + timedelta(milliseconds=self.now_milliseconds)

    def _ask(self, kind: str, call: Callable[[], Heard], **what: Any) -> None:
        milliseconds = round(OPENING.timestamp() * 1000) + self.now_milliseconds
        self.notes.add(Asked(self.name, kind, time.monotonic_ns(), milliseconds, **what))
        try:
            heard = call()
        except Unavailable:
            return
        self.notes.add(heard)

    def _hold(self) -> None:
        (pool,), (kind, *_) = self.plan.published.pools, self.plan.published.ticket_types
        seats: tuple[SeatAsked, ...] | None = None
        places: tuple[Place, ...] = ()
        quantity = self.random.randint(1, 6)
        if pool.runs and self.random.random() < 0.75:
            every = [(block, slot) for block, one in enumerate(pool.runs) for slot in range(one.last)]
            chosen = sorted(self.random.sample(every, self.random.randint(1, 3)))
            places = tuple((pool.pool_id, block, slot) for block, slot in chosen)
            seats = tuple(
                SeatAsked(section=pool.runs[block].section, row=pool.runs[block].row, seat=slot + 1)
                for block, slot in chosen
            )
        elif pool.runs:
            quantity = self.random.randint(1, 2)
        line = LineAsked(
            ticket_type_id=kind.ticket_type_id,
            quantity=None if seats else quantity,
            seats=seats,
            together=self.random.random() < 0.5,
        )
        request = basket(self.plan.published, line)

        def call() -> Heard:
            try:
                held = use_cases.place_hold(request, ME, None, self.now)
            except refusals.PlacesTaken as refused:
                taken = {(one["section"], int(one["seat"])) for one in refused.extra["taken"]}
                given = tuple(
                    p
                    for p in places
                    if (pool.runs[p[1]].section, p[2] + 1) in taken  # one row a section
                )
                return self._heard("taken", places=given)
            except refusals.Refusal as refused:
                return self._heard(type(refused).__name__)
            heard = self._heard("held", held.hold_id, places_of(held), int(held.expires_at.timestamp()))
            self.holds.add(held)
            return heard

        self._ask("hold", call, places=places, quantity=quantity)

    def _confirm(self, held: HoldView) -> None:
        order = paid(self.plan.published, held)

        def call() -> Heard:
            try:
                answer = use_cases.answer_paid_order(order, self.now)
            except refusals.Busy:
                return self._heard("Busy")
            if not isinstance(answer, HoldConfirmed):
                return self._heard("refused")
            heard = self._heard("confirmed", places=places_of(answer))
            self.confirmed.add(answer)
            return heard

        seated = held.places[0].seat is not None
        self._ask("confirm", call, hold=held.hold_id, places=places_of(held), seated=seated)

    def _release(self, held: HoldView) -> None:
        token = verify_token(held.hold_token, use_cases.AUDIENCE, HoldToken, now=OPENING)

        def call() -> Heard:
            try:
                use_cases.release_hold(held.hold_id, token, ME, self.now)
            except refusals.HoldSold:
                return self._heard("sold")
            return self._heard("released")

        self._ask("release", call, hold=held.hold_id, places=places_of(held))

    def _refund(self, confirmed: HoldConfirmed) -> None:
        held = next(one for one in self.holds.items if one.hold_id == confirmed.hold_id)
        message = refunded(paid(self.plan.published, held), confirmed.places, was_confirmed=True)

        def call() -> Heard:
            use_cases.take_back_refunded_order(message, self.now)
            return self._heard("refunded")

        self._ask("refund", call, hold=confirmed.hold_id, places=places_of(confirmed))

    def _show(self, held: HoldView) -> None:
        token = verify_token(held.hold_token, use_cases.AUDIENCE, HoldToken, now=OPENING)

        def call() -> Heard:
            return self._heard(use_cases.show_hold(held.hold_id, token, held.hold_token, ME, self.now).state)

        self._ask("show", call, hold=held.hold_id, places=places_of(held))

    def _heard(self, outcome: str, hold: str = "", places: tuple[Place, ...] = (), until: int = 0) -> Heard:
        return Heard(self.name, time.monotonic_ns(), outcome, hold, places, until)

    @contextmanager
    def on_the_wire(self) -> Iterator[None]:
        """Note every write before it goes out, and let the operation's mishap befall its first one."""
        carry = transport.carry

        def carried(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
            if operation not in wiretap.WRITES:
                return carry(operation, request, seconds)
            self._note(operation, request)
            mishap, self.mishap = self.mishap, None
            if mishap in ("killed before", "silent before"):
                self._end(mishap)
            if not self.plan.guarded:
                operation, request = _without_condition(operation, request)
            answer = carry(operation, request, seconds)
            if mishap == "sent again":
                self.notes.add(LostAnswer(self.name))
                raise wire.Lost("the answer was lost on its way")
            if mishap is not None:
                self._end(mishap)
            return answer

        transport.carry = carried
        try:
            yield
        finally:
            transport.carry = carry

    def _note(self, operation: str, request: dict[str, Any]) -> None:
        writes = wiretap.slot_writes(operation, request)
        given = writes.given
        owners = {hold for hold, _ in given.values()}
        if owners:
            (owner,) = owners
            ((_, until),) = set(given.values())
            hold = from_raw_bytes("hld", owner)
            self.notes.add(Sent(self.name, hold, tuple(sorted(given)), until, writes.decides is not None))

    def _end(self, mishap: str) -> None:
        if mishap.startswith("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        raise Unavailable("nobody hears what became of it")


def places_of(thing: HoldView | HoldConfirmed) -> tuple[Place, ...]:
    """The places, in their order."""
    return tuple((place.pool_id, place.block, place.slot) for place in thing.places)


def _without_condition(operation: str, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The negative control: a hold that takes whatever it finds, while everything else is as it should be."""
    given = wiretap.slot_writes(operation, request).given
    if not given or any(until == wiretap.FOR_EVER for _, until in given.values()):
        return operation, request
    bare = copy.deepcopy(request)
    for entry in bare["TransactItems"] if operation == "TransactWriteItems" else [{"Update": bare}]:
        wiretap.unguarded(entry["Update"])
    return operation, bare
