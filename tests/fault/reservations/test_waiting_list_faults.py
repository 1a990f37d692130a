"""Waiting lists under faults: crashes at every write, answers that are lost, and everybody coming at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from contracts.catalog import EventPublished, TicketType
from contracts.sale import Buyer
from services.reservations import repository, use_cases
from services.reservations.domain import Slots
from services.reservations.domain.refusals import AllHeld, SoldOut
from services.reservations.repository import caching, waiting_list
from services.reservations.schemas import HoldView
from services.reservations.use_cases import offering
from services.reservations.waiting_list_schemas import JoinWaitingList
from shared.data import transport, wire
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_office import OPENING, hold, on_sale, paid, refunded
from tests.property.crashes import WRITES, Crash

LATER = OPENING + timedelta(minutes=5)
# Whoever served the list and died has it no longer.
AFTER_CRASH = LATER + timedelta(seconds=waiting_list.SERVED_SECONDS + 1)
WRITES_MAX = 30


class Queue:
    """A sold out event of one block, and people who wait for its places."""

    def __init__(self, capacity: int, people: int) -> None:
        caching.forget()
        self.published: EventPublished
        self.kind: TicketType
        self.published, self.kind = on_sale(capacity)
        self.held = hold(self.published, self.kind, capacity)
        use_cases.answer_paid_order(paid(self.published, self.held), OPENING)
        self.fans = [
            Buyer(person_id=new_id("per"), email=f"fan{number}@example.org", name=f"Fan {number}")
            for number in range(people)
        ]
        for number, fan in enumerate(self.fans):
            self.join(fan, LATER - timedelta(seconds=100 - number))

    def join(self, fan: Buyer, now: datetime) -> None:
        """Somebody joins for one place."""
        wish = JoinWaitingList(ticket_type_id=self.kind.ticket_type_id, quantity=1)
        use_cases.join_waiting_list(self.published.event_id, wish, fan, now)

    def free(self, count: int, now: datetime = LATER) -> None:
        """So many places come back."""
        places = self.held.places[:count]
        order = paid(self.published, HoldView(**{**_fields(self.held), "places": places}))
        use_cases.take_back_refunded_order(refunded(order, places, was_confirmed=True), now)

    def serve(self, now: datetime) -> int:
        """The schedule, in a process that has just started."""
        caching.forget()
        lists = waiting_list.open_lists(self.published.event_id)
        return sum(use_cases.serve_list(which, now) for which in lists)

    def states(self, now: datetime) -> list[str]:
        """What has become of everybody, in the order in which they joined."""
        return [self.entry(fan, now).state for fan in self.fans]

    def entry(self, fan: Buyer, now: datetime) -> Any:
        """What somebody sees."""
        [found] = use_cases.waiting_list_entries(self.published.event_id, fan.person_id, now)
        return found

    def holders(self) -> dict[int, tuple[bytes, int]]:
        """Whose the slots of the block are, those of the first order left out."""
        [pool] = self.published.pools
        slots: Slots = repository.look_at([(pool.pool_id, 0)])[pool.pool_id, 0]
        sold = raw_bytes(self.held.hold_id)
        return {slot: (taken.hold, taken.until) for slot, taken in slots.items() if taken.hold != sold}

    def offered(self) -> dict[int, tuple[bytes, int]]:
        """Whose the slots should be by what the entries say."""
        kept = {}
        for fan in self.fans:
            [row] = waiting_list.persons_entries(self.published.event_id, fan.person_id)
            offer = row.entry.offer
            if row.entry.state == "offered" and offer is not None:
                for place in offer.token.places():
                    kept[place.slot] = (raw_bytes(offer.token.hold_id), int(offer.token.expires_at.timestamp()))
        return kept


def _fields(held: HoldView) -> dict[str, Any]:
    return {name: getattr(held, name) for name in held.__struct_fields__}


@contextmanager
def dies_at_write(number: int, *, done: bool) -> Iterator[list[int]]:
    """The process ends at its write with that number, after it was done or before: nothing is written afterwards."""
    carry = transport.carry
    seen = [0]

    def dying(operation: str, request: dict[str, Any], seconds: float) -> Any:
        if operation not in WRITES:
            return carry(operation, request, seconds)
        seen[0] += 1
        if seen[0] - 1 < number:
            return carry(operation, request, seconds)
        if seen[0] - 1 == number and done:
            carry(operation, request, seconds)
        raise Crash

    with mock.patch.object(transport, "carry", dying):
        yield seen


def crash_everywhere(make: Callable[[], Queue], work: Callable[[Queue], object], done: bool) -> Iterator[Queue]:
    """The same work on a new queue, dying at one write after the other; each queue as the crash has left it."""
    for number in range(WRITES_MAX):
        queue = make()
        with dies_at_write(number, done=done) as seen, suppress(Crash):
            work(queue)
        yield queue
        if seen[0] <= number:
            assert number > 1, "the work has no writes to die at"
            return
    raise AssertionError("the work writes more than it should")


@pytest.mark.parametrize("done", [True, False], ids=["after the write", "before the write"])
def test_a_crash_at_any_write_of_an_offer_loses_no_place_and_no_turn(done: bool) -> None:
    def make() -> Queue:
        queue = Queue(3, people=3)
        queue.free(2)
        return queue

    for queue in crash_everywhere(make, lambda queue: queue.serve(LATER), done):
        queue.serve(AFTER_CRASH)
        assert queue.states(AFTER_CRASH) == ["offered", "offered", "waiting"]
        assert queue.holders() == queue.offered()


def test_control_without_looking_for_what_the_dead_had_taken_places_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "let_go_of_try", lambda *args: None)

    def make() -> Queue:
        queue = Queue(2, people=2)
        queue.free(1)
        return queue

    lost = []
    for queue in crash_everywhere(make, lambda queue: queue.serve(LATER), True):
        queue.serve(AFTER_CRASH)
        lost.append(queue.holders() != queue.offered())
    assert any(lost)


def test_a_crash_at_any_write_of_leaving_loses_no_place() -> None:
    def make() -> Queue:
        queue = Queue(2, people=2)
        queue.free(1)
        queue.serve(LATER)
        return queue

    def leave(queue: Queue) -> None:
        fan = queue.fans[0]
        entry_id = queue.entry(fan, LATER).entry_id
        use_cases.leave_waiting_list(queue.published.event_id, entry_id, fan.person_id, LATER)

    for queue in crash_everywhere(make, leave, True):
        # Where the crash came before the first write the person is asked again, as any client would.
        leave(queue)
        queue.serve(AFTER_CRASH)
        assert queue.states(AFTER_CRASH) == ["left", "offered"]
        assert queue.holders() == queue.offered()


def test_a_crash_at_any_write_of_joining_keeps_nobody_out_and_the_sale_open() -> None:
    for number in range(WRITES_MAX):
        queue = Queue(1, people=0)
        fan = Buyer(person_id=new_id("per"), email="fan@example.org", name="Fan")
        with dies_at_write(number, done=True) as seen, suppress(Crash):
            queue.join(fan, LATER)
        joined = [row.entry.state for row in waiting_list.persons_entries(queue.published.event_id, fan.person_id)]
        caching.forget()
        # Whoever died on the way to the list must not keep the sale closed for others.
        over = LATER + timedelta(seconds=waiting_list.JOINING_SECONDS + 60)
        queue.free(1, over)
        queue.serve(over)
        caching.forget()
        if joined:
            with pytest.raises((SoldOut, AllHeld)):
                hold(queue.published, queue.kind, 1, over)
            assert queue.entry(fan, over).state == "offered"
        else:
            assert len(hold(queue.published, queue.kind, 1, over).places) == 1
        if seen[0] <= number:
            assert joined == ["waiting"]
            return
    raise AssertionError("joining writes more than it should")


def test_every_answer_lost_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    carry = transport.carry
    seen: set[int] = set()

    def lose(operation: str, request: dict[str, Any], seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if operation in WRITES and id(request) not in seen:
            seen.add(id(request))
            kept.append(request)
            raise wire.Lost("lost on its way")
        return answer

    kept: list[dict[str, Any]] = []
    queue = Queue(2, people=0)
    fans = [Buyer(person_id=new_id("per"), email=f"fan{number}@example.org", name="Fan") for number in range(2)]
    monkeypatch.setattr(transport, "carry", lose)
    for number, fan in enumerate(fans):
        queue.join(fan, LATER - timedelta(seconds=100 - number))
    queue.fans = fans
    queue.free(1)
    assert queue.serve(LATER) == 1
    assert queue.states(LATER) == ["offered", "waiting"]
    entry_id = queue.entry(fans[0], LATER).entry_id
    use_cases.leave_waiting_list(queue.published.event_id, entry_id, fans[0].person_id, LATER)
    assert queue.serve(LATER) == 1
    assert queue.states(LATER) == ["left", "offered"]
    assert queue.holders() == queue.offered()


def at_once(*works: Callable[[], object]) -> list[BaseException | None]:
    """Lets all of them loose at the same moment; what each of them was refused with."""
    barrier = threading.Barrier(len(works))
    refused: list[BaseException | None] = [None] * len(works)

    def run(number: int, work: Callable[[], object]) -> None:
        barrier.wait(30)
        try:
            work()
        except Exception as refusal:
            refused[number] = refusal

    threads = [threading.Thread(target=run, args=(number, work)) for number, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return refused


@pytest.mark.parametrize("turn", range(4))
def test_a_freed_place_goes_to_the_first_who_waits_whoever_else_comes_at_the_same_moment(turn: int) -> None:
    queue = Queue(2, people=2)
    queue.free(1)
    [which] = waiting_list.open_lists(queue.published.event_id)
    serve = [lambda: use_cases.serve_list(which, LATER)] * 3
    buy = [lambda: hold(queue.published, queue.kind, 1, LATER)] * 3
    refused = at_once(*serve, *buy)
    assert refused[:3] == [None, None, None]
    assert [type(one) for one in refused[3:]] == [SoldOut, SoldOut, SoldOut]
    assert queue.states(LATER) == ["offered", "waiting"]
    assert queue.holders() == queue.offered()


@pytest.mark.parametrize("turn", range(4))
def test_who_leaves_while_an_offer_is_made_takes_no_place_along(turn: int) -> None:
    queue = Queue(2, people=2)
    queue.free(1)
    [which] = waiting_list.open_lists(queue.published.event_id)
    fan = queue.fans[0]
    entry_id = queue.entry(fan, LATER).entry_id
    refused = at_once(
        lambda: use_cases.serve_list(which, LATER),
        lambda: use_cases.leave_waiting_list(queue.published.event_id, entry_id, fan.person_id, LATER),
    )
    assert refused == [None, None]
    queue.serve(LATER + timedelta(minutes=1))
    assert queue.states(LATER + timedelta(minutes=1)) == ["left", "offered"]
    assert queue.holders() == queue.offered()


def test_many_join_at_once_and_each_is_on_the_list_once() -> None:
    queue = Queue(1, people=0)
    fans = [Buyer(person_id=new_id("per"), email=f"fan{number}@example.org", name="Fan") for number in range(4)]
    now = LATER - timedelta(seconds=100)
    refused = at_once(*(lambda fan=fan: queue.join(fan, now) for fan in fans for _ in range(3)))
    assert refused == [None] * 12
    [which] = waiting_list.open_lists(queue.published.event_id)
    head = waiting_list.begin_serving(which, LATER)
    assert head is not None
    rows = list(waiting_list.open_entries(which, head))
    assert sorted(row.entry.buyer.person_id for row in rows) == sorted(fan.person_id for fan in fans)
    assert head.entries == 4
