"""What is left of an event in one word: told when it changes, once in some seconds, and always as it was in the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from contracts.catalog import EventPublished
from services.reservations import use_cases
from services.reservations.announcements import availability_changed
from services.reservations.domain import SOLD_UNTIL
from services.reservations.repository import BlockChange, caching, left, sale_now, take
from shared.data import Check, consumed, transact
from shared.ids import new_id
from tests.integration.reservations.box_left import after, follow, sell_out, word
from tests.integration.reservations.box_office import (
    OPENING,
    hold,
    on_sale,
    paid,
    refunded,
)

telling = import_module("services.reservations.use_cases.telling_left")


@pytest.fixture(autouse=True)
def _nothing_else_is_due() -> None:
    """What other tests have noted is of other events, and counting it here would be theirs."""
    for row in left.due(OPENING + timedelta(days=30)):
        left.settle_due(row)


def test_the_word_follows_what_is_left() -> None:
    published, kind = on_sale(100)
    held = [hold(published, kind, 90)]
    follow(published, after(10))
    assert word(published) is None, "available, as nobody needs to be told"
    held.append(hold(published, kind, 5, after(11)))
    follow(published, after(20))
    assert word(published) == "few-left"
    held.append(hold(published, kind, 5, after(21)))
    follow(published, after(30))
    assert word(published) == "few-left", "what is only held is not sold out"
    orders = [paid(published, one) for one in held]
    for order in orders:
        use_cases.answer_paid_order(order, after(31))
    follow(published, after(40))
    assert word(published) == "sold-out"
    use_cases.take_back_refunded_order(refunded(orders[0], orders[0].places, was_confirmed=True), after(50))
    follow(published, after(60))
    assert word(published) == "available"
    row = left.told(published.event_id)
    assert row is not None
    assert row.version == 3, "three words, three messages"
    message = availability_changed(
        {
            "pk": row.pk,
            "outbox": row.outbox,
            "organiser_id": row.organiser_id,
            "left": row.left,
            "counted_at": "2031-05-01T10:01:00Z",
        }
    )
    assert (message.event_id, message.version, message.availability) == (published.event_id, 3, "available")  # type: ignore[attr-defined]


def a_rush() -> EventPublished:
    """Fifty places sold within a second, each change brought by the stream, and a minute after it the clock."""
    published, kind = on_sale(50)
    for number in range(10):
        sell_out(published, kind, 5, after(number / 10))
        follow(published, after(number / 10))
    use_cases.count_due(after(60))
    return published


def test_a_rush_is_counted_once_and_told_as_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_left", counted := Counting(telling._left))
    published = a_rush()
    assert word(published) == "sold-out"
    assert counted.calls == 2, "at the first change, and at the end"
    assert not left.due(after(120)), "and then nothing is left to be done"


class Counting:
    """A function that counts its calls."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.calls = inner, 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        return self.inner(*arguments)


def test_without_a_note_of_what_came_after_the_count_the_end_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the notes."""
    monkeypatch.setattr(left, "note_due", lambda *_: None)
    assert word(a_rush()) != "sold-out"


def test_many_processes_count_once_and_note_once_each() -> None:
    published, kind = on_sale(50)
    sell_out(published, kind, 50, OPENING)
    with consumed() as first:
        follow(published, OPENING)
    for _ in range(3):
        caching.forget()
        with consumed() as other:
            for _ in range(20):
                follow(published, after(1))
        # Refused the count, and a note.
        assert other.writes == 2
    assert word(published) == "sold-out"
    # The count, and the word in a transaction with a look whether the count still is the last.
    assert first.writes == 1 + 2 * 2


def test_baskets_that_run_out_are_told_by_the_clock() -> None:
    published, kind = on_sale(50)
    hold(published, kind, 50)
    follow(published, after(1))
    assert word(published) == "few-left"
    assert use_cases.count_due(after(60)) == 0, "still held"
    assert use_cases.count_due(after(660)) == 1
    assert word(published) == "available"
    assert not left.due(after(720))


def test_selling_what_is_held_is_not_counted_while_there_are_places_enough() -> None:
    published, kind = on_sale(100)
    pool_id, held, sold = kind.pool_id, int(after(600).timestamp()), SOLD_UNTIL
    follow(published, OPENING)
    confirmed = BlockChange(pool_id, 0, {0: sold, 1: sold}, freed=False, before={0: held, 1: held})
    with consumed() as meter:
        use_cases.follow_left([confirmed], [], after(10))
    assert meter.requests == 0
    overtaken = BlockChange(pool_id, 0, {0: held}, freed=False, before={0: int(OPENING.timestamp()) - 1})
    with consumed() as meter:
        use_cases.follow_left([confirmed, overtaken], [], after(10))
    assert meter.writes == 1, "what had run out was free, and is held now"


def test_a_process_that_knows_of_places_enough_leaves_the_last_sale_to_the_clock() -> None:
    published, kind = on_sale(50)
    follow(published, OPENING)
    held = hold(published, kind, 50, after(5))
    # Another process counts it: it has noted that something is held.
    mine = dict(caching.enough_left._entries)
    caching.forget()
    follow(published, after(6))
    assert word(published) == "few-left"
    caching.forget()
    caching.enough_left._entries.update(mine)
    use_cases.answer_paid_order(paid(published, held), after(20))
    sold = BlockChange(kind.pool_id, 0, {0: SOLD_UNTIL}, freed=False, before={0: int(after(605).timestamp())})
    use_cases.follow_left([sold], [], after(20))
    assert word(published) == "few-left"
    use_cases.count_due(after(60))
    assert word(published) == "sold-out"


def a_late_count(monkeypatch: pytest.MonkeyPatch) -> EventPublished:
    """Who counts an event that is sold out is slow; meanwhile all comes back and somebody else counts."""
    published, kind = on_sale(50)
    order = paid(published, hold(published, kind, 50))
    use_cases.answer_paid_order(order, OPENING)
    counted = telling._left
    slow: list[bool] = []

    def slowly(*arguments: Any) -> Any:
        found = counted(*arguments)
        if not slow:
            slow.append(True)
            use_cases.take_back_refunded_order(refunded(order, order.places, was_confirmed=True), after(3))
            caching.forget()
            follow(published, after(10))
        return found

    monkeypatch.setattr(telling, "_left", slowly)
    follow(published, after(1))
    return published


def test_a_count_that_is_late_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert word(a_late_count(monkeypatch)) is None


def test_without_a_look_at_whose_count_is_last_a_late_one_tells_what_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the count's own condition."""
    monkeypatch.setattr(
        left, "transact", lambda *writes, now: transact(*(w for w in writes if not isinstance(w, Check)), now=now)
    )
    assert word(a_late_count(monkeypatch)) == "sold-out"


