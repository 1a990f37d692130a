"""Issues: the tickets an order was given, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from contracts.sale import Buyer
from contracts.tickets import Document, TicketIssued, TicketsIssued
from services.tickets.domain import EventFacts, Ticket
from services.tickets.repository.rows import TRIES_MAX, Busy, IssueRow, TicketRow
from shared.data import (
    AlreadyExists,
    Insert,
    Replace,
    TransactionRefused,
    Update,
    Write,
    fetch,
    fetch_many,
    insert,
    transact,
)

# DynamoDB takes 100 writes in a transaction; one is the issue's own row.
_TICKETS_A_TRANSACTION: Final = 99


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """What an order was given. A revoked one may have been revoked before any ticket existed."""

    order_id: str
    event_id: str
    organiser_id: str
    state: Literal["issued", "revoked"]
    buyer: Buyer | None
    tickets: tuple[TicketIssued, ...]
    document: Document | None


_MOVING: Final = ("is_revoked", "is_inside", "passages", "last_passed_at", "last_gate_id")


def find_issue(order_id: str) -> Issue | None:
    """What an order was given, None when nothing was decided yet."""
    row = fetch(IssueRow, order_id, "issue")
    return None if row is None else _issue_of(row)


def issue(facts: EventFacts, buyer: Buyer, tickets: Sequence[Ticket], document: Document, now: datetime) -> Issue:
    """Create an order's tickets and announce them, all in one transaction; the answer is what stands in the end.

    Whoever came first stays: tickets of a replay, and those of an order revoked before, change nothing. Beyond 99
    tickets those before the last 99 are created ahead of the transaction that announces them.
    """
    order_id = tickets[0].order_id
    row = IssueRow(
        order_id,
        "issue",
        state="issued",
        event_id=facts.event_id,
        organiser_id=facts.organiser_id,
        event_name=facts.name,
        starts_at=facts.starts_at,
        time_zone=facts.time_zone,
        venue_name=facts.venue_name,
        buyer=buyer,
        tickets=[_listed(ticket) for ticket in tickets],
        document=document,
    )
    for ticket in tickets[:-_TICKETS_A_TRANSACTION]:
        try:
            insert(_ticket_row(ticket), now=now)
        except AlreadyExists:
            continue
    last = [Insert(_ticket_row(ticket)) for ticket in tickets[-_TICKETS_A_TRANSACTION:]]
    try:
        transact(Insert(row, announce=[TicketsIssued.type_name]), *last, now=now)
    except TransactionRefused as refused:
        stored = find_issue(order_id)
        if stored is None:
            raise Busy(f"the tickets of {order_id} could not be created") from refused
        return stored
    return _issue_of(row)


def revoke(order_id: str, event_id: str, organiser_id: str, now: datetime) -> Issue:
    """Revoke all tickets of an order, also those that are issued only later. Raises Busy."""
    for _ in range(TRIES_MAX):
        row = fetch(IssueRow, order_id, "issue")
        if row is None:
            row = IssueRow(order_id, "issue", state="revoked", event_id=event_id, organiser_id=organiser_id)
            try:
                insert(row, now=now)
            except AlreadyExists:
                continue
            return _issue_of(row)
        if row.state == "revoked":
            return _issue_of(row)
        if _revoke_issued(row, now):
            return _issue_of(row)
    raise Busy(f"the tickets of {order_id} could not be revoked")


def find_ticket(ticket_id: str) -> Ticket | None:
    """One ticket, None when it was never issued."""
    row = fetch(TicketRow, ticket_id, "ticket")
    return None if row is None else _ticket_of(row)


def find_tickets(ticket_ids: Sequence[str]) -> list[Ticket]:
    """Several tickets, in the order asked for."""
    keys = [(ticket_id, "ticket") for ticket_id in ticket_ids]
    rows = fetch_many(TicketRow, keys)
    return [_ticket_of(rows[key]) for key in keys if key in rows]


def _revoke_issued(row: IssueRow, now: datetime) -> bool:
    listed = [ticket.ticket_id for ticket in row.tickets or ()]
    writes: list[Write] = [
        Update(
            TicketRow,
            ticket_id,
            "ticket",
            actions=[TicketRow.is_revoked.set(True)],
            condition=TicketRow.pk.exists(),
        )
        for ticket_id in listed
    ]
    row.state = "revoked"
    # The announcement of the tickets is no longer true: a republish must not mail them.
    row.outbox = {**(row.outbox or {"version": 0}), "types": []}
    try:
        while len(writes) > _TICKETS_A_TRANSACTION:
            transact(*writes[:_TICKETS_A_TRANSACTION], now=now)
            del writes[:_TICKETS_A_TRANSACTION]
        transact(Replace(row), *writes, now=now)
    except TransactionRefused:
        return False
    return True


def _ticket_row(ticket: Ticket) -> TicketRow:
    facts = msgspec.to_builtins(ticket)
    for name in _MOVING:
        del facts[name]
    return TicketRow(ticket.ticket_id, "ticket", ticket=facts)


def _ticket_of(row: TicketRow) -> Ticket:
    moving = {name: getattr(row, name) for name in _MOVING}
    return msgspec.convert({**row.ticket, **moving}, Ticket)


def _issue_of(row: IssueRow) -> Issue:
    return Issue(
        order_id=row.pk,
        event_id=row.event_id,
        organiser_id=row.organiser_id,
        state="revoked" if row.state == "revoked" else "issued",
        buyer=row.buyer,
        tickets=tuple(row.tickets or ()),
        document=row.document,
    )


def _listed(ticket: Ticket) -> TicketIssued:
    return TicketIssued(
        ticket_id=ticket.ticket_id,
        ticket_type_name=ticket.ticket_type_name,
        section=ticket.section,
        row=ticket.row,
        seat=ticket.seat,
    )
