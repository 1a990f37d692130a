"""What an order's row keeps: packed small, read back whole, and built into messages from stream images."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.orders import OrderCancelled, OrderConfirmed, OrderPaid, OrderRefunded, OrderRefunding
from contracts.sale import PlaceSold, QuotaSlot
from services.orders import announcements, repository
from services.orders.domain import ExtraPayment, Order, OrderState
from shared import ids
from shared.data import plain
from shared.money import Money
from tests.unit.orders.sample_sale import BUYER, OTHER_PAYMENT_ID, PAYMENT_ID, order_in

raw_ids = st.binary(min_size=16, max_size=16)
labels = st.none() | st.text(max_size=20)
uses = st.builds(
    QuotaSlot,
    st.sampled_from(["tty_cap", "vou_code", "evt_e:per_p"]),
    st.integers(0, 999),
    st.integers(0, 24),
    st.integers(1, 25_000),
)
places = st.builds(
    PlaceSold,
    pool_id=raw_ids.map(lambda raw: ids.from_raw_bytes("pol", raw)),
    block=st.integers(0, 100_000),
    slot=st.integers(0, 24),
    ticket_type_id=raw_ids.map(lambda raw: ids.from_raw_bytes("tty", raw)),
    ticket_type_name=st.text(max_size=30),
    price=st.integers(0, 10**7).map(lambda amount: Money(amount, "USD")),
    section=labels,
    row=labels,
    seat=labels,
    quotas=st.lists(uses, max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(places, max_size=10).map(tuple))
def test_buyer_and_places_come_back_as_they_were_packed(sold: tuple[PlaceSold, ...]) -> None:
    assert repository.unpack_sale(repository.pack_sale(BUYER, sold), "USD") == (BUYER, sold)


def image_of(order: Order, announce: str) -> dict[str, Any]:
    row = repository.row_of(order, b"d" * 16)
    row.version, row.created_at, row.updated_at = order.version, order.placed_at, order.placed_at
    row.outbox = {"version": order.version, "types": [announce]}
    return plain.from_item(row.serialize())


@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.EXPIRED])
def test_an_order_comes_back_from_its_image_as_it_was(state: OrderState) -> None:
    order = order_in(state)
    assert repository.order_of_image(image_of(order, "any")) == order


@pytest.mark.parametrize(
    ("state", "type_name"),
    [
        (OrderState.PAID, OrderPaid.type_name),
        (OrderState.CONFIRMED, OrderConfirmed.type_name),
        (OrderState.CANCELLED, OrderCancelled.type_name),
        (OrderState.REFUNDING, OrderRefunding.type_name),
        (OrderState.REFUNDED, OrderRefunded.type_name),
    ],
)
def test_every_announced_state_becomes_its_message(state: OrderState, type_name: str) -> None:
    order = order_in(state)
    message: Any = announcements.BUILDERS[type_name](image_of(order, type_name))
    assert type(message).type_name == type_name
    assert (message.order_id, message.version, message.event_id) == (order.order_id, order.version, order.event_id)
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


def test_what_the_messages_say_of_the_money() -> None:
    order = order_in(OrderState.REFUNDED)
    message: Any = announcements.order_refunded(image_of(order, OrderRefunded.type_name))
    assert (message.amount, message.reason, message.was_confirmed) == (order.total, "places_taken", False)
    paid: Any = announcements.order_paid(image_of(order_in(OrderState.PAID), OrderPaid.type_name))
    assert (paid.payment_id, paid.total, paid.buyer) == (PAYMENT_ID, order.total, BUYER)


@pytest.mark.parametrize("state", [OrderState.PAID, OrderState.CONFIRMED, OrderState.CANCELLED, OrderState.REFUNDED])
def test_the_limits_that_places_count_for_are_passed_on_untouched(state: OrderState) -> None:
    order = order_in(state)
    uses = (QuotaSlot("tty_cap", 3, 24, 1000), QuotaSlot("evt_a:per_b", 0, 1, 4))
    counted = [msgspec.structs.replace(place, quotas=uses[:number]) for number, place in enumerate(order.places)]
    order = msgspec.structs.replace(order, places=tuple(counted))
    types: dict[OrderState, Any] = {
        OrderState.PAID: OrderPaid,
        OrderState.CONFIRMED: OrderConfirmed,
        OrderState.CANCELLED: OrderCancelled,
        OrderState.REFUNDED: OrderRefunded,
    }
    image = image_of(order, types[state].type_name)
    message: Any = announcements.BUILDERS[types[state].type_name](image)
    assert message.places == order.places
    assert any(place.quotas for place in message.places)


def test_places_packed_before_there_were_limits_are_read() -> None:
    order = order_in(OrderState.PAID)
    packed = msgspec.msgpack.decode(repository.pack_sale(order.buyer, order.places))
    before = msgspec.msgpack.encode(packed[:5])
    assert repository.unpack_sale(before, order.total.currency) == (order.buyer, order.places)


def test_a_row_that_lacks_what_it_announces_is_refused() -> None:
    with pytest.raises(announcements.Incomplete):
        announcements.order_paid(image_of(order_in(OrderState.PENDING), OrderPaid.type_name))


def test_a_payment_beside_the_order_asks_for_its_own_refund() -> None:
    order = order_in(OrderState.CONFIRMED)
    extra = ExtraPayment(
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        payment_id=OTHER_PAYMENT_ID,
        amount=Money(700, "EUR"),
        state=OrderState.REFUNDING,
    )
    row = repository.extra_row_of(extra)
    row.version, row.created_at, row.updated_at = 1, order.placed_at, order.placed_at
    row.outbox = {"version": 1, "types": [OrderRefunding.type_name]}
    message: Any = announcements.order_refunding(plain.from_item(row.serialize()))
    assert (message.payment_id, message.amount, message.reason) == (
        OTHER_PAYMENT_ID,
        Money(700, "EUR"),
        "second_payment",
    )
