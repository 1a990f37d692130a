"""The season that comes with the product, and seasons that are broken in every way."""

from __future__ import annotations

import copy
import json
import zoneinfo
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.catalog import domain
from services.catalog.domain import season
from services.catalog.domain.season import Concert
from shared.ids import new_id

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORGANISER = new_id("org", NOW)
FILE = Path(__file__).resolve().parents[3] / "data" / "nyphil-2024-25.json"
PROGRAMS: list[Any] = json.loads(FILE.read_text(encoding="utf-8"))["programs"]
PRIVATE = 9


@pytest.fixture(scope="module")
def read() -> season.Season:
    """The packaged season, read."""
    return season.read_season(PROGRAMS)


def one_program(**changes: Any) -> dict[str, Any]:
    program: dict[str, Any] = copy.deepcopy(PROGRAMS[0])
    program["concerts"] = program["concerts"][:1]
    return {**program, **changes}


def with_concert(**changes: Any) -> dict[str, Any]:
    program = one_program()
    program["concerts"][0].update(changes)
    return program


def test_every_row_goes_in_or_is_named(read: season.Season) -> None:
    assert len(PROGRAMS) == 144
    assert sum(len(program["concerts"]) for program in PROGRAMS) == 252
    unread = [left for left in read.unread if ".concerts[" in left.row]
    assert len(read.concerts) + len(unread) == 252
    assert [(left.row, left.program_id) for left in unread] == [
        ("$.programs[126].concerts[0]", "15233"),
        ("$.programs[142].concerts[0]", "15270"),
    ]
    assert all("'None'" in left.reason for left in unread)


def test_works_whose_titles_lost_their_words_are_named_and_their_concert_goes_in(read: season.Season) -> None:
    works = [left for left in read.unread if ".works[" in left.row]
    assert [left.row for left in works] == ["$.programs[79].works[0]", "$.programs[79].works[1]"]
    assert any(concert.program_id == "15161" for concert in read.concerts)


def test_a_movement_with_one_word_in_italics_is_read(read: season.Season) -> None:
    movements = {work.movement for concert in read.concerts for work in concert.works}
    assert "No. 12 in C minor, Revolutionary" in movements


def test_all_lie_ahead_on_the_same_weekday_at_the_same_time(read: season.Season) -> None:
    weeks = season.weeks_ahead(read.concerts, NOW)
    for concert in read.concerts:
        zone = zoneinfo.ZoneInfo(season.venue_of(concert, ORGANISER).time_zone)
        before = concert.starts_at(0).astimezone(zone)
        after = concert.starts_at(weeks).astimezone(zone)
        assert after >= (NOW + season.LEAD).astimezone(zone)
        assert after.weekday() == before.weekday() == concert.on.weekday()
        assert after.time() == before.time() == concert.at
        assert (after.date() - before.date()).days == 7 * weeks
    earlier = min(concert.starts_at(weeks - 1) for concert in read.concerts)
    assert earlier < NOW + season.LEAD


def test_a_season_that_lies_ahead_is_not_moved(read: season.Season) -> None:
    assert season.weeks_ahead(read.concerts, datetime(2024, 1, 1, tzinfo=UTC)) == 0
    assert season.weeks_ahead([], NOW) == 0


