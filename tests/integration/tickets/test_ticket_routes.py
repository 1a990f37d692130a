"""The routes of tickets, through Chalice and on real parts."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from pypdf import PdfReader

from contracts.catalog import EventPublished
from contracts.reservations import HoldConfirmed
from services.tickets import use_cases
from services.tickets.domain import Ticket, verify_code
from shared import ids
from tests.integration.tickets.conftest import Send, somebody
from tests.unit.tickets.sample_tickets import AT, confirmed, published, refunded


def problem(answer: Any, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.body
    assert answer.json["type"] == f"urn:stagedoor:problem:{slug}"
    return dict(answer.json)


def content_of(answer: Any) -> bytes:
    """The answer's content. What is not text travels to API Gateway in base 64."""
    text = str(answer.body)
    return text.encode() if text.startswith("<") else base64.b64decode(text)


def test_the_keys_are_public_and_verify_what_is_sold(send: Send, tickets: list[Ticket]) -> None:
    answer = send("GET", "/v1/ticket-keys")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert verify_code(tickets[0].code, answer.json).ticket_id == tickets[0].ticket_id


def test_the_buyer_sees_tickets_with_codes_and_the_staff_without(
    send: Send, sale: HoldConfirmed, tickets: list[Ticket]
) -> None:
    path = f"/v1/tickets?order_id={sale.order_id}"
    buyer = somebody(person_id=sale.buyer.person_id)
    seen = send("GET", path, as_=buyer).json["items"]
    assert [ticket["ticket_id"] for ticket in seen] == [ticket.ticket_id for ticket in tickets]
    assert seen[0]["code"] == tickets[0].code
    assert (seen[0]["state"], seen[0]["seat"], seen[0]["price"]) == ("issued", "1", {"amount": 4500, "currency": "USD"})
    for role in ("owner", "manager", "box_office"):
        answer = send("GET", path, as_=somebody(sale.organiser_id, role))
        assert [ticket["code"] for ticket in answer.json["items"]] == [None, None]
        assert sale.buyer.name not in json.dumps(answer.json, ensure_ascii=False)


def test_strangers_and_scanners_see_no_tickets(send: Send, sale: HoldConfirmed, tickets: list[Ticket]) -> None:
    for who in (somebody(), somebody(sale.organiser_id, "scanner"), somebody(ids.new_id("org"), "owner")):
        assert send("GET", f"/v1/tickets?order_id={sale.order_id}", as_=who).json == {"items": [], "next": None}
        problem(send("GET", f"/v1/tickets/{tickets[0].ticket_id}", as_=who), 404, "ticket-unknown")
        problem(send("GET", f"/v1/tickets/{tickets[0].ticket_id}/qr", as_=who), 404, "ticket-unknown")
        problem(send("GET", f"/v1/ticket-documents/{sale.order_id}", as_=who), 404, "order-unknown")


def test_the_pdf_and_the_qr_symbol_are_the_buyers_alone(send: Send, sale: HoldConfirmed, tickets: list[Ticket]) -> None:
    buyer, owner = somebody(person_id=sale.buyer.person_id), somebody(sale.organiser_id, "owner")
    answer = send("GET", f"/v1/ticket-documents/{sale.order_id}", as_=buyer)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert len(PdfReader(io.BytesIO(content_of(answer))).pages) == 2
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert send("GET", f"/v1/ticket-documents/{sale.order_id}", as_=owner).status_code == 404
    symbol = send("GET", f"/v1/tickets/{tickets[0].ticket_id}/qr", as_=buyer)
    assert symbol.headers["Content-Type"] == "image/svg+xml"
    assert content_of(symbol).startswith(b"<svg")
    assert send("GET", f"/v1/tickets/{tickets[0].ticket_id}/qr", as_=owner).status_code == 404
    assert send("GET", f"/v1/tickets/{tickets[0].ticket_id}", as_=owner).json["code"] is None


def test_after_a_refund_tickets_show_as_revoked_and_their_codes_not_at_all(
    send: Send, sale: HoldConfirmed, tickets: list[Ticket]
) -> None:
    use_cases.revoke_tickets(refunded(sale), AT)
    buyer = somebody(person_id=sale.buyer.person_id)
    seen = send("GET", f"/v1/tickets/{tickets[0].ticket_id}", as_=buyer).json
    assert (seen["state"], seen["code"]) == ("revoked", None)
    problem(send("GET", f"/v1/tickets/{tickets[0].ticket_id}/qr", as_=buyer), 410, "ticket-revoked")
    problem(send("GET", f"/v1/ticket-documents/{sale.order_id}", as_=buyer), 410, "ticket-revoked")


