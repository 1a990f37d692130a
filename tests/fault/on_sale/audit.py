"""What must be true of an on-sale when nothing is left to do, from raw items and the company's statement alone.

None of the services' code is used: what they would misread, they would misjudge as well.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
import msgspec

from shared.ids import raw_bytes
from tests.fault.on_sale.buyers import Place, Told

BLOCK_PLACES: Final = 25
_YEARS_AHEAD_SECONDS: Final = 10 * 365 * 86_400
# Both sides have the same clock; a hold's last second is whole.
_CLOCK_SECONDS: Final = 1.0
_ENDS: Final = ("confirmed", "refunded", "cancelled", "pending")


class Untrue(AssertionError):
    """Something that must always hold does not."""


@dataclass(frozen=True)
class Slot:
    """Whose a place is, by the 16 bytes of the hold's id, and until when (seconds since 1970)."""

    hold: bytes
    until: int

    @property
    def is_sold(self) -> bool:
        """Whether it is taken for good."""
        return self.until > time.time() + _YEARS_AHEAD_SECONDS


@dataclass(frozen=True)
class StoredOrder:
    """An order as its item says."""

    state: str
    person: bytes
    amount: int
    places: frozenset[Place]


@dataclass
class Books:
    """All facts that an audit looks at. Money is by order, as (captured, refunded)."""

    capacity: int
    hold_seconds: int
    price: int
    slots: dict[Place, Slot]
    orders: dict[str, StoredOrder]
    valid_tickets: Counter[str]
    money: dict[str, tuple[int, int]]
    told: list[Told]


def read_books(
    names: Mapping[str, str],
    pool_id: str,
    capacity: int,
    hold_seconds: int,
    price: int,
    charges: list[dict[str, Any]],
    told: list[Told],
) -> Books:
    """Reads the tables as they are, past every cache and every service."""
    money: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for charge in charges:
        order_id = "ord_" + charge["metadata"]["payment_id"].partition("_")[2]
        captured, refunded = money[order_id]
        money[order_id] = captured + charge["amount"], refunded + charge["refunded"]
    slots: dict[Place, Slot] = {}
    for item in _scanned(names["RESERVATIONS_TABLE_NAME"]):
        kind, _, rest = str(item["pk"]).partition("#")
        pool, _, block = rest.rpartition("#")
        if kind == "block" and pool == pool_id:
            for name, value in item.items():
                if name[0] == "p" and name[1:].isdigit():
                    slots[int(block), int(name[1:])] = Slot(bytes(value[0]), int(value[1]))
    orders = {str(item["pk"]): _order(item) for item in _scanned(names["ORDERS_TABLE_NAME"]) if item["sk"] == "order"}
    tickets = [item for item in _scanned(names["TICKETS_TABLE_NAME"]) if item["sk"] == "ticket"]
    valid = Counter(str(item["ticket"]["order_id"]) for item in tickets if not item["is_revoked"])
    return Books(capacity, hold_seconds, price, slots, orders, valid, dict(money), told)


def unsettled(books: Books) -> list[str]:
    """Orders that still wait for something: money that came in and is neither tickets nor back with the buyer."""
    waiting = []
    for order_id, (captured, refunded) in books.money.items():
        order = books.orders.get(order_id)
        done = order is not None and (
            (order.state == "confirmed" and books.valid_tickets[order_id] == len(order.places))
            or (order.state == "refunded" and captured == refunded)
        )
        if not done:
            waiting.append(f"{order_id} {order.state if order else 'missing'}")
    return waiting


def check(books: Books) -> None:
    """Raises Untrue with what is wrong."""
    check_capacity(books)
    check_places(books)
    check_money(books)
    check_told(books)
    check_given_once(books)


def check_capacity(books: Books) -> None:
    """Nothing is sold that the pool does not have."""
    outside = [place for place in books.slots if not _is_of_pool(place, books.capacity)]
    if outside:
        raise Untrue(f"places that the pool does not have: {outside}")
    sold = sum(slot.is_sold for slot in books.slots.values())
    if sold > books.capacity:
        raise Untrue(f"{sold} places are sold, the pool has {books.capacity}")


def check_places(books: Books) -> None:
    """Every place is free, or held and not for too long, or sold to exactly one confirmed order."""
    claims: defaultdict[Place, list[str]] = defaultdict(list)
    for order_id, order in books.orders.items():
        if order.state == "confirmed":
            for place in order.places:
                claims[place].append(order_id)
    twice = {place: owners for place, owners in claims.items() if len(owners) > 1}
    if twice:
        raise Untrue(f"sold twice: {twice}")
    for place, (owner,) in claims.items():
        slot = books.slots.get(place)
        if slot is None or not slot.is_sold or slot.hold != raw_bytes(owner):
            raise Untrue(f"{owner} is confirmed, but {place} is not its own: {slot}")
    for place, slot in books.slots.items():
        if slot.is_sold and place not in claims:
            raise Untrue(f"{place} is sold to nobody")
        if not slot.is_sold and slot.until > time.time() + books.hold_seconds + _CLOCK_SECONDS:
            raise Untrue(f"{place} is held for longer than a hold lasts")


