"""Scans: what was recorded at the gates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from contracts.tickets import TicketAdmitted
from services.tickets.domain import Listing, Scan, Ticket
from services.tickets.repository.issues import find_ticket
from services.tickets.repository.rows import Busy, ScanRow, TicketRow
from shared import clock
from shared.data import AlreadyExists, Insert, Page, TransactionRefused, Update, insert, query_page, transact

REFUSALS_KEPT: Final = timedelta(hours=24)


def record_admission(before: Ticket, after: Ticket, scan: Scan, key: str, now: datetime) -> Scan | Ticket:
    """Move the ticket and record the scan, together, if the ticket still is as it was read.

    Answers the scan that is recorded under the key, which may be an earlier one with another outcome; or the ticket as
    it is now when somebody moved or revoked it first.
    """
    row = ScanRow(
        after.ticket_id,
        f"scan#{key}",
        recorded=scan,
        listing_pk=f"admissions#{after.event_id}",
        listing_sk=f"{clock.iso(scan.at)}#{scan.admission_id}",
    )
    recorded = Insert(row, announce=[TicketAdmitted.type_name])
    moved = Update(
        TicketRow,
        after.ticket_id,
        "ticket",
        actions=[
            TicketRow.is_inside.set(after.is_inside),
            TicketRow.passages.set(after.passages),
            TicketRow.last_passed_at.set(scan.at),
            TicketRow.last_gate_id.set(scan.gate_id),
        ],
        condition=_unmoved(before),
    )
    try:
        transact(recorded, moved, now=now)
    except TransactionRefused as refused:
        reason = refused.blames(recorded)
        if reason is not None and isinstance(reason.old, ScanRow):
            return reason.old.recorded
        current = find_ticket(after.ticket_id)
        if current is None:
            raise Busy(f"{after.ticket_id} is gone") from refused
        return current
    return scan


def record_refusal(ticket_id: str, scan: Scan, key: str, now: datetime) -> Scan:
    """Remember a refusal for a day, so that its retry is refused as well; answers what is recorded under the key."""
    row = ScanRow(ticket_id, f"scan#{key}", recorded=scan, expires_at=clock.epoch_seconds(now + REFUSALS_KEPT))
    try:
        insert(row, now=now, over_expired=True)
    except AlreadyExists as refused:
        stored = refused.stored
    else:
        return scan
    assert isinstance(stored, ScanRow)
    return stored.recorded


def admissions_of(event_id: str, limit: int, cursor: str | None) -> Listing[Scan]:
    """A page of an event's admissions, newest first, and the cursor of the next. Raises BadCursor."""
    page: Page[ScanRow] = query_page(
        ScanRow, f"admissions#{event_id}", index="listing", limit=limit, cursor=cursor, newest_first=True
    )
    return Listing([row.recorded for row in page.items], page.next)


def _unmoved(ticket: Ticket) -> Any:
    """The ticket is as it was read: nobody passed with it meanwhile, and it was not revoked."""
    return (TicketRow.passages == ticket.passages) & (TicketRow.is_revoked == ticket.is_revoked)
