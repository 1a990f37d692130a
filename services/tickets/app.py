"""The Chalice app of tickets: routes and triggers."""

from __future__ import annotations

from typing import Any

from chalice.app import AuthRequest, AuthResponse, DynamoDBEvent, SQSEvent

from contracts.catalog import EventPublished
from contracts.orders import OrderRefunded
from contracts.reservations import HoldConfirmed
from contracts.tickets import TicketAdmitted, TicketsIssued
from services.tickets import domain, repository, use_cases
from services.tickets.schemas import (
    AddGate,
    AdmissionView,
    GateView,
    OfEvent,
    OfOrder,
    ScanTicket,
    TicketKeys,
    Tickets,
    TicketView,
)
from services.tickets.settings import TicketsSettings, desk
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, authorize_access_token
from shared.http import BY_HANDLER_OPTIONAL, PUBLIC, SIGNED_IN, Answer, App, Call, PageView, member, page_answer
from shared.messaging import Consumer, Envelope, Relay
from shared.settings import load

settings = load(TicketsSettings)

app = App(
    "tickets",
    problems={
        domain.CodeRefused: (422, "not-admitted", "The code is not one of ours"),
        domain.Refused: (409, "not-admitted", "The ticket is not admitted"),
        domain.EventUnknown: (404, "event-unknown", "There is no such event"),
        domain.TicketUnknown: (404, "ticket-unknown", "There is no such ticket"),
        domain.OrderUnknown: (404, "order-unknown", "There are no such tickets"),
        domain.GateUnknown: (404, "gate-unknown", "There is no such gate"),
        domain.TicketRevoked: (410, "ticket-revoked", "The tickets were revoked"),
        domain.KeyReused: (422, "idempotency-key-reused", "The Idempotency-Key was used before"),
        repository.Busy: (503, "busy", "Too many at once"),
    },
)

relay_of_tickets = Relay(
    source="tickets",
    topic_arn=settings.tickets_topic_arn,
    builders={
        TicketsIssued.type_name: repository.tickets_issued,
        TicketAdmitted.type_name: repository.ticket_admitted,
    },
)


def event_published(message: EventPublished, envelope: Envelope) -> None:
    """Keeps what tickets print of the event."""
    use_cases.keep_event(message, clock.now())


def hold_confirmed(message: HoldConfirmed, envelope: Envelope) -> None:
    """Issues the order's tickets."""
    use_cases.issue_tickets(message, desk(settings), clock.now())


def order_refunded(message: OrderRefunded, envelope: Envelope) -> None:
    """Revokes the order's tickets."""
    use_cases.revoke_tickets(message, clock.now())


consumer = Consumer(
    name="tickets",
    handlers={
        EventPublished: event_published,
        HoldConfirmed: hold_confirmed,
        OrderRefunded: order_refunded,
    },
)


