"""Caps of ticket types and limits of buyers: taken, sold, freed and refunded with the places, all or nothing."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import use_cases
from services.reservations.domain import SOLD_UNTIL, refusals
from services.reservations.repository import look_at
from shared.data import consumed
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_limits import (
    ME,
    YOU,
    ask,
    buyers,
    limited,
    line,
    slots,
    token_of,
    used,
    uses,
    voucher,
)
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    cancelled,
    general_pool,
    hold,
    paid,
    refunded,
    rows,
    seated_pool,
    ticket_type,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")
LATE = OPENING + timedelta(seconds=700)


def test_a_cap_ends_a_ticket_type_before_its_pool() -> None:
    pool = general_pool(100)
    early, normal = ticket_type(pool, "Early bird", places_max=30), ticket_type(pool)
    published = limited([pool], [early, normal])
    first = hold(published, early, 28)
    assert len(uses(first)[early.ticket_type_id]) == 28
    with pytest.raises(refusals.TooFewLeft) as few:
        hold(published, early, 3)
    assert few.value.extra["places_left"] == 2
    assert few.value.extra["ticket_type_id"] == early.ticket_type_id
    hold(published, early, 2)
    with pytest.raises(refusals.TypeAllHeld) as held:
        hold(published, early, 1)
    assert held.value.extra["next_free_at"] == OPENING + timedelta(seconds=601)
    assert held.value.field == "$.lines[0]"
    assert len(hold(published, normal, 5).places) == 5


def test_a_cap_that_is_sold_is_told_apart_from_one_that_is_held_and_from_a_sold_pool() -> None:
    pool = general_pool(4)
    early, normal = ticket_type(pool, "Early bird", places_max=2), ticket_type(pool)
    published = limited([pool], [early, normal])
    for kind in (early, normal):
        answer = use_cases.answer_paid_order(paid(published, hold(published, kind, 2)), OPENING)
        assert isinstance(answer, HoldConfirmed)
    with pytest.raises(refusals.SoldOut) as sold:
        hold(published, normal, 1)
    assert not isinstance(sold.value, refusals.TypeSoldOut)
    pool = general_pool(50)
    few = ticket_type(pool, "Few", places_max=1)
    published = limited([pool], [few])
    use_cases.answer_paid_order(paid(published, hold(published, few, 1)), OPENING)
    with pytest.raises(refusals.TypeSoldOut) as type_sold:
        hold(published, few, 1)
    assert type_sold.value.extra["ticket_type_id"] == few.ticket_type_id


def test_one_buyer_has_so_many_over_all_holds_and_another_is_not_touched() -> None:
    pool = general_pool(100)
    kind = ticket_type(pool)
    published = limited([pool], [kind], places_per_buyer_max=4)
    first = hold(published, kind, 3, person_id=ME)
    with pytest.raises(refusals.BuyerLimit) as refused:
        hold(published, kind, 2, person_id=ME)
    assert refused.value.extra["places_left"] == 1
    assert refused.value.extra["places_per_buyer_max"] == 4
    assert refused.value.extra["next_free_at"] == OPENING + timedelta(seconds=601)
    second = hold(published, kind, 1, person_id=ME)
    quota = buyers(published, ME)
    assert not uses(first)[quota] & uses(second)[quota]
    assert len(hold(published, kind, 4, person_id=YOU).places) == 4
    with pytest.raises(refusals.BuyerLimit):
        hold(published, kind, 5, person_id=new_id("per"))
    # What ran out counts no more.
    assert len(hold(published, kind, 4, LATE, person_id=ME).places) == 4


def test_a_refused_limit_leaves_no_place_behind() -> None:
    pool = general_pool(10)
    capped, free = ticket_type(pool, "Capped", places_max=1), ticket_type(pool)
    published = limited([pool], [capped, free], places_per_buyer_max=9)
    with pytest.raises(refusals.TooFewLeft):
        use_cases.place_hold(ask(published, line(free, 3), line(capped, 2)), ME, None, OPENING)
    assert used(buyers(published, ME), 9) == used(capped.ticket_type_id, 1) == used(pool.pool_id, 10) == 0
    # The slots of the lease come back by themselves; the others are there at once.
    assert len(hold(published, free, 9, OPENING + timedelta(seconds=6), person_id=ME).places) == 9


def test_limits_are_sold_and_come_back_with_the_places() -> None:
    pool = general_pool(10)
    kind = ticket_type(pool, places_max=2)
    published = limited([pool], [kind], places_per_buyer_max=2)
    held = hold(published, kind, 2, person_id=ME)
    order = paid(published, held)
    confirmed = use_cases.answer_paid_order(order, OPENING)
    assert isinstance(confirmed, HoldConfirmed)
    assert confirmed.places == held.places
    mine = raw_bytes(held.hold_id)
    seen = look_at({(slot.pool_id, slot.block) for slot in slots(held)})
    assert all(seen[slot.pool_id, slot.block][slot.slot] == (mine, SOLD_UNTIL) for slot in slots(held))
    for who in (ME, YOU):
        with pytest.raises(refusals.Refusal):
            hold(published, kind, 1, LATE, person_id=who)
    for _ in range(2):
        use_cases.take_back_refunded_order(refunded(order, held.places, was_confirmed=True), OPENING)
    assert used(kind.ticket_type_id, 2) == used(buyers(published, ME), 2) == used(pool.pool_id, 10) == 0
    assert len(hold(published, kind, 2, person_id=ME).places) == 2
    assert use_cases.answer_paid_order(order, OPENING) == confirmed


@pytest.mark.parametrize("way", ["released", "cancelled"])
def test_what_is_let_go_is_free_at_once_limits_and_all(way: str) -> None:
    pool = general_pool(40)
    kind = ticket_type(pool, places_max=30)
    published = limited([pool], [kind], places_per_buyer_max=25)
    held = hold(published, kind, 25, person_id=ME)
    hold(published, kind, 5, person_id=YOU)
    with pytest.raises(refusals.TypeAllHeld):
        hold(published, kind, 1)
    if way == "released":
        use_cases.release_hold(held.hold_id, token_of(held), ME, OPENING)
    else:
        use_cases.forget_cancelled_order(cancelled(paid(published, held)), OPENING)
    assert len(hold(published, kind, 25, person_id=ME).places) == 25


def test_a_paid_order_that_lost_a_slot_of_its_cap_gets_another_one() -> None:
    pool = general_pool(10)
    kind = ticket_type(pool, places_max=3)
    published = limited([pool], [kind])
    order = paid(published, hold(published, kind, 2))
    rival = hold(published, kind, 1, LATE)
    answer = use_cases.answer_paid_order(order, LATE)
    assert isinstance(answer, HoldConfirmed)
    assert not slots_of(answer) & slots(rival)
    assert used(kind.ticket_type_id, 3) == 3
    assert use_cases.answer_paid_order(order, LATE) == answer


def slots_of(answer: HoldConfirmed) -> set[object]:
    return {(one.quota_id, one.block, one.slot) for place in answer.places for one in place.quotas} | {
        (place.pool_id, place.block, place.slot) for place in answer.places
    }


def test_a_paid_order_is_refused_when_its_cap_was_used_up_meanwhile() -> None:
    pool = general_pool(10)
    kind = ticket_type(pool, places_max=2)
    published = limited([pool], [kind])
    order = paid(published, hold(published, kind, 2))
    hold(published, kind, 1, LATE)
    answer = use_cases.answer_paid_order(order, LATE)
    assert isinstance(answer, HoldRefused)
    again = use_cases.answer_paid_order(order, LATE + timedelta(days=1))
    assert isinstance(again, HoldRefused)
    assert again.reason == answer.reason
    assert used(pool.pool_id, 10) == used(kind.ticket_type_id, 2) == 1


def test_a_paid_order_keeps_within_its_buyers_limit() -> None:
    pool = general_pool(20)
    kind = ticket_type(pool)
    published = limited([pool], [kind], places_per_buyer_max=3)
    order = paid(published, hold(published, kind, 2, person_id=ME))
    hold(published, kind, 1, LATE, person_id=ME)
    answer = use_cases.answer_paid_order(order, LATE)
    assert isinstance(answer, HoldConfirmed)
    assert used(buyers(published, ME), 3) == 3
    other = paid(published, hold(published, kind, 3, person_id=YOU))
    hold(published, kind, 3, LATE, person_id=YOU)
    refused = use_cases.answer_paid_order(other, LATE)
    assert isinstance(refused, HoldRefused)
    assert "counted for" in refused.reason


def test_neighbours_and_limits_go_together() -> None:
    pool = seated_pool(rows("Stalls", "A", 8))
    kind = ticket_type(pool, zone="A", places_max=4)
    published = limited([pool], [kind], places_per_buyer_max=4)
    held = hold(published, kind, 4, person_id=ME)
    assert [place.seat for place in held.places] == sorted(place.seat or "" for place in held.places)
    with pytest.raises(refusals.Refusal):
        hold(published, kind, 1, person_id=ME)
    with pytest.raises(refusals.TypeAllHeld):
        hold(published, kind, 1, person_id=YOU)


def test_a_hold_without_limits_stays_one_write_and_one_with_them_is_a_transaction() -> None:
    pool = general_pool(100)
    plain, capped = ticket_type(pool), ticket_type(pool, "Capped", places_max=50)
    published = limited([pool], [plain, capped])
    hold(published, plain, 1)
    hold(published, capped, 1)
    with consumed() as meter:
        hold(published, plain, 2)
    assert meter.writes == 1
    with consumed() as meter:
        hold(published, capped, 2)
    assert meter.writes == 4


def test_limits_of_an_order_still_hold() -> None:
    pool = general_pool(100)
    kind = ticket_type(pool, places_per_order_max=3)
    published = limited([pool], [kind], places_per_order_max=5)
    with pytest.raises(refusals.TooManyPlaces):
        use_cases.place_hold(basket(published, line(kind, 4)), ME, None, OPENING)


def test_the_page_shows_what_is_left_of_a_cap() -> None:
    pool = general_pool(50)
    few, plain = ticket_type(pool, "Few", places_max=30), ticket_type(pool)
    published = limited([pool], [few, plain])
    hold(published, few, 28)
    shown = msgspec.json.decode(use_cases.availability(published.event_id, OPENING))
    assert [one["free"] for one in shown["ticket_types"]] == [2, 22]


def test_a_cap_that_is_raised_sells_more_and_counts_what_was_sold() -> None:
    pool = general_pool(50)
    few = ticket_type(pool, places_max=3)
    published = limited([pool], [few])
    hold(published, few, 3)
    more = msgspec.structs.replace(few, places_max=5)
    use_cases.put_on_sale(msgspec.structs.replace(published, version=2, ticket_types=(more,)), OPENING)
    with pytest.raises(refusals.TooFewLeft) as refused:
        hold(published, few, 3)
    assert refused.value.extra["places_left"] == 2
    assert len(hold(published, few, 2).places) == 2


def test_a_token_of_the_most_places_and_limits_travels_in_a_header() -> None:
    pool = seated_pool(rows("Orchestra Left", "A", *[25] * 3))
    kind = ticket_type(pool, "Standard, zone A", zone="A", places_max=60)
    published = limited([pool], [kind], places_per_order_max=50)
    voucher(published, uses_max=60)
    request = ask(published, line(kind, 50, together=False), voucher="SPRING")
    held = use_cases.place_hold(request, ME, None, OPENING)
    assert {len(place.quotas) for place in held.places} == {2}
    assert token_of(held).places() == held.places
    # API Gateway takes 10,240 bytes of headers in all, and the access token is one of them.
    assert len(held.hold_token) < 7000
