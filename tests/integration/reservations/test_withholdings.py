"""Places that an organiser keeps off sale, and gives back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.catalog import EventPublished
from services.reservations import repository, use_cases
from services.reservations.domain import Place, refusals
from services.reservations.pool_schemas import AddWithholding, ChangeWithholding, SeatsNamed, WithholdingView
from services.reservations.repository import caching, off_sale, withholdings
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from services.reservations.use_cases.withholdings import withheld_for
from shared.http import Forbidden, NotFound, PreconditionFailed
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_office import OPENING, basket, hall_on_sale, hold, on_sale, paid, rows
from tests.integration.reservations.test_pools import identity, member, numbers, pools

pytestmark = pytest.mark.usefixtures("redis_or_none")


def seats(row: str, first: int, last: int, section: str = "Stalls") -> SeatsNamed:
    return SeatsNamed(section=section, row=row, first=first, last=last)


def withhold(
    published: EventPublished, *, operation_id: str | None = None, seconds_left: float = 30.0, **asked: Any
) -> WithholdingView:
    body = AddWithholding(**{"pool_id": published.pools[0].pool_id, "name": "House seats", **asked})
    return use_cases.add_withholding(
        published.event_id, body, operation_id, member(published, "box_office"), OPENING, lambda: seconds_left
    )


def change(published: EventPublished, withholding_id: str, version: int | None = None, **asked: Any) -> WithholdingView:
    return use_cases.change_withholding(
        published.event_id,
        withholding_id,
        ChangeWithholding(**asked),
        version,
        member(published),
        OPENING,
        lambda: 30.0,
    )


def end(published: EventPublished, withholding_id: str) -> None:
    use_cases.end_withholding(published.event_id, withholding_id, member(published), OPENING, lambda: 30.0)


def listed(published: EventPublished) -> list[WithholdingView]:
    return use_cases.list_withholdings(published.event_id, member(published), OPENING)


def in_blocks(published: EventPublished, withholding_id: str) -> int:
    """What the blocks say, whatever the row does."""
    pool_id = published.pools[0].pool_id
    layout = repository.sale_of(published.event_id, OPENING).layouts[pool_id]
    seen = repository.look_at((pool_id, number) for number in range(layout.blocks))
    holder = raw_bytes(withholding_id)
    return sum(taken.hold == holder for slots in seen.values() for taken in slots.values())


def test_withheld_seats_are_not_for_sale_until_they_are_given_back() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 10, 10))
    made = withhold(published, seats=(seats("A", 3, 6), seats("B", 1, 1)))
    assert (made.places, made.missed, made.complete) == (5, 0, True)
    assert [(one.row, one.first, one.last) for one in made.seats] == [("A", 3, 6), ("B", 1, 1)]
    assert numbers(pools(published)[0]) == (20, 0, 0, 5, 15)
    kind = kinds["A"]
    line = LineAsked(
        ticket_type_id=kind.ticket_type_id,
        seats=(SeatAsked(section="Stalls", row="A", seat=3), SeatAsked(section="Stalls", row="A", seat=1)),
    )
    with pytest.raises(refusals.PlacesTaken) as refused:
        use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)
    assert refused.value.extra["taken"] == [{"section": "Stalls", "row": "A", "seat": "3", "state": "withheld"}]
    changed = change(published, made.withholding_id, made.version, give_back=(seats("A", 3, 4),))
    assert [(one.row, one.first, one.last) for one in changed.seats] == [("A", 5, 6), ("B", 1, 1)]
    assert len(use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING).places) == 2
    end(published, made.withholding_id)
    end(published, made.withholding_id)
    assert listed(published) == []
    assert numbers(pools(published)[0]) == (20, 0, 2, 0, 18)


def test_general_places_are_withheld_from_the_end_by_number() -> None:
    published, kind = on_sale(60)
    made = withhold(published, quantity=40)
    assert (made.places, made.seats, made.missed) == (40, [], 0)
    assert len(hold(published, kind, 20).places) == 20
    with pytest.raises((refusals.AllHeld, refusals.Busy)):
        hold(published, kind, 1, OPENING + timedelta(seconds=2))
    assert change(published, made.withholding_id, made.version, quantity=35).places == 35
    # Sent again, it is as it should be already.
    assert change(published, made.withholding_id, made.version, quantity=35).places == 35
    assert len(hold(published, kind, 5, OPENING + timedelta(seconds=4)).places) == 5
    assert numbers(pools(published)[0]) == (60, 0, 25, 35, 0)


def test_what_somebody_else_has_is_named_as_missed() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 10))
    line = LineAsked(ticket_type_id=kinds["A"].ticket_type_id, seats=(SeatAsked(section="Stalls", row="A", seat=4),))
    use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)
    made = withhold(published, seats=(seats("A", 3, 5),))
    assert (made.places, made.missed) == (2, 1)
    assert [(one.first, one.last) for one in made.missed_seats] == [(4, 4)]
    with pytest.raises(refusals.PlacesTaken):
        withhold(published, seats=(seats("A", 4, 5),))
    assert [one.withholding_id for one in listed(published)] == [made.withholding_id]
    general, kind = on_sale(30)
    hold(general, kind, 20)
    made = withhold(general, quantity=15)
    assert (made.places, made.missed) == (10, 5)
    with pytest.raises(refusals.TooFewLeft):
        withhold(general, quantity=1)
    assert len(listed(general)) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"seats": (seats("A", 3, 11),)}, "$.seats[0]"),
        ({"seats": (seats("A", 3, 4), seats("A", 4, 5))}, "$.seats[1]"),
        ({"seats": (seats("A", 4, 3),)}, "$.seats[0].last"),
        ({"seats": (seats("A", 1, 1, "Pit"),)}, "$.seats[0]"),
        ({"seats": (seats("A", 0, 99_999),)}, "$.seats"),
        ({"quantity": 3}, "$.seats"),
        ({}, "$.seats"),
    ],
)
def test_seats_that_cannot_be_withheld_are_refused_by_name(asked: dict[str, Any], field: str) -> None:
    published, _ = hall_on_sale(rows("Stalls", "A", 10))
    with pytest.raises((refusals.RunRefused, refusals.WrongKind)) as refused:
        withhold(published, **asked)
    assert refused.value.field == field
    assert listed(published) == []


def test_what_is_not_for_that_kind_of_pool_is_refused() -> None:
    published, _ = on_sale(10)
    made = withhold(published, quantity=3)
    for quantity in (None, 1):
        with pytest.raises(refusals.WrongKind):
            withhold(published, seats=(seats("A", 1, 2),), quantity=quantity)
    with pytest.raises(refusals.WrongKind):
        change(published, made.withholding_id, quantity=4)
    with pytest.raises(refusals.WrongKind):
        change(published, made.withholding_id, give_back=(seats("A", 1, 2),))
    with pytest.raises(refusals.PoolUnknown):
        withhold(published, pool_id=new_id("pol"), quantity=1)
    with pytest.raises(refusals.WithholdingUnknown):
        change(published, new_id("wth"), quantity=1)
    with pytest.raises(PreconditionFailed):
        change(published, made.withholding_id, 99, quantity=1)
    assert change(published, made.withholding_id) == made


def test_only_members_withhold() -> None:
    published, _ = on_sale(10)
    body = AddWithholding(pool_id=published.pools[0].pool_id, name="Mine", quantity=1)
    for caller, refusal in ((identity({new_id("org"): "owner"}), NotFound), (member(published, "scanner"), Forbidden)):
        with pytest.raises(refusal):
            use_cases.add_withholding(published.event_id, body, None, caller, OPENING, lambda: 30.0)
        with pytest.raises(refusal):
            use_cases.list_withholdings(published.event_id, caller, OPENING)
        with pytest.raises(refusal):
            use_cases.end_withholding(published.event_id, new_id("wth"), caller, OPENING, lambda: 30.0)


def test_the_same_request_again_makes_no_second_withholding() -> None:
    published, _ = on_sale(60)
    operation = new_id("opn")
    first = withhold(published, operation_id=operation, quantity=10)
    assert withhold(published, operation_id=operation, quantity=10) == first
    assert numbers(pools(published)[0]) == (60, 0, 0, 10, 50)


@pytest.mark.parametrize("crash_at", [0, 1, 3])
def test_a_crash_in_the_middle_leaks_nothing_and_the_repetition_goes_on(
    monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    published, _ = on_sale(2000)
    operation = new_id("opn")
    write, count = off_sale.withhold, iter(range(100))

    def crash(*args: Any) -> None:
        if next(count) == crash_at:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(off_sale, "BLOCKS_PER_WRITE", 8)
    monkeypatch.setattr(off_sale, "withhold", crash)
    with pytest.raises(KeyboardInterrupt):
        withhold(published, operation_id=operation, quantity=1000)
    caching.forget()
    (left,) = listed(published)
    assert not left.complete
    assert left.places == in_blocks(published, left.withholding_id) == 200 * crash_at
    made = withhold(published, operation_id=operation, quantity=1000)
    assert (made.withholding_id, made.places, made.complete) == (left.withholding_id, 1000, True)
    assert in_blocks(published, made.withholding_id) == 1000


def test_an_end_that_crashes_is_ended_by_its_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    published, _ = on_sale(1000)
    made = withhold(published, quantity=900)
    write, count = off_sale.give_back, iter(range(100))

    def crash(*args: Any) -> None:
        if next(count) == 2:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(off_sale, "BLOCKS_PER_WRITE", 8)
    monkeypatch.setattr(off_sale, "give_back", crash)
    with pytest.raises(KeyboardInterrupt):
        end(published, made.withholding_id)
    (left,) = listed(published)
    assert left.places == in_blocks(published, made.withholding_id) == 500
    end(published, made.withholding_id)
    assert (listed(published), in_blocks(published, made.withholding_id)) == ([], 0)
    assert numbers(pools(published)[0]) == (1000, 0, 0, 0, 1000)


def test_a_buyer_who_is_faster_keeps_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(50)
    write = off_sale.withhold
    done: list[HoldView] = []

    def after_a_buyer(*args: Any) -> None:
        if not done:
            done.append(hold(published, kind, 30))
        write(*args)

    monkeypatch.setattr(off_sale, "withhold", after_a_buyer)
    made = withhold(published, quantity=50)
    assert (made.places, made.missed) == (20, 30)
    assert numbers(pools(published)[0]) == (50, 0, 30, 20, 0)


def test_what_a_member_may_take_over_is_what_is_withheld_still() -> None:
    published, _ = on_sale(60)
    made = withhold(published, quantity=10)
    sale = repository.sale_of(published.event_id, OPENING)
    passing = withheld_for(sale, made.withholding_id)
    assert (len(passing.slots), passing.frees, passing.only) == (10, False, True)
    with pytest.raises(refusals.WithholdingUnknown):
        withheld_for(sale, new_id("wth"))


def test_a_plan_is_small_in_its_row() -> None:
    places = {Place("pol", block, slot) for block in range(80) for slot in range(25)}
    assert len(withholdings.pack(places)) < 600
    assert withholdings.unpack("pol", withholdings.pack(places)) == places


def test_refunds_of_places_bought_leave_the_withholding_alone() -> None:
    published, kind = on_sale(30)
    made = withhold(published, quantity=5)
    use_cases.answer_paid_order(paid(published, hold(published, kind, 25)), OPENING)
    assert numbers(pools(published)[0]) == (30, 25, 0, 5, 0)
    assert listed(published)[0].places == made.places == 5
