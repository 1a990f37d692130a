"""Vouchers at the hold: who may hold what, at which price, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.catalog import EventPublished, TicketType
from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.schemas import HoldView
from shared.data import consumed
from shared.ids import new_id
from shared.money import Money
from tests.integration.reservations.box_limits import ME, YOU, ask, limited, line, token_of, used, uses, voucher
from tests.integration.reservations.box_office import OPENING, general_pool, hold, paid, refunded, ticket_type

pytestmark = pytest.mark.usefixtures("redis_or_none")
LATE = OPENING + timedelta(seconds=700)
HOUR = timedelta(hours=1)


@pytest.fixture
def sale() -> tuple[EventPublished, TicketType, TicketType]:
    """An event with a ticket type for all and one for those with a voucher."""
    pool = general_pool(200)
    public, club = ticket_type(pool), ticket_type(pool, "Club", access="voucher")
    return limited([pool], [public, club]), public, club


def with_code(
    published: EventPublished, kind: TicketType, quantity: int, code: str = "SPRING", person: str | None = None
) -> HoldView:
    request = ask(published, line(kind, quantity), voucher=code)
    return use_cases.place_hold(request, person or new_id("per"), None, OPENING)


@pytest.mark.parametrize(
    ("terms", "each"),
    [({"percent_off": 25}, 3375), ({"percent_off": 33}, 3015), ({"percent_off": 100}, 0), ({"price": 1200}, 1200)],
)
def test_a_voucher_changes_the_price(
    sale: tuple[EventPublished, TicketType, TicketType], terms: dict[str, int], each: int
) -> None:
    published, public, _ = sale
    price = Money(terms["price"], "USD") if "price" in terms else None
    voucher(published, percent_off=terms.get("percent_off", 0), price=price)
    held = with_code(published, public, 2, " spring ")
    assert [place.price for place in held.places] == [Money(each, "USD")] * 2
    assert held.total == token_of(held).total == Money(2 * each, "USD")
    assert hold(published, public, 1).total == public.price


def test_some_ticket_types_need_a_voucher_and_some_vouchers_are_for_some_types(
    sale: tuple[EventPublished, TicketType, TicketType],
) -> None:
    published, public, club = sale
    with pytest.raises(refusals.VoucherRequired) as required:
        hold(published, club, 1)
    assert required.value.field == "$.lines[0].ticket_type_id"
    voucher(published, "CLUB", ticket_type_ids=(club.ticket_type_id,), percent_off=10)
    with pytest.raises(refusals.VoucherNotForThis):
        with_code(published, public, 1, "CLUB")
    request = ask(published, line(public, 2), line(club, 1), voucher="CLUB")
    held = use_cases.place_hold(request, ME, None, OPENING)
    assert [place.price.amount for place in held.places] == [4500, 4500, 4050]
    assert [len(place.quotas) for place in held.places] == [0, 0, 1]
    voucher(published, "PUBLIC", ticket_type_ids=(public.ticket_type_id,))
    with pytest.raises(refusals.VoucherRequired):
        use_cases.place_hold(ask(published, line(public, 1), line(club, 1), voucher="PUBLIC"), ME, None, OPENING)


def test_codes_that_cannot_be_used_say_why(sale: tuple[EventPublished, TicketType, TicketType]) -> None:
    published, public, _ = sale
    with pytest.raises(refusals.VoucherUnknown):
        with_code(published, public, 1, "NOBODY")
    voucher(published, "SOON", valid_from=OPENING + HOUR)
    with pytest.raises(refusals.VoucherNotYet) as early:
        with_code(published, public, 1, "SOON")
    assert early.value.extra == {"valid_from": OPENING + HOUR}
    voucher(published, "OVER", valid_until=OPENING)
    with pytest.raises(refusals.VoucherEnded):
        with_code(published, public, 1, "OVER")
    told = voucher(published, "GONE")
    with_code(published, public, 1, "GONE")
    voucher(published, "GONE", version=2, revoked=True)
    with pytest.raises(refusals.VoucherUnknown):
        with_code(published, public, 1, "GONE")
    assert used(told.voucher_id, 5) == 1
    other = limited([pool := general_pool(5)], [ticket_type(pool)])
    with pytest.raises(refusals.VoucherUnknown):
        with_code(other, other.ticket_types[0], 1, "SOON")


@pytest.mark.parametrize("uses_max", [4, 60])
def test_a_voucher_is_used_up_by_places(sale: tuple[EventPublished, TicketType, TicketType], uses_max: int) -> None:
    published, public, _ = sale
    told = voucher(published, uses_max=uses_max)
    first = with_code(published, public, uses_max - 1)
    assert len(uses(first)[told.voucher_id]) == uses_max - 1
    with pytest.raises(refusals.VoucherUsedUp) as refused:
        with_code(published, public, 2)
    assert refused.value.extra["uses_left"] == 1
    assert refused.value.extra["next_free_at"] == OPENING + timedelta(seconds=601)
    last = with_code(published, public, 1)
    use_cases.release_hold(first.hold_id, token_of(first), token_of(first).person_id, OPENING)
    again = with_code(published, public, uses_max - 1)
    assert not uses(again)[told.voucher_id] & uses(last)[told.voucher_id]
    for held in (last, again):
        assert isinstance(use_cases.answer_paid_order(paid(published, held), OPENING), HoldConfirmed)
    with pytest.raises(refusals.VoucherUsedUp) as gone:
        with_code(published, public, 1)
    assert gone.value.extra == {"uses_left": 0}
    use_cases.take_back_refunded_order(refunded(paid(published, last), last.places, was_confirmed=True), OPENING)
    assert len(with_code(published, public, 1).places) == 1


@pytest.mark.parametrize("uses_max", [3, 60])
def test_a_paid_order_that_lost_a_use_gets_another_or_is_refused(
    sale: tuple[EventPublished, TicketType, TicketType], uses_max: int
) -> None:
    published, public, _ = sale
    told = voucher(published, uses_max=uses_max)
    order = paid(published, with_code(published, public, uses_max - 1))
    other = paid(published, with_code(published, public, 1))
    request = ask(published, line(public, 1), voucher="SPRING")
    rival = use_cases.place_hold(request, YOU, None, LATE)
    lost = (
        order
        if uses(rival)[told.voucher_id] & {(one.block, one.slot) for place in order.places for one in place.quotas}
        else other
    )
    kept = other if lost is order else order
    answer = use_cases.answer_paid_order(lost, LATE)
    # The other order's use has run out as well, and is the first to be had.
    assert isinstance(answer, HoldConfirmed)
    assert used(told.voucher_id, uses_max) == uses_max
    assert isinstance(use_cases.answer_paid_order(kept, LATE), HoldRefused)
    assert used(told.voucher_id, uses_max) == uses_max


def test_a_voucher_costs_a_read_and_only_whom_it_is_given(
    sale: tuple[EventPublished, TicketType, TicketType],
) -> None:
    published, public, _ = sale
    told = voucher(published)
    hold(published, public, 1)
    with consumed() as meter:
        held = with_code(published, public, 1)
    assert meter.writes == 4
    assert used(told.voucher_id, 5) == 1
    with consumed() as plain:
        hold(published, public, 1)
    assert plain.writes == 1
    changed = use_cases.place_hold(
        ask(published, line(public, 1)), token_of(held).person_id, None, OPENING, replaces=token_of(held)
    )
    assert used(told.voucher_id, 5) == 0
    assert changed.total == public.price
