"""A changed basket: a new hold takes over from the old one in one write, or the old one stays as it was."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from contracts.catalog import EventPublished, TicketType
from contracts.reservations import HoldConfirmed
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import look_at
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from shared.data import consumed
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_limits import ME, YOU, ask, buyers, limited, line, token_of, used, uses
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
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

pytestmark = pytest.mark.usefixtures("redis_or_none")
SOON, LATE = OPENING + timedelta(seconds=60), OPENING + timedelta(seconds=700)


def change(published: EventPublished, old: HoldView, *lines: LineAsked, now: datetime = SOON, **more: Any) -> HoldView:
    """Replace a hold by another basket."""
    key = more.pop("key", None)
    person = more.pop("person", ME)
    return use_cases.place_hold(ask(published, *lines, **more), person, key, now, replaces=token_of(old))


def state(held: HoldView, now: datetime = SOON) -> str:
    return use_cases.show_hold(held.hold_id, token_of(held), held.hold_token, ME, now).state


def seats_of(kind: TicketType, *numbers: int) -> LineAsked:
    """These seats of row A."""
    named = tuple(SeatAsked(section="Stalls", row="A", seat=number) for number in numbers)
    return LineAsked(ticket_type_id=kind.ticket_type_id, seats=named)


def kept(held: HoldView) -> int:
    """How many of its places a hold has, as the table says."""
    mine = raw_bytes(held.hold_id)
    seen = look_at({(place.pool_id, place.block) for place in held.places})
    return sum(
        taken.hold == mine
        for place in held.places
        for slot, taken in seen[place.pool_id, place.block].items()
        if slot == place.slot
    )


@pytest.mark.parametrize("quantity", [1, 2, 3, 5])
def test_general_places_pass_over_in_one_write(quantity: int) -> None:
    published, kind = on_sale(20)
    old = hold(published, kind, 3, person_id=ME)
    with consumed() as meter:
        new = change(published, old, line(kind, quantity))
    assert meter.writes == 1
    assert new.hold_id != old.hold_id
    assert new.expires_at == old.expires_at
    assert len(where(new) & where(old)) == min(quantity, 3)
    assert state(old) == "released"
    assert used(published.pools[0].pool_id, 20) == quantity
    assert len(where(hold(published, kind, 20 - quantity))) == 20 - quantity


def test_the_last_places_can_be_changed_though_nothing_else_is_free() -> None:
    published, kind = on_sale(4)
    old = hold(published, kind, 3, person_id=ME)
    hold(published, kind, 1)
    assert where(change(published, old, line(kind, 3))) == where(old)


def test_refused_the_old_hold_stays_and_what_is_left_counts_it() -> None:
    published, kind = on_sale(5)
    old = hold(published, kind, 3, person_id=ME)
    hold(published, kind, 1)
    with pytest.raises(refusals.TooFewLeft) as refused:
        change(published, old, line(kind, 5))
    assert refused.value.extra["places_left"] == 4
    assert state(old) == "held"
    assert isinstance(use_cases.answer_paid_order(paid(published, old), SOON), HoldConfirmed)


def test_neighbours_are_found_in_the_own_places_then_around_them_then_elsewhere() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 6, 6))
    old = hold(published, kinds["A"], 3, person_id=ME)
    fewer = change(published, old, line(kinds["A"], 2))
    assert where(fewer) < where(old)
    more = change(published, fewer, line(kinds["A"], 5))
    assert where(more) > where(fewer)
    rival = hold(published, kinds["A"], 2)
    assert not where(rival) & where(more)
    seats = sorted((place.row, int(place.seat or 0)) for place in more.places)
    assert [seat for _, seat in seats] == list(range(seats[0][1], seats[0][1] + 5))
    assert used(published.pools[0].pool_id, 12) == 7


def test_a_row_that_is_full_but_for_ones_own_seats_moves_elsewhere() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 4, 5))
    old = hold(published, kinds["A"], 4, person_id=ME)
    assert {place.row for place in old.places} == {"A"}
    new = change(published, old, line(kinds["A"], 5))
    assert {place.row for place in new.places} == {"B"}
    assert state(old) == "released"
    assert {place.row for place in hold(published, kinds["A"], 4).places} == {"A"}


def test_enough_with_ones_own_that_are_not_neighbours_is_not_too_few() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 4))
    seats = partial(seats_of, kinds["A"])
    old = use_cases.place_hold(basket(published, seats(1)), ME, None, OPENING)
    use_cases.place_hold(basket(published, seats(2, 4)), YOU, None, OPENING)
    with pytest.raises(refusals.NotTogether) as refused:
        change(published, old, line(kinds["A"], 2))
    assert refused.value.extra["places_together_max"] == 1
    with pytest.raises(refusals.TooFewLeft) as fewer:
        change(published, old, line(kinds["A"], 3))
    assert fewer.value.extra["places_left"] == 2
    assert state(old) == "held"


def test_named_seats_may_be_ones_own_and_others_that_are_free() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 8))
    seats = partial(seats_of, kinds["A"])
    old = use_cases.place_hold(basket(published, seats(2, 3)), ME, None, OPENING)
    use_cases.place_hold(basket(published, seats(5)), YOU, None, OPENING)
    with pytest.raises(refusals.PlacesTaken) as refused:
        change(published, old, seats(3, 4, 5))
    assert [one["seat"] for one in refused.value.extra["taken"]] == ["5"]
    assert state(old) == "held"
    new = change(published, old, seats(3, 4))
    assert {place.seat for place in new.places} == {"3", "4"}
    assert len(use_cases.place_hold(basket(published, seats(2)), YOU, None, SOON).places) == 1


def test_a_basket_may_move_to_other_pools_and_ticket_types() -> None:
    floor, hall = general_pool(40), seated_pool(rows("Stalls", "A", 6))
    standing, seat = ticket_type(floor), ticket_type(hall, zone="A")
    published = event([floor, hall], [standing, seat])
    use_cases.put_on_sale(published, OPENING)
    old = use_cases.place_hold(ask(published, line(standing, 30), line(seat, 2)), ME, None, OPENING)
    new = change(published, old, line(seat, 6))
    assert used(floor.pool_id, 40) == 0
    assert len(new.places) == used(hall.pool_id, 6) == 6
    back = change(published, new, line(standing, 40))
    assert (used(floor.pool_id, 40), used(hall.pool_id, 6)) == (40, 0)
    assert len(where(back)) == 40


def capped() -> tuple[EventPublished, TicketType, TicketType]:
    pool = general_pool(40)
    few, plain = ticket_type(pool, "Few", places_max=3), ticket_type(pool)
    return limited([pool], [few, plain], places_per_buyer_max=4), few, plain


def test_limits_pass_over_with_the_places() -> None:
    published, few, plain = capped()
    old = use_cases.place_hold(ask(published, line(few, 3), line(plain, 1)), ME, None, OPENING)
    quota = buyers(published, ME)
    with pytest.raises(refusals.BuyerLimit) as refused:
        change(published, old, line(few, 3), line(plain, 2))
    assert refused.value.extra["places_per_buyer_max"] == 4
    new = change(published, old, line(few, 2), line(plain, 2))
    assert uses(new)[few.ticket_type_id] < uses(old)[few.ticket_type_id]
    assert uses(new)[quota] == uses(old)[quota]
    assert used(few.ticket_type_id, 3) == 2
    assert len(hold(published, few, 1, SOON, person_id=YOU).places) == 1
    fewer = change(published, new, line(plain, 1))
    assert (used(quota, 4), used(few.ticket_type_id, 3)) == (1, 1)
    again = hold(published, plain, 3, SOON, person_id=ME)
    assert not uses(again)[quota] & uses(fewer)[quota]


def test_it_keeps_its_time_and_whether_it_was_prolonged() -> None:
    published, kind = on_sale(10)
    old = use_cases.extend_hold((first := hold(published, kind, 2, person_id=ME)).hold_id, token_of(first), ME, SOON)
    new = change(published, old, line(kind, 1), now=LATE)
    assert (new.expires_at, new.extended) == (old.expires_at, True)
    with pytest.raises(refusals.HoldExtended):
        use_cases.extend_hold(new.hold_id, token_of(new), ME, LATE)


def test_a_hold_that_has_run_out_or_is_sold_is_not_replaced() -> None:
    published, kind = on_sale(10)
    old = hold(published, kind, 2, person_id=ME)
    with pytest.raises(refusals.HoldExpired):
        change(published, old, line(kind, 1), now=LATE)
    sold = hold(published, kind, 2, person_id=ME)
    use_cases.answer_paid_order(paid(published, sold), OPENING)
    for quantity in (1, 3):
        with pytest.raises(refusals.HoldSold):
            change(published, sold, line(kind, quantity))
    assert kept(sold) == 2


def test_pieces_that_are_lost_are_simply_not_there() -> None:
    published, kind = on_sale(10)
    old = hold(published, kind, 3, person_id=ME)
    use_cases.release_hold(old.hold_id, token_of(old), ME, OPENING)
    hold(published, kind, 9)
    new = change(published, old, line(kind, 1))
    assert len(where(new)) == 1
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)


def test_a_hold_whose_places_are_on_sale_again_takes_each_of_them_once() -> None:
    """Let go, its places look free to everybody, and they are still those that it passes over."""
    published, kind = on_sale(10)
    for quantity in (4, 10):
        old = hold(published, kind, 2, person_id=ME)
        use_cases.release_hold(old.hold_id, token_of(old), ME, OPENING)
        new = change(published, old, line(kind, quantity))
        assert len(where(new)) == len(new.places) == kept(new) == quantity
        use_cases.release_hold(new.hold_id, token_of(new), ME, SOON)


def test_it_is_the_holders_alone_and_of_one_event() -> None:
    published, kind = on_sale(10)
    other, other_kind = on_sale(10)
    old = hold(published, kind, 3, person_id=ME)
    with pytest.raises(refusals.HoldUnknown):
        change(published, old, line(kind, 1), person=YOU)
    with pytest.raises(refusals.ReplacesAnother):
        change(other, old, line(other_kind, 1))
    assert state(old) == "held"


def test_a_key_makes_a_repetition_answer_the_same(redis_or_none: str) -> None:
    published, kind = on_sale(10)
    old = hold(published, kind, 3, person_id=ME)
    new = change(published, old, line(kind, 4), key="change")
    if redis_or_none == "with Redis":
        assert change(published, old, line(kind, 4), key="change") == new
        assert change(published, old, line(kind, 4), key="change", now=LATE) == new
        with pytest.raises(refusals.KeyOfAnotherRequest):
            change(published, new, line(kind, 4), key="change")
    else:
        # At worst one hold too many, which ends when the old one would have.
        extra = change(published, old, line(kind, 4), key="change")
        assert extra.expires_at == old.expires_at
        assert not where(extra) & where(new)
    assert state(new) == "held"


def test_a_stranger_does_not_find_the_places_in_between() -> None:
    published, kind = on_sale(3)
    old = hold(published, kind, 3, person_id=ME)
    for quantity in (2, 3, 1, 3):
        old = change(published, old, line(kind, quantity))
        if quantity == 3:
            with pytest.raises(refusals.AllHeld):
                hold(published, kind, 1, person_id=new_id("per"))
