"""Bodies and parameters of tickets' routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from services.tickets.domain import Direction, Gate, Scan, Ticket
from shared.http import LINES, PageQuery, QueryParameters, RequestBody
from shared.money import Money

EventId = Annotated[str, msgspec.Meta(pattern=r"^evt_[0-9a-z]{26}$", description="an event's id")]
OrderId = Annotated[str, msgspec.Meta(pattern=r"^ord_[0-9a-z]{26}$", description="an order's id")]
GateId = Annotated[str, msgspec.Meta(pattern=r"^gat_[0-9a-z]{26}$", description="a gate's id")]


class AddGate(RequestBody, frozen=True, kw_only=True):
    """A new gate to an event. `organiser_id` may be left out: the event has one."""

    event_id: EventId
    organiser_id: Annotated[str, msgspec.Meta(pattern=r"^org_[0-9a-z]{26}$")] | None = None
    # A name has something to read in it: no blanks alone.
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"\S")]


class ScanTicket(RequestBody, frozen=True, kw_only=True):
    """A code held before a gate's scanner. Blanks and letter case in the code do not matter."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=600), LINES]
    gate_id: GateId
    direction: Direction = "in"


class OfOrder(QueryParameters, frozen=True, kw_only=True):
    """Which order."""

    order_id: OrderId


class OfEvent(PageQuery, frozen=True, kw_only=True):
    """Which event, and which page of the list."""

    event_id: EventId


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as its buyer and the organiser's staff see it. The code is shown to the buyer alone."""

    ticket_id: str
    order_id: str
    event_id: str
    organiser_id: str
    state: Literal["issued", "revoked"]
    place_label: str
    section: str | None
    row: str | None
    seat: str | None
    ticket_type_name: str
    price: Money
    is_inside: bool
    passages: int
    last_passed_at: datetime | None
    code: str | None

    @classmethod
    def of(cls, ticket: Ticket, person_id: str) -> TicketView:
        """The view for that person."""
        shown = ticket.person_id == person_id and not ticket.is_revoked
        return cls(
            ticket_id=ticket.ticket_id,
            order_id=ticket.order_id,
            event_id=ticket.event_id,
            organiser_id=ticket.organiser_id,
            state="revoked" if ticket.is_revoked else "issued",
            place_label=ticket.place_label,
            section=ticket.section,
            row=ticket.row,
            seat=ticket.seat,
            ticket_type_name=ticket.ticket_type_name,
            price=ticket.price,
            is_inside=ticket.is_inside,
            passages=ticket.passages,
            last_passed_at=ticket.last_passed_at,
            code=ticket.code if shown else None,
        )


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """A gate."""

    gate_id: str
    event_id: str
    name: str
    created_at: datetime

    @classmethod
    def of(cls, gate: Gate) -> GateView:
        """The view of a gate."""
        return cls(gate_id=gate.gate_id, event_id=gate.event_id, name=gate.name, created_at=gate.created_at)


class AdmissionView(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded entry or exit: the place and the kind of ticket, never whose it is."""

    admission_id: str
    ticket_id: str
    event_id: str
    gate_id: str
    direction: Direction
    admitted_at: datetime
    place_label: str
    ticket_type_name: str
    passages: int

    @classmethod
    def of(cls, scan: Scan) -> AdmissionView:
        """The view of an admission."""
        return cls(
            admission_id=scan.admission_id,
            ticket_id=scan.ticket_id,
            event_id=scan.event_id,
            gate_id=scan.gate_id,
            direction=scan.direction,
            admitted_at=scan.at,
            place_label=scan.place_label,
            ticket_type_name=scan.ticket_type_name,
            passages=scan.passages,
        )


class TicketKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key (RFC 8037) that codes are verified with."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class TicketKeys(msgspec.Struct, frozen=True):
    """A JWK set: all that a gate needs to verify codes offline. The first key signs at present."""

    keys: list[TicketKey]


class Tickets(msgspec.Struct, frozen=True):
    """The tickets of one order; they come on one page."""

    items: list[TicketView]
    next: str | None = None
