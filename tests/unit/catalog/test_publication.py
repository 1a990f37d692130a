"""What an event must have before the public sees it, and what it keeps from then on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.catalog import domain
from services.catalog.domain import Event, FieldError, Fixed, Incomplete, Pool, Row, Run, SeatMap, Section, TicketType
from shared.ids import new_id
from shared.money import Money

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
STARTS = NOW + timedelta(days=30)
ORGANISER, VENUE = new_id("org", NOW), new_id("ven", NOW)
MAP = SeatMap(
    seat_map_id="map_1",
    organiser_id=ORGANISER,
    venue_id=VENUE,
    name="Hall",
    sections=(Section("Stalls", (Row("A", (Run(1, 10, "Front"),)), Row("B", (Run(1, 10, "Back"),)))),),
)
SEATED = Pool(pool_id="pol_seats", name="Seats", kind="seated", seat_map_id="map_1")
STANDING = Pool(pool_id="pol_floor", name="Floor", kind="general", capacity=100)


def ticket_type(name: str, pool: Pool = SEATED, zone: str | None = None, **changes: Any) -> TicketType:
    base = TicketType(
        ticket_type_id=f"tty_{name}", name=name, price=Money(4500, "USD"), pool_id=pool.pool_id, zone=zone
    )
    return structs.replace(base, **changes)


def event(**changes: Any) -> Event:
    base = Event(
        event_id="evt_1",
        organiser_id=ORGANISER,
        name="An Evening",
        venue_id=VENUE,
        venue_name="Hall",
        venue_city="New York",
        time_zone="America/New_York",
        starts_at=STARTS,
        currency="USD",
        pools=(SEATED, STANDING),
        ticket_types=(
            ticket_type("front", zone="Front"),
            ticket_type("back", zone="Back"),
            ticket_type("floor", STANDING),
        ),
    )
    return structs.replace(base, **changes)


def missing(candidate: Event, maps: dict[str, SeatMap] | None = None) -> list[str]:
    with pytest.raises(Incomplete) as refused:
        domain.check_publishable(candidate, {"map_1": MAP} if maps is None else maps, NOW)
    assert refused.value.extra == {
        "errors": [{"field": error.field, "reason": error.reason} for error in refused.value.errors]
    }
    return [error.field for error in refused.value.errors]


def test_a_complete_event_may_be_published() -> None:
    domain.check_publishable(event(), {"map_1": MAP}, NOW)
    assert domain.capacity(event(), {"map_1": MAP}) == 120


def test_one_ticket_type_for_all_zones_is_enough() -> None:
    domain.check_publishable(
        event(ticket_types=(ticket_type("any"), ticket_type("floor", STANDING))), {"map_1": MAP}, NOW
    )


def test_tickets_may_be_free() -> None:
    free = ticket_type("any", price=Money(0, "USD"))
    domain.check_publishable(event(ticket_types=(free, ticket_type("floor", STANDING))), {"map_1": MAP}, NOW)


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"starts_at": NOW}, ["$.starts_at"]),
        ({"starts_at": NOW - timedelta(days=1)}, ["$.starts_at"]),
        ({"starts_at": NOW + timedelta(days=731)}, ["$.starts_at"]),
        ({"doors_at": STARTS + timedelta(minutes=1)}, ["$.doors_at"]),
        ({"doors_at": STARTS - timedelta(days=2)}, ["$.doors_at"]),
        ({"hold_seconds": 59}, ["$.hold_seconds"]),
        ({"places_per_order_max": 0}, ["$.places_per_order_max"]),
        ({"pools": (), "ticket_types": ()}, ["$.pools"]),
        ({"ticket_types": ()}, ["$.ticket_types"]),
        ({"ticket_types": (ticket_type("any"),)}, ["$.pools[1]"]),
        (
            {"ticket_types": (ticket_type("front", zone="Front"), ticket_type("floor", STANDING))},
            ["$.ticket_types"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("box", zone="Box"), ticket_type("floor", STANDING))},
            ["$.ticket_types[1].zone"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("floor", STANDING, zone="Front"))},
            ["$.ticket_types[1].zone"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("floor", STANDING, price=Money(1, "EUR")))},
            ["$.ticket_types[1].price.currency"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("floor", STANDING, price=Money(-1, "USD")))},
            ["$.ticket_types[1].price.amount"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("floor", STANDING, pool_id="pol_none"))},
            ["$.ticket_types[1].pool", "$.pools[1]"],
        ),
        (
            {"ticket_types": (ticket_type("any"), ticket_type("any", STANDING))},
            ["$.ticket_types[1].name"],
        ),
        (
            {
                "ticket_types": (
                    ticket_type("any", sale_starts_at=STARTS),
                    ticket_type("floor", STANDING, sale_starts_at=NOW, sale_ends_at=NOW),
                )
            },
            ["$.ticket_types[0].sale_starts_at", "$.ticket_types[1].sale_ends_at"],
        ),
        (
            {"ticket_types": (ticket_type("any", places_per_order_max=11), ticket_type("floor", STANDING))},
            ["$.ticket_types[0].places_per_order_max"],
        ),
        ({"pools": (SEATED, structs.replace(STANDING, capacity=0))}, ["$.pools[1].capacity"]),
        ({"pools": (SEATED, structs.replace(STANDING, seat_map_id="map_1"))}, None),
        ({"pools": (structs.replace(SEATED, name="Floor"), STANDING)}, ["$.pools[1].name"]),
        ({"pools": (structs.replace(SEATED, seat_map_id=None), STANDING)}, ["$.pools[0].seat_map_id"]),
        ({"currency": "XXX"}, None),
    ],
)
def test_everything_that_is_wrong_is_named(changes: dict[str, Any], fields: list[str] | None) -> None:
    found = missing(event(**changes))
    if fields is None:
        assert found
    else:
        assert found == fields


def test_several_things_are_named_at_once() -> None:
    found = missing(event(starts_at=NOW, hold_seconds=1, ticket_types=()))
    assert found == ["$.hold_seconds", "$.starts_at", "$.ticket_types"]


@pytest.mark.parametrize(
    "maps",
    [
        {},
        {"map_1": structs.replace(MAP, organiser_id="org_other")},
        {"map_1": structs.replace(MAP, venue_id="ven_other")},
    ],
)
def test_a_seat_map_must_be_the_organisers_own_and_of_this_venue(maps: dict[str, SeatMap]) -> None:
    assert missing(event(), maps) == ["$.pools[0].seat_map_id"]


def test_currencies_are_those_of_iso_4217() -> None:
    for currency in ("USD", "EUR", "JPY", "KRW", "CHF", "KWD"):
        domain.check_shape(event(currency=currency, pools=(), ticket_types=()))
    for currency in ("usd", "USDT", "XAU", "XTS", "ABC", ""):
        with pytest.raises(Incomplete) as refused:
            domain.check_shape(event(currency=currency, pools=(), ticket_types=()))
        assert refused.value.errors == (FieldError("$.currency", "this is no currency of ISO 4217"),)


PUBLISHED = event(state="published")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Another name"},
        {"starts_at": STARTS + timedelta(days=1)},
        {"ticket_types": (*PUBLISHED.ticket_types, ticket_type("late", STANDING))},
        {
            "ticket_types": tuple(
                structs.replace(one, price=Money(1, "USD"), name=f"{one.name}!") for one in PUBLISHED.ticket_types
            )
        },
    ],
)
def test_a_published_event_may_change_what_nobody_has_bought(changes: dict[str, Any]) -> None:
    domain.check_change(PUBLISHED, structs.replace(PUBLISHED, **changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pools": (SEATED,)}, "$.pools"),
        ({"pools": (SEATED, structs.replace(STANDING, capacity=99))}, "$.pools"),
        ({"venue_id": "ven_other"}, "$.venue_id"),
        ({"currency": "EUR"}, "$.currency"),
        ({"ticket_types": PUBLISHED.ticket_types[1:]}, "$.ticket_types"),
        (
            {"ticket_types": (structs.replace(PUBLISHED.ticket_types[0], zone="Back"), *PUBLISHED.ticket_types[1:])},
            "$.ticket_types",
        ),
    ],
)
def test_a_published_event_keeps_what_places_were_sold_from(changes: dict[str, Any], field: str) -> None:
    after = structs.replace(PUBLISHED, **changes)
    with pytest.raises(Fixed) as refused:
        domain.check_change(PUBLISHED, after)
    assert refused.value.field == field
    domain.check_change(structs.replace(PUBLISHED, state="draft"), after)


@pytest.mark.parametrize(("before", "after"), [(None, 10), (10, 9)])
def test_a_cap_of_a_published_event_is_only_raised_or_dropped(before: int | None, after: int) -> None:
    def capped(places_max: int | None) -> Event:
        first, *rest = PUBLISHED.ticket_types
        return structs.replace(PUBLISHED, ticket_types=(structs.replace(first, places_max=places_max), *rest))

    with pytest.raises(Fixed) as refused:
        domain.check_change(capped(before), capped(after))
    assert refused.value.field == "$.ticket_types"
    domain.check_change(capped(after), capped(after + 1))
    domain.check_change(capped(after), capped(None))
    domain.check_change(structs.replace(capped(before), state="draft"), capped(after))


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "\x00"])
def test_time_zones_are_those_of_iana(name: str) -> None:
    domain.check_time_zone("Asia/Seoul")
    with pytest.raises(Incomplete):
        domain.check_time_zone(name)
