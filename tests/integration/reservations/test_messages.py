"""The triggers: what comes over the queue and the stream, as Lambda brings it."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.catalog import EventPublished, VoucherChanged
from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import app as reservations_app
from services.reservations import repository, use_cases
from services.reservations.domain import Wish, refusals
from services.reservations.repository import BlockRow, caching, hints
from services.reservations.repository.rows import block_key
from shared import clock
from shared.data import fetch
from shared.ids import new_id
from shared.messaging import Envelope, Message
from shared.money import Money
from tests.integration.reservations.box_office import (
    OPENING,
    event,
    general_pool,
    hall_on_sale,
    hold,
    on_sale,
    paid,
    rows,
    seated_pool,
    ticket_type,
    where,
)


def deliver(*messages: Message) -> dict[str, Any]:
    """A batch of a queue."""
    records = []
    for number, message in enumerate(messages):
        envelope = Envelope(
            id=f"m{number}",
            type=message.type_name,
            time=OPENING,
            source="test",
            subject="test",
            data=msgspec.Raw(msgspec.json.encode(message)),
        )
        body = msgspec.json.encode(envelope).decode()
        records.append({"messageId": f"r{number}", "body": body, "attributes": {}, "messageAttributes": {}})
    answer: dict[str, Any] = reservations_app.consume({"Records": records}, None)
    return answer


@pytest.fixture
def published_answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Message]]:
    """What goes to the topic: (message id, message)."""
    sent: list[tuple[str, Message]] = []

    def keep(topic: str, source: str, subject: str, message: Message, message_id: str, trace: str | None) -> None:
        sent.append((message_id, message))

    monkeypatch.setattr(reservations_app, "publish", keep)
    return sent


def test_a_published_event_is_on_sale(published_answers: list[Any]) -> None:
    pool = general_pool(5)
    kind = ticket_type(pool)
    published = event([pool], [kind])
    assert deliver(published) == {"batchItemFailures": []}
    assert len(where(hold(published, kind, 5))) == 5


def newer(published: EventPublished, version: int, **changes: Any) -> EventPublished:
    return msgspec.structs.replace(published, version=version, **changes)


def test_versions_decide_whatever_order_they_come_in() -> None:
    published, kind = on_sale(5)
    cheaper = msgspec.structs.replace(kind, price=Money(100, "USD"))
    dearer = msgspec.structs.replace(kind, price=Money(9900, "USD"))
    third = newer(published, 3, ticket_types=(dearer,))
    assert deliver(third, newer(published, 2, ticket_types=(cheaper,)), published, third) == {"batchItemFailures": []}
    assert hold(published, kind, 1).total.amount == 9900


def test_a_pool_may_grow_while_it_is_sold() -> None:
    published, kind = on_sale(5)
    assert len(where(hold(published, kind, 5))) == 5
    grown = msgspec.structs.replace(published.pools[0], capacity=30)
    deliver(newer(published, 2, pools=(grown,)))
    assert len(where(hold(published, kind, 25))) == 25
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)


def test_a_pool_whose_places_would_move_keeps_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 10))
    held = hold(published, kinds["A"], 4)
    moved = msgspec.structs.replace(published.pools[0], runs=tuple(rows("Stalls", "A", 3, 7)))
    smaller = msgspec.structs.replace(published.pools[0], capacity=4, runs=tuple(rows("Stalls", "A", 4)))
    deliver(newer(published, 2, pools=(moved,)), newer(published, 3, pools=(smaller,)))
    assert "pool_shape_kept" in capsys.readouterr().out
    rest = hold(published, kinds["A"], 6)
    assert not where(rest) & where(held)
    assert {place.row for place in rest.places} == {"A"}


def test_a_paid_order_is_answered_once_and_again_under_the_same_id(published_answers: list[Any]) -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    deliver(order, order)
    deliver(order)
    assert [message_id for message_id, _ in published_answers] == [
        f"hold#{order.hold_id}|1|reservations.hold_confirmed.v1"
    ] * 3
    assert {message.places for _, message in published_answers} == {order.places}


def test_a_refused_order_is_answered(published_answers: list[Any]) -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2, clock.now() - timedelta(hours=1)))
    hold(published, kind, 2, clock.now())
    deliver(order, order)
    assert [type(message) for _, message in published_answers] == [HoldRefused, HoldRefused]


def test_an_answer_that_cannot_be_published_brings_the_message_again(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))

    def fail(*arguments: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(reservations_app, "publish", fail)
    assert deliver(order) == {"batchItemFailures": [{"itemIdentifier": "r0"}]}
    monkeypatch.undo()
    assert isinstance(use_cases.answer_paid_order(order, OPENING), HoldConfirmed)


def image(row: BlockRow | None) -> dict[str, Any]:
    """A row as the stream shows it, bytes in base 64."""
    if row is None:
        return {}
    return json.loads(json.dumps(row.serialize(), default=lambda raw: base64.b64encode(raw).decode()))  # type: ignore[no-any-return]


def test_the_stream_tells_the_hints_what_others_wrote() -> None:
    published, kind = on_sale(2)
    hold(published, kind, 1, OPENING - timedelta(hours=1))
    sale = repository.sale_of(published.event_id, OPENING)
    pool_id = published.pools[0].pool_id
    before = fetch(BlockRow, *block_key(pool_id, 0))
    # A writer without Redis, as far as the hints know.
    repository.take(new_id("hld"), {(pool_id, 0): [0, 1]}, int(OPENING.timestamp()) + 600, now=OPENING)
    after = fetch(BlockRow, *block_key(pool_id, 0))
    record = {"eventName": "MODIFY", "dynamodb": {"OldImage": image(before), "NewImage": image(after)}}
    assert reservations_app.follow_blocks({"Records": [record]}, None) == {"batchItemFailures": []}
    demand = sale.demand(kind, Wish("any", 1))
    assert isinstance(hints.ask(sale, {demand: 1}, OPENING), hints.Short)
    back = {
        "eventName": "MODIFY",
        "dynamodb": {"OldImage": image(after), "NewImage": image(BlockRow(*block_key(pool_id, 0)))},
    }
    reservations_app.follow_blocks({"Records": [back]}, None)
    assert isinstance(hints.ask(sale, {demand: 2}, OPENING), hints.Picked)


def test_the_stream_passes_over_what_is_no_block() -> None:
    other = {"dynamodb": {"NewImage": {"pk": {"S": "event#evt_1"}, "sk": {"S": "event"}}}}
    removed = {"dynamodb": {"OldImage": {"pk": {"S": "block#pol_1#0"}, "sk": {"S": "block"}}}}
    unknown = {"dynamodb": {"NewImage": {"pk": {"S": f"block#{new_id('pol')}#0"}, "sk": {"S": "block"}}}}
    assert reservations_app.follow_blocks({"Records": [other, removed, unknown]}, None) == {"batchItemFailures": []}


def test_a_record_that_fails_does_not_hold_up_the_stream(capsys: pytest.CaptureFixture[str]) -> None:
    broken = {"dynamodb": {"NewImage": {"pk": {"S": f"block#{new_id('pol')}#none"}, "sk": {"S": "block"}}}}
    assert reservations_app.follow_blocks({"Records": [broken]}, None) == {"batchItemFailures": []}
    assert "hints_not_corrected" in capsys.readouterr().out


def test_seats_of_a_published_hall_are_sold_by_its_zones() -> None:
    pool = seated_pool([*rows("Stalls", "A", 4), *rows("Balcony", "B", 4)])
    kind = ticket_type(pool, zone="B")
    published = event([pool], [kind])
    deliver(published)
    caching.forget()
    assert {place.section for place in hold(published, kind, 4).places} == {"Balcony"}


def test_a_voucher_is_kept_as_of_its_newest_version() -> None:
    voucher = VoucherChanged(
        voucher_id=new_id("vou"),
        version=1,
        event_id=new_id("evt"),
        organiser_id=new_id("org"),
        code="SPRING-26",
        uses_max=5,
        price=Money(500, "USD"),
        valid_until=OPENING,
    )
    newer = msgspec.structs.replace(voucher, version=3, uses_max=9, revoked=True)
    assert use_cases.take_in_voucher(voucher, OPENING)
    assert repository.voucher_of(voucher.event_id, "spring-26") == voucher
    assert use_cases.take_in_voucher(newer, OPENING)
    assert not use_cases.take_in_voucher(voucher, OPENING)
    assert not use_cases.take_in_voucher(msgspec.structs.replace(voucher, version=2), OPENING)
    assert repository.voucher_of(voucher.event_id, "SPRING-26") == newer
    assert repository.voucher_of(new_id("evt"), "SPRING-26") is None
