"""What is left: counts and seats, as of now."""

from __future__ import annotations

import base64
from datetime import timedelta

import msgspec
import pytest

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import caching
from services.reservations.schemas import Availability, LineAsked, SeatAsked
from shared.data import consumed
from shared.ids import new_id
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    hall_on_sale,
    hold,
    on_sale,
    paid,
    rows,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")


def left(event_id: str, seconds: int = 0) -> Availability:
    return msgspec.json.decode(
        use_cases.availability(event_id, OPENING + timedelta(seconds=seconds)), type=Availability
    )


def free_seats(document: Availability) -> set[tuple[str, str, int]]:
    free = set()
    for section in document.pools[0].sections:
        bits = base64.b64decode(section.free_bits)
        seats = [(row, seat) for row, first, last, _ in section.rows for seat in range(first, last + 1)]
        for n, (row, seat) in enumerate(seats):
            if bits[n // 8] >> n % 8 & 1:
                free.add((section.section, row, seat))
        assert section.free == sum(name == section.section for name, _, _ in free)
    return free


def test_counts_follow_holds_sales_and_time() -> None:
    published, kind = on_sale(60)
    assert (left(published.event_id).pools[0].free, left(published.event_id).pools[0].held) == (60, 0)
    held = hold(published, kind, 4)
    sold = hold(published, kind, 30)
    use_cases.answer_paid_order(paid(published, sold), OPENING)
    document = left(published.event_id, 2)
    assert (document.pools[0].free, document.pools[0].held) == (26, 4)
    assert [(one.free, one.held) for one in document.ticket_types] == [(26, 4)]
    assert held.expires_at < OPENING + timedelta(seconds=601)
    assert left(published.event_id, 601).pools[0].free == 30


def test_every_seat_has_its_bit_and_every_zone_its_count() -> None:
    published, kinds = hall_on_sale([*rows("Stalls", "A", 30, 12), *rows("Balcony", "B", 9, 9)])
    sizes = {("Stalls", "A"): 30, ("Stalls", "B"): 12, ("Balcony", "A"): 9, ("Balcony", "B"): 9}
    every = {(section, row, n) for (section, row), size in sizes.items() for n in range(1, size + 1)}
    assert free_seats(left(published.event_id)) == every
    asked = (SeatAsked(section="Stalls", row="A", seat=17), SeatAsked(section="Stalls", row="B", seat=12))
    line = LineAsked(ticket_type_id=kinds["A"].ticket_type_id, seats=asked)
    use_cases.place_hold(basket(published, line), new_id("per"), None, OPENING)
    document = left(published.event_id, 2)
    assert free_seats(document) == every - {("Stalls", "A", 17), ("Stalls", "B", 12)}
    assert {one.zone: (one.free, one.held) for one in document.ticket_types} == {"A": (40, 2), "B": (18, 0)}


def test_2200_seats_are_one_small_document() -> None:
    published, _ = hall_on_sale([run for n in range(8) for run in rows(f"S{n}", "A", *[25] * 11)])
    assert len(use_cases.availability(published.event_id, OPENING)) < 6_000


def test_a_very_large_pool_is_reckoned_from_a_sample() -> None:
    published, _ = on_sale(1_000_000)
    with consumed() as meter:
        document = left(published.event_id)
    assert (document.pools[0].free, document.pools[0].sampled) == (1_000_000, True)
    # The event, its pool, and four batches of a hundred blocks; one more where an answer was slow and was asked again.
    assert meter.requests <= 7


def test_an_unknown_event_has_nothing_left() -> None:
    with pytest.raises(refusals.EventUnknown):
        use_cases.availability(new_id("evt"), OPENING)


def test_within_a_second_the_table_is_not_asked_again() -> None:
    published, _ = on_sale(60)
    left(published.event_id)
    with consumed() as meter:
        left(published.event_id)
    assert meter.requests == 0
    caching.forget()
    with consumed() as meter:
        left(published.event_id)
    # Another process finds the document in Redis; without it, it reads the event, its pools and their blocks.
    assert meter.requests == (0 if caching.cache().configured else 4)
