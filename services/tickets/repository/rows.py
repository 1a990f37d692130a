"""The rows of tickets' table."""

from __future__ import annotations

from typing import Any, Final

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from contracts.sale import Buyer
from contracts.tickets import Document, TicketIssued
from services.tickets.domain import Gate, Scan
from shared.data import DocumentAttribute, ListedRow, MomentAttribute, Row, ShapeAttribute

_TABLE: Final = "TICKETS_TABLE_NAME"
# Others who keep changing the same row make a writer give up after so many tries.
TRIES_MAX: Final = 8


class Busy(Exception):
    """Others kept changing the row; the caller may try again."""


class EventRow(Row):
    """What was published of an event."""

    class Meta:
        table_variable = _TABLE

    event_version = NumberAttribute()
    facts = DocumentAttribute()


class IssueRow(Row):
    """What an order was given."""

    class Meta:
        table_variable = _TABLE

    state = UnicodeAttribute()
    event_id = UnicodeAttribute()
    organiser_id = UnicodeAttribute()
    event_name = UnicodeAttribute(null=True)
    starts_at = MomentAttribute(null=True)
    time_zone = UnicodeAttribute(null=True)
    venue_name = UnicodeAttribute(null=True)
    buyer: ShapeAttribute[Buyer] = ShapeAttribute(Buyer, null=True)
    tickets: ShapeAttribute[list[TicketIssued]] = ShapeAttribute(list[TicketIssued], attr_type="L", null=True)
    document: ShapeAttribute[Document] = ShapeAttribute(Document, null=True)


class TicketRow(Row):
    """A ticket. What changes has attributes of its own; the rest never changes and is kept as one map."""

    class Meta:
        table_variable = _TABLE

    ticket: ShapeAttribute[dict[str, Any]] = ShapeAttribute(dict[str, Any])
    is_revoked = BooleanAttribute(default=False)
    is_inside = BooleanAttribute(default=False)
    passages = NumberAttribute(default=0)
    last_passed_at = MomentAttribute(null=True)
    last_gate_id = UnicodeAttribute(null=True)


class ScanRow(ListedRow):
    """A recorded scan."""

    class Meta:
        table_variable = _TABLE

    recorded: ShapeAttribute[Scan] = ShapeAttribute(Scan)


class GateRow(ListedRow):
    """A gate."""

    class Meta:
        table_variable = _TABLE

    gate: ShapeAttribute[Gate] = ShapeAttribute(Gate)