@app.authorizer(name="authorize", ttl_seconds=AUTHORIZER_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Verifies the access token of every route that is not public."""
    return authorize_access_token(request)


@app.on_dynamodb_record(
    stream_arn=settings.tickets_table_stream_arn,
    batch_size=100,
    starting_position="TRIM_HORIZON",
    name="relay",
)
def relay(event: DynamoDBEvent) -> dict[str, Any]:
    """Publishes what tickets' rows announce."""
    return relay_of_tickets.handle(event)


@app.on_sqs_message(queue=settings.tickets_queue_name, batch_size=10, name="consume")
def consume(event: SQSEvent) -> dict[str, Any]:
    """Takes up the messages tickets hears."""
    return consumer.handle(event)


@app.route("/v1/ticket-keys", access=PUBLIC, answers=TicketKeys, cache="public, max-age=300", summary="Public keys")
def ticket_keys(call: Call) -> Any:
    """The public keys that ticket codes are verified with, the current one first, as a JWK set; they work offline."""
    return desk(settings).keys.jwks()


@app.route(
    "/v1/tickets",
    query=OfOrder,
    answers=Tickets,
    access=SIGNED_IN,
    summary="The tickets of an order",
)
def list_tickets(call: Call) -> Tickets:
    """The tickets of an order, for its buyer and the organiser's staff. The codes are shown to the buyer alone."""
    tickets = use_cases.tickets_of_order(call.query.order_id, call.person)
    return Tickets([TicketView.of(ticket, call.person.person_id) for ticket in tickets])


@app.route(
    "/v1/tickets/{ticket_id}",
    answers=TicketView,
    access=SIGNED_IN,
    summary="One ticket",
    errors=(domain.TicketUnknown,),
)
def show_ticket(call: Call) -> TicketView:
    """One ticket, for its buyer and the organiser's staff."""
    return TicketView.of(use_cases.ticket(call.path["ticket_id"], call.person), call.person.person_id)


@app.route(
    "/v1/tickets/{ticket_id}/qr",
    access=SIGNED_IN,
    summary="A ticket's code as QR",
    media_types=("image/svg+xml",),
    errors=(domain.TicketUnknown, domain.TicketRevoked),
)
def show_qr(call: Call) -> Answer:
    """The ticket's code as a QR symbol, for its buyer alone."""
    content = use_cases.ticket_qr(call.path["ticket_id"], call.person)
    return Answer(content, headers={"Content-Type": "image/svg+xml"})


@app.route(
    "/v1/ticket-documents/{order_id}",
    access=SIGNED_IN,
    summary="An order's tickets as PDF",
    media_types=("application/pdf",),
    errors=(domain.OrderUnknown, domain.TicketRevoked),
)
def show_document(call: Call) -> Answer:
    """The PDF of an order's tickets, one page for each, for the buyer alone."""
    content = use_cases.ticket_document(call.path["order_id"], call.person)
    name = f'inline; filename="tickets-{call.path["order_id"]}.pdf"'
    return Answer(content, headers={"Content-Type": "application/pdf", "Content-Disposition": name})


@app.route(
    "/v1/gates",
    methods=["POST"],
    body=AddGate,
    answers=GateView,
    status=201,
    access=member(*use_cases.GATE_KEEPERS),
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Open a gate",
    errors=(domain.EventUnknown, domain.KeyReused),
)
def add_gate(call: Call) -> GateView:
    """A new gate to an event, for the organiser's owners and managers."""
    gate = use_cases.add_gate(
        call.body.event_id,
        call.body.organiser_id,
        call.body.name.strip(),
        identity=call.person,
        key=call.idempotency_key,
        now=call.now,
    )
    return GateView.of(gate)


@app.route(
    "/v1/gates",
    query=OfEvent,
    answers=PageView[GateView],
    access=member(*use_cases.DOOR_STAFF),
    summary="The gates of an event",
    errors=(domain.EventUnknown,),
)
def list_gates(call: Call) -> Answer:
    """The gates of an event, oldest first, for the organiser's members."""
    page = use_cases.gates(call.query.event_id, call.person, call.query.limit, call.query.cursor)
    return page_answer(page, GateView.of, "/v1/gates", call.query)


@app.route(
    "/v1/admissions",
    methods=["POST"],
    body=ScanTicket,
    answers=AdmissionView,
    status=201,
    access=member(*use_cases.DOOR_STAFF),
    idempotency=BY_HANDLER_OPTIONAL,
    summary="Scan a ticket at a gate",
    errors=(domain.GateUnknown, domain.CodeRefused, domain.Refused, domain.EventUnknown, domain.KeyReused),
)
def admit(call: Call) -> AdmissionView:
    """Lets a ticket pass a gate, in or out, and records it.

    A refusal is a problem `not-admitted` whose `reason` says why: `malformed_code`, `bad_signature` and `unknown_key`
    (422) of the code; `not_this_event`, `not_issued`, `revoked`, `already_admitted` (with `at` and `gate_id` of the
    passage before), `not_inside` and `doors_closed` (409) of the ticket.
    """
    scan = use_cases.scan(
        call.body.code,
        call.body.gate_id,
        call.body.direction,
        identity=call.person,
        key=call.idempotency_key,
        jwks=desk(settings).keys.jwks(),
        now=call.now,
    )
    return AdmissionView.of(scan)


@app.route(
    "/v1/admissions",
    query=OfEvent,
    answers=PageView[AdmissionView],
    access=member(*use_cases.DOOR_STAFF),
    summary="Who entered and left",
    errors=(domain.EventUnknown,),
)
def list_admissions(call: Call) -> Answer:
    """The entries and exits of an event, newest first, for the organiser's members; places, never persons."""
    page = use_cases.admissions(call.query.event_id, call.person, call.query.limit, call.query.cursor)
    return page_answer(page, AdmissionView.of, "/v1/admissions", call.query)
