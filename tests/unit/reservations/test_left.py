"""The word for what is left: how many places are few, and what of a pool counts."""

from __future__ import annotations

import pytest

from services.reservations.domain import SOLD_UNTIL, WITHHELD_UNTIL, GeneralLayout, Run, SeatedLayout, Taken
from services.reservations.domain.left import EVERYTHING, Places, PoolCount, left_of

NOW = 1_000
SOLD, WITHHELD = Taken(b"s", SOLD_UNTIL), Taken(b"w", WITHHELD_UNTIL)
HELD, OVER = Taken(b"h", NOW), Taken(b"o", NOW - 1)


@pytest.mark.parametrize(
    ("free", "unsold", "word"),
    [(0, 0, "sold-out"), (0, 1, "few-left"), (1, 1, "few-left"), (4, 9, "few-left"), (5, 5, "available")],
)
def test_the_word_goes_by_what_is_free_and_what_may_come_free(free: int, unsold: int, word: str) -> None:
    assert left_of(Places(free, unsold), few=4) == word


def test_what_is_held_may_come_free_and_what_is_sold_or_withheld_may_not() -> None:
    counted = PoolCount(GeneralLayout(6), EVERYTHING)
    counted.see(0, {0: SOLD, 1: WITHHELD, 2: HELD, 3: OVER}, NOW)
    assert counted.places == Places(free=3, unsold=4)


def test_every_block_is_looked_at_once_and_the_first_ones_lie_far_apart() -> None:
    blocks = PoolCount(GeneralLayout(1000), EVERYTHING).blocks
    assert sorted(blocks) == list(range(40))
    assert blocks[:5] == [0, 8, 16, 24, 32]


def test_zones_that_nobody_sells_do_not_count_and_caps_bound_what_they_cap() -> None:
    layout = SeatedLayout([Run("S", "A", 1, 20, "A"), Run("S", "B", 1, 20, "B")])
    only_b = PoolCount(layout, {"B": None})
    assert only_b.blocks == [1]
    both = PoolCount(layout, {"A": Places(3, 5), "B": None})
    for number in both.blocks:
        both.see(number, {}, NOW)
    assert both.places == Places(23, 25)
    # Two sell the same places: they are there once.
    twice = PoolCount(layout, {None: None, "A": Places(3, 5)})
    for number in twice.blocks:
        twice.see(number, {}, NOW)
    assert twice.places == Places(40, 40)


def test_seeing_more_never_makes_it_less() -> None:
    layout = GeneralLayout(100)
    counted = PoolCount(layout, {None: Places(60, 60)})
    seen = []
    for number in counted.blocks:
        counted.see(number, {0: SOLD}, NOW)
        seen.append(counted.places.free)
    assert seen == sorted(seen)
    assert seen[-1] == 60
