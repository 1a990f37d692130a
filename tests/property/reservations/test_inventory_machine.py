"""The inventory against a model that knows nothing of blocks, hints or conditions: places, owners and time.

Real DynamoDB and Redis underneath. In between, answers of writes get lost, Redis goes away, comes back or forgets
everything, and processes begin anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.hold import HoldToken
from contracts.orders import OrderPaid
from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import use_cases
from services.reservations.domain import SOLD_UNTIL, refusals
from services.reservations.repository import BlockChange, BlockRow, blocks, caching, look_at
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from shared.auth import verify_token
from shared.cache import Cache, CacheDown
from shared.data import transport, wire
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    cancelled,
    event,
    general_pool,
    paid,
    refunded,
    rows,
    seated_pool,
    ticket_type,
)

HOLD_SECONDS = 60
FLOOR, HALL = 30, (5, 4)
ME = "per_me"
Spot = tuple[str, int, int]


class FickleCache(Cache):
    """A Redis that can be told to be away, and to have forgotten everything."""

    away = False
    life = 0

    def execute(self, call: Callable[[Any], Any]) -> Any:
        if self.away:
            raise CacheDown("away")
        return super().execute(call)

    def full_key(self, key: str) -> str:
        return f"{super().full_key('machine')}:{self.life}:{key}"


class Inventory(RuleBasedStateMachine):
    """Buyers, payments, refunds and mishaps in any order."""

    def __init__(self) -> None:
        super().__init__()
        real = caching.cache()
        self.cache = FickleCache(real._url, prefix=new_id("msg"), timeout_milliseconds=2000)
        self._using = caching.using(self.cache)
        self._using.__enter__()
        self.lose_next = False
        self._carry = transport.carry
        transport.carry = self._carry_or_lose
        floor, hall = general_pool(FLOOR), seated_pool(rows("Stalls", "A", *HALL))
        self.standing, self.seat = ticket_type(floor), ticket_type(hall, zone="A")
        self.published = event([floor, hall], [self.standing, self.seat], hold_seconds=HOLD_SECONDS)
        use_cases.put_on_sale(self.published, OPENING)
        self.floor, self.hall = floor.pool_id, hall.pool_id
        self.seconds = 0
        self.owners: dict[Spot, tuple[bytes, int]] = {}
        self.spots: dict[str, set[Spot]] = {
            self.floor: {(self.floor, slot // 25, slot % 25) for slot in range(FLOOR)},
            self.hall: {(self.hall, 0, slot) for slot in range(sum(HALL))},
        }
        self.holds: list[HoldView] = []
        self.orders: dict[str, OrderPaid] = {}
        self.answers: dict[str, tuple[str, frozenset[Spot]]] = {}
        self.unheard: list[BlockChange] = []

    def teardown(self) -> None:
        transport.carry = self._carry
        self._using.__exit__(None, None, None)

    def _carry_or_lose(self, operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        answer = self._carry(operation, request, seconds)
        if self.lose_next and operation in ("UpdateItem", "PutItem", "TransactWriteItems"):
            self.lose_next = False
            raise wire.Lost("the answer was lost on its way")
        return answer

    @property
    def now(self) -> Any:
        return OPENING + timedelta(seconds=self.seconds)

    def _epoch(self) -> int:
        return int(self.now.timestamp())

    def _free(self, pool_id: str) -> set[Spot]:
        return {spot for spot in self.spots[pool_id] if self._is_free(spot)}

    def _is_free(self, spot: Spot) -> bool:
        return spot not in self.owners or self.owners[spot][1] < self._epoch()

    def _longest_run(self) -> int:
        longest, begin = 0, 0
        for length in HALL:
            run = 0
            for slot in range(begin, begin + length):
                run = run + 1 if self._is_free((self.hall, 0, slot)) else 0
                longest = max(longest, run)
            begin += length
        return longest

    def _ask(self, pool_id: str, line: LineAsked) -> None:
        request = basket(self.published, line)
        quantity = line.quantity or 0
        try:
            held = self._hold(request)
        except refusals.SoldOut:
            assert all(self.owners.get(spot, (b"", 0))[1] == SOLD_UNTIL for spot in self.spots[pool_id])
        except refusals.AllHeld:
            assert not self._free(pool_id)
        except refusals.TooFewLeft:
            assert len(self._free(pool_id)) < quantity
        except refusals.NotTogether:
            assert self._longest_run() < quantity
        else:
            spots = spots_of(held)
            assert len(spots) == len(held.places) == (quantity or len(line.seats or ()))
            assert all(self._is_free(spot) for spot in spots), "a place was given to two"
            until = self._epoch() + HOLD_SECONDS
            self.owners |= dict.fromkeys(spots, (raw_bytes(held.hold_id), until))
            self.holds.append(held)

    def _hold(self, request: Any) -> HoldView:
        try:
            return use_cases.place_hold(request, ME, None, self.now)
        except refusals.Busy:
            # "Try again in a moment" must be true: a second later, in a process that has not looked just now.
            self.seconds += 1
            caching.forget()
            return use_cases.place_hold(request, ME, None, self.now)

    @rule(quantity=st.integers(1, FLOOR))
    def hold_general_places(self, quantity: int) -> None:
        self._ask(self.floor, LineAsked(ticket_type_id=self.standing.ticket_type_id, quantity=quantity))

    @rule(quantity=st.integers(1, 5), together=st.booleans())
    def hold_seats(self, quantity: int, together: bool) -> None:
        line = LineAsked(ticket_type_id=self.seat.ticket_type_id, quantity=quantity, together=together)
        self._ask(self.hall, line)

    @rule(numbers=st.sets(st.integers(0, sum(HALL) - 1), min_size=1, max_size=4))
    def hold_chosen_seats(self, numbers: set[int]) -> None:
        labels = [("A", n + 1) if n < HALL[0] else ("B", n - HALL[0] + 1) for n in sorted(numbers)]
        seats = tuple(SeatAsked(section="Stalls", row=row, seat=seat) for row, seat in labels)
        line = LineAsked(ticket_type_id=self.seat.ticket_type_id, seats=seats)
        taken = [
            label for label, n in zip(labels, sorted(numbers), strict=True) if not self._is_free((self.hall, 0, n))
        ]
        if not taken:
            self._ask(self.hall, line)
            return
        with pytest.raises(refusals.PlacesTaken) as refused:
            self._ask(self.hall, line)
        assert {(one["row"], int(one["seat"])) for one in refused.value.extra["taken"]} == set(taken)

    @rule(seconds=st.sampled_from([0, 1, 5, 30, HOLD_SECONDS, HOLD_SECONDS + 1, 600]))
    def time_passes(self, seconds: int) -> None:
        self.seconds += seconds

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def an_order_is_paid(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.holds))
        order = self.orders.setdefault(held.hold_id, paid(self.published, held))
        try:
            answer = use_cases.answer_paid_order(order, self.now)
        except refusals.Busy:
            self.seconds += 1
            caching.forget()
            answer = use_cases.answer_paid_order(order, self.now)
        self._check_answer(order, answer)

    def _check_answer(self, order: OrderPaid, answer: HoldConfirmed | HoldRefused) -> None:
        mine = raw_bytes(order.hold_id)
        given = frozenset(spots_of(answer)) if isinstance(answer, HoldConfirmed) else frozenset()
        before = self.answers.get(order.hold_id)
        if before is not None:
            assert (type(answer).__name__, given) == before, "a copy was answered otherwise"
            return
        self.answers[order.hold_id] = (type(answer).__name__, given)
        asked = spots_of(order)
        kept = {spot for spot in asked if self.owners.get(spot, (b"", 0))[0] == mine}
        pool_id = next(iter(asked))[0]
        others = self._free(pool_id) - kept
        enough = len(others) >= len(asked - kept) and (pool_id == self.floor or kept == asked)
        assert isinstance(answer, HoldConfirmed) == enough
        if isinstance(answer, HoldConfirmed):
            assert kept <= given
            assert given - kept <= others, "somebody else's place was sold"
            assert len(given) == len(asked)
            self.owners |= dict.fromkeys(given, (mine, SOLD_UNTIL))
        else:
            self._released(kept)

    def _released(self, spots: set[Spot]) -> None:
        for spot in spots:
            del self.owners[spot]
            if self.cache.away:
                self.unheard.append(BlockChange(spot[0], spot[1], {spot[2]: 0}, freed=True))

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), by_message=st.booleans())
    def a_hold_is_let_go(self, data: st.DataObject, by_message: bool) -> None:
        held = data.draw(st.sampled_from(self.holds))
        own = {spot: self.owners[spot] for spot in spots_of(held) if self._owns(held.hold_id, spot)}
        sold = {spot for spot, (_, until) in own.items() if until == SOLD_UNTIL}
        if by_message:
            use_cases.forget_cancelled_order(cancelled(paid(self.published, held)), self.now)
        else:
            token = verify_token(held.hold_token, "hold", HoldToken, now=OPENING)
            try:
                use_cases.release_hold(held.hold_id, token, ME, self.now)
            except refusals.HoldSold:
                assert sold
            else:
                assert not sold
        self._released(own.keys() - sold)

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def an_order_is_refunded(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(list(self.answers)))
        name, given = self.answers[hold_id]
        order = self.orders[hold_id]
        message = refunded(order, order.places, was_confirmed=name == "HoldConfirmed")
        if given and given != spots_of(order):
            # What orders knows after the confirmation are the confirmed places; before it, the ordered ones.
            assert self._decided(order) == given
        use_cases.take_back_refunded_order(message, self.now)
        self._released({spot for spot in given | spots_of(order) if self._owns(hold_id, spot)})

    def _decided(self, order: OrderPaid) -> set[Spot]:
        row = blocks.decision_of(order.hold_id)
        assert row is not None
        return {(place.pool_id, place.block, place.slot) for place in row.places or ()}

    def _owns(self, hold_id: str, spot: Spot) -> bool:
        return self.owners.get(spot, (b"", 0))[0] == raw_bytes(hold_id)

    @rule()
    def the_next_answer_is_lost(self) -> None:
        self.lose_next = True

    @rule()
    def redis_goes_away(self) -> None:
        self.cache.away = True

    @rule()
    def redis_comes_back(self) -> None:
        self.cache.away = False
        # The blocks' stream brings what the writers could not tell.
        use_cases.correct_hints(self.unheard, self.now)
        self.unheard = []

    @rule()
    def redis_forgets_everything(self) -> None:
        self.cache.life += 1

    @rule()
    def a_new_process_takes_over(self) -> None:
        caching.forget()

    @invariant()
    def the_blocks_say_what_the_model_says(self) -> None:
        numbers = {(pool_id, block) for spots in self.spots.values() for pool_id, block, _ in spots}
        actual: dict[Spot, tuple[bytes, int]] = {}
        for (pool_id, block), slots in look_at(numbers).items():
            actual |= {(pool_id, block, slot): (taken.hold, taken.until) for slot, taken in slots.items()}
        assert actual == self.owners


def spots_of(thing: HoldView | OrderPaid | HoldConfirmed) -> set[Spot]:
    return {(place.pool_id, place.block, place.slot) for place in thing.places}


MODEST = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestInventory = Inventory.TestCase
TestInventory.settings = MODEST


def test_control_without_the_condition_the_model_sees_a_double_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the machine's own rules find the place that was given to two."""

    def anything(slot: int, now: int, own: bytes | None) -> Any:
        return BlockRow.pk.exists() | BlockRow.pk.does_not_exist()

    monkeypatch.setattr(blocks, "_is_free", anything)
    machine = Inventory()
    try:
        machine.hold_chosen_seats(numbers={0, 1})
        machine.the_blocks_say_what_the_model_says()
        with pytest.raises(AssertionError, match="given to two"):
            machine.hold_chosen_seats(numbers={1, 2})
    finally:
        machine.teardown()
