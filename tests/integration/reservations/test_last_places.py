"""The last places: found while there are any, waited for while they are being written, and told apart when gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations import repository, use_cases
from services.reservations.domain import SOLD_UNTIL, WITHHELD_UNTIL, Demand, Sale, Wish, refusals
from services.reservations.repository import blocks, caching, hints
from services.reservations.repository.hints import Picked, Short, Told
from services.reservations.use_cases import finding, letting_go, looking, picking
from shared.data import consumed
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, hall_on_sale, hold, on_sale, paid, rows, where

SECONDS = int(OPENING.timestamp())
_LONG = 30.0


def prepared(capacity: int) -> tuple[EventPublished, TicketType, Sale, Demand]:
    published, kind = on_sale(capacity)
    sale = repository.sale_of(published.event_id, OPENING)
    hints.prepare(sale, published.pools[0].pool_id, OPENING)
    return published, kind, sale, sale.demand(kind, Wish("any", 1))


def taken(published: EventPublished, block: int, slots: Iterable[int], until: int) -> None:
    """Somebody's places, which no hint has heard of."""
    repository.take(new_id("hld"), {(published.pools[0].pool_id, block): list(slots)}, until, now=OPENING)


def forget_hints(published: EventPublished) -> None:
    """What is left when Redis was emptied."""
    cache = caching.cache()
    keys = cache.execute(lambda client: list(client.scan_iter(cache.full_key(f"{{{published.event_id}}}*"))))
    if keys:
        cache.execute(lambda client: client.delete(*keys))


def test_withheld_places_are_neither_sold_nor_waited_for(redis_or_none: str) -> None:
    published, kind = on_sale(60)
    taken(published, 0, range(25), WITHHELD_UNTIL)
    taken(published, 1, range(25), SOLD_UNTIL)
    taken(published, 2, range(10), WITHHELD_UNTIL)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)


def test_of_withheld_and_held_places_the_held_ones_are_waited_for(redis_or_none: str) -> None:
    published, kind = on_sale(30)
    taken(published, 0, range(25), WITHHELD_UNTIL)
    taken(published, 1, range(5), SECONDS + 600)
    with pytest.raises(refusals.AllHeld) as refused:
        hold(published, kind, 1)
    assert refused.value.extra["next_free_at"] == OPENING + timedelta(seconds=601)
    assert len(where(hold(published, kind, 5, OPENING + timedelta(seconds=601)))) == 5


def test_withheld_places_that_are_let_go_are_found_again() -> None:
    published, kind, sale, demand = prepared(25)
    block = (demand.pool_id, 0)
    withholding = new_id("hld")
    repository.take(withholding, {block: list(range(25))}, WITHHELD_UNTIL, now=OPENING)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    repository.let_go(withholding, block, [3, 4], sold_too=True, now=OPENING)
    hints.tell(sale, [Told(block, {3: 0, 4: 0}, exact=True)], OPENING, freed=True)
    assert {slot for _, _, slot in where(hold(published, kind, 2))} == {3, 4}


def test_once_the_last_held_place_is_paid_it_is_sold_out_at_once_and_at_no_cost() -> None:
    published, kind, _, _ = prepared(4)
    orders = [paid(published, hold(published, kind, 2)) for _ in range(2)]
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    use_cases.answer_paid_order(orders[0], OPENING)
    with consumed() as meter, pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    assert meter.requests == 0
    use_cases.answer_paid_order(orders[1], OPENING)
    with consumed() as meter, pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    # Another process, which has heard of nothing, asks Redis.
    caching.forget()
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    assert meter.requests == 0


def test_all_held_is_remembered_by_a_process_for_a_moment_only() -> None:
    published, kind, sale, demand = prepared(2)
    order = paid(published, hold(published, kind, 2))
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    # Paid in another process: this one hears of it by asking Redis again.
    remembered = caching.findings.get(f"{sale.event_id} {hints.field_of(demand)}", OPENING.timestamp())
    assert remembered is not None
    use_cases.answer_paid_order(order, OPENING)
    caching.findings.put(f"{sale.event_id} {hints.field_of(demand)}", remembered, OPENING.timestamp() + 0.25)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1, OPENING + timedelta(seconds=0.25))


def test_a_place_that_comes_back_after_sold_out_is_found() -> None:
    published, kind, _, _ = prepared(2)
    order = paid(published, hold(published, kind, 2))
    use_cases.answer_paid_order(order, OPENING)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    letting_go.let_all_go(order.hold_id, order.event_id, order.places[:1], sold_too=True, now=OPENING)
    assert len(where(hold(published, kind, 1))) == 1


