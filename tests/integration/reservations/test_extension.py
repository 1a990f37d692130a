"""A hold is prolonged once, in the write that its own time is the condition of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.reservations import HoldConfirmed
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import look_at
from shared.data import consumed
from shared.ids import new_id
from tests.integration.reservations.box_limits import ME, YOU, limited, slots, token_of
from tests.integration.reservations.box_office import OPENING, general_pool, hold, on_sale, paid, ticket_type, where

pytestmark = pytest.mark.usefixtures("redis_or_none")
SOON, LATE = OPENING + timedelta(seconds=500), OPENING + timedelta(seconds=700)


def test_an_extended_hold_outlives_its_first_time() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id=ME)
    longer = use_cases.extend_hold(held.hold_id, token_of(held), ME, SOON)
    assert longer.expires_at == OPENING + timedelta(seconds=1200)
    assert longer.extended
    assert (longer.hold_id, longer.places, longer.total) == (held.hold_id, held.places, held.total)
    token = token_of(longer)
    assert (token.extended, token.expires_at) == (True, longer.expires_at)
    with pytest.raises(refusals.AllHeld) as refused:
        hold(published, kind, 1, LATE)
    assert refused.value.extra["next_free_at"] == longer.expires_at + timedelta(seconds=1)
    assert use_cases.show_hold(held.hold_id, token, longer.hold_token, ME, LATE).state == "held"
    assert isinstance(use_cases.answer_paid_order(paid(published, longer), LATE), HoldConfirmed)


def test_it_is_one_write_for_one_block() -> None:
    published, kind = on_sale(25)
    held = hold(published, kind, 8, person_id=ME)
    with consumed() as meter:
        use_cases.extend_hold(held.hold_id, token_of(held), ME, SOON)
    assert meter.writes == 1


def test_repeated_it_answers_the_same_and_prolongs_once() -> None:
    published, kind = on_sale(60)
    held = hold(published, kind, 40, person_id=ME)
    token = token_of(held)
    first = use_cases.extend_hold(held.hold_id, token, ME, SOON)
    for when in (SOON, SOON + timedelta(seconds=50), LATE):
        assert use_cases.extend_hold(held.hold_id, token, ME, when) == first
    with pytest.raises(refusals.HoldExtended):
        use_cases.extend_hold(held.hold_id, token_of(first), ME, SOON)
    with pytest.raises(refusals.HoldExpired):
        use_cases.extend_hold(held.hold_id, token, ME, first.expires_at + timedelta(seconds=1))


def test_the_limits_it_counts_for_are_prolonged_with_it() -> None:
    pool = general_pool(60)
    kind = ticket_type(pool, places_max=30)
    published = limited([pool], [kind], places_per_buyer_max=25)
    held = hold(published, kind, 25, person_id=ME)
    longer = use_cases.extend_hold(held.hold_id, token_of(held), ME, SOON)
    until = int(longer.expires_at.timestamp())
    seen = look_at({(slot.pool_id, slot.block) for slot in slots(held)})
    assert all(seen[slot.pool_id, slot.block][slot.slot].until == until for slot in slots(held))
    with pytest.raises(refusals.TooFewLeft):
        hold(published, kind, 6, LATE, person_id=YOU)
    with pytest.raises(refusals.BuyerLimit):
        hold(published, kind, 1, LATE, person_id=ME)


def test_a_hold_that_has_run_out_is_not_prolonged_though_nobody_took_it() -> None:
    published, kind = on_sale(2)
    held = hold(published, kind, 2, person_id=ME)
    with pytest.raises(refusals.HoldExpired):
        use_cases.extend_hold(held.hold_id, token_of(held), ME, LATE)
    assert len(where(hold(published, kind, 2, LATE))) == 2


def test_what_is_gone_is_not_prolonged() -> None:
    published, kind = on_sale(3)
    released, lost, sold = (hold(published, kind, 1, person_id=ME) for _ in range(3))
    use_cases.release_hold(released.hold_id, token_of(released), ME, OPENING)
    with pytest.raises(refusals.HoldExpired):
        use_cases.extend_hold(released.hold_id, token_of(released), ME, SOON)
    use_cases.answer_paid_order(paid(published, sold), OPENING)
    with pytest.raises(refusals.HoldSold):
        use_cases.extend_hold(sold.hold_id, token_of(sold), ME, SOON)
    hold(published, kind, 2, LATE)
    with pytest.raises(refusals.HoldExpired):
        use_cases.extend_hold(lost.hold_id, token_of(lost), ME, SOON)


def test_it_is_the_holders_alone() -> None:
    published, kind = on_sale(3)
    held = hold(published, kind, 1, person_id=ME)
    with pytest.raises(refusals.HoldUnknown):
        use_cases.extend_hold(held.hold_id, token_of(held), YOU, SOON)
    with pytest.raises(refusals.HoldUnknown):
        use_cases.extend_hold(new_id("hld"), token_of(held), ME, SOON)
