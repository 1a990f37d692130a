"""When a gate lets a ticket pass."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from services.tickets.domain import Refused, Ticket, pass_gate, place_label, require_doors_open, ticket_id_of
from tests.unit.tickets.sample_tickets import AT, facts, places, ticket

GATE = "gat_main"


def refused(before: Ticket | None, direction: str = "in") -> Refused:
    with pytest.raises(Refused) as raised:
        pass_gate(before, direction=direction, gate_id=GATE, at=AT)  # type: ignore[arg-type]
    return raised.value


def test_a_ticket_enters_once_leaves_once_and_enters_again() -> None:
    outside = ticket(facts())
    inside = pass_gate(outside, direction="in", gate_id=GATE, at=AT)
    assert (inside.is_inside, inside.passages, inside.last_gate_id, inside.last_passed_at) == (True, 1, GATE, AT)
    again = refused(inside)
    assert (again.reason, again.at, again.gate_id) == ("already_admitted", AT, GATE)
    left = pass_gate(inside, direction="out", gate_id="gat_back", at=AT + timedelta(minutes=5))
    assert (left.is_inside, left.passages) == (False, 2)
    assert refused(left, "out").reason == "not_inside"
    assert pass_gate(left, direction="in", gate_id=GATE, at=AT).passages == 3


def test_a_revoked_ticket_does_not_enter_but_whoever_is_inside_may_leave() -> None:
    void = ticket(facts(), is_revoked=True)
    assert refused(void).reason == "revoked"
    inside = msgspec.structs.replace(void, is_inside=True)
    assert not pass_gate(inside, direction="out", gate_id=GATE, at=AT).is_inside


def test_a_ticket_that_was_never_issued_is_refused() -> None:
    assert refused(None).reason == "not_issued"
    assert refused(None, "out").reason == "not_issued"


def test_nobody_enters_before_the_doors_open_or_a_day_after_the_start() -> None:
    event = facts()
    assert event.doors_at is not None
    require_doors_open(event, "in", event.doors_at)
    for at, told in (
        (event.doors_at - timedelta(milliseconds=1), event.doors_at),
        (event.starts_at + timedelta(hours=24), event.starts_at + timedelta(hours=24)),
    ):
        with pytest.raises(Refused) as raised:
            require_doors_open(event, "in", at)
        assert (raised.value.reason, raised.value.at) == ("doors_closed", told)
        require_doors_open(event, "out", at)


def test_without_a_time_for_the_doors_they_are_open_from_the_start_of_sales() -> None:
    require_doors_open(facts(doors_at=None), "in", AT - timedelta(days=30))


def test_a_refusal_says_only_what_it_knows() -> None:
    assert Refused("not_issued").extra == {"reason": "not_issued"}
    assert Refused("already_admitted", at=AT, gate_id=GATE).extra["gate_id"] == GATE


def test_places_have_names() -> None:
    assert place_label("Orchestra", "C", "12") == "Orchestra, row C, seat 12"
    assert place_label("Balcony", None, "3") == "Balcony, seat 3"
    assert place_label(None, None, None) == "General admission"


def test_a_place_of_an_order_has_one_ticket_id() -> None:
    first, second = places(2)
    assert ticket_id_of("ord_01kqhphxg0040g2081040g2081", first) == ticket_id_of(
        "ord_01kqhphxg0040g2081040g2081", first
    )
    assert ticket_id_of("ord_01kqhphxg0040g2081040g2081", first) != ticket_id_of(
        "ord_01kqhphxg0040g2081040g2081", second
    )
