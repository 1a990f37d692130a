"""The door: one admission for one ticket, whatever is scanned at once, again, or by whom."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from contracts.catalog import EventPublished
from contracts.reservations import HoldConfirmed
from contracts.tickets import TicketAdmitted
from services.tickets import domain, repository, use_cases
from services.tickets.domain import Gate, Scan, SigningKeys, Ticket
from services.tickets.repository import rows, scans
from shared import clock, ids
from shared.auth import Identity
from shared.data import consumed, plain, transport
from tests.integration.tickets.conftest import Send, somebody
from tests.unit.tickets.sample_tickets import AT, published, refunded


@pytest.fixture
def gate(event: EventPublished) -> Gate:
    """A gate of the event."""
    owner = somebody(event.organiser_id, "owner")
    return use_cases.add_gate(event.event_id, None, "Main door", identity=owner, key=None, now=AT)


@pytest.fixture
def scanner(event: EventPublished) -> Identity:
    """Door staff of the event's organiser."""
    return somebody(event.organiser_id, "scanner")


def refusal(answer: Any, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.body
    assert answer.json["type"] == "urn:stagedoor:problem:not-admitted"
    assert answer.json["reason"] == reason
    return dict(answer.json)


def scan_body(ticket: Ticket, gate: Gate, direction: str = "in") -> dict[str, str]:
    return {"code": ticket.code, "gate_id": gate.gate_id, "direction": direction}


def scan_rows(ticket: Ticket) -> list[dict[str, Any]]:
    """What is recorded of a ticket's scans, as a stream brings it."""
    answer = transport.send(
        "Query",
        {
            "TableName": rows.ScanRow.table_name(),
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :scan)",
            "ExpressionAttributeValues": {":pk": {"S": ticket.ticket_id}, ":scan": {"S": "scan#"}},
        },
    )
    return [plain.from_item(item) for item in answer["Items"]]


def test_a_ticket_is_admitted_with_its_place_and_no_name(
    send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity, sale: HoldConfirmed
) -> None:
    answer = send("POST", "/v1/admissions", scan_body(tickets[0], gate), as_=scanner)
    assert answer.status_code == 201
    assert (answer.json["place_label"], answer.json["ticket_type_name"]) == ("Orchestra, row C, seat 1", "Standard")
    assert (answer.json["direction"], answer.json["passages"]) == ("in", 1)
    text = json.dumps(answer.json)
    for personal in (sale.buyer.name, sale.buyer.email, sale.buyer.person_id, sale.order_id):
        assert personal not in text


def test_an_admission_is_announced_with_the_tickets_own_count(
    tickets: list[Ticket], gate: Gate, scanner: Identity, send: Send
) -> None:
    admitted = send("POST", "/v1/admissions", scan_body(tickets[0], gate), as_=scanner).json
    (row,) = scan_rows(tickets[0])
    assert row["outbox"]["types"] == [TicketAdmitted.type_name]
    assert repository.ticket_admitted(row) == TicketAdmitted(
        admission_id=admitted["admission_id"],
        version=1,
        ticket_id=tickets[0].ticket_id,
        event_id=gate.event_id,
        organiser_id=gate.organiser_id,
        gate_id=gate.gate_id,
        direction="in",
        admitted_at=AT,
    )


def test_a_second_scan_is_told_when_and_where_the_first_was(
    send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity
) -> None:
    send("POST", "/v1/admissions", scan_body(tickets[0], gate), as_=scanner)
    with clock.fixed(AT + timedelta(minutes=3)):
        told = refusal(
            send("POST", "/v1/admissions", scan_body(tickets[0], gate), as_=scanner), 409, "already_admitted"
        )
    assert (told["gate_id"], told["at"]) == (gate.gate_id, "2026-09-01T12:00:00Z")


def test_out_and_in_again(send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity) -> None:
    def pass_(direction: str) -> Any:
        return send("POST", "/v1/admissions", scan_body(tickets[0], gate, direction), as_=scanner)

    refusal(pass_("out"), 409, "not_inside")
    assert pass_("in").json["passages"] == 1
    assert pass_("out").json["passages"] == 2
    refusal(pass_("out"), 409, "not_inside")
    assert pass_("in").json["passages"] == 3