@pytest.mark.parametrize("hours", range(0, 24 * 21, 7))
def test_whenever_it_comes_in_it_lies_ahead(read: season.Season, hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    weeks = season.weeks_ahead(read.concerts, now)
    first = min(concert.starts_at(weeks) for concert in read.concerts)
    # A change of clocks between a date and its moved one may take the hour it gives.
    assert now + season.LEAD - timedelta(hours=1) <= first < now + season.LEAD + timedelta(weeks=1, hours=1)


def test_the_clocks_are_those_of_the_place(read: season.Season) -> None:
    zones = {concert.location: season.venue_of(concert, ORGANISER).time_zone for concert in read.concerts}
    assert zones["Vail, CO"] == "America/Denver"
    assert zones["Seoul, KOREA"] == zones["Incheon, South Korea"] == "Asia/Seoul"
    assert zones["Shanghai, CHINA"] == "Asia/Shanghai"
    assert zones["Manhattan, NY"] == zones["East Hampton, NY"] == "America/New_York"
    seoul = next(concert for concert in read.concerts if concert.location == "Seoul, KOREA")
    assert seoul.starts_at(0) == datetime(2025, 6, 27, 10, 30, tzinfo=UTC)
    new_york = next(concert for concert in read.concerts if concert.program_id == "14934")
    assert new_york.starts_at(0) == datetime(2024, 9, 12, 23, 30, tzinfo=UTC)


def test_every_event_may_be_published_or_is_private(read: season.Season) -> None:
    weeks = season.weeks_ahead(read.concerts, NOW)
    counted: Counter[str] = Counter()
    for concert in read.concerts:
        event = season.event_of(concert, ORGANISER, weeks)
        seat_map = season.hall_map(ORGANISER, event.venue_id)
        if concert.private:
            domain.check_shape(event)
            assert event.ticket_types == ()
            counted["private"] += 1
            continue
        domain.check_publishable(event, {seat_map.seat_map_id: seat_map}, NOW)
        counted["seated" if event.seat_map_ids else "general"] += 1
        assert 5 <= len(event.name) <= 160
        assert domain.capacity(event, {seat_map.seat_map_id: seat_map}) == (
            2200 if event.venue_name == "David Geffen Hall" else event.pools[0].capacity
        )
    assert counted == {"private": PRIVATE, "seated": 197, "general": 44}


def test_nobodys_home_is_shown_to_the_public(read: season.Season) -> None:
    homes = [concert for concert in read.concerts if concert.venue.startswith("Home of ")]
    assert len(homes) == 2
    assert all(concert.private and season.venue_of(concert, ORGANISER).private for concert in homes)


def test_ids_follow_from_the_archives_alone(read: season.Season) -> None:
    first = [season.event_of(concert, ORGANISER, 10) for concert in read.concerts]
    again = season.read_season(list(reversed(copy.deepcopy(PROGRAMS))))
    later = {season.event_of(concert, ORGANISER, 99).event_id for concert in again.concerts}
    assert len(later) == len(first) == 250
    assert {event.event_id for event in first} == later
    other = {season.event_of(concert, new_id("org", NOW), 10).event_id for concert in read.concerts}
    assert not other & later


def test_a_concert_is_named_after_what_is_played_and_who_plays(read: season.Season) -> None:
    names = {concert.program_id: season.event_of(concert, ORGANISER, 0).name for concert in read.concerts}
    assert names["14934"] == "Mozart and Mahler: Michael Tilson Thomas conducts, with Emanuel Ax"
    assert names["15132"] == "Pride Alliance at Kenneth C. Griffin Sidewalk Studio"
    assert names["15229"] == "Lecture: Boulez"
    assert any("Stéphane Denève" in name for name in names.values())
    assert not any("[" in name or "Anthem" in name or "Not conducted" in name for name in names.values())


@pytest.mark.parametrize(
    ("program", "row", "reason"),
    [
        (None, "$.programs[0]", "programID"),
        ("text", "$.programs[0]", "programID"),
        ({}, "$.programs[0]", "programID"),
        ({"programID": 7}, "$.programs[0]", "programID"),
        (one_program(concerts=[]), "$.programs[0].concerts", "no concerts"),
        (one_program(concerts="7:30PM"), "$.programs[0].concerts", "no concerts"),
        (one_program(concerts=["7:30PM"]), "$.programs[0].concerts[0]", "object"),
        (with_concert(Time="None"), "$.programs[0].concerts[0]", "the time"),
        (with_concert(Time=""), "$.programs[0].concerts[0]", "the time"),
        (with_concert(Time="25:00PM"), "$.programs[0].concerts[0]", "the time"),
        (with_concert(Time="19:30"), "$.programs[0].concerts[0]", "the time"),
        (with_concert(Time=None), "$.programs[0].concerts[0]", "$.Time"),
        (with_concert(Date="soon"), "$.programs[0].concerts[0]", "the date"),
        (with_concert(Date="2024-09-12T04:00:00"), "$.programs[0].concerts[0]", "zone"),
        (with_concert(Date="2024-02-30T05:00:00Z"), "$.programs[0].concerts[0]", "the date"),
        (with_concert(Venue=" "), "$.programs[0].concerts[0]", "empty"),
        (with_concert(Venue={"_": "Hall"}), "$.programs[0].concerts[0]", "$.Venue"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_rest_goes_in(program: Any, row: str, reason: str) -> None:
    read = season.read_season([program, PROGRAMS[1]])
    assert [left.row for left in read.unread] == [row]
    assert reason in read.unread[0].reason
    assert {concert.program_id for concert in read.concerts} == {PROGRAMS[1]["programID"]}


@pytest.mark.parametrize(
    "work",
    [
        None,
        "SYMPHONY",
        {"ID": "1*", "workTitle": {"_": "FROM", "em": ["A", "B"]}, "soloists": []},
        {"ID": "1*", "workTitle": ["A"], "soloists": []},
        {"ID": "1*", "workTitle": " ", "soloists": []},
        {"ID": "1*", "soloists": []},
        {"ID": "1*", "workTitle": "A", "movement": {"_": ["x"]}, "soloists": []},
        {"ID": "1*", "workTitle": "A", "soloists": "nobody"},
        {"ID": "1*", "workTitle": "A", "composerName": 7, "soloists": []},
    ],
)
def test_a_work_that_cannot_be_read_leaves_its_concert_in(work: Any) -> None:
    read = season.read_season([one_program(works=[work, PROGRAMS[0]["works"][2]])])
    assert [left.row for left in read.unread] == ["$.programs[0].works[0]"]
    assert [[one.composer for one in concert.works] for concert in read.concerts] == [["Gustav Mahler"]]


def test_the_same_concert_twice_goes_in_once() -> None:
    read = season.read_season([one_program(), one_program()])
    assert len(read.concerts) == 1
    assert [left.row for left in read.unread] == ["$.programs[1].concerts[0]"]


def test_intermissions_are_no_works(read: season.Season) -> None:
    first: Concert = read.concerts[0]
    assert [work.composer for work in first.works] == ["Wolfgang Amadeus Mozart", "Gustav Mahler"]
    assert first.works[0].soloists == ("Emanuel Ax",)
    assert first.works[0].conductor == "Michael Tilson Thomas"
