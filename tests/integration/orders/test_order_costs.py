"""What an order weighs and what it costs, measured at DynamoDB."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from contracts.hold import HoldToken, Limit, Use
from contracts.payments import PaymentSucceeded
from contracts.reservations import HoldConfirmed
from contracts.sale import Buyer
from services.orders import repository, use_cases
from services.orders.domain import Order
from shared import clock, ids
from shared.data import Meter, consumed, plain, transport

MakeHold = Callable[..., HoldToken]
PLACES_PER_ORDER_MEASURED = 8
UNIT_BYTES = 1024


def stored_bytes(order_id: str) -> int:
    key = {"pk": {"S": order_id}, "sk": {"S": repository.ORDER_SK}}
    request = {"TableName": repository.OrderRow.table_name(), "Key": key, "ConsistentRead": True}
    return plain.item_bytes(transport.send("GetItem", request)["Item"])


def placed(hold: HoldToken, buyer: Buyer) -> tuple[Order, Meter]:
    with consumed() as meter:
        order = use_cases.place_order(hold, buyer, clock.now())
    return order, meter


def paid(order: Order) -> Meter:
    message = PaymentSucceeded(
        payment_id=ids.same_body("pay", order.order_id),
        version=3,
        order_id=order.order_id,
        organiser_id=order.organiser_id,
        amount=order.total,
        provider="test",
        provider_reference="chg_1",
        succeeded_at=clock.now(),
    )
    with consumed() as meter:
        use_cases.take_payment(message, clock.now())
    return meter


def confirmed(order: Order) -> Meter:
    message = HoldConfirmed(
        hold_id=order.hold_id,
        order_id=order.order_id,
        event_id=order.event_id,
        organiser_id=order.organiser_id,
        buyer=order.buyer,
        places=order.places,
        total=order.total,
        payment_id=ids.same_body("pay", order.order_id),
        confirmed_at=clock.now(),
    )
    with consumed() as meter:
        use_cases.take_confirmation(message, clock.now())
    return meter


def base_writes(meter: Meter) -> float:
    return meter.writes - meter.index_writes


@pytest.mark.parametrize("seats", [1, 2, PLACES_PER_ORDER_MEASURED])
def test_an_order_is_one_write_and_so_is_each_change_of_it(seats: int, make_hold: MakeHold, buyer: Buyer) -> None:
    order, placing = placed(make_hold(seats), buyer)
    paying = paid(order)
    confirming = confirmed(order)
    weight = stored_bytes(order.order_id)
    print(f"an order of {seats} seats, confirmed: {weight} bytes")
    assert [base_writes(meter) for meter in (placing, paying, confirming)] == [1, 1, 1]
    assert weight <= UNIT_BYTES
    # The list of a buyer's orders costs its own write each time; it is told beside the base table's.
    assert [meter.index_writes for meter in (placing, paying, confirming)] == [1, 1, 1]
    assert placing.requests == 1
    assert placing.reads == 0


def test_an_order_with_long_names_is_still_one_write(make_hold: MakeHold) -> None:
    buyer = Buyer(person_id=ids.new_id("per"), email="a" * 60 + "@example.com", name="Wolfgang Amadeus " * 3)
    order, placing = placed(make_hold(PLACES_PER_ORDER_MEASURED, person_id=buyer.person_id), buyer)
    assert base_writes(placing) == 1
    assert base_writes(paid(order)) == 1


def test_an_order_whose_places_count_for_limits_is_still_one_write(make_hold: MakeHold, buyer: Buyer) -> None:
    hold = make_hold(PLACES_PER_ORDER_MEASURED)
    (line,) = hold.lines
    names = (line.ticket_type_id, ids.new_id("vou"), f"{hold.event_id}:{buyer.person_id}")
    places = [
        msgspec.structs.replace(place, uses=tuple(Use(number, 399, place.slot) for number in range(3)))
        for place in line.places
    ]
    limits = tuple(Limit(one, 10_000) for one in names)
    counted = msgspec.structs.replace(line, places=tuple(places), limits=limits)
    order, placing = placed(msgspec.structs.replace(hold, lines=(counted,)), buyer)
    assert {use.quota_id for use in order.places[0].quotas} == set(names)
    assert base_writes(placing) == 1
    assert base_writes(paid(order)) == 1
    assert stored_bytes(order.order_id) <= UNIT_BYTES


def test_the_packing_is_what_keeps_it_small(make_hold: MakeHold, buyer: Buyer) -> None:
    """The control: the same places kept with their field names would not fit one write unit."""
    order, _ = placed(make_hold(PLACES_PER_ORDER_MEASURED), buyer)
    documents = [{name: str(getattr(place, name)) for name in place.__struct_fields__} for place in order.places]
    spelled_out = plain.to_typed(documents)
    packed = repository.pack_sale(order.buyer, order.places)
    unpacked = stored_bytes(order.order_id) - len(packed) + plain.item_bytes({"places": spelled_out})
    assert unpacked > UNIT_BYTES


def test_a_retry_that_finds_its_order_reads_nothing(make_hold: MakeHold, buyer: Buyer) -> None:
    hold = make_hold()
    placed(hold, buyer)
    order, again = placed(hold, buyer)
    assert again.requests == 1
    assert order.version == 1
