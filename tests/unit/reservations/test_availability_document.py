"""The document of what is left: 20,000 seats are one small answer."""

from __future__ import annotations

import base64
import gzip
import random

import msgspec

from services.reservations.domain import SOLD_UNTIL, WITHHELD_UNTIL, Run, Seat, SeatedLayout, Slots, Taken, tally
from services.reservations.schemas import Availability, PoolAvailability
from services.reservations.use_cases.availability import sections_of
from services.reservations.use_cases.counting import Count

NOW = 1_900_000_000
ZONES = ("Lower Tier", "Club", "Upper Tier")


def arena() -> SeatedLayout:
    """40 sections of 20 rows of 25 seats."""
    return SeatedLayout(
        [
            Run(f"Section {100 + section}", str(row + 1), 1, 25, ZONES[section % 3])
            for section in range(40)
            for row in range(20)
        ]
    )


def blocks(layout: SeatedLayout, share: float) -> dict[tuple[str, int], Slots]:
    """Blocks of which that share of the places is sold, at random places: what compresses worst."""
    draw = random.Random(20_000)
    sold = Taken(b"h" * 16, SOLD_UNTIL)
    return {
        ("pool", number): {slot: sold for slot in range(layout.size(number)) if draw.random() < share}
        for number in range(layout.blocks)
    }


def document(layout: SeatedLayout, seen: dict[tuple[str, int], Slots]) -> bytes:
    pool = PoolAvailability(
        pool_id="pol_01jd4x8k3m9q7r5t2v6w8y0zaa",
        kind="seated",
        capacity=layout.capacity,
        free=0,
        held=0,
        sections=sections_of(layout, Count(seen, {}, False), NOW),
    )
    event_id = "evt_01jd4x8k3m9q7r5t2v6w8y0zaa"
    return msgspec.json.encode(Availability(event_id=event_id, version=1, pools=[pool], ticket_types=[]))


def test_20000_seats_are_less_than_25_kilobytes_and_less_than_4_compressed() -> None:
    layout = arena()
    assert layout.capacity == 20_000
    for share in (0.0, 0.5, 0.97):
        raw = document(layout, blocks(layout, share))
        assert len(raw) < 25_000
        assert len(gzip.compress(raw, 6)) < 4_000


def test_the_bits_of_20000_seats_are_the_seats() -> None:
    layout = arena()
    seen = blocks(layout, 0.5)
    found = msgspec.json.decode(document(layout, seen), type=Availability).pools[0].sections
    checked = 0
    for section in found:
        bits = base64.b64decode(section.free_bits)
        seats = [(row, seat) for row, first, last, _ in section.rows for seat in range(first, last + 1)]
        for position, (row, number) in enumerate(seats):
            place = layout.find(Seat(section.section, row, number))
            assert place is not None
            free = place[1] not in seen["pool", place[0]]
            assert bits[position // 8] >> position % 8 & 1 == free
            checked += 1
    assert checked == 20_000


def test_bays_are_marked_and_only_where_there_are_any() -> None:
    layout = SeatedLayout([Run("A", "1", 1, 3, "Z"), Run("A", "2", 1, 4, "Z", True, (2, 3)), Run("B", "1", 1, 2, "Z")])
    seen: dict[tuple[str, int], Slots] = {("pool", number): {} for number in range(layout.blocks)}
    first, second = sections_of(layout, Count(seen, {}, False), NOW)
    assert base64.b64decode(first.accessible_bits) == bytes([0b1001000])
    assert base64.b64decode(first.companion_bits) == bytes([0b0110000])
    assert (second.accessible_bits, second.companion_bits) == ("", "")


def test_what_is_withheld_is_neither_free_nor_held_nor_sold() -> None:
    pool, house, buyer = b"p" * 16, b"w" * 16, b"h" * 16
    slots = {
        0: Taken(buyer, NOW),
        1: Taken(buyer, NOW - 1),
        2: Taken(buyer, SOLD_UNTIL),
        3: Taken(house, WITHHELD_UNTIL),
        4: Taken(pool, WITHHELD_UNTIL),
    }
    counted = tally(slots, 10, pool, NOW)
    assert (counted.free, counted.held, counted.sold, counted.withheld, counted.given_up) == (6, 1, 1, 1, 1)
