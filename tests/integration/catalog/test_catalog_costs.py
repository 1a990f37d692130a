"""What planning and publishing cost, as the README says it."""

from __future__ import annotations

from typing import Any

from shared.data import consumed


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


def test_showing_an_event_costs_one_read(send: Any, organiser: Any, house: Any, publish: Any) -> None:
    event = publish(organiser, house.event)
    with consumed() as member:
        send("GET", f"/v1/events/{event['event_id']}", by=organiser.owner)
    with consumed() as public:
        send("GET", f"/v1/events/{event['event_id']}")
    assert (member.writes, member.reads, public.writes, public.reads) == (0, 1, 0, 1)