class Writer:
    """A buyer whose write takes until it is told to go on, and who may fail."""

    def __init__(self, published: EventPublished, kind: TicketType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writing, self.go_on = threading.Event(), threading.Event()
        self.fails = False
        self.places: set[tuple[str, int, int]] = set()
        self._thread = threading.Thread(target=self._buy, args=(published, kind))
        take = repository.take

        def slow(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is self._thread:
                self.writing.set()
                assert self.go_on.wait(_LONG)
                if self.fails:
                    raise refusals.Busy
            return take(*arguments, **options)

        monkeypatch.setattr(finding, "take", slow)

    def start(self) -> None:
        """Returns when the write has begun."""
        self._thread.start()
        assert self.writing.wait(_LONG)

    def end(self) -> None:
        """Lets the write go on, and waits for its end."""
        self.go_on.set()
        self._thread.join(_LONG)

    def _buy(self, published: EventPublished, kind: TicketType) -> None:
        try:
            self.places = where(hold(published, kind, 1))
        except refusals.Busy:
            return


def while_it_is_asked(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the writer come through when somebody else finds the last place leased; answers what the hints said."""
    said: list[str] = []
    ask = hints.ask

    def asking(*arguments: Any, **options: Any) -> Any:
        answer = ask(*arguments, **options)
        if threading.current_thread() is threading.main_thread():
            said.append(answer.left if isinstance(answer, Short) else "picked")
            if said[-1] == "leased":
                writer.end()
        return answer

    monkeypatch.setattr(hints, "ask", asking)
    return said


def test_who_comes_while_the_last_place_is_being_written_is_told_when_it_is_and_not_that_we_are_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published, kind, _, _ = prepared(1)
    writer = Writer(published, kind, monkeypatch)
    writer.start()
    said = while_it_is_asked(writer, monkeypatch)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    assert said == ["leased", "held"]
    assert len(writer.places) == 1


def test_who_waits_for_a_write_that_fails_gets_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind, _, _ = prepared(1)
    writer = Writer(published, kind, monkeypatch)
    writer.fails = True
    writer.start()
    said = while_it_is_asked(writer, monkeypatch)
    assert len(where(hold(published, kind, 1))) == 1
    assert said == ["leased", "picked"]
    assert not writer.places


def test_who_waits_in_vain_for_a_write_hears_busy_and_nothing_that_may_be_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published, kind, _, _ = prepared(1)
    writer = Writer(published, kind, monkeypatch)
    writer.start()
    with monkeypatch.context() as impatient:
        impatient.setattr(picking, "WAITS_SECONDS", (0.001, 0.001))
        with pytest.raises(refusals.Busy):
            hold(published, kind, 1)
    writer.end()
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)


def test_who_comes_while_a_pool_is_being_prepared_waits_for_the_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(50)
    sale = repository.sale_of(published.event_id, OPENING)
    seed, waiting = hints._seed, threading.Event()
    pause = time.sleep

    def sleeping(seconds: float) -> None:
        waiting.set()
        pause(seconds)

    def slowly(*arguments: Any) -> None:
        assert waiting.wait(_LONG)
        seed(*arguments)

    monkeypatch.setattr(hints, "_seed", slowly)
    monkeypatch.setattr(time, "sleep", sleeping)
    first = threading.Thread(target=hints.prepare, args=(sale, published.pools[0].pool_id, OPENING))
    cache = caching.cache()
    lock = cache.full_key(f"{{{sale.event_id}}}:preparing:{published.pools[0].pool_id}")
    first.start()
    while not cache.execute(lambda client: client.exists(lock)):
        assert first.is_alive()
    with consumed() as meter:
        held = hold(published, kind, 2)
    first.join(_LONG)
    assert len(where(held)) == 2
    # Half a unit each for the two blocks, read by the one who prepares.
    assert meter.reads == 1, "it looked at no block by itself"
    assert meter.writes == 1


def test_what_a_look_saw_before_a_write_does_not_undo_what_the_writer_told() -> None:
    _, _, sale, demand = prepared(2)
    began = hints.since(sale)
    seen = blocks.look_at([(demand.pool_id, 0)])
    hints.tell(sale, [Told((demand.pool_id, 0), {0: SECONDS + 600}, exact=True)], OPENING)
    layout = sale.layouts[demand.pool_id]
    hints.tell(sale, [hints.seen(block, slots, layout, as_of=began.moment) for block, slots in seen.items()], OPENING)
    answer = hints.ask(sale, {demand: 1}, OPENING)
    assert isinstance(answer, Picked)
    assert [place.slot for place in answer.places[demand]] == [1]


def test_what_a_refusal_shows_frees_nothing_that_was_told_meanwhile() -> None:
    _, _, sale, demand = prepared(2)
    block = (demand.pool_id, 0)
    hints.tell(sale, [Told(block, {0: SECONDS + 600}, exact=True)], OPENING)
    hints.tell(sale, [hints.seen(block, {}, sale.layouts[demand.pool_id])], OPENING)
    answer = hints.ask(sale, {demand: 1}, OPENING)
    assert isinstance(answer, Picked)
    assert [place.slot for place in answer.places[demand]] == [1]


def test_the_stream_of_a_former_release_does_not_free_a_place_that_was_taken_again() -> None:
    _, _, sale, demand = prepared(1)
    block = (demand.pool_id, 0)
    first, second = SECONDS + 100, SECONDS + 600
    hints.tell(sale, [Told(block, {0: second}, exact=True)], OPENING)
    late = Told(block, {0: 0}, before={0: first})
    hints.tell(sale, [late], OPENING, freed=None)
    assert isinstance(hints.ask(sale, {demand: 1}, OPENING), Short)
    # The release of what is there now is taken in.
    hints.tell(sale, [Told(block, {0: 0}, before={0: second})], OPENING, freed=None)
    assert isinstance(hints.ask(sale, {demand: 1}, OPENING), Picked)


def test_the_stream_voids_what_looks_found_only_where_the_hints_had_not_heard() -> None:
    _, _, sale, demand = prepared(1)
    block = (demand.pool_id, 0)
    until = SECONDS + 600
    hints.tell(sale, [Told(block, {0: until}, exact=True)], OPENING)
    hints.tell(sale, [Told(block, {0: 0}, exact=True)], OPENING, freed=True)
    began = hints.since(sale)
    hints.tell(sale, [Told(block, {0: 0}, before={0: until})], OPENING, freed=None)
    assert hints.since(sale).generation == began.generation
    hints.tell(sale, [Told(block, {0: until}, exact=True)], OPENING)
    hints.tell(sale, [Told(block, {0: 0}, before={0: until})], OPENING, freed=None)
    assert hints.since(sale).generation != began.generation


@pytest.mark.parametrize("lost_after", [0, 10, 19])
def test_hints_that_are_lost_near_the_end_cost_nobody_a_place(lost_after: int) -> None:
    published, kind = on_sale(20)
    places: list[tuple[str, int, int]] = []
    for number in range(20):
        if number == lost_after:
            forget_hints(published)
        places += where(hold(published, kind, 1))
    assert len(set(places)) == 20
    forget_hints(published)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)


def test_hints_that_know_nothing_of_a_sold_out_pool_are_set_right_after_few_refused_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hints, "_READ_BLOCKS_MAX", 0)
    published, kind, _, _ = prepared(30 * 25)
    for block in range(30):
        taken(published, block, range(25), SOLD_UNTIL)
    with consumed() as meter, pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    assert meter.writes <= 3
    with consumed() as meter, pytest.raises(refusals.SoldOut):
        hold(published, kind, 1, OPENING + timedelta(seconds=2))
    assert meter.requests == 0


def test_while_a_large_pool_is_looked_at_again_it_goes_on_to_be_sold_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "_READ_BLOCKS_MAX", 100)
    published, kind = on_sale(30 * 25)
    for block in range(30):
        taken(published, block, range(25), SOLD_UNTIL)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)
    monkeypatch.setattr(looking, "SLICE_BLOCKS", 10)
    for second in range(3):
        caching.forget()
        with pytest.raises(refusals.SoldOut):
            hold(published, kind, 1, OPENING + timedelta(seconds=60 + second))


def test_a_pick_that_was_refused_goes_to_what_the_refusing_block_has_free() -> None:
    published, kind, _, _ = prepared(100 * 25)
    for block in range(100):
        taken(published, block, range(24), SOLD_UNTIL)
    with consumed() as meter:
        (place,) = where(hold(published, kind, 1))
    assert place[2] == 24
    assert meter.writes == 2


def test_a_seated_house_is_filled_without_single_seats_while_that_can_be_avoided() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 5, 6, 5, 6))
    places = [where(hold(published, kinds["A"], 2)) for _ in range(10)]
    left = 22 - sum(map(len, places))
    assert left == 2
    # Rows of five hold a pair and three more seats; who takes the three leaves nobody alone.
    with pytest.raises(refusals.NotTogether):
        hold(published, kinds["A"], 2)
