"""Tickets in DynamoDB, and their PDFs in S3.

    pk = event id    sk = "facts"         what was published of the event
    pk = order id    sk = "issue"         the order's tickets and their PDF; announces tickets.tickets_issued.v1
    pk = ticket id   sk = "ticket"        one ticket and where it is
    pk = ticket id   sk = "scan#<key>"    one recorded scan: an admission, which announces tickets.ticket_admitted.v1,
                                          or, for a day, a refusal that its retry must get again
    pk = gate id     sk = "gate"          a gate

Gates and admissions are listed by event: listing_pk = "gates#<event id>" and "admissions#<event id>". Door staff scan
by hand, tens of times a second at the most, so one index key for an event stays far below what a partition takes.
"""

from __future__ import annotations

from services.tickets.repository.announcements import ticket_admitted, tickets_issued
from services.tickets.repository.documents import read_document, store_document
from services.tickets.repository.events import add_gate, find_event, find_gate, gates_of, keep_event, known_event
from services.tickets.repository.issues import Issue, find_issue, find_ticket, find_tickets, issue, revoke
from services.tickets.repository.rows import Busy
from services.tickets.repository.scans import REFUSALS_KEPT, admissions_of, record_admission, record_refusal

__all__ = [
    "REFUSALS_KEPT",
    "Busy",
    "Issue",
    "add_gate",
    "admissions_of",
    "find_event",
    "find_gate",
    "find_issue",
    "find_ticket",
    "find_tickets",
    "gates_of",
    "issue",
    "keep_event",
    "known_event",
    "read_document",
    "record_admission",
    "record_refusal",
    "revoke",
    "store_document",
    "ticket_admitted",
    "tickets_issued",
]