def test_a_count_that_fails_is_made_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(50)
    sell_out(published, kind, 50, OPENING)
    with monkeypatch.context() as broken:
        broken.setattr(telling, "_left", lambda *_: 1 / 0)
        follow(published, OPENING)
        assert use_cases.count_due(after(60)) == 0, "it fails again, and stays to be done"
    use_cases.count_due(after(120))
    assert word(published) == "sold-out"


def test_where_nothing_can_be_noted_the_records_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.reservations.app import follow_blocks

    published, _ = on_sale(50)

    def down(*_: Any) -> Any:
        raise OSError("no table")

    monkeypatch.setattr(telling, "_left", down)
    image = {"pk": {"S": f"block#{published.pools[0].pool_id}#0"}, "sk": {"S": "block"}}
    batch = {
        "Records": [
            {
                "eventName": "INSERT",
                "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s",
                "dynamodb": {"SequenceNumber": str(number), "Keys": image, "NewImage": image},
            }
            for number in (7, 8)
        ]
    }
    assert follow_blocks(batch, None) == {"batchItemFailures": []}
    monkeypatch.setattr(left, "note_due", down)
    caching.forget()
    assert follow_blocks(batch, None) == {"batchItemFailures": [{"itemIdentifier": "7"}]}


@pytest.mark.parametrize("capacity", [100, 2_200, 1_000_000])
def test_a_count_reads_some_blocks_while_there_are_places(capacity: int) -> None:
    published, _ = on_sale(capacity)
    with consumed() as meter:
        follow(published, OPENING)
    assert meter.writes == 1
    # The event of the pool, once in a process; the sale, its pool, what was told, and blocks nobody has held from yet.
    assert meter.reads <= 3.5 + 8


def test_a_count_of_a_half_sold_hall_reads_a_few_blocks_and_of_a_sold_one_all() -> None:
    published, kind = on_sale(2_200)
    blocks = sale_now(published.event_id).layouts[kind.pool_id].blocks
    for number in range(blocks):
        take(new_id("hld"), {(kind.pool_id, number): list(range(13))}, SOLD_UNTIL, now=OPENING)
    with consumed() as half:
        follow(published, OPENING)
    assert word(published) is None
    assert half.reads <= 3.5 + 8 + 16
    for number in range(blocks):
        take(new_id("hld"), {(kind.pool_id, number): list(range(13, 25))}, SOLD_UNTIL, now=OPENING)
    with consumed() as full:
        follow(published, after(10))
    assert word(published) == "sold-out"
    assert full.reads == pytest.approx(3 + blocks, abs=2)


def test_the_stream_brings_it_to_the_topic() -> None:
    """By the real stream, with the filters of the functions that read it."""
    from runtime.triggers import Triggers
    from services.reservations.app import app

    published, kind = on_sale(8)
    triggers = Triggers({"reservations": app}, retry_seconds=0)
    triggers.drain(60)
    sent: list[Any] = []
    relay = import_module("shared.messaging.relay")
    publish_all = relay.publish_all

    def publishing(topic: str, envelopes: Sequence[Any]) -> None:
        sent.extend(envelopes)
        publish_all(topic, envelopes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relay, "publish_all", publishing)
        hold(published, kind, 8, datetime.now(OPENING.tzinfo))
        assert triggers.drain(60).idle
    triggers.close()
    mine = [one for one in sent if published.event_id in one.subject]
    assert [one.type for one in mine] == ["reservations.availability_changed.v1"]
    assert mine[0].id == f"event#{published.event_id}/left|1|reservations.availability_changed.v1"
