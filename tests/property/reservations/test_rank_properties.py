"""Ranks: for every count and seed a permutation, and the one that the decision page describes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.fairness import chi_square_p
from services.reservations.domain.waiting_room import Draw, Number, rank, shuffled

VECTORS = Path(__file__).resolve().parents[3] / "docs" / "decisions" / "0010-waiting-room.json"
seeds = st.binary(min_size=32, max_size=32)


def by_the_page(serial: int, drawn: int, seed: str) -> int:
    """The permutation again, written from the words of the decision page and on text instead of numbers."""
    half = 1
    while 4**half < drawn:
        half += 1
    bits = format(serial, f"0{2 * half}b")
    while True:
        left, right = bits[:half], bits[half:]
        for turn in range(8):
            message = bytes.fromhex(seed + format(turn, "02x") + format(int(right, 2), "08x"))
            word = format(int(hashlib.sha256(message).hexdigest()[:8], 16), "032b")[-half:]
            mixed = "".join("01"[a != b] for a, b in zip(left, word, strict=True))
            left, right = right, mixed
        bits = left + right
        if int(bits, 2) < drawn:
            return int(bits, 2)


@settings(max_examples=60, deadline=None)
@given(drawn=st.integers(1, 600), seed=seeds)
@example(drawn=1, seed=b"\0" * 32)
@example(drawn=2, seed=b"\0" * 32)
@example(drawn=256, seed=b"\xff" * 32)
@example(drawn=257, seed=b"\xff" * 32)
def test_every_serial_has_a_rank_of_its_own(drawn: int, seed: bytes) -> None:
    assert sorted(shuffled(serial, Draw(seed, drawn)) for serial in range(drawn)) == list(range(drawn))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), drawn=st.integers(1, 1 << 40), seed=seeds)
def test_another_implementation_agrees(data: st.DataObject, drawn: int, seed: bytes) -> None:
    serial = data.draw(st.integers(0, drawn - 1))
    assert shuffled(serial, Draw(seed, drawn)) == by_the_page(serial, drawn, seed.hex())


def test_the_published_examples_hold() -> None:
    examples = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert len(examples) >= 20
    for one in examples:
        draw = Draw(bytes.fromhex(one["seed"]), one["drawn"])
        number = Number(event_id="evt", person_id="per", serial=one["serial"], before=one["phase"] == "before")
        assert rank(number, draw) == one["rank"], one


@pytest.mark.parametrize(("drawn", "serial"), [(3, 0), (7, 6), (40, 13), (100, 99)])
def test_over_the_seeds_every_rank_is_as_likely(drawn: int, serial: int) -> None:
    """Nobody can do anything for a good rank: whatever the serial, the seed decides."""
    draws = 60 * drawn
    seen = Counter(
        shuffled(serial, Draw(hashlib.sha256(str(number).encode()).digest(), drawn)) for number in range(draws)
    )
    statistic = sum((seen[place] - 60) ** 2 / 60 for place in range(drawn))
    assert chi_square_p(statistic, drawn - 1) > 0.001


@given(seed=seeds, drawn=st.integers(0, 1 << 30), serial=st.integers(0, 1 << 30))
def test_whoever_came_after_the_opening_follows_in_order(seed: bytes, drawn: int, serial: int) -> None:
    late = Number(event_id="evt", person_id="per", serial=serial, before=False)
    assert rank(late, Draw(seed, drawn)) == drawn + serial


@pytest.mark.parametrize(("drawn", "serial"), [(0, 0), (5, 5), (5, -1), (1 << 64, 1 << 64), ((1 << 64) + 1, 0)])
def test_a_serial_that_was_not_drawn_has_no_rank(drawn: int, serial: int) -> None:
    with pytest.raises(ValueError, match="does not cover"):
        shuffled(serial, Draw(b"s" * 32, drawn))


def test_another_seed_is_another_order() -> None:
    orders = {tuple(shuffled(serial, Draw(bytes([n]) * 32, 50)) for serial in range(50)) for n in range(40)}
    assert len(orders) == 40
