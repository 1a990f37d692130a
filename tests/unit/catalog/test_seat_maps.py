"""Which plans a venue can have."""

from __future__ import annotations

import msgspec
import pytest

from services.catalog.domain import Incomplete, Row, Run, SeatMap, Section, check_sections, packed
from services.catalog.domain.season_house import hall_sections, hall_zones
from services.catalog.domain.seat_map import SEATS_MAX


def hall(*sections: Section) -> SeatMap:
    return SeatMap(seat_map_id="map", organiser_id="org", venue_id="ven", name="Hall", sections=sections)


def fields(sections: list[Section]) -> list[str]:
    with pytest.raises(Incomplete) as refused:
        check_sections(sections)
    return [error.field for error in refused.value.errors]


def test_a_map_counts_its_seats_and_names_its_zones_in_order() -> None:
    seat_map = hall(
        Section("Stalls", (Row("A", (Run(1, 10, "Front"), Run(11, 12, "Side"))), Row("B", (Run(1, 5, "Front"),)))),
        Section("Balcony", (Row("A", (Run(100, 100, "Side"),)),)),
    )
    check_sections(seat_map.sections)
    assert seat_map.seats == 18
    assert seat_map.zones == ("Front", "Side")
    runs = seat_map.seat_runs()
    assert sum(run.last - run.first + 1 for run in runs) == 18
    assert [(run.section, run.row, run.first) for run in runs] == [
        ("Stalls", "A", 1),
        ("Stalls", "A", 11),
        ("Stalls", "B", 1),
        ("Balcony", "A", 100),
    ]


@pytest.mark.parametrize(
    ("sections", "wrong"),
    [
        ([], ["$.sections"]),
        ([Section("S", ())], ["$.sections"]),
        ([Section("S", (Row("A", ()),))], ["$.sections[0].rows[0]", "$.sections"]),
        ([Section("", (Row("A", (Run(1, 2, "Z"),)),))], ["$.sections[0].name"]),
        ([Section("S", (Row(" A", (Run(1, 2, "Z"),)),))], ["$.sections[0].rows[0].name"]),
        ([Section("S", (Row("A", (Run(3, 2, "Z"),)),))], ["$.sections[0].rows[0]"]),
        ([Section("S", (Row("A", (Run(-1, 2, "Z"),)),))], ["$.sections[0].rows[0]"]),
        ([Section("S", (Row("A", (Run(1, 2, ""),)),))], ["$.sections[0].rows[0]"]),
        ([Section("S", (Row("A", (Run(1, 5, "Z"), Run(5, 9, "Z"))),))], ["$.sections[0].rows[0].runs[1]"]),
        ([Section("S", (Row("A", (Run(1, 9, "Z"), Run(3, 4, "Y"))),))], ["$.sections[0].rows[0].runs[1]"]),
        ([Section("S", (Row("A", (Run(1, 1, "Z"),)), Row("A", (Run(2, 2, "Z"),))))], ["$.sections[0].rows[1].name"]),
        (
            [Section("S", (Row("A", (Run(1, 1, "Z"),)),)), Section("S", (Row("A", (Run(1, 1, "Z"),)),))],
            ["$.sections[1].name"],
        ),
        ([Section("S", tuple(Row(f"{n}", (Run(1, 1000, "Z"),)) for n in range(101)))], ["$.sections"]),
        ([Section("S", tuple(Row(f"{n}", (Run(1, 1, "Z"),)) for n in range(4001)))], ["$.sections"]),
    ],
)
def test_a_map_that_cannot_be_names_every_place(sections: list[Section], wrong: list[str]) -> None:
    assert fields(sections) == wrong


def test_a_large_map_is_small_in_its_row() -> None:
    ordinary = [
        Section(f"Section {s}", tuple(Row(f"Row {r}", (Run(1, 40, "Upper Tier"),)) for r in range(50)))
        for s in range(50)
    ]
    check_sections(ordinary)
    assert hall(*ordinary).seats == SEATS_MAX == 100_000
    assert len(packed(ordinary)) < 100_000


def test_a_map_whose_names_would_not_fit_into_a_row_is_refused() -> None:
    def large(name: str) -> list[Section]:
        return [
            Section(f"{s}", tuple(Row(f"{name}{r:03d}", (Run(1, 2, name),)) for r in range(100))) for s in range(40)
        ]

    check_sections(large("a" * 30))
    assert fields(large("ä" * 30)) == ["$.sections"]


def test_a_bay_is_packed_with_its_companions_and_what_was_packed_before_there_were_bays_is_read() -> None:
    bay = Run(11, 14, "A", True, (12, 13))
    sections = (Section("Stalls", (Row("A", (Run(1, 10, "A"), bay)),)),)
    check_sections(sections)
    assert msgspec.json.decode(packed(sections), type=tuple[Section, ...]) == sections
    assert packed(sections).startswith(b'[["Stalls",[["A",[[1,10,"A"],')
    published = hall(*sections).seat_runs()
    assert [(run.accessible, run.companions) for run in published] == [(False, ()), (True, (12, 13))]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (Run(1, 4, "A", False, (2,)), "only an accessible run"),
        (Run(1, 4, "A", True, (2, 2)), "named once"),
        (Run(1, 4, "A", True, (5,)), "one of the run's"),
        (Run(1, 2, "A", True, (1, 2)), "has a wheelchair place"),
    ],
)
def test_a_bay_that_cannot_be_is_refused(run: Run, reason: str) -> None:
    with pytest.raises(Incomplete) as refused:
        check_sections([Section("Stalls", (Row("A", (run,)),))])
    assert [error.field for error in refused.value.errors] == ["$.sections[0].rows[0].companions"]
    assert reason in refused.value.errors[0].reason


def test_the_orchestras_hall_has_2200_seats_in_its_price_zones() -> None:
    seat_map = hall(*hall_sections())
    check_sections(seat_map.sections)
    assert seat_map.seats == 2200
    assert set(seat_map.zones) == set(hall_zones())
    assert [section.name for section in seat_map.sections] == ["Orchestra", "First Tier", "Second Tier", "Third Tier"]