def check_money(books: Books) -> None:
    """Every paid order has its tickets or all its money back, and nobody else has either."""
    for order_id in books.orders.keys() | books.money.keys():
        order = books.orders.get(order_id)
        captured, refunded = books.money.get(order_id, (0, 0))
        tickets = books.valid_tickets[order_id]
        if order is None:
            raise Untrue(f"{order_id} was paid and is not there")
        if order.state not in _ENDS:
            raise Untrue(f"{order_id} stopped half way, {order.state}")
        if order.amount != books.price * len(order.places):
            raise Untrue(f"{order_id} costs {order.amount} for {len(order.places)} places")
        if order.state == "confirmed":
            if captured - refunded != order.amount:
                raise Untrue(f"{order_id} is confirmed, and {captured - refunded} of {order.amount} was kept")
            if tickets != len(order.places):
                raise Untrue(f"{order_id} has {tickets} tickets for {len(order.places)} places")
        elif captured != refunded:
            raise Untrue(f"{order_id} is {order.state}, and {captured - refunded} of its money was kept")
        elif captured and order.state != "refunded":
            raise Untrue(f"{order_id} was paid and ended {order.state}")
        elif tickets:
            raise Untrue(f"{order_id} is {order.state}, and has tickets")
    strange = books.valid_tickets.keys() - books.orders.keys()
    if strange:
        raise Untrue(f"tickets of orders that are not there: {strange}")


def check_told(books: Books) -> None:
    """What was acknowledged is there, and the buyers see what is stored."""
    for told in books.told:
        if told.order_id is None:
            if told.is_free and any(slot.hold == raw_bytes(told.hold_id) for slot in books.slots.values()):
                raise Untrue(f"{told.hold_id} was let go, and still has places")
            continue
        order = books.orders.get(told.order_id)
        if order is None:
            raise Untrue(f"{told.order_id} was acknowledged and is lost")
        if order.person != raw_bytes(told.buyer.person_id) or len(order.places) != len(told.places):
            raise Untrue(f"{told.order_id} is not what was acknowledged")
        if told.paid_at is not None and not books.money.get(told.order_id, (0, 0))[0]:
            raise Untrue(f"{told.order_id} was paid, and the company knows nothing of it")
        if order.state == "pending" and told.gave_up_at is not None:
            raise Untrue(f"{told.order_id} was cancelled, and is {order.state}")
        seen = "pending" if told.order_state == "expired" else told.order_state
        if (seen, told.order_places) != (order.state, order.places):
            raise Untrue(f"{told.order_id} is shown as {told.order_state}, and is {order.state}")


def check_given_once(books: Books) -> None:
    """Nobody had a place while somebody else had it, by what both were told and when.

    From when to when a person had it for certain is what counts, so that two who asked at the same moment and were both
    given it are found as well.
    """
    given: defaultdict[Place, list[Told]] = defaultdict(list)
    for told in books.told:
        for place in told.places:
            given[place].append(told)
    for place, holders in given.items():
        for one, other in itertools.combinations(holders, 2):
            if max(one.held_at, other.held_at) < min(_had_until(one, books), _had_until(other, books)):
                raise Untrue(f"{place} was given to {other.hold_id} while {one.hold_id} had it")


def _had_until(told: Told, books: Books) -> float:
    """Until when a hold's places were the buyer's for certain, in seconds since 1970."""
    ends_at = min(told.expires_at, told.gave_up_at or told.expires_at)
    order = books.orders.get(told.order_id or "")
    if order is not None and order.state == "refunded":
        # When a refund gives the places back is not told to anybody.
        return min(ends_at, told.paid_at or ends_at)
    return ends_at


def _is_of_pool(place: Place, capacity: int) -> bool:
    block, slot = place
    return 0 <= slot < BLOCK_PLACES and 0 <= block * BLOCK_PLACES + slot < capacity


def _order(item: Mapping[str, Any]) -> StoredOrder:
    # Buyer, then kinds of places, each with its pool first, then places as kind, block, slot and what else there is.
    person, _, _, _, places, *_ = msgspec.msgpack.decode(bytes(item["sale"]))
    return StoredOrder(
        state=str(item["state"]),
        person=bytes(person),
        amount=int(item["amount"]),
        places=frozenset((place[1], place[2]) for place in places),
    )


def _scanned(table_name: str) -> list[dict[str, Any]]:
    table = boto3.resource("dynamodb").Table(table_name)
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"ConsistentRead": True}
    while True:
        answer = table.scan(**page)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
