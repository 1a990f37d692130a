"""The audit of an on-sale finds every kind of wrong: books that are true, and the same books with one thing changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.auth import Identity
from shared.ids import new_id, raw_bytes, same_body
from tests.fault.on_sale.audit import Books, Slot, StoredOrder, Untrue, check, unsettled
from tests.fault.on_sale.buyers import Told

SOLD = 4_102_444_800
NOW = time.time()
PRICE = 4500
CONFIRMED, REFUNDED, CANCELLED, FREED = (new_id("hld") for _ in range(4))


def order_of(hold_id: str) -> str:
    return same_body("ord", hold_id)


def told_of(hold_id: str, places: frozenset[tuple[int, int]], state: str | None) -> Told:
    buyer = Identity(same_body("per", hold_id), "one@example.com", "One", new_id("ses"))
    told = Told(buyer, hold_id, places, NOW - 9, NOW - 8, NOW - 2)
    if state is not None:
        told.order_id, told.order_state, told.order_places = order_of(hold_id), state, places
        told.paid_at = NOW - 7 if state in ("confirmed", "refunded") else None
        told.gave_up_at = NOW - 7 if state == "cancelled" else None
    else:
        told.gave_up_at, told.is_free = NOW - 7, True
    return told


def true_books() -> Books:
    """Two places sold, one order refunded, one cancelled, one hold let go, and one place held by a stranger."""
    two, one = frozenset({(0, 0), (0, 1)}), frozenset({(1, 3)})
    states = {CONFIRMED: ("confirmed", two), REFUNDED: ("refunded", one), CANCELLED: ("cancelled", one)}
    return Books(
        capacity=30,
        hold_seconds=60,
        price=PRICE,
        slots={
            (0, 0): Slot(raw_bytes(CONFIRMED), SOLD),
            (0, 1): Slot(raw_bytes(CONFIRMED), SOLD),
            (0, 2): Slot(raw_bytes(new_id("hld")), int(NOW) + 30),
            (0, 3): Slot(raw_bytes(new_id("hld")), int(NOW) - 30),
        },
        orders={
            order_of(hold): StoredOrder(state, raw_bytes(hold), PRICE * len(places), places)
            for hold, (state, places) in states.items()
        },
        valid_tickets=Counter({order_of(CONFIRMED): 2}),
        money={order_of(CONFIRMED): (2 * PRICE, 0), order_of(REFUNDED): (PRICE, PRICE)},
        told=[
            told_of(CONFIRMED, two, "confirmed"),
            replace(told_of(REFUNDED, one, "refunded"), asked_at=NOW - 30, held_at=NOW - 29, expires_at=NOW - 20),
            told_of(CANCELLED, one, "cancelled"),
            told_of(FREED, frozenset({(0, 2)}), None),
        ],
    )


def test_true_books_pass() -> None:
    check(true_books())
    assert not unsettled(true_books())


def _order(books: Books, hold_id: str, **changed: object) -> None:
    order_id = order_of(hold_id)
    books.orders[order_id] = replace(books.orders[order_id], **changed)  # type: ignore[arg-type]


def _second_owner(books: Books) -> None:
    other = new_id("ord")
    books.orders[other] = replace(books.orders[order_of(CONFIRMED)], person=b"x")
    books.money[other], books.valid_tickets[other] = (2 * PRICE, 0), 2


def _slot(books: Books, place: tuple[int, int], hold_id: str, until: int) -> None:
    books.slots[place] = Slot(raw_bytes(hold_id), until)


def _oversold(books: Books) -> None:
    books.capacity = 1


WRONGS: dict[str, tuple[Callable[[Books], object], str]] = {
    "a place too many": (lambda books: _slot(books, (1, 5), FREED, SOLD), "does not have"),
    "oversold": (_oversold, "does not have"),
    "two owners": (_second_owner, "sold twice"),
    "no owner": (lambda books: _slot(books, (0, 9), FREED, SOLD), "sold to nobody"),
    "a place never sold": (lambda books: _slot(books, (0, 1), CONFIRMED, int(NOW) + 5), "not its own"),
    "a place of a stranger": (lambda books: _slot(books, (0, 1), FREED, SOLD), "not its own"),
    "a place gone": (lambda books: books.slots.pop((0, 1)), "not its own"),
    "held for ever": (lambda books: _slot(books, (0, 9), FREED, int(NOW) + 9999), "longer than a hold"),
    "still has places": (lambda books: _slot(books, (0, 9), FREED, int(NOW) + 5), "was let go"),
    "half way": (lambda books: _order(books, CONFIRMED, state="paid"), "nobody|half way"),
    "a ticket missing": (lambda books: books.valid_tickets.update({order_of(CONFIRMED): -1}), "1 tickets for 2"),
    "a ticket too many": (lambda books: books.valid_tickets.update({order_of(REFUNDED): 1}), "has tickets"),
    "tickets of nobody": (lambda books: books.valid_tickets.update({new_id("ord"): 1}), "not there"),
    "not refunded": (lambda books: books.money.update({order_of(REFUNDED): (PRICE, 0)}), "was kept"),
    "paid and cancelled": (lambda books: books.money.update({order_of(CANCELLED): (1, 1)}), "ended cancelled"),
    "not paid": (lambda books: books.money.update({order_of(CONFIRMED): (0, 0)}), "is confirmed, and 0"),
    "paid twice": (lambda books: books.money.update({order_of(CONFIRMED): (4 * PRICE, 0)}), "was kept"),
    "money of nobody": (lambda books: books.money.update({new_id("ord"): (1, 0)}), "is not there"),
    "an order lost": (lambda books: books.orders.pop(order_of(CANCELLED)), "is lost"),
    "somebody else's order": (lambda books: _order(books, CANCELLED, person=b"y"), "not what was acknowledged"),
    "shown otherwise": (lambda books: setattr(books.told[2], "order_state", "pending"), "is shown as"),
    "a wrong price": (lambda books: _order(books, CANCELLED, amount=1), "costs 1"),
    "payment unknown": (lambda books: setattr(books.told[2], "paid_at", NOW), "knows nothing"),
    "given twice": (
        lambda books: books.told.append(
            replace(told_of(FREED, frozenset({(0, 0)}), None), asked_at=NOW - 6, held_at=NOW - 5, gave_up_at=NOW - 4)
        ),
        "was given to",
    ),
    "given to two who asked at once": (
        lambda books: books.told.append(
            replace(
                told_of(FREED, books.told[0].places, None),
                asked_at=books.told[0].asked_at,
                held_at=books.told[0].held_at,
            )
        ),
        "was given to",
    ),
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_one_wrong_is_found(wrong: str) -> None:
    books = true_books()
    change, words = WRONGS[wrong]
    change(books)
    with pytest.raises(Untrue, match=words):
        check(books)


def test_what_was_paid_and_is_not_done_is_waited_for() -> None:
    books = true_books()
    books.valid_tickets[order_of(CONFIRMED)] = 1
    books.money[order_of(CANCELLED)] = (PRICE, 0)
    assert [line.split()[0] for line in unsettled(books)] == [order_of(CONFIRMED), order_of(CANCELLED)]
