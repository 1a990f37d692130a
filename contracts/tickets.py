"""What tickets publishes."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from contracts.sale import Buyer, Time
from shared.messaging.message import Message


class TicketIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of an order, as much of it as a mail shows. Never its code: that would let a mail log open the door."""

    ticket_id: str
    ticket_type_name: str
    section: str | None = None
    row: str | None = None
    seat: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file, and the SHA-256 of its content in hexadecimal."""

    bucket: str
    key: str
    sha256: str


class TicketsIssued(Message, frozen=True, kw_only=True):
    """An order has its tickets, and `document` is the PDF that shows them all."""

    type_name: ClassVar[str] = "tickets.tickets_issued.v1"

    order_id: str
    version: int
    event_id: str
    organiser_id: str
    event_name: str
    starts_at: Time
    time_zone: str
    venue_name: str
    buyer: Buyer
    tickets: tuple[TicketIssued, ...]
    document: Document


class TicketAdmitted(Message, frozen=True, kw_only=True):
    """A ticket passed a gate."""

    type_name: ClassVar[str] = "tickets.ticket_admitted.v1"

    admission_id: str
    version: int
    ticket_id: str
    event_id: str
    organiser_id: str
    gate_id: str
    direction: Literal["in", "out"]
    admitted_at: Time


MESSAGES: tuple[type[Message], ...] = (TicketsIssued, TicketAdmitted)
