"""How pools are cut into blocks."""

from __future__ import annotations

import pytest

from services.reservations.domain import GeneralLayout, Run, Seat, SeatedLayout, keeps_places


def run(row: str, length: int, *, section: str = "Stalls", zone: str = "A", first: int = 1) -> Run:
    return Run(section, row, first, first + length - 1, zone)


@pytest.mark.parametrize(("capacity", "blocks", "last"), [(1, 1, 1), (25, 1, 25), (26, 2, 1), (1_000_000, 40_000, 25)])
def test_general_places_are_cut_by_25(capacity: int, blocks: int, last: int) -> None:
    layout = GeneralLayout(capacity)
    assert (layout.blocks, layout.size(blocks - 1)) == (blocks, last)
    assert layout.seat(0, 0) is None
    assert list(layout.blocks_of(None)) == list(range(blocks))


def test_whole_rows_share_a_block_while_they_fit() -> None:
    layout = SeatedLayout([run("A", 12), run("B", 12), run("C", 12)])
    assert [layout.stretches(block) for block in range(layout.blocks)] == [(12, 12), (12,)]


def test_a_row_that_is_too_long_is_cut_into_equal_parts() -> None:
    layout = SeatedLayout([run("A", 60)])
    assert [layout.stretches(block) for block in range(layout.blocks)] == [(20,), (20,), (20,)]
    assert layout.seat(1, 0) == Seat("Stalls", "A", 21)


@pytest.mark.parametrize("other", [run("B", 5, zone="B"), run("B", 5, section="Balcony")])
def test_blocks_never_mix_zones_or_sections(other: Run) -> None:
    layout = SeatedLayout([run("A", 5), other, run("C", 5)])
    assert layout.blocks == 3


def test_zones_know_their_blocks_in_order() -> None:
    layout = SeatedLayout([run("A", 25), run("B", 25, zone="B"), run("C", 25)])
    assert layout.zones() == ("A", "B")
    assert tuple(layout.blocks_of("A")) == (0, 2)
    assert tuple(layout.blocks_of("B")) == (1,)
    assert tuple(layout.blocks_of("C")) == ()
    assert tuple(layout.blocks_of(None)) == (0, 1, 2)


def test_seats_are_found_by_their_labels_and_only_those() -> None:
    layout = SeatedLayout([run("A", 30, first=101), run("B", 4)])
    assert layout.find(Seat("Stalls", "A", 101)) == (0, 0)
    assert layout.find(Seat("Stalls", "A", 116)) == (1, 0)
    for missing in (Seat("Stalls", "A", 100), Seat("Stalls", "A", 131), Seat("Stalls", "C", 1), Seat("Pit", "A", 101)):
        assert layout.find(missing) is None
    with pytest.raises(IndexError):
        layout.seat(1, 20)


def test_a_layout_that_only_grew_keeps_its_places() -> None:
    small, large = [run("A", 10)], [run("A", 10), run("B", 10)]
    assert keeps_places(SeatedLayout(small), SeatedLayout(large))
    assert not keeps_places(SeatedLayout(large), SeatedLayout(small))
    assert not keeps_places(SeatedLayout(large), SeatedLayout(large[::-1]))
    assert keeps_places(GeneralLayout(10), GeneralLayout(11))
    assert not keeps_places(GeneralLayout(11), GeneralLayout(10))
    assert not keeps_places(GeneralLayout(10), SeatedLayout(small))
