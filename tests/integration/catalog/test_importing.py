"""The season on a real table: all of it once, nothing the second time, and on from where it stopped."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import boto3
import msgspec
import pytest

from services.catalog import domain, import_season, repository, use_cases
from services.catalog.schemas import ImportReport, ImportSeason
from services.catalog.use_cases import season
from shared import clock
from shared.data import consumed, plain, transport, wire

SOURCE: Final = "nyphil-performance-history"
FILE = Path(__file__).resolve().parents[3] / "data" / "nyphil-2024-25.json"
PROGRAMS: list[Any] = json.loads(FILE.read_text(encoding="utf-8"))["programs"]
# Between them: seats of the hall, houses without a plan, a private concert, and several concerts to a programme.
FEW = [program for program in PROGRAMS if program["programID"] in ("14934", "15047", "15056")]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def bring(
    organiser: Any,
    programs: list[Any] | None = None,
    now: datetime = NOW,
    seconds_left: Callable[[], float] = lambda: 60.0,
    **changes: Any,
) -> ImportReport:
    body = ImportSeason(
        organiser_id=organiser.organiser_id,
        source=SOURCE,
        programs=None if programs is None else tuple(programs),
        **changes,
    )
    return use_cases.import_season(body, now, seconds_left)


def events_of(organiser: Any) -> list[domain.Event]:
    """All events of the organiser's."""
    found, cursor = [], None
    while True:
        page = repository.organisers_events(organiser.organiser_id, 200, cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_the_whole_season_comes_in_over_the_route_and_once(send: Any, organiser: Any) -> None:
    body = {"organiser_id": organiser.organiser_id, "source": SOURCE}
    rounds = [send("POST", "/v1/imports", body, organiser.owner)]
    # On a machine that is busy the first round may end by its time, and the next goes on.
    while not rounds[-1].json["complete"]:
        assert rounds[-1].status_code == 200, rounds[-1].body
        rounds.append(send("POST", "/v1/imports", body, organiser.owner))
    reports = [answer.json for answer in rounds]
    last = reports[-1]
    assert sum(report["events"]["created"] for report in reports) == 250
    assert (last["programs"], last["concerts"], last["remaining"]) == (144, 252, 0)
    assert [left["row"] for left in last["unread"]] == [
        "$.programs[79].works[0]",
        "$.programs[79].works[1]",
        "$.programs[126].concerts[0]",
        "$.programs[142].concerts[0]",
    ]
    assert len(last["unpublished"]) == 9
    with consumed() as meter:
        again = send("POST", "/v1/imports", body, organiser.owner).json
    assert meter.writes == 0
    assert again["rows_written"] == 0
    for what, present in (("events", 250), ("venues", 28), ("seat_maps", 1), ("series", 21)):
        assert again[what] == {"created": 0, "present": present}

    events = events_of(organiser)
    assert Counter(event.state for event in events) == {"published": 241, "draft": 9}
    assert min(event.starts_at for event in events) > clock.now()
    hall = [event for event in events if event.seat_map_ids]
    assert len(hall) == 197
    seat_map = repository.seat_map(hall[0].seat_map_ids[0])
    assert seat_map is not None
    assert seat_map.seats == 2200


def test_the_season_has_gone_on_in_time_and_nothing_changes(organiser: Any) -> None:
    first = bring(organiser, FEW)
    before = events_of(organiser)
    with consumed() as meter:
        later = bring(organiser, FEW, now=NOW + timedelta(weeks=9))
    assert (meter.writes, later.rows_written, later.weeks_moved) == (0, 0, first.weeks_moved)
    assert events_of(organiser) == before


def test_what_is_new_moves_with_the_rest(organiser: Any) -> None:
    bring(organiser, FEW[:1])
    added = bring(organiser, FEW, now=NOW + timedelta(days=1))
    assert (added.events.created, added.events.present) == (2, len(FEW[0]["concerts"]))
    starts = {event.name: event.starts_at for event in events_of(organiser)}
    assert len({start.isocalendar()[:2] for start in starts.values()}) <= 3, "the season was torn apart"


def test_what_would_lie_in_the_past_by_now_is_named(organiser: Any) -> None:
    bring(organiser, FEW[:1])
    late = bring(organiser, FEW, now=NOW + timedelta(weeks=9))
    assert [left.row for left in late.unread] == ["$.programs[1].concerts[0]"]
    assert "past" in late.unread[0].reason


def test_a_season_may_be_sent_in_parts(organiser: Any) -> None:
    """The first part need not be the earliest, when it says when the whole season starts."""
    last, first = PROGRAMS[-1], FEW[0]
    report = bring(organiser, [last], season_starts_on=datetime(2024, 9, 12, tzinfo=UTC).date())
    rest = bring(organiser, [first])
    assert report.weeks_moved == rest.weeks_moved
    assert rest.unread == []
    assert min(event.starts_at for event in events_of(organiser)) >= NOW + timedelta(days=7)


def test_time_that_runs_out_is_said_and_the_next_call_goes_on(organiser: Any) -> None:
    seconds = iter([60.0, 60.0, 0.5])
    part = bring(organiser, FEW, seconds_left=lambda: next(seconds))
    assert (part.events.created, part.remaining, part.complete) == (2, 3, False)
    rest = bring(organiser, FEW, now=NOW + timedelta(minutes=1))
    assert (rest.events.created, rest.events.present, rest.complete) == (3, 2, True)
    assert len(events_of(organiser)) == 5


def test_a_crash_after_any_write_is_made_good_by_the_next_call(organiser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        """Not an Exception, so nothing of ours catches it, as nothing catches a kill."""

    carry, writes, crash_after = transport.carry, list[str](), [0]

    def crash(operation: str, request: Any, seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if operation == "PutItem":
            writes.append(operation)
            if len(writes) == crash_after[0]:
                raise Crash
        return answer

    monkeypatch.setattr(transport, "carry", crash)
    crashes = 0
    while True:
        writes.clear()
        # Each call gets one write further than the one before it did.
        crash_after[0] = 1
        try:
            report = bring(organiser, FEW)
        except Crash:
            crashes += 1
            continue
        break
    assert report.complete
    assert crashes >= 12
    events = events_of(organiser)
    assert len(events) == len({event.event_id for event in events}) == 5
    assert Counter(event.state for event in events) == {"published": 4, "draft": 1}


def test_answers_that_are_lost_make_nothing_twice(organiser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    carry, lost = transport.carry, list[str]()

    def lose_each_first(operation: str, request: Any, seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        key = repr(request.get("Item", {}).get("pk")) + repr(request.get("Item", {}).get("sk"))
        if operation == "PutItem" and key not in lost:
            lost.append(key)
            raise wire.Lost("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "carry", lose_each_first)
    report = bring(organiser, FEW)
    assert (report.events.created, report.events.present) == (5, 0)
    assert len(lost) > 10


def test_what_members_changed_since_stays(send: Any, organiser: Any) -> None:
    bring(organiser, FEW, now=clock.now())
    event = next(event for event in events_of(organiser) if event.state == "published")
    path = f"/v1/events/{event.event_id}"
    changed = send("PATCH", path, {"name": "Our own name"}, organiser.owner, If_Match="*")
    assert changed.status_code == 200, changed.body
    again = bring(organiser, FEW, now=clock.now())
    assert again.rows_written == 0
    assert send("GET", path).json["name"] == "Our own name"


def test_every_published_event_is_announced_and_no_private_one(organiser: Any) -> None:
    bring(organiser, FEW)
    client = boto3.client("dynamodb")
    for event in events_of(organiser):
        key = {"pk": {"S": f"event#{event.event_id}"}, "sk": {"S": "event"}}
        item = client.get_item(TableName=repository.EventRow.table_name(), Key=key)["Item"]
        image = plain.from_item(item)
        if event.state == "draft":
            assert image["outbox"]["types"] == []
            assert "listing_pk" not in image
            continue
        assert image["outbox"]["types"] == ["catalog.event_published.v1"]
        message = use_cases.published_message(image)
        # SNS takes 256 KB, and from 200 KB on the message would travel by way of a bucket.
        assert len(msgspec.json.encode(message)) < 30_000
        assert message.pools[0].capacity == (2200 if message.pools[0].kind == "seated" else 300)


def test_private_concerts_are_there_for_members_alone(send: Any, organiser: Any) -> None:
    report = bring(organiser, FEW)
    assert [(row.row, row.program_id) for row in report.unpublished] == [("$.programs[2].concerts[0]", "15056")]
    event_id = report.unpublished[0].event_id
    assert send("GET", f"/v1/events/{event_id}").status_code == 404
    seen = send("GET", f"/v1/events/{event_id}", by=organiser.scanner)
    assert (seen.status_code, seen.json["state"], seen.json["ticket_types"]) == (200, "draft", [])


def test_two_organisers_have_a_season_each(organiser: Any, stranger: Any) -> None:
    assert bring(organiser, FEW).events.created == 5
    assert bring(stranger, FEW).events.created == 5
    ours, theirs = ({event.event_id for event in events_of(one)} for one in (organiser, stranger))
    assert not ours & theirs


def test_programmes_that_are_sent_come_in_though_some_are_broken(send: Any, organiser: Any) -> None:
    broken = copy.deepcopy(FEW)
    broken[0]["concerts"][0]["Time"] = "None"
    broken[1]["concerts"] = []
    body = {"organiser_id": organiser.organiser_id, "source": SOURCE, "programs": [*broken, 7]}
    answer = send("POST", "/v1/imports", body, organiser.owner)
    assert answer.status_code == 200, answer.body
    assert [left["row"] for left in answer.json["unread"]] == [
        "$.programs[0].concerts[0]",
        "$.programs[1].concerts",
        "$.programs[3]",
    ]
    assert answer.json["events"]["created"] == 3


def test_a_season_of_nothing_readable_settles_nothing(organiser: Any) -> None:
    report = bring(organiser, [None])
    assert (report.rows_written, report.weeks_moved, len(report.unread)) == (0, 0, 1)
    assert repository.weeks_moved(organiser.organiser_id, SOURCE) is None


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"source": "somewhere"}, 422, "$.source"),
        ({"programs": {}}, 422, "$.programs"),
        ({"season_starts_on": "soon"}, 422, "$.season_starts_on"),
    ],
)
def test_a_request_that_cannot_be_names_its_field(
    send: Any, organiser: Any, changes: dict[str, Any], status: int, field: str
) -> None:
    body = {"organiser_id": organiser.organiser_id, "source": SOURCE, **changes}
    answer = send("POST", "/v1/imports", body, organiser.owner)
    assert (answer.status_code, answer.json["field"]) == (status, field)


def test_an_organiser_nobody_told_of_is_asked_to_come_again(send: Any, organiser: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(repository, "organiser_name", lambda organiser_id: None)
    answer = send("POST", "/v1/imports", {"organiser_id": organiser.organiser_id, "source": SOURCE}, organiser.owner)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_deployment_without_the_file_says_so(send: Any, organiser: Any, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(season, "PACKAGED", tmp_path / "nowhere.json")
    answer = send("POST", "/v1/imports", {"organiser_id": organiser.organiser_id, "source": SOURCE}, organiser.owner)
    assert (answer.status_code, answer.json["field"]) == (422, "$.programs")


def test_the_command_tells_what_became_of_the_season(organiser: Any, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "season.json"
    file.write_text(json.dumps({"programs": FEW}), encoding="utf-8")
    arguments = ["--organiser", organiser.organiser_id, "--file", str(file)]
    assert import_season.main(arguments) == 0
    said = capsys.readouterr().out
    assert "5 concerts of 3 programmes" in said
    assert "events: 5 new, 0 there before" in said
    assert "not published: $.programs[2].concerts[0] of programme 15056" in said
    assert import_season.main(arguments) == 0
    assert "events: 0 new, 5 there before" in capsys.readouterr().out
    assert len(events_of(organiser)) == 5


def test_the_command_says_why_it_could_not(capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_season, "WAIT_SECONDS_MAX", 0.0)
    assert import_season.main(["--organiser", "org_" + "0" * 26]) == 1
    assert "does not know it yet" in capsys.readouterr().err
