"""The ground under the machine's rules: an event on sale, time and clocks, one operation after another, and mishaps."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.hold import HoldToken
from contracts.orders import OrderPaid
from contracts.reservations import HoldConfirmed
from contracts.sale import PlaceSold
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import BlockChange, caching, look_at
from services.reservations.schemas import HoldView
from shared import clock, ids
from shared.auth import verify_token
from shared.ids import raw_bytes
from shared.telemetry import traced
from tests.integration.reservations.box_office import OPENING, event, general_pool, rows, seated_pool, ticket_type
from tests.property.reservations import wiretap
from tests.property.reservations.mishaps import MISHAPS, FickleCache, Wire
from tests.property.reservations.places_model import SKEW_SECONDS, Intent, Places
from tests.property.reservations.wiretap import Spot

HOLD_SECONDS = 60
FLOOR, HALL = 30, (5, 4)
CAP, BUYERS_LIMIT = 8, 14
PEOPLE = ("per_one", "per_two", "per_three")
# "Try again in a moment" has to come true within so many seconds: leases of callers who gave up last for five.
BUSY_SECONDS_MAX = 8

T = TypeVar("T")


class SaleMachine(RuleBasedStateMachine):
    """A floor of two blocks, where one ticket type has a cap, and a hall of one; perhaps a limit for each buyer."""

    # The guard that a negative control takes away.
    removed: ClassVar[str | None] = None
    # Where runs leave their traces, when somebody wants them.
    traces: ClassVar[list[list[str]] | None] = None

    @initialize(seed=st.integers(0, 2**32 - 1), limited=st.booleans())
    def the_sale_begins(self, seed: int, limited: bool) -> None:
        self.milliseconds = self.skew = 0
        self.stack = ExitStack()
        self.stack.enter_context(clock.use(lambda: self.now))
        self.stack.enter_context(ids.use(random.Random(seed).randbytes))
        # Rows that announce something carry the trace of the request.
        self.stack.enter_context(traced(f"1-{seed:08x}-{seed:024x}"))
        # The cache's name is no matter of chance: nothing is ordered or chosen by it.
        url, prefix = caching.cache()._url, secrets.token_hex(8)
        self.cache = FickleCache(url, prefix=prefix, seed=seed)
        self.stack.enter_context(caching.using(self.cache))
        self.wire = Wire(self.removed)
        self.stack.callback(self.wire.close)
        floor, hall = general_pool(FLOOR), seated_pool(rows("Stalls", "A", *HALL))
        self.standing, self.seat = ticket_type(floor), ticket_type(hall, zone="A")
        self.capped = ticket_type(floor, "Students", places_max=CAP)
        published = event([floor, hall], [self.standing, self.capped, self.seat], hold_seconds=HOLD_SECONDS)
        self.published = msgspec.structs.replace(published, places_per_buyer_max=BUYERS_LIMIT if limited else None)
        use_cases.put_on_sale(self.published, OPENING)
        self.floor, self.hall, self.cap = floor.pool_id, hall.pool_id, self.capped.ticket_type_id
        self.limited = limited
        pools: dict[str, list[Spot]] = {
            self.floor: [(self.floor, slot // 25, slot % 25) for slot in range(FLOOR)],
            self.hall: [(self.hall, 0, slot) for slot in range(sum(HALL))],
            self.cap: [(self.cap, 0, slot) for slot in range(CAP)],
        }
        for person_id in PEOPLE if limited else ():
            limit = self.limit_of(person_id)
            pools[limit] = [(limit, 0, slot) for slot in range(BUYERS_LIMIT)]
        self.model = Places(pools)
        # Holds as they were answered; a prolonged one is there twice, with both its tokens.
        self.holds: list[HoldView] = []
        self.people: dict[str, str] = {}
        self.orders: dict[str, OrderPaid] = {}
        self.answers: dict[str, tuple[str, frozenset[Spot]]] = {}
        self.withholdings: list[str] = []

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()
            if self.traces is not None:
                self.traces.append(self.wire.trace)

    def limit_of(self, person_id: str) -> str:
        """The pool of a buyer's limit."""
        return f"{self.published.event_id}:{person_id}"

    def token_of(self, held: HoldView) -> HoldToken:
        return verify_token(held.hold_token, "hold", HoldToken, now=OPENING)

    # Times: the next caller's clock, the true one, and what the slowest clock may say.

    @property
    def now(self) -> datetime:
        return OPENING + timedelta(milliseconds=self.milliseconds + self.skew)

    def second(self) -> int:
        return int(self.now.timestamp())

    def true_second(self) -> int:
        return int((OPENING + timedelta(milliseconds=self.milliseconds)).timestamp())

    def slowest_second(self) -> int:
        return self.true_second() - SKEW_SECONDS

    # One operation after another.

    def begin(self, kind: Any, hold_id: str | None, *, sold_too: bool = False, until: int = 0) -> None:
        hold = raw_bytes(hold_id) if hold_id else None
        self.wire.done.clear()
        self.wire.intent = Intent(kind, hold, self.second(), sold_too, until)

    def end(self, *told: object) -> None:
        self.wire.intent = None
        self.wire.note("told:", *told)

    def judge_writes(self) -> None:
        """What was done on the wire has to have been right, and is so from now on."""
        intent = self.wire.intent
        assert intent is not None
        for write in self.wire.done:
            self.model.done(write, intent, self.true_second())

    def nobody_heard(self) -> None:
        """The caller gave up and knows nothing."""
        self.judge_writes()
        self.end("nothing")
        self.stream_comes()

    def stream_comes(self) -> None:
        """The blocks' stream brings what was written, by whomever, in order; without Redis it will come again."""
        changes = [
            BlockChange(pool_id, block, {slot: after}, freed=after == 0, before={slot: before})
            for (pool_id, block, slot), before, after in self.model.changes
        ]
        use_cases.correct_hints(changes, self.now)
        if not self.cache.away:
            self.model.changes.clear()

    def patiently(self, call: Callable[[], T]) -> T:
        """What the call answers; "try again in a moment" must come true, in a process that has not looked just now."""
        for _ in range(BUSY_SECONDS_MAX):
            try:
                return call()
            except refusals.Busy:
                self.milliseconds += 1000
                caching.forget()
                assert self.wire.intent is not None
                self.wire.intent = self.wire.intent._replace(now=self.second())
        return call()

    # Time, and mishaps.

    @rule(seconds=st.sampled_from([0, 0.4, 1, 5, 30, HOLD_SECONDS, HOLD_SECONDS + 1, 600]))
    def time_passes(self, seconds: float) -> None:
        self.milliseconds += round(seconds * 1000)

    @rule(skew=st.integers(-SKEW_SECONDS * 1000, SKEW_SECONDS * 1000))
    def a_caller_with_another_clock(self, skew: int) -> None:
        self.skew = skew

    @rule(mishap=st.sampled_from(MISHAPS), spared=st.sampled_from([0, 0, 0, 1, 2]))
    def a_write_will_have_a_mishap(self, mishap: str, spared: int) -> None:
        self.wire.mishap, self.wire.spared = mishap, spared

    @precondition(lambda self: self.wire.late)
    @rule(data=st.data())
    def a_late_copy_arrives(self, data: st.DataObject) -> None:
        late = self.wire.late.pop(data.draw(st.integers(0, len(self.wire.late) - 1)))
        write = wiretap.slot_writes(late.operation, late.request)
        # A request that wanders about for longer than it takes to pay is not reckoned with: it could bring back a hold
        # that was let go and whose order was refused, and a copy of `order_paid` would then be told otherwise.
        answered = {*self.model.promises, *map(raw_bytes, self.answers)}
        if late.intent.kind in ("hold", "replace") and any(hold in answered for hold, _ in write.given.values()):
            return
        right = self.model.may(write, late.intent)
        if self.wire.arrive(late):
            self.model.done(write, late.intent, self.true_second())
            self.stream_comes()
        else:
            assert not right or late.operation == "TransactWriteItems", "a late copy was refused"

    @rule()
    def redis_goes_away(self) -> None:
        self.cache.away = True

    @rule()
    def redis_comes_back(self) -> None:
        self.cache.away = False
        self.stream_comes()

    @rule()
    def the_stream_catches_up(self) -> None:
        self.stream_comes()

    @rule()
    def redis_forgets_everything(self) -> None:
        self.cache.life += 1

    @rule()
    def redis_answers_too_late(self) -> None:
        self.cache.loses_answer = True

    @rule()
    def a_new_process_takes_over(self) -> None:
        caching.forget()

    @invariant()
    def the_blocks_say_what_the_model_says(self) -> None:
        numbers = sorted({spot[:2] for spots in self.model.pools.values() for spot in spots})
        actual: dict[Spot, tuple[bytes, int]] = {}
        for (pool_id, block), slots in look_at(numbers).items():
            actual |= {(pool_id, block, slot): (taken.hold, taken.until) for slot, taken in slots.items()}
        assert actual == self.model.owners


def places_of(thing: HoldView | OrderPaid | HoldConfirmed) -> set[Spot]:
    """The places of a hold, an order or an answer."""
    return {(place.pool_id, place.block, place.slot) for place in thing.places}


def spots_of(thing: HoldView | OrderPaid | HoldConfirmed) -> set[Spot]:
    """The places, and the uses of limits that they take up."""
    return places_of(thing) | set(uses_of(thing.places))


def uses_of(places: Iterable[PlaceSold]) -> list[Spot]:
    """The uses of limits that places take up."""
    return [(use.quota_id, use.block, use.slot) for place in places for use in place.quotas]
