"""One sale from the hold to the mail, step by step through the services' own use cases, and what each step touched.

What the queues and relays carry is handed over by hand. A `Touch` is one item that a request read or wrote, with the
units its real size takes by the product's own rule. Ids in its key that belong to this sale alone are replaced by
placeholders, so that the same sale can be imagined for any number of buyers; an event's or a pool's id stays.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import msgspec

from bench.buying_through import Sale, confirm_order, confirm_places, place_hold, place_order, take_payment
from bench.sale import OnSale, people, publication
from bench.traffic import traffic
from bench.world import room
from contracts.checkout import OrderToken
from contracts.sale import PlaceSold
from contracts.tickets import TicketsIssued
from shared import clock, settings
from shared.data import capacity, consumed, plain, transport
from shared.http.idempotency import Lease, StoredAnswer
from shared.http.idempotency_table import TableStore
from shared.ids import new_id
from shared.money import Money

READ_UNIT_BYTES: Final = 4096
BLOCK: Final = "{block}"
_SALES: Final = 8
_OWN: Final = re.compile(r"(?<=_)[0-7][0-9a-hjkmnp-tv-z]{25}|[0-9a-f]{32,}")


class NotCounted(Exception):
    """A sale sends a request whose items this module cannot count."""


class Touch(msgspec.Struct, frozen=True, kw_only=True):
    """One item that a request read or wrote. `item` is its sort key up to the first `#`, which says what it is.

    `index` says that `key` is one of the table's index `listing`.
    """

    table: str
    key: str
    item: str = ""
    units: float
    write: bool
    index: bool = False
    item_bytes: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a sale: what it touched, what it took, and what it says to others (types of messages)."""

    name: str
    service: str
    touches: tuple[Touch, ...]
    table_writes: float
    index_writes: float
    reads: float
    dynamodb_calls: int
    redis_calls: int
    cpu_ms: float


class _Till:
    """A payment company that takes everything at once: its own side of a payment is not what is measured."""

    name = "test"

    def __init__(self) -> None:
        self._asked: Any = None

    def open_checkout(self, request: Any) -> Any:
        """A page that nobody opens."""
        self._asked = request
        reference = self._reference("chk")
        address = f"https://pay.stagedoor.example/checkouts/{reference}"
        return room("payments", "providers").Checkout(checkout_id=reference, url=address)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Any:
        """Says that the page it made was paid."""
        capture = room("payments", "domain").Capture(
            reference=self._reference("chg"),
            checkout_id=self._reference("chk"),
            amount=self._asked.amount,
            captured_at=now,
        )
        return room("payments", "providers").CheckoutPaid(payment_id=self._asked.payment_id, attempt=1, capture=capture)

    def _reference(self, kind: str) -> str:
        return f"{kind}_{self._asked.payment_id.partition('_')[2]}"


class _OnTheWay(msgspec.Struct, kw_only=True):
    """A sale with what the later steps need."""

    sale: Sale
    till: _Till = msgspec.field(default_factory=_Till)
    issue: Any = None


def whole_sale(event: OnSale, places: int) -> list[Step]:
    """The steps of one order; the touches of one sale, and the medians of several for what a step takes."""
    room("tickets", "use_cases").keep_event(publication(event), clock.now())
    runs: list[list[Step]] = []
    # The first finds nothing prepared, and is not counted. The clock stands, because what a process remembers for five
    # seconds is read again once for everybody, not once for an order.
    with clock.fixed(clock.now()):
        for buyer in people(_SALES + 1):
            going = _OnTheWay(sale=Sale(buyer=buyer, event=event, quantity=places))
            runs.append([_measured(name, service, going, step) for name, (service, step) in _STEPS.items()])
    return [_typical(steps) for steps in zip(*runs[1:], strict=True)]


def full_block_bytes() -> int:
    """The size of a block all of whose places are held: the largest a block can be."""
    pool_id = new_id("pol")
    blocks = room("reservations", "repository")
    until = int(clock.now().timestamp()) + 1800
    with _touching({pool_id.partition("_")[2]}) as touched:
        for slot in range(25):
            blocks.take(new_id("hld"), {(pool_id, 4711): [slot]}, until, now=clock.now())
    return touched[-1].item_bytes