def test_each_refusal_has_its_reason(
    send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk, sale: HoldConfirmed
) -> None:
    def scan(code: str, gate_id: str = gate.gate_id) -> Any:
        return send("POST", "/v1/admissions", {"code": code, "gate_id": gate_id}, as_=scanner)

    refusal(scan("nonsense"), 422, "malformed_code")
    forged = SigningKeys({desk.keys.current_kid: "guessed"})
    names = {"ticket_id": tickets[0].ticket_id, "event_id": gate.event_id, "label": ""}
    refusal(scan(forged.sign(**names)), 422, "bad_signature")
    refusal(scan(SigningKeys({"strange": "secret"}).sign(**names)), 422, "unknown_key")
    refusal(scan(desk.keys.sign(**{**names, "ticket_id": ids.new_id("tkt")})), 409, "not_issued")
    refusal(scan(desk.keys.sign(**{**names, "event_id": ids.new_id("evt")})), 409, "not_this_event")
    with clock.fixed(AT - timedelta(hours=1)):
        assert refusal(scan(tickets[0].code), 409, "doors_closed")["at"] == "2026-09-01T11:30:00Z"
    use_cases.revoke_tickets(refunded(sale), AT)
    refusal(scan(tickets[0].code), 409, "revoked")


def test_only_the_events_own_door_staff_scans(send: Send, tickets: list[Ticket], gate: Gate) -> None:
    body = scan_body(tickets[0], gate)
    assert send("POST", "/v1/admissions", body, as_=somebody()).status_code == 403
    stranger = send("POST", "/v1/admissions", body, as_=somebody(ids.new_id("org"), "owner"))
    assert (stranger.status_code, stranger.json["type"]) == (404, "urn:stagedoor:problem:gate-unknown")
    for role in ("scanner", "box_office", "manager", "owner"):
        answer = send("POST", "/v1/admissions", body, as_=somebody(gate.organiser_id, role))
        assert answer.status_code in (201, 409), answer.body


def test_a_ticket_of_another_organiser_is_refused_at_our_gate(send: Send, tickets: list[Ticket]) -> None:
    other = published()
    use_cases.keep_event(other, AT)
    owner = somebody(other.organiser_id, "owner")
    theirs = use_cases.add_gate(other.event_id, None, "Theirs", identity=owner, key=None, now=AT)
    refusal(send("POST", "/v1/admissions", scan_body(tickets[0], theirs), as_=owner), 409, "not_this_event")


def test_a_key_gets_the_same_answer_whatever_happened_since(
    send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity
) -> None:
    def scan(direction: str, key: str) -> Any:
        return send("POST", "/v1/admissions", scan_body(tickets[0], gate, direction), as_=scanner, Idempotency_Key=key)

    first = scan("in", "a")
    assert first.status_code == 201
    refused = scan("in", "b")
    refusal(refused, 409, "already_admitted")
    assert scan("out", "c").status_code == 201
    # The ticket is outside: a new scan would let it in, and a retry must not.
    assert scan("in", "a").json == first.json
    again = scan("in", "b")
    refusal(again, 409, "already_admitted")
    assert again.json["at"] == refused.json["at"]
    (ticket,) = repository.find_tickets([tickets[0].ticket_id])
    assert (ticket.is_inside, ticket.passages) == (False, 2)


def test_a_key_is_one_persons_and_one_scans(send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity) -> None:
    send("POST", "/v1/admissions", scan_body(tickets[0], gate), as_=scanner, Idempotency_Key="a")
    reused = send("POST", "/v1/admissions", scan_body(tickets[0], gate, "out"), as_=scanner, Idempotency_Key="a")
    assert reused.json["type"] == "urn:stagedoor:problem:idempotency-key-reused"
    colleague = somebody(gate.organiser_id, "scanner")
    body = scan_body(tickets[0], gate, "out")
    assert send("POST", "/v1/admissions", body, as_=colleague, Idempotency_Key="a").status_code == 201


