"""What planning and publishing cost, as the README says it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from services.catalog import app as catalog_app
from services.catalog import repository
from services.catalog.domain.availability import Told
from services.catalog.domain.search import posting_of
from services.catalog.repository import postings
from shared import clock
from shared.data import consumed
from shared.ids import new_id


def test_what_planning_and_publishing_cost(send: Any, organiser: Any, house: Any) -> None:
    with consumed() as planning:
        draft = send("POST", "/v1/events", house.event, organiser.owner)
    with consumed() as publishing:
        send("POST", f"/v1/events/{draft.json['event_id']}/publication", by=organiser.owner)
    # The pointer 1, the event's 2 KB; its venue and seat map read.
    assert (planning.writes, planning.reads) == (3, 2)
    # In one transaction, which counts double: the event's 2 KB, and a posting in the lists of its month, organiser,
    # venue, city and of three words. The event, the organiser and the seat map read.
    assert (publishing.writes, publishing.index_writes, publishing.reads) == (18, 0, 3)


def test_a_change_that_no_posting_says_writes_the_event_alone(
    send: Any, organiser: Any, house: Any, publish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = publish(organiser, house.event)["event_id"]

    def change(**body: Any) -> float:
        with consumed() as meter:
            answer = send("PATCH", f"/v1/events/{event_id}", body, organiser.owner, If_Match="*")
        assert answer.status_code == 200, answer.body
        return meter.writes

    assert change(description="With an interval.") == 2, "the event's 2 KB, by themselves"
    assert change(places_per_order_max=4) == 2
    assert change(name="An Evening of Proofs") == 20, "as publishing, and one word more has a list"
    # The control: without a look at what the postings said, each of them is written.
    monkeypatch.setattr(
        postings, "posting_of", lambda event: structs.replace(posting_of(event), series_name=new_id("ser"))
    )
    assert change(description="Without one.") == 20


def test_showing_an_event_costs_one_read_and_one_of_what_is_left(
    send: Any, organiser: Any, house: Any, publish: Any
) -> None:
    event = publish(organiser, house.event)
    with consumed() as member:
        send("GET", f"/v1/events/{event['event_id']}", by=organiser.owner)
    with consumed() as public:
        send("GET", f"/v1/events/{event['event_id']}")
    # Nothing was told of it yet, which the emulator reckons as nothing.
    assert (member.writes, member.reads, public.writes, public.reads) == (0, 1, 0, 1)
    now = clock.now()
    told = Told(left="few-left", counted_at=now, version=1)
    assert repository.keep_told(event["event_id"], told, now)
    repository.forget_event(event["event_id"])
    catalog_app.app.changed()
    with consumed() as public:
        send("GET", f"/v1/events/{event['event_id']}")
    assert (public.writes, public.reads, public.requests) == (0, 1.5, 2)