def with_late_payments(steps: Sequence[Step]) -> list[Step]:
    """The sale at its dearest: every hold has run out before it is paid, so that every answer is pinned by a decision.

    The write is the product's own, a transaction over the decision and the block of other places.
    """
    pool_id, hold_id, now = new_id("pol"), new_id("hld"), clock.now()
    ticket_type_id, price = new_id("tty"), Money(4500, "EUR")
    places = [
        PlaceSold(
            pool_id=pool_id,
            block=7,
            slot=slot,
            ticket_type_id=ticket_type_id,
            ticket_type_name="Full price",
            price=price,
        )
        for slot in (3, 4)
    ]
    repository = room("reservations", "repository")
    decision = room("reservations", "repository.decisions").decision(hold_id, "confirmed", places=places)
    sold_until = room("reservations", "domain").SOLD_UNTIL
    with _touching({pool_id.partition("_")[2]}) as touched:
        repository.look_at([(pool_id, 7)])
        repository.decision_of(hold_id)
        repository.take(hold_id, {(pool_id, 7): [3, 4]}, sold_until, now=now, decision=decision)
    return [
        msgspec.structs.replace(step, touches=(*step.touches, *touched)) if step.name == "places sold" else step
        for step in steps
    ]


def _typical(steps: Sequence[Step]) -> Step:
    return msgspec.structs.replace(steps[-1], cpu_ms=statistics.median(step.cpu_ms for step in steps))


def _measured(name: str, service: str, going: _OnTheWay, step: Callable[[_OnTheWay], None]) -> Step:
    event = going.sale.event
    kept = {each.partition("_")[2] for each in (event.event_id, event.pool_id)}
    with consumed() as meter, traffic() as sent, _touching(kept) as touched:
        started = time.thread_time()
        step(going)
        cpu = time.thread_time() - started
    return Step(
        name=name,
        service=service,
        touches=tuple(touched),
        table_writes=meter.writes - meter.index_writes,
        index_writes=meter.index_writes,
        reads=meter.reads,
        dynamodb_calls=meter.requests,
        redis_calls=sent.redis_calls,
        cpu_ms=1000 * cpu,
    )


def _open_checkout(going: _OnTheWay) -> None:
    sale = going.sale
    now = clock.now()
    assert sale.hold is not None
    store = TableStore("PAYMENTS_TABLE_NAME")
    lease = store.begin(f"{sale.buyer.person_id}/{new_id('msg')}", b"\0" * 32, now)
    assert isinstance(lease, Lease)
    token = OrderToken(
        order_id=sale.order_id,
        event_id=sale.hold.event_id,
        event_name=sale.hold.event_name,
        organiser_id=sale.hold.organiser_id,
        person_id=sale.buyer.person_id,
        total=sale.hold.total,
        expires_at=sale.hold.expires_at,
    )
    address = f"https://stagedoor.example/orders/{sale.order_id}"
    payment = room("payments", "use_cases").open_checkout(token, sale.buyer.person_id, address, going.till, now)
    view = msgspec.json.encode(room("payments", "schemas").payment_view(payment))
    store.finish(lease, StoredAnswer(201, view, {"location": f"/v1/payments/{payment.payment_id}"}), now)


def _take_webhook(going: _OnTheWay) -> None:
    room("payments", "use_cases").take_webhook({}, b"", going.till, clock.now())


def _issue_tickets(going: _OnTheWay) -> None:
    desk = room("tickets", "settings").desk(settings.load(room("tickets", "settings").TicketsSettings))
    going.issue = room("tickets", "use_cases").issue_tickets(going.sale.confirmed, desk, clock.now())


def _mail(going: _OnTheWay) -> None:
    issue, event = going.issue, publication(going.sale.event)
    message = TicketsIssued(
        order_id=issue.order_id,
        version=1,
        event_id=issue.event_id,
        organiser_id=issue.organiser_id,
        event_name=event.name,
        starts_at=event.starts_at,
        time_zone=event.time_zone,
        venue_name=event.venue.name,
        buyer=issue.buyer,
        tickets=issue.tickets,
        document=issue.document,
    )
    post = room("notifications", "settings")
    room("notifications", "use_cases").mail_tickets(
        message, post.counter(settings.load(post.NotificationsSettings)), clock.now()
    )