def test_admissions_are_listed_newest_first_without_refusals(
    send: Send, tickets: list[Ticket], gate: Gate, scanner: Identity
) -> None:
    for minute, (ticket, direction) in enumerate(((0, "in"), (0, "in"), (1, "in"), (0, "out"))):
        with clock.fixed(AT + timedelta(minutes=minute)):
            body = scan_body(tickets[ticket], gate, direction)
            send("POST", "/v1/admissions", body, as_=scanner, Idempotency_Key=f"k{minute}")
    path = f"/v1/admissions?event_id={gate.event_id}"
    listed = send("GET", path, as_=scanner).json["items"]
    assert [(each["ticket_id"], each["direction"]) for each in listed] == [
        (tickets[0].ticket_id, "out"),
        (tickets[1].ticket_id, "in"),
        (tickets[0].ticket_id, "in"),
    ]
    assert send("GET", path, as_=somebody(ids.new_id("org"), "owner")).status_code == 404


def race(
    tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk, key: str | None = None
) -> list[Any]:
    """Twelve scanners read the same ticket at the same moment; what each was told."""
    barrier = threading.Barrier(12)
    told: list[Any] = []

    def scan() -> None:
        barrier.wait()
        try:
            told.append(
                use_cases.scan(
                    tickets[0].code, gate.gate_id, "in", identity=scanner, key=key, jwks=desk.keys.jwks(), now=AT
                )
            )
        except domain.Refused as refused:
            told.append(refused.reason)

    threads = [threading.Thread(target=scan) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 12
    return told


def test_of_many_scans_at_once_one_is_admitted(
    tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk
) -> None:
    told = race(tickets, gate, scanner, desk)
    assert len([each for each in told if isinstance(each, Scan)]) == 1
    assert [each for each in told if not isinstance(each, Scan)] == ["already_admitted"] * 11
    assert len(scan_rows(tickets[0])) == 1


def test_many_retries_at_once_get_the_one_admission(
    tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk
) -> None:
    told = race(tickets, gate, scanner, desk, key="same")
    assert len({each.admission_id for each in told}) == 1


def test_without_the_condition_the_race_admits_more_than_once(
    tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the guard is what makes the race safe, not luck."""
    monkeypatch.setattr(scans, "_unmoved", lambda _: rows.TicketRow.pk.exists())
    read_by_all = threading.Barrier(12)
    genuine = repository.find_ticket

    def read_together(ticket_id: str) -> Ticket | None:
        found = genuine(ticket_id)
        read_by_all.wait()
        return found

    monkeypatch.setattr(repository, "find_ticket", read_together)
    told = race(tickets, gate, scanner, desk)
    assert len([each for each in told if isinstance(each, Scan)]) > 1


def test_a_refund_in_the_middle_of_a_scan_is_seen(
    tickets: list[Ticket],
    gate: Gate,
    scanner: Identity,
    desk: use_cases.Desk,
    sale: HoldConfirmed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    genuine = repository.find_ticket
    refund = [refunded(sale)]

    def refund_meanwhile(ticket_id: str) -> Ticket | None:
        found = genuine(ticket_id)
        if refund:
            use_cases.revoke_tickets(refund.pop(), AT)
        return found

    monkeypatch.setattr(repository, "find_ticket", refund_meanwhile)
    with pytest.raises(domain.Refused) as refused:
        use_cases.scan(tickets[0].code, gate.gate_id, "in", identity=scanner, key=None, jwks=desk.keys.jwks(), now=AT)
    assert refused.value.reason == "revoked"
    assert scan_rows(tickets[0]) == []


def test_what_a_scan_costs(tickets: list[Ticket], gate: Gate, scanner: Identity, desk: use_cases.Desk) -> None:
    def scan(key: str | None) -> None:
        use_cases.scan(tickets[0].code, gate.gate_id, "in", identity=scanner, key=key, jwks=desk.keys.jwks(), now=AT)

    with consumed() as admission:
        scan(None)
    # Gate, event and ticket are read; ticket and scan written in a transaction, at 2 units each and 2 for the index.
    assert admission.requests == 4
    assert admission.reads == 2.0
    with consumed() as second, pytest.raises(domain.Refused):
        scan(None)
    # To be refused costs nothing but the reads.
    assert (second.writes, second.requests) == (0, 3)
