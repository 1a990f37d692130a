"""The archives' way of writing names."""

from __future__ import annotations

import pytest

from services.catalog.domain import Work
from services.catalog.domain.programme_text import event_name, full_name, surname, venue_name


@pytest.mark.parametrize(
    ("archived", "name"),
    [
        ("Thomas, Michael Tilson", "Michael Tilson Thomas"),
        ("Mozart,  Wolfgang  Amadeus", "Wolfgang Amadeus Mozart"),
        ("Deneve [Denève], Stephane [Stéphane]", "Stéphane Denève"),
        ("Fleming, Renee (Renée)", "Renée Fleming"),
        ("Brown, Vinroy, Jr.", "Vinroy Brown, Jr."),
        ("Anthem,", "Anthem"),
        ("Neue Vocalsolisten", "Neue Vocalsolisten"),
        ("", ""),
        (" , ", ""),
    ],
)
def test_names_are_turned_round_and_spelt_with_accents(archived: str, name: str) -> None:
    assert full_name(archived) == name


@pytest.mark.parametrize(
    ("archived", "name"),
    [("Mozart,  Wolfgang  Amadeus", "Mozart"), ("Bartok [Bartók],  Béla", "Bartók"), ("Traditional,", "Traditional")],
)
def test_surnames_stand_in_titles(archived: str, name: str) -> None:
    assert surname(archived) == name


@pytest.mark.parametrize(
    ("archived", "name"), [("Museum of Modern Art, The", "The Museum of Modern Art"), ("Guild  Hall", "Guild Hall")]
)
def test_articles_stand_in_front(archived: str, name: str) -> None:
    assert venue_name(archived) == name


def test_a_long_name_ends_at_a_word() -> None:
    names = [f"Composer-with-a-very-long-name-{number}" * 2 for number in range(3)]
    called = event_name("Special", "Hall", [Work(title="A", conductor="C" * 60)], names)
    assert len(called) <= 160
    assert called.endswith("…")


def test_many_composers_are_summed_up_and_many_soloists_left_out() -> None:
    works = [Work(title="A", soloists=("Ann", "Bob", "Cleo"))]
    assert event_name("Special", "Hall", works, ["A", "B", "A", "C", "D"]) == "A, B, C and others"
    assert event_name("Chamber", "Hall", works[:0], []) == "Chamber at Hall"
