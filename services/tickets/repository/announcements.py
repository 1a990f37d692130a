"""How rows become the messages they announce."""

from __future__ import annotations

from typing import Any

import msgspec

from contracts.tickets import TicketAdmitted, TicketsIssued
from services.tickets.domain import Scan


def tickets_issued(image: dict[str, Any]) -> TicketsIssued:
    """`tickets.tickets_issued.v1` of an order's issue row."""
    return msgspec.convert(
        {**image, "order_id": image["pk"], "version": image["outbox"]["version"]}, TicketsIssued, strict=False
    )


def ticket_admitted(image: dict[str, Any]) -> TicketAdmitted:
    """`tickets.ticket_admitted.v1` of a scan's row. Its version is the ticket's count of passages."""
    scan = msgspec.convert(image["recorded"], Scan)
    return TicketAdmitted(
        admission_id=scan.admission_id,
        version=scan.passages,
        ticket_id=scan.ticket_id,
        event_id=scan.event_id,
        organiser_id=scan.organiser_id,
        gate_id=scan.gate_id,
        direction=scan.direction,
        admitted_at=scan.at,
    )
