"""Orders in DynamoDB: one item an order, small enough that every change of it costs one write unit.

    pk = order id   sk = "order"                    the order; listing_pk = buyer's person id, listing_sk = order id
    pk = order id   sk = "extra#<payment id>"       a payment beside the order's own, on its way back

Ids are kept as their 16 bytes, and the buyer and places as one packed value without field names: eight seats with their
labels stay within the 1 KB that one write unit covers. An update is charged for the larger of the item before and
after, so the bytes saved here are saved four times a sale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import repeat
from typing import Any, Final, TypeVar

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from contracts.orders import OrderRefunding
from contracts.sale import Buyer, PlaceSold, QuotaSlot
from services.orders.domain import Change, ExtraPayment, Order, OrderState
from shared import clock, ids
from shared.data import (
    AlreadyExists,
    ListedRow,
    Row,
    StaleVersion,
    fetch,
    insert,
    query_page,
    replace,
)
from shared.money import Money

ORDER_SK: Final = "order"
EXTRA_PREFIX: Final = "extra#"
# A row that is changed by somebody else this often between two of our reads has something wrong with it.
TRIES_MAX: Final = 8


AnyRow = TypeVar("AnyRow", bound=Row)


class OrderGone(LookupError):
    """A fact speaks of an order that is not in the table."""


class _Kind(msgspec.Struct, frozen=True, array_like=True):
    """What places have in common: pool, ticket type, price, section and row are kept once for all that share them."""

    pool: bytes
    ticket_type: bytes
    ticket_type_name: str
    amount: int
    section: str | None
    row: str | None


class _Sale(msgspec.Struct, frozen=True, array_like=True):
    """Buyer and places as stored. A place is (kind's number, block, slot, seat).

    `uses` has for each place the limits it counts for, as (quota's number, block, slot); nothing where no place has
    any, as in orders packed before there were limits.
    """

    person: bytes
    email: str
    name: str
    kinds: list[_Kind]
    places: list[tuple[int, int, int, str | None]]
    quotas: list[tuple[str, int]] = []
    uses: list[list[tuple[int, int, int]]] = []


def pack_sale(buyer: Buyer, places: tuple[PlaceSold, ...]) -> bytes:
    """Buyer and places in as few bytes as they need; the currency is the order's and not repeated."""
    kinds: dict[_Kind, int] = {}
    packed: list[tuple[int, int, int, str | None]] = []
    quotas: dict[tuple[str, int], int] = {}
    uses: list[list[tuple[int, int, int]]] = []
    for place in places:
        kind = _Kind(
            ids.raw_bytes(place.pool_id),
            ids.raw_bytes(place.ticket_type_id),
            place.ticket_type_name,
            place.price.amount,
            place.section,
            place.row,
        )
        packed.append((kinds.setdefault(kind, len(kinds)), place.block, place.slot, place.seat))
        uses.append(
            [
                (quotas.setdefault((one.quota_id, one.places_max), len(quotas)), one.block, one.slot)
                for one in place.quotas
            ]
        )
    person = ids.raw_bytes(buyer.person_id)
    sale = _Sale(person, buyer.email, buyer.name, list(kinds), packed, list(quotas), uses if quotas else [])
    return msgspec.msgpack.encode(sale)


def unpack_sale(packed: bytes, currency: str) -> tuple[Buyer, tuple[PlaceSold, ...]]:
    """The buyer and the places that were packed."""
    sale = msgspec.msgpack.decode(packed, type=_Sale)
    buyer = Buyer(person_id=ids.from_raw_bytes("per", sale.person), email=sale.email, name=sale.name)
    places = tuple(
        PlaceSold(
            pool_id=ids.from_raw_bytes("pol", sale.kinds[number].pool),
            block=block,
            slot=slot,
            ticket_type_id=ids.from_raw_bytes("tty", sale.kinds[number].ticket_type),
            ticket_type_name=sale.kinds[number].ticket_type_name,
            price=Money(sale.kinds[number].amount, currency),
            section=sale.kinds[number].section,
            row=sale.kinds[number].row,
            seat=seat,
            quotas=tuple(QuotaSlot(sale.quotas[n][0], block, slot, sale.quotas[n][1]) for n, block, slot in uses),
        )
        for (number, block, slot, seat), uses in zip(sale.places, sale.uses or repeat([]), strict=False)
    )
    return buyer, places


class OrderRow(ListedRow):
    """An order. Times of the sale are milliseconds since 1970: half the bytes of their text."""

    class Meta:
        table_variable = "ORDERS_TABLE_NAME"

    state = UnicodeAttribute()
    event = BinaryAttribute(legacy_encoding=False)
    organiser = BinaryAttribute(legacy_encoding=False)
    sale = BinaryAttribute(legacy_encoding=False)
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    pay_until = NumberAttribute()
    digest = BinaryAttribute(legacy_encoding=False)
    payment = BinaryAttribute(null=True, legacy_encoding=False)
    captured = NumberAttribute(null=True)
    captured_currency = UnicodeAttribute(null=True)
    refund_reason = UnicodeAttribute(null=True)
    paid_at = NumberAttribute(null=True)
    confirmed_at = NumberAttribute(null=True)
    cancelled_at = NumberAttribute(null=True)
    refunded_at = NumberAttribute(null=True)


class ExtraPaymentRow(Row):
    """A payment beside the order's own, with an outbox of its own so that the order's row is not touched."""

    class Meta:
        table_variable = "ORDERS_TABLE_NAME"

    state = UnicodeAttribute()
    event = BinaryAttribute(legacy_encoding=False)
    organiser = BinaryAttribute(legacy_encoding=False)
    amount = NumberAttribute()
    currency = UnicodeAttribute()


class StoredOrder(msgspec.Struct):
    """An order with the hash of the request that made it."""

    order: Order
    digest: bytes


class OrderPage(msgspec.Struct):
    """Some orders of a list, and the cursor for what follows, None at the end."""

    items: list[Order]
    next: str | None


def put_if_absent(order: Order, digest: bytes, announce: str | None = None) -> StoredOrder:
    """Store a new order, with a message where it announces one, or leave the one that is there; answers what is now."""
    row = row_of(order, digest)
    try:
        insert(row, now=order.placed_at, announce=(announce,) if announce else ())
    except AlreadyExists as refused:
        stored = refused.stored
        assert isinstance(stored, OrderRow)
        return StoredOrder(order_of(stored), stored.digest)
    return StoredOrder(order, digest)


def find_order(order_id: str) -> StoredOrder | None:
    """The order with that id and the hash it was made from, None when there is none."""
    row = fetch(OrderRow, order_id, ORDER_SK)
    return None if row is None else StoredOrder(order_of(row), row.digest)


def page_of_buyer(person_id: str, limit: int, cursor: str | None) -> OrderPage:
    """A page of one buyer's orders, newest first. Raises BadCursor."""
    page = query_page(OrderRow, person_id, index="listing", limit=limit, cursor=cursor, newest_first=True)
    return OrderPage([order_of(row) for row in page.items], page.next)


def change_order(order_id: str, decide: Callable[[Order], Change | ExtraPayment | None], now: datetime) -> Order:
    """Read the order, let `decide` say what becomes of it, and store that; again when the row moved on meanwhile.

    An ExtraPayment is stored beside the order. Whatever `decide` raises passes through. Raises OrderGone.
    """
    row = fetch(OrderRow, order_id, ORDER_SK)
    for _ in range(TRIES_MAX):
        if row is None:
            raise OrderGone(f"There is no order {order_id}.")
        order = order_of(row)
        match decide(order):
            case None:
                return order
            case ExtraPayment() as extra:
                keep_extra(extra, now)
                return order
            case Change(changed, announce):
                _fill(row, changed)
                try:
                    replace(row, now=now, announce=(announce,))
                except StaleVersion as stale:
                    stored = stale.stored
                    assert stored is None or isinstance(stored, OrderRow)
                    row = stored
                    continue
                return changed
    raise StaleVersion(row)


def keep_extra(extra: ExtraPayment, now: datetime) -> None:
    """Note a payment that goes back, or that it went back; what is known already changes nothing."""
    refunding = extra.state is OrderState.REFUNDING
    row = extra_row_of(extra)
    try:
        insert(row, now=now, announce=(OrderRefunding.type_name,) if refunding else ())
        return
    except AlreadyExists as refused:
        stored = refused.stored
    assert isinstance(stored, ExtraPaymentRow)
    if refunding or stored.state == OrderState.REFUNDED:
        return
    # Only refunding → refunded is left, so whoever wrote in between wrote exactly this.
    stored.state = OrderState.REFUNDED.value
    try:
        replace(stored, now=now)
    except StaleVersion as stale:
        if not isinstance(stale.stored, ExtraPaymentRow) or stale.stored.state != OrderState.REFUNDED:
            raise


def find_extra(order_id: str, payment_id: str) -> ExtraPayment | None:
    """What is known of a payment beside the order's own, None when nothing is."""
    row = fetch(ExtraPaymentRow, order_id, EXTRA_PREFIX + payment_id)
    return None if row is None else extra_of(row)


def row_of(order: Order, digest: bytes) -> OrderRow:
    """The row that keeps an order."""
    row = OrderRow(
        order.order_id,
        ORDER_SK,
        event=ids.raw_bytes(order.event_id),
        organiser=ids.raw_bytes(order.organiser_id),
        amount=order.total.amount,
        currency=order.total.currency,
        pay_until=clock.epoch_milliseconds(order.pay_until),
        digest=digest,
        listing_pk=order.buyer.person_id,
        listing_sk=order.order_id,
    )
    _fill(row, order)
    return row


def extra_row_of(extra: ExtraPayment) -> ExtraPaymentRow:
    """The row that keeps a payment beside an order."""
    return ExtraPaymentRow(
        extra.order_id,
        EXTRA_PREFIX + extra.payment_id,
        state=extra.state.value,
        event=ids.raw_bytes(extra.event_id),
        organiser=ids.raw_bytes(extra.organiser_id),
        amount=extra.amount.amount,
        currency=extra.amount.currency,
    )


def order_of(row: OrderRow) -> Order:
    """The order a row holds."""
    buyer, places = unpack_sale(row.sale, row.currency)
    total = Money(int(row.amount), row.currency)
    return Order(
        order_id=row.pk,
        event_id=ids.from_raw_bytes("evt", row.event),
        organiser_id=ids.from_raw_bytes("org", row.organiser),
        buyer=buyer,
        places=places,
        total=total,
        pay_until=clock.from_epoch_milliseconds(int(row.pay_until)),
        placed_at=row.created_at,
        state=OrderState(row.state),
        version=int(row.version),
        payment_id=None if row.payment is None else ids.from_raw_bytes("pay", row.payment),
        captured=_captured(row, total),
        refund_reason=row.refund_reason,
        paid_at=_moment(row.paid_at),
        confirmed_at=_moment(row.confirmed_at),
        cancelled_at=_moment(row.cancelled_at),
        refunded_at=_moment(row.refunded_at),
    )


def extra_of(row: ExtraPaymentRow) -> ExtraPayment:
    """The payment a row beside an order holds."""
    return ExtraPayment(
        order_id=row.pk,
        event_id=ids.from_raw_bytes("evt", row.event),
        organiser_id=ids.from_raw_bytes("org", row.organiser),
        payment_id=row.sk.removeprefix(EXTRA_PREFIX),
        amount=Money(int(row.amount), row.currency),
        state=OrderState(row.state),
        version=int(row.version),
    )


def order_of_image(image: Mapping[str, Any]) -> Order:
    """The order in a stream record's image, given as plain Python."""
    return order_of(_row_of_image(OrderRow, image))


def extra_of_image(image: Mapping[str, Any]) -> ExtraPayment:
    """The payment beside an order in a stream record's image, given as plain Python."""
    return extra_of(_row_of_image(ExtraPaymentRow, image))


def _row_of_image(model_cls: type[AnyRow], image: Mapping[str, Any]) -> AnyRow:
    known = model_cls.get_attributes()
    values = {name: value for name, value in image.items() if name in known and value is not None}
    for name in ("created_at", "updated_at"):
        values[name] = clock.from_iso(values[name])
    return model_cls(values.pop("pk"), values.pop("sk"), **values)


def _fill(row: OrderRow, order: Order) -> None:
    row.state = order.state.value
    row.sale = pack_sale(order.buyer, order.places)
    row.payment = None if order.payment_id is None else ids.raw_bytes(order.payment_id)
    # The usual capture is the total, and said by there being a payment at all.
    odd = order.captured if order.captured != order.total else None
    row.captured = None if odd is None else odd.amount
    row.captured_currency = None if odd is None else odd.currency
    row.refund_reason = order.refund_reason
    row.paid_at = _milliseconds(order.paid_at)
    row.confirmed_at = _milliseconds(order.confirmed_at)
    row.cancelled_at = _milliseconds(order.cancelled_at)
    row.refunded_at = _milliseconds(order.refunded_at)


def _captured(row: OrderRow, total: Money) -> Money | None:
    captured = total if row.captured is None else Money(int(row.captured), row.captured_currency)
    return None if row.payment is None else captured


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else clock.epoch_milliseconds(at)


def _moment(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else clock.from_epoch_milliseconds(int(milliseconds))
