"""Holds against the real table, with the real Redis and without."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.hold import HoldToken
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.schemas import HoldView, LineAsked
from shared.auth import verify_token
from shared.ids import new_id
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    event,
    general_pool,
    hold,
    on_sale,
    rows,
    seated_pool,
    ticket_type,
    where,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")


def token_of(held: HoldView) -> HoldToken:
    return verify_token(held.hold_token, "hold", HoldToken, now=OPENING)


def test_a_hold_keeps_places_until_its_time() -> None:
    published, kind = on_sale(10)
    held = hold(published, kind, 3)
    assert len(where(held)) == 3
    assert held.total.amount == 3 * 4500
    assert held.expires_at == OPENING + timedelta(seconds=600)
    token = token_of(held)
    assert token.places() == held.places
    assert (token.event_id, token.event_name) == (published.event_id, "An Evening")


def test_every_place_is_found_and_none_twice() -> None:
    published, kind = on_sale(60)
    seen: set[tuple[str, int, int]] = set()
    for _ in range(20):
        held = hold(published, kind, 3)
        assert not seen & where(held)
        seen |= where(held)
    assert len(seen) == 60
    with pytest.raises(refusals.AllHeld) as refused:
        hold(published, kind, 1)
    assert refused.value.extra["next_free_at"] == OPENING + timedelta(seconds=601)


def test_places_of_a_hold_that_ran_out_are_taken_over() -> None:
    published, kind = on_sale(2)
    first = hold(published, kind, 2)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1, OPENING + timedelta(seconds=600))
    second = hold(published, kind, 2, OPENING + timedelta(seconds=601))
    assert where(second) == where(first)


def test_general_places_are_gathered_from_several_blocks() -> None:
    published, kind = on_sale(80)
    held = hold(published, kind, 60)
    assert len(where(held)) == 60
    assert len({place.block for place in held.places}) >= 3
    rest = hold(published, kind, 20)
    assert len(where(held) | where(rest)) == 80


def test_fewer_left_than_asked_for_is_said_with_how_many() -> None:
    published, kind = on_sale(5)
    hold(published, kind, 3)
    with pytest.raises(refusals.TooFewLeft) as refused:
        hold(published, kind, 3)
    assert refused.value.extra["places_left"] == 2
    assert len(where(hold(published, kind, 2))) == 2


def test_a_basket_over_two_pools_holds_all_or_nothing() -> None:
    floor, hall = general_pool(4), seated_pool(rows("Stalls", "A", 6))
    standing, seat = ticket_type(floor), ticket_type(hall, zone="A")
    published = event([floor, hall], [standing, seat])
    use_cases.put_on_sale(published, OPENING)
    lines = (
        LineAsked(ticket_type_id=standing.ticket_type_id, quantity=3),
        LineAsked(ticket_type_id=seat.ticket_type_id, quantity=2),
    )
    held = use_cases.place_hold(basket(published, *lines), new_id("per"), None, OPENING)
    assert [place.pool_id for place in held.places] == [floor.pool_id] * 3 + [hall.pool_id] * 2
    # The second basket finds seats, and too few general places: nothing of it may stay behind.
    with pytest.raises(refusals.TooFewLeft):
        use_cases.place_hold(basket(published, *lines), new_id("per"), None, OPENING)
    others = [LineAsked(ticket_type_id=seat.ticket_type_id, quantity=4)]
    soon = OPENING + timedelta(seconds=6)
    assert len(where(use_cases.place_hold(basket(published, *others), new_id("per"), None, soon))) == 4


def test_two_ticket_types_of_one_pool_share_a_block() -> None:
    pool = general_pool(25)
    adult, child = ticket_type(pool, "Adult"), ticket_type(pool, "Child")
    published = event([pool], [adult, child])
    use_cases.put_on_sale(published, OPENING)
    lines = [LineAsked(ticket_type_id=one.ticket_type_id, quantity=2) for one in (adult, child)]
    held = use_cases.place_hold(basket(published, *lines), new_id("per"), None, OPENING)
    assert [place.ticket_type_name for place in held.places] == ["Adult", "Adult", "Child", "Child"]
    assert len(where(held)) == 4


def test_a_released_hold_is_free_at_once_and_release_is_harmless_when_repeated() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id="per_me")
    token = token_of(held)
    assert use_cases.show_hold(held.hold_id, token, held.hold_token, "per_me", OPENING).state == "held"
    use_cases.release_hold(held.hold_id, token, "per_me", OPENING)
    assert use_cases.show_hold(held.hold_id, token, held.hold_token, "per_me", OPENING).state == "released"
    second = hold(published, kind, 2)
    use_cases.release_hold(held.hold_id, token, "per_me", OPENING)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    assert where(second) == where(held)


def test_after_sold_out_a_release_by_refund_is_found_at_once() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id="per_me")
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    use_cases.release_hold(held.hold_id, token_of(held), "per_me", OPENING)
    assert len(where(hold(published, kind, 1))) == 1


def test_a_hold_is_nobody_elses() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id="per_me")
    with pytest.raises(refusals.HoldUnknown):
        use_cases.release_hold(held.hold_id, token_of(held), "per_you", OPENING)
    with pytest.raises(refusals.HoldUnknown):
        use_cases.show_hold(new_id("hld"), token_of(held), held.hold_token, "per_me", OPENING)


def test_a_hold_says_when_it_has_run_out() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id="per_me")
    late = OPENING + timedelta(seconds=700)
    assert use_cases.show_hold(held.hold_id, token_of(held), held.hold_token, "per_me", late).state == "expired"


def test_an_event_nobody_published_is_not_on_sale() -> None:
    published, kind = on_sale(2)
    unknown = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=1))
    with pytest.raises(refusals.EventUnknown):
        use_cases.place_hold(type(unknown)(event_id=new_id("evt"), lines=unknown.lines), "per_me", None, OPENING)