def test_an_order_revoked_before_it_was_issued_shows_nothing(send: Send, event: EventPublished) -> None:
    sale = confirmed(event)
    use_cases.revoke_tickets(refunded(sale), AT)
    buyer = somebody(person_id=sale.buyer.person_id)
    assert send("GET", f"/v1/tickets?order_id={sale.order_id}", as_=buyer).json["items"] == []
    problem(send("GET", f"/v1/ticket-documents/{sale.order_id}", as_=buyer), 404, "order-unknown")


def test_gates_are_opened_by_owners_and_managers_and_listed_to_all_members(send: Send, event: EventPublished) -> None:
    body = {"event_id": event.event_id, "name": " Main door "}
    for role in ("owner", "manager"):
        answer = send("POST", "/v1/gates", body, as_=somebody(event.organiser_id, role))
        assert (answer.status_code, answer.json["name"]) == (201, "Main door")
    for role in ("box_office", "scanner"):
        assert send("POST", "/v1/gates", body, as_=somebody(event.organiser_id, role)).status_code == 403
    path = f"/v1/gates?event_id={event.event_id}"
    for role in ("owner", "scanner"):
        assert len(send("GET", path, as_=somebody(event.organiser_id, role)).json["items"]) == 2
    problem(send("GET", path, as_=somebody(ids.new_id("org"), "owner")), 404, "event-unknown")
    assert send("GET", path, as_=somebody()).status_code == 403


def test_gates_are_paged(send: Send, event: EventPublished) -> None:
    owner = somebody(event.organiser_id, "owner")
    for number in range(3):
        send("POST", "/v1/gates", {"event_id": event.event_id, "name": f"Gate {number}"}, as_=owner)
    first = send("GET", f"/v1/gates?event_id={event.event_id}&limit=2", as_=owner)
    assert 'rel="next"' in first.headers["Link"]
    cursor = first.json["next"]
    second = send("GET", f"/v1/gates?event_id={event.event_id}&limit=2&cursor={cursor}", as_=owner).json
    assert (len(first.json["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    other = published()
    use_cases.keep_event(other, AT)
    stolen = send(
        "GET", f"/v1/gates?event_id={other.event_id}&cursor={cursor}", as_=somebody(other.organiser_id, "owner")
    )
    problem(stolen, 400, "bad-cursor")


def test_a_gate_is_opened_once_for_a_key(send: Send, event: EventPublished) -> None:
    owner, body = somebody(event.organiser_id, "owner"), {"event_id": event.event_id, "name": "North"}
    first = send("POST", "/v1/gates", body, as_=owner, Idempotency_Key="north")
    again = send("POST", "/v1/gates", body, as_=owner, Idempotency_Key="north")
    assert first.json == again.json
    renamed = send("POST", "/v1/gates", {**body, "name": "South"}, as_=owner, Idempotency_Key="north")
    assert problem(renamed, 422, "idempotency-key-reused")["field"] == "Idempotency-Key"
    colleague = send("POST", "/v1/gates", body, as_=somebody(event.organiser_id, "owner"), Idempotency_Key="north")
    assert colleague.json["gate_id"] != first.json["gate_id"]


def test_a_gate_belongs_to_the_events_own_organiser(send: Send, event: EventPublished) -> None:
    other = ids.new_id("org")
    mine = somebody(other, "owner")
    problem(send("POST", "/v1/gates", {"event_id": event.event_id, "name": "x"}, as_=mine), 404, "event-unknown")
    body = {"event_id": event.event_id, "organiser_id": other, "name": "x"}
    problem(send("POST", "/v1/gates", body, as_=mine), 404, "event-unknown")
    body = {"event_id": ids.new_id("evt"), "name": "x"}
    problem(send("POST", "/v1/gates", body, as_=mine), 404, "event-unknown")


def test_bad_input_is_refused_with_the_field(send: Send, event: EventPublished) -> None:
    owner = somebody(event.organiser_id, "owner")
    for body, field in (
        ({"event_id": "evt_1", "name": "x"}, "$.event_id"),
        ({"event_id": event.event_id, "name": "  "}, "$.name"),
        ({"event_id": event.event_id, "name": "x" * 81}, "$.name"),
        ({"event_id": event.event_id}, "$.name"),
        ({"event_id": event.event_id, "name": "x", "colour": "red"}, "$.colour"),
    ):
        assert problem(send("POST", "/v1/gates", body, as_=owner), 422, "validation-failed")["field"] == field
    for path, field in (("/v1/tickets", "order_id"), ("/v1/tickets?order_id=x", "order_id"), ("/v1/gates", "event_id")):
        assert problem(send("GET", path, as_=owner), 422, "validation-failed")["field"] == field
