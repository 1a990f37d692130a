"""Copies and rivals of `order_paid` at the same moment: one answer for each order, and no place twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from contracts.orders import OrderPaid
from contracts.reservations import HoldRefused
from services.reservations import repository, use_cases
from services.reservations.domain import SOLD_UNTIL, refusals
from services.reservations.repository import decisions
from shared.data import Unavailable
from tests.fault.reservations.racing import Spot, at_once
from tests.integration.reservations.box_office import OPENING, cancelled, hall_on_sale, hold, on_sale, paid, rows, where

LATE = OPENING + timedelta(seconds=601)
Answer = tuple[str, frozenset[Spot]]


def answer_of(order: OrderPaid, tries: int = 12) -> Answer:
    """The answer to an order, brought again as its queue would."""
    for _ in range(tries):
        try:
            answer = use_cases.answer_paid_order(order, LATE)
        except (refusals.Busy, Unavailable):
            continue
        if isinstance(answer, HoldRefused):
            return "refused", frozenset()
        return "confirmed", frozenset((place.pool_id, place.block, place.slot) for place in answer.places)
    raise AssertionError("no answer after so many tries")


def sold(pool_id: str, blocks: int) -> int:
    seen = repository.look_at((pool_id, block) for block in range(blocks))
    return sum(taken.until == SOLD_UNTIL for slots in seen.values() for taken in slots.values())


def answers_at_once(orders: list[OrderPaid]) -> list[Answer]:
    answers: list[Answer] = []
    at_once([lambda order=order: answers.append(answer_of(order)) for order in orders])  # type: ignore[misc]
    return answers


@pytest.mark.parametrize(("taken", "expected"), [(0, "confirmed"), (8, "confirmed"), (13, "refused")])
def test_sixteen_copies_of_one_order_hear_the_same(taken: int, expected: str) -> None:
    published, kind = on_sale(20)
    order = paid(published, hold(published, kind, 10))
    if taken:
        # At LATE all twenty are free again, and the first ones, which were the order's, go to somebody else.
        assert where(hold(published, kind, taken, LATE)) & where(order)
    answers = answers_at_once([order] * 16)
    assert len(answers) == 16
    ((name, places),) = set(answers)
    assert name == expected
    assert len(places) == sold(published.pools[0].pool_id, 1) == (10 if expected == "confirmed" else 0)


def test_rivals_for_the_last_replacements_share_them_without_a_place_twice() -> None:
    published, kind = on_sale(12)
    orders = [paid(published, hold(published, kind, 1)) for _ in range(12)]
    for _ in range(6):
        hold(published, kind, 1, LATE)
    answers = answers_at_once(orders * 2)
    assert len(answers) == 24
    by_order = {order.hold_id: answer_of(order) for order in orders}
    confirmed = [places for name, places in by_order.values() if name == "confirmed"]
    places = [spot for one in confirmed for spot in one]
    assert len(places) == len(set(places)) == 6
    assert Counter(answers) == Counter([*by_order.values()] * 2)
    assert sold(published.pools[0].pool_id, 1) == 6


def test_control_without_the_decision_copies_are_answered_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal that is not pinned turns into something else as soon as places come free."""
    published, kind = on_sale(4)
    order = paid(published, hold(published, kind, 4))
    rival = hold(published, kind, 4, LATE)
    monkeypatch.setattr(repository, "pin", lambda row, now: row)
    assert answer_of(order)[0] == "refused"
    use_cases.forget_cancelled_order(cancelled(paid(published, rival)), LATE)
    assert answer_of(order)[0] == "confirmed"


def test_with_the_decision_they_are_not() -> None:
    published, kind = on_sale(4)
    order = paid(published, hold(published, kind, 4))
    rival = hold(published, kind, 4, LATE)
    assert answer_of(order)[0] == "refused"
    use_cases.forget_cancelled_order(cancelled(paid(published, rival)), LATE)
    assert answer_of(order)[0] == "refused"


def test_a_payment_races_with_the_next_buyer_of_the_same_seats() -> None:
    for _ in range(6):
        published, kinds = hall_on_sale(rows("Stalls", "A", 2))
        order = paid(published, hold(published, kinds["A"], 2))
        answers: list[Answer] = []
        buyers: list[str] = []

        def buy(published=published, kinds=kinds, buyers=buyers) -> None:  # type: ignore[no-untyped-def]
            try:
                buyers.append(hold(published, kinds["A"], 2, LATE).hold_id)
            except (refusals.SoldOut, refusals.AllHeld, refusals.Busy):
                return

        def pay(order=order, answers=answers) -> None:  # type: ignore[no-untyped-def]
            answers.append(answer_of(order))

        at_once([buy, pay, buy, pay])
        assert len(set(answers)) == 1
        assert len(buyers) == (0 if answers[0][0] == "confirmed" else 1)


def test_the_pinned_decision_is_put_once() -> None:
    published, kind = on_sale(4)
    order = paid(published, hold(published, kind, 4))
    first = decisions.decision(order.hold_id, decisions.REFUSED, reason="first")
    second = decisions.decision(order.hold_id, decisions.CONFIRMED, places=order.places)
    assert repository.pin(first, LATE).outcome == decisions.REFUSED
    stored = repository.pin(second, LATE)
    assert (stored.outcome, stored.reason, stored.places) == (decisions.REFUSED, "first", [])
