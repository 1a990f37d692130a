"""Seats: next to each other, chosen one by one, by zone."""

from __future__ import annotations

import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from shared.ids import new_id
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    event,
    hall_on_sale,
    hold,
    rows,
    seated_pool,
    ticket_type,
    where,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")


def choose(published: EventPublished, kind: TicketType, row: str, *numbers: int) -> HoldView:
    seats = tuple(SeatAsked(section="Stalls", row=row, seat=number) for number in numbers)
    line = LineAsked(ticket_type_id=kind.ticket_type_id, seats=seats)
    return use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)


def seats_of(held: HoldView) -> list[tuple[str | None, str | None, int]]:
    return [(place.section, place.row, int(place.seat or 0)) for place in held.places]


def test_seats_found_together_are_neighbours_in_one_row() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 7, 7, 7))
    for _ in range(6):
        seats = seats_of(hold(published, kinds["A"], 3))
        assert len({row for _, row, _ in seats}) == 1
        numbers = [number for _, _, number in seats]
        assert numbers == list(range(numbers[0], numbers[0] + 3))
    # Each row of seven has one seat left: three are free, none next to another.
    with pytest.raises(refusals.NotTogether) as refused:
        hold(published, kinds["A"], 2)
    assert refused.value.extra["places_together_max"] == 1
    line = LineAsked(ticket_type_id=kinds["A"].ticket_type_id, quantity=3, together=False)
    apart = use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)
    assert len({row for _, row, _ in seats_of(apart)}) == 3


def test_a_zone_is_served_from_its_own_seats() -> None:
    published, kinds = hall_on_sale([*rows("Stalls", "A", 4, 4), *rows("Balcony", "B", 4, 4)])
    assert {section for section, _, _ in seats_of(hold(published, kinds["B"], 4))} == {"Balcony"}
    assert {section for section, _, _ in seats_of(hold(published, kinds["B"], 4))} == {"Balcony"}
    with pytest.raises(refusals.AllHeld):
        hold(published, kinds["B"], 1)
    assert {section for section, _, _ in seats_of(hold(published, kinds["A"], 4))} == {"Stalls"}


def test_a_ticket_type_without_zone_sells_every_seat() -> None:
    pool = seated_pool([*rows("Stalls", "A", 3), *rows("Balcony", "B", 3)])
    kind = ticket_type(pool, "Any seat")
    published = event([pool], [kind])
    use_cases.put_on_sale(published, OPENING)
    assert {section for n in range(2) for section, _, _ in seats_of(hold(published, kind, 3))} == {"Stalls", "Balcony"}


def test_chosen_seats_are_held_or_named_as_taken() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 10, 10))
    assert seats_of(choose(published, kinds["A"], "B", 4, 5)) == [("Stalls", "B", 4), ("Stalls", "B", 5)]
    with pytest.raises(refusals.PlacesTaken) as refused:
        choose(published, kinds["A"], "B", 5, 6)
    assert refused.value.extra["taken"] == [{"section": "Stalls", "row": "B", "seat": "5", "state": "held"}]
    assert seats_of(choose(published, kinds["A"], "B", 6)) == [("Stalls", "B", 6)]


def test_chosen_and_found_seats_of_one_basket_never_meet() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 6))
    lines = (
        LineAsked(ticket_type_id=kinds["A"].ticket_type_id, seats=(SeatAsked(section="Stalls", row="A", seat=1),)),
        LineAsked(ticket_type_id=kinds["A"].ticket_type_id, quantity=5),
    )
    held = use_cases.place_hold(basket(published, *lines), new_id("per"), None, OPENING)
    assert len(where(held)) == 6


@pytest.mark.parametrize(
    ("seats", "refusal", "field"),
    [
        ([("Stalls", "Z", 1)], refusals.SeatUnknown, "$.lines[0].seats[0]"),
        ([("Stalls", "A", 99)], refusals.SeatUnknown, "$.lines[0].seats[0]"),
        ([("Stalls", "A", 1), ("Stalls", "A", 1)], refusals.SeatTwice, "$.lines[0].seats[1]"),
        ([("Stalls", "A", 1), ("Balcony", "A", 1)], refusals.SeatNotInZone, "$.lines[0].seats[1]"),
    ],
)
def test_seats_that_cannot_be_had_are_named(
    seats: list[tuple[str, str, int]], refusal: type[refusals.Refusal], field: str
) -> None:
    published, kinds = hall_on_sale([*rows("Stalls", "A", 4), *rows("Balcony", "B", 4)])
    asked = tuple(SeatAsked(section=section, row=row, seat=number) for section, row, number in seats)
    line = LineAsked(ticket_type_id=kinds["A"].ticket_type_id, seats=asked)
    with pytest.raises(refusal) as refused:
        use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)
    assert refused.value.field == field
