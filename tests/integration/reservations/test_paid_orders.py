"""The answer to a paid order: right, and the same however often it is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import repository, use_cases
from services.reservations.domain import SOLD_UNTIL, refusals
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_office import (
    OPENING,
    cancelled,
    hall_on_sale,
    hold,
    on_sale,
    paid,
    refunded,
    rows,
    where,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")
LATE = OPENING + timedelta(seconds=601)


def owner(place: tuple[str, int, int]) -> tuple[bytes, int] | None:
    pool_id, block, slot = place
    return repository.look_at([(pool_id, block)])[pool_id, block].get(slot)


def test_held_places_are_sold_and_stay_so() -> None:
    published, kind = on_sale(3)
    held = hold(published, kind, 2)
    order = paid(published, held)
    for _ in range(2):
        answer = use_cases.answer_paid_order(order, OPENING)
        assert isinstance(answer, HoldConfirmed)
        assert answer.places == held.places
    for place in where(held):
        assert owner(place) == (raw_bytes(held.hold_id), SOLD_UNTIL)
    with pytest.raises(refusals.TooFewLeft):
        hold(published, kind, 2, LATE)


def test_a_hold_that_ran_out_is_sold_when_nobody_took_its_places() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    answer = use_cases.answer_paid_order(order, OPENING + timedelta(days=2))
    assert isinstance(answer, HoldConfirmed)
    assert answer.places == order.places


def test_general_places_that_were_lost_are_replaced_by_free_ones() -> None:
    published, kind = on_sale(4)
    order = paid(published, hold(published, kind, 2))
    # Four are free again at LATE; somebody takes one of the order's two and one other: two are left.
    lost = sorted(where(order))[0]
    others = set(range(4)) - {slot for _, _, slot in where(order)}
    repository.take(new_id("hld"), {lost[:2]: sorted({lost[2], min(others)})}, SOLD_UNTIL, now=LATE)
    answer = use_cases.answer_paid_order(order, LATE)
    assert isinstance(answer, HoldConfirmed)
    assert where_of(answer) == (where(order) - {lost}) | {(*lost[:2], max(others))}


def where_of(answer: HoldConfirmed) -> set[tuple[str, int, int]]:
    return {(place.pool_id, place.block, place.slot) for place in answer.places}


def test_a_replacement_is_pinned_and_answered_to_every_copy() -> None:
    published, kind = on_sale(50)
    order = paid(published, hold(published, kind, 20))
    # Whoever comes at LATE may have any of the fifty: with forty taken, some of the twenty are lost.
    others = [hold(published, kind, 10, LATE) for _ in range(3)]
    taken = set().union(*(where(other) for other in others))
    assert taken & where(order), "the others were to take some of the order's places"
    first = use_cases.answer_paid_order(order, LATE)
    assert isinstance(first, HoldConfirmed)
    assert len(where_of(first)) == 20
    assert not where_of(first) & taken
    again = use_cases.answer_paid_order(order, LATE + timedelta(hours=1))
    assert isinstance(again, HoldConfirmed)
    assert again.places == first.places
    for place in where_of(first):
        assert owner(place) == (raw_bytes(order.hold_id), SOLD_UNTIL)


def test_a_refusal_stays_one_though_the_places_come_free_again() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    other = hold(published, kind, 2, LATE)
    refused = use_cases.answer_paid_order(order, LATE)
    assert isinstance(refused, HoldRefused)
    use_cases.forget_cancelled_order(cancelled(paid(published, other)), LATE)
    assert all(owner(place) is None for place in where(order))
    assert isinstance(use_cases.answer_paid_order(order, LATE), HoldRefused)
    assert all(owner(place) is None for place in where(order))


def test_seats_that_were_lost_are_refused_and_the_rest_of_them_freed() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 4))
    order = paid(published, hold(published, kinds["A"], 4))
    hold(published, kinds["A"], 2, LATE)
    assert isinstance(use_cases.answer_paid_order(order, LATE), HoldRefused)
    assert len(where(hold(published, kinds["A"], 2, LATE))) == 2


def test_a_refunded_order_gives_its_places_back_and_a_late_copy_of_the_payment_changes_nothing() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    confirmed = use_cases.answer_paid_order(order, OPENING)
    assert isinstance(confirmed, HoldConfirmed)
    back = refunded(order, confirmed.places, was_confirmed=True)
    for _ in range(2):
        use_cases.take_back_refunded_order(back, OPENING)
    second = hold(published, kind, 2)
    copy = use_cases.answer_paid_order(order, OPENING)
    assert isinstance(copy, HoldConfirmed)
    assert copy.places == confirmed.places
    until = int(second.expires_at.timestamp())
    assert all(owner(place) == (raw_bytes(second.hold_id), until) for place in where(second))
    use_cases.take_back_refunded_order(back, OPENING)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)


def test_a_refund_that_overtakes_the_payment_is_never_confirmed() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    use_cases.take_back_refunded_order(refunded(order, order.places, was_confirmed=False), OPENING)
    assert isinstance(use_cases.answer_paid_order(order, OPENING), HoldRefused)
    assert len(where(hold(published, kind, 2))) == 2


def test_a_refund_that_orders_asked_for_before_hearing_of_the_confirmation_keeps_the_answer() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    assert isinstance(use_cases.answer_paid_order(order, OPENING), HoldConfirmed)
    use_cases.take_back_refunded_order(refunded(order, order.places, was_confirmed=False), OPENING)
    assert isinstance(use_cases.answer_paid_order(order, OPENING), HoldConfirmed)


def test_a_cancelled_order_frees_its_places_but_never_sold_ones() -> None:
    published, kind = on_sale(2)
    order = paid(published, hold(published, kind, 2))
    use_cases.answer_paid_order(order, OPENING)
    use_cases.forget_cancelled_order(cancelled(order), OPENING)
    with pytest.raises(refusals.SoldOut):
        hold(published, kind, 1)


def test_a_sold_hold_cannot_be_let_go() -> None:
    from contracts.hold import HoldToken
    from shared.auth import verify_token

    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id="per_me")
    use_cases.answer_paid_order(paid(published, held), OPENING)
    token = verify_token(held.hold_token, "hold", HoldToken, now=OPENING)
    with pytest.raises(refusals.HoldSold):
        use_cases.release_hold(held.hold_id, token, "per_me", OPENING)
    assert use_cases.show_hold(held.hold_id, token, held.hold_token, "per_me", LATE).state == "confirmed"


def test_a_basket_of_several_blocks_is_sold_whole_or_replaced() -> None:
    published, kind = on_sale(75)
    order = paid(published, hold(published, kind, 60))
    answer = use_cases.answer_paid_order(order, LATE)
    assert isinstance(answer, HoldConfirmed)
    assert answer.places == order.places
    assert len(where(hold(published, kind, 15, LATE))) == 15
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1, LATE)
