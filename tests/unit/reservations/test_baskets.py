"""Baskets against what is on sale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.catalog import TicketType
from services.reservations.domain import (
    GeneralLayout,
    Layout,
    Place,
    Run,
    Sale,
    Seat,
    SeatedLayout,
    Wish,
    check_basket,
    refusals,
)
from shared.money import Money

NOW = datetime(2031, 5, 1, 10, tzinfo=UTC)


def kind(name: str, pool: str = "floor", **options: Any) -> TicketType:
    return TicketType(ticket_type_id=name, name=name, price=Money(100, "USD"), pool_id=pool, **options)


def sale(*kinds: TicketType, places_per_order_max: int = 10) -> Sale:
    layouts: dict[str, Layout] = {
        "floor": GeneralLayout(100),
        "hall": SeatedLayout([Run("Stalls", "A", 1, 10, "A"), Run("Stalls", "B", 1, 10, "B")]),
    }
    return Sale("evt", 1, "org", "An Evening", "USD", 600, places_per_order_max, kinds, layouts)


def test_lines_that_draw_on_the_same_add_up() -> None:
    basket = check_basket(sale(kind("adult"), kind("child")), [Wish("adult", 2), Wish("child", 1)], NOW)
    ((demand, quantity),) = basket.demands.items()
    assert (demand.pool_id, demand.zone, demand.together, quantity) == ("floor", None, False, 3)
    places = [Place("floor", 0, slot) for slot in range(3)]
    assert basket.share_out({demand: places}) == [tuple(places[:2]), (places[2],)]


def test_chosen_seats_are_shared_out_to_their_own_line() -> None:
    kinds = (kind("a", "hall", zone="A"), kind("any", "hall"))
    wishes = [Wish("a", 1, (Seat("Stalls", "A", 3),)), Wish("any", 2)]
    basket = check_basket(sale(*kinds), wishes, NOW)
    ((demand, _),) = basket.demands.items()
    found = (Place("hall", 1, 0), Place("hall", 1, 1))
    assert basket.share_out({demand: found}) == [(Place("hall", 0, 2),), found]


@pytest.mark.parametrize(
    ("wishes", "refusal", "field"),
    [
        ([Wish("nobody", 1)], refusals.TicketTypeUnknown, "$.lines[0].ticket_type_id"),
        ([Wish("adult", 11)], refusals.TooManyPlaces, "$.lines"),
        ([Wish("few", 2), Wish("few", 1)], refusals.TooManyPlaces, "$.lines[1]"),
        ([Wish("adult", 1), Wish("early", 1)], refusals.NotOnSale, "$.lines[1].ticket_type_id"),
        ([Wish("ended", 1)], refusals.SaleEnded, "$.lines[0].ticket_type_id"),
        ([Wish("adult", 1, (Seat("Stalls", "A", 1),))], refusals.SeatUnknown, "$.lines[0].seats[0]"),
        ([Wish("lost", 1)], refusals.TicketTypeUnknown, "$.lines[0].ticket_type_id"),
    ],
)
def test_what_cannot_be_sold_is_named(wishes: list[Wish], refusal: type[refusals.Refusal], field: str) -> None:
    kinds = (
        kind("adult"),
        kind("few", places_per_order_max=2),
        kind("early", sale_starts_at=NOW + timedelta(seconds=1)),
        kind("ended", sale_ends_at=NOW),
        kind("lost", "a pool that never came"),
    )
    with pytest.raises(refusal) as refused:
        check_basket(sale(*kinds), wishes, NOW)
    assert refused.value.field == field


def test_a_sale_begins_and_ends_on_the_second() -> None:
    window = kind("window", sale_starts_at=NOW, sale_ends_at=NOW + timedelta(seconds=1))
    assert check_basket(sale(window), [Wish("window", 1)], NOW).demands


def test_the_same_seat_twice_is_refused_also_over_two_lines() -> None:
    kinds = (kind("a", "hall"), kind("b", "hall"))
    seat = (Seat("Stalls", "A", 1),)
    with pytest.raises(refusals.SeatTwice) as refused:
        check_basket(sale(*kinds), [Wish("a", 1, seat), Wish("b", 1, seat)], NOW)
    assert refused.value.field == "$.lines[1].seats[0]"