_STEPS: Final[dict[str, tuple[str, Callable[[_OnTheWay], None]]]] = {
    "hold": ("reservations", lambda going: place_hold(going.sale)),
    "order": ("orders", lambda going: place_order(going.sale)),
    "checkout opened": ("payments", _open_checkout),
    "webhook": ("payments", _take_webhook),
    "paid": ("orders", lambda going: take_payment(going.sale)),
    "places sold": ("reservations", lambda going: confirm_places(going.sale)),
    "tickets issued": ("tickets", _issue_tickets),
    "order confirmed": ("orders", lambda going: confirm_order(going.sale)),
    "mailed": ("notifications", _mail),
}


@contextmanager
def _touching(kept: set[str]) -> Iterator[list[Touch]]:
    """Notes every item that passes the data layer's one seam. Ids that are not `kept` become placeholders."""
    touched: list[Touch] = []
    names: dict[str, str] = {}
    carry = transport.carry

    def named(key: str) -> str:
        if key.startswith("block#"):
            return f"{key.rpartition('#')[0]}#{BLOCK}"
        return _OWN.sub(lambda id_: id_[0] if id_[0] in kept else names.setdefault(id_[0], f"<{len(names)}>"), key)

    def noting(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        answer = carry(operation, request, seconds)
        touched.extend(_touches(operation, request, answer, named))
        return answer

    transport.carry = noting
    try:
        yield touched
    finally:
        transport.carry = carry


def _touches(
    operation: str, request: dict[str, Any], answer: dict[str, Any], named: Callable[[str], str]
) -> Iterator[Touch]:
    match operation:
        case "PutItem":
            yield from _written(request["TableName"], request["Item"], 1, named)
        case "UpdateItem":
            yield from _written(request["TableName"], answer["Attributes"], 1, named)
        case "TransactWriteItems":
            for entry in request["TransactItems"]:
                ((kind, write),) = entry.items()
                key = write.get("Key", {}).get("pk", {}).get("S", "")
                if kind == "Put":
                    yield from _written(write["TableName"], write["Item"], 2, named)
                elif kind == "Update" and key.startswith("block#"):
                    # The answer does not show it, but a block stays below a write unit however full it is.
                    yield from _written(write["TableName"], {**write["Key"]}, 2, named)
                else:
                    raise NotCounted(f"a sale with a {kind} of {key} in a transaction: its size is unknown")
        case "GetItem":
            strong = request.get("ConsistentRead", False)
            yield _read(request["TableName"], request["Key"], answer.get("Item"), strong, named)
        case "BatchGetItem":
            for table, wanted in request["RequestItems"].items():
                found = {item["pk"]["S"]: item for item in answer["Responses"].get(table, [])}
                for key in wanted["Keys"]:
                    item = found.get(key["pk"]["S"])
                    yield _read(table, key, item, wanted.get("ConsistentRead", False), named)
        case _:
            raise NotCounted(f"a sale with a {operation}")


def _written(table: str, item: plain.Item, times: int, named: Callable[[str], str]) -> Iterator[Touch]:
    size = plain.item_bytes(item)
    units = times * max(1, math.ceil(size / capacity.WRITE_UNIT_BYTES))
    kind = item["sk"]["S"].partition("#")[0]
    touch = Touch(
        table=table.rpartition("-")[2],
        key=named(item["pk"]["S"]),
        item=kind,
        units=units,
        write=True,
        item_bytes=size,
    )
    yield touch
    if "listing_pk" in item:
        yield msgspec.structs.replace(touch, key=named(item["listing_pk"]["S"]), index=True)


def _read(table: str, key: plain.Item, item: plain.Item | None, strong: bool, named: Callable[[str], str]) -> Touch:
    size = plain.item_bytes(item) if item else 0
    units = max(1, math.ceil(size / READ_UNIT_BYTES)) * (1.0 if strong else 0.5)
    return Touch(
        table=table.rpartition("-")[2],
        key=named(key["pk"]["S"]),
        item=key["sk"]["S"].partition("#")[0],
        units=units,
        write=False,
        item_bytes=size,
    )
