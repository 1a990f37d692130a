"""How a waiting room is set up and steered, on a real table and a real Redis."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from contracts.catalog import EventPublished
from services.reservations import repository, use_cases
from services.reservations.domain import refusals
from services.reservations.domain.waiting_room_refusals import (
    PassRequired,
    WaitingRoomEnded,
    WaitingRoomOpened,
    WaitingRoomUnknown,
)
from services.reservations.repository import caching, waiting_rooms
from services.reservations.waiting_room_schemas import ChangeWaitingRoom, SetUpWaitingRoom
from shared.data import StaleVersion
from shared.http import Forbidden, NotFound
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, on_sale
from tests.integration.reservations.waiting_line import (
    BEFORE,
    SECOND,
    control,
    manager,
    number,
    pass_seconds_by,
    room_for,
    served,
    status,
)


def change(published: EventPublished, version: int | None = None, **changes: object) -> None:
    body = ChangeWaitingRoom(**changes)  # type: ignore[arg-type]
    use_cases.change_room(published.event_id, body, version, manager(published), OPENING + 5 * SECOND)


def test_paused_it_stands_still_and_says_so() -> None:
    published, _ = on_sale(1000)
    room_for(published, rate=5)
    people = [(person, number(published, BEFORE, person)) for person in (new_id("per") for _ in range(60))]
    status(published, OPENING)
    before, now = pass_seconds_by(published, OPENING, 4)
    change(published, paused=True, notice="We mend something. Your place is safe.")
    after, now = pass_seconds_by(published, now, 5)
    assert (after.state, after.notice) == ("paused", "We mend something. Your place is safe.")
    assert after.serving == before.serving > 0
    assert sum(served(published, mine, person, now) for person, mine in people) >= 1, "who was served stays served"
    assert control(published, now).why == "paused"
    change(published, paused=False, notice=None)
    after, now = pass_seconds_by(published, now, 5)
    assert (after.state, after.notice) == ("open", None)
    assert after.serving > before.serving


def test_what_is_bought_is_counted_where_there_is_a_room() -> None:
    published, _ = on_sale(10)
    use_cases.note_bought(published.event_id, 2, OPENING)
    room_for(published)
    caching.forget()
    use_cases.note_bought(published.event_id, 3, OPENING)
    status(published, OPENING)
    assert control(published, OPENING + SECOND).last_minute.places_bought == 3


def test_an_ended_room_lets_everybody_by() -> None:
    published, _ = on_sale(10)
    room_for(published)
    sale = repository.sale_of(published.event_id, OPENING)
    me = new_id("per")
    mine = number(published, BEFORE, me)
    with pytest.raises(PassRequired):
        use_cases.check_pass(sale, None, me, OPENING)
    change(published, ended=True)
    assert use_cases.check_pass(sale, None, me, OPENING) is False
    document = status(published, OPENING)
    assert (document.state, document.reason) == ("closed", "ended")
    with pytest.raises(WaitingRoomEnded):
        number(published, OPENING)
    with pytest.raises(WaitingRoomEnded):
        use_cases.take_pass(published.event_id, mine.number, me, OPENING)
    assert use_cases.has_waiting_room(published.event_id, OPENING) is False


def test_an_event_without_a_room_needs_no_pass() -> None:
    published, _ = on_sale(10)
    assert use_cases.check_pass(repository.sale_of(published.event_id, OPENING), None, new_id("per"), OPENING) is False
    with pytest.raises(WaitingRoomUnknown):
        status(published, OPENING)
    with pytest.raises(WaitingRoomUnknown):
        number(published, OPENING)


def test_the_opening_is_moved_before_it_and_never_after() -> None:
    published, _ = on_sale(10)
    room_for(published)
    later = OPENING + timedelta(minutes=1)
    body = ChangeWaitingRoom(opens_at=later)
    use_cases.change_room(published.event_id, body, 1, manager(published), OPENING - SECOND)
    assert number(published, OPENING).phase == "before"
    assert status(published, OPENING + SECOND).state == "before"
    assert status(published, later).state == "open"
    with pytest.raises(WaitingRoomOpened) as refused:
        use_cases.change_room(
            published.event_id, ChangeWaitingRoom(opens_at=OPENING), 2, manager(published), later - SECOND
        )
    assert refused.value.field == "$.opens_at", "drawn by a process whose clock is ahead is opened, too"
    again = SetUpWaitingRoom(opens_at=later + SECOND)
    with pytest.raises(WaitingRoomOpened):
        use_cases.set_up_room(published.event_id, again, manager(published), later)
    assert waiting_rooms.room_of(published.event_id, later).opens_at == later


def test_a_process_that_has_not_heard_of_the_move_draws_nothing() -> None:
    published, _ = on_sale(10)
    room_for(published)
    with pytest.raises(waiting_rooms.NotToBeDrawn):
        waiting_rooms.draw(published.event_id, b"s" * 32, 0, OPENING - SECOND)
    assert waiting_rooms.progress_of(published.event_id).draw is None


def test_setting_it_up_again_changes_nothing_and_versions_are_kept() -> None:
    published, _ = on_sale(10)
    first = room_for(published)
    assert room_for(published) == first
    with pytest.raises(StaleVersion):
        change(published, 7, paused=True)
    change(published, 1, paused=True)
    change(published, 1, paused=True)
    assert waiting_rooms.room_of(published.event_id, OPENING).version == 2


@pytest.mark.parametrize(("role", "refusal"), [("scanner", Forbidden), ("box_office", Forbidden), (None, NotFound)])
def test_only_those_who_plan_steer(role: str | None, refusal: type[Exception]) -> None:
    published, _ = on_sale(10)
    other, _ = on_sale(10)
    room_for(published)
    person = manager(published, role) if role is not None else manager(other)
    with pytest.raises(refusal):
        use_cases.set_up_room(published.event_id, SetUpWaitingRoom(opens_at=OPENING), person, BEFORE)
    with pytest.raises(refusal):
        use_cases.change_room(published.event_id, ChangeWaitingRoom(paused=True), None, person, BEFORE)
    if role == "box_office":
        assert use_cases.control_room(published.event_id, person, BEFORE).state == "before"
    else:
        with pytest.raises(refusal):
            use_cases.control_room(published.event_id, person, BEFORE)
    with pytest.raises(refusals.EventUnknown):
        use_cases.set_up_room(new_id("evt"), SetUpWaitingRoom(opens_at=OPENING), person, BEFORE)


def test_availability_says_that_there_is_a_room() -> None:
    published, _ = on_sale(10)
    assert json.loads(use_cases.availability(published.event_id, OPENING))["waiting_room"] is None
    room_for(published)
    later = json.loads(use_cases.availability(published.event_id, OPENING + SECOND))
    assert later["waiting_room"] == {"opens_at": "2031-05-01T10:00:00Z"}
    change(published, ended=True)
    assert json.loads(use_cases.availability(published.event_id, OPENING + 2 * SECOND))["waiting_room"] is None
