"""Seat maps over the routes: how they are given, kept, shown and refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.catalog import repository, use_cases
from shared.data import consumed


def test_a_seat_map_keeps_its_shape(send: Any, organiser: Any, house: Any) -> None:
    seat_map = send("GET", f"/v1/seat-maps/{house.seat_map_id}")
    assert seat_map.status_code == 200
    assert (seat_map.json["seats"], seat_map.json["zones"]) == (60, ["Front", "Back"])
    assert seat_map.json["sections"][1] == {
        "name": "Balcony",
        "rows": [{"name": "A", "runs": [{"first": 1, "last": 20, "zone": "Back"}]}],
    }
    assert "max-age=3600" in seat_map.headers["Cache-Control"]
    same = send("GET", f"/v1/seat-maps/{house.seat_map_id}", If_None_Match=seat_map.headers["ETag"])
    assert (same.status_code, same.body) == (304, "")


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([{"name": "A"}], "$.sections[0].rows[0]"),
        ([{"name": "A", "first": 1, "last": 2}], "$.sections[0].rows[0]"),
        ([{"name": "A", "first": 1, "last": 2, "zone": "Z", "runs": []}], "$.sections[0].rows[0]"),
        ([{"name": "A", "first": 2, "last": 1, "zone": "Z"}], "$.sections[0].rows[0]"),
        ([{"name": "A", "first": "1", "last": 1, "zone": "Z"}], "$.sections[0].rows[0].first"),
        ([], "$.sections"),
    ],
)
def test_a_seat_map_that_cannot_be_names_its_place(
    send: Any, organiser: Any, house: Any, rows: list[Any], field: str
) -> None:
    body = {
        "organiser_id": organiser.organiser_id,
        "venue_id": house.venue_id,
        "name": "Plan",
        "sections": [{"name": "Stalls", "rows": rows}],
    }
    answer = send("POST", "/v1/seat-maps", body, organiser.owner)
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_a_house_of_forty_thousand_seats_fits(send: Any, organiser: Any, house: Any, publish: Any) -> None:
    sections = [
        {
            "name": f"Section {number}",
            "rows": [{"name": f"{row}", "first": 1, "last": 40, "zone": "All"} for row in range(50)],
        }
        for number in range(20)
    ]
    body = {"organiser_id": organiser.organiser_id, "venue_id": house.venue_id, "name": "Bowl", "sections": sections}
    with consumed() as meter:
        answer = send("POST", "/v1/seat-maps", body, organiser.owner)
    assert (answer.status_code, answer.json["seats"]) == (201, 40_000)
    assert meter.writes < 40
    event = publish(
        organiser,
        house.with_(
            pools=[{"name": "Bowl", "kind": "seated", "seat_map_id": answer.json["seat_map_id"]}],
            ticket_types=[{"name": "Any", "price": {"amount": 1, "currency": "USD"}, "pool": "Bowl"}],
        ),
    )
    row = repository.event(event["event_id"])
    assert row is not None
    message = use_cases.published_message({"event": msgspec.to_builtins(row.event), "version": row.version})
    assert message.pools[0].capacity == 40_000
    assert len(message.pools[0].runs) == 1000
