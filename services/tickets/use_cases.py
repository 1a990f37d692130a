"""What people and messages ask of tickets."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

from contracts.catalog import EventPublished
from contracts.orders import OrderRefunded
from contracts.reservations import HoldConfirmed
from services.tickets import document, domain, repository
from services.tickets.domain import Direction, EventFacts, Gate, Listing, Refused, Scan, SigningKeys, Ticket
from shared import ids
from shared.auth import Identity

STAFF: Final = ("owner", "manager", "box_office")
DOOR_STAFF: Final = (*STAFF, "scanner")
GATE_KEEPERS: Final = ("owner", "manager")
# Each try loses only to somebody who passed a gate with the same ticket in the same instant.
_TRIES_MAX: Final = 8


class Desk(msgspec.Struct, frozen=True):
    """What issuing needs besides the sale: the signing keys, the bucket for PDFs and the secret in their addresses."""

    keys: SigningKeys
    bucket: str
    document_secret: str


def keep_event(message: EventPublished, now: datetime) -> None:
    """Keep what tickets print of an event; an older publication than the one that is kept changes nothing."""
    repository.keep_event(
        EventFacts(
            event_id=message.event_id,
            version=message.version,
            organiser_id=message.organiser_id,
            organiser_name=message.organiser_name,
            name=message.name,
            starts_at=message.starts_at,
            doors_at=message.doors_at,
            time_zone=message.time_zone,
            venue_name=message.venue.name,
            venue_city=message.venue.city,
        ),
        now,
    )


def issue_tickets(message: HoldConfirmed, desk: Desk, now: datetime) -> repository.Issue:
    """Give a confirmed order its tickets: one for each place, signed, and one PDF of all.

    Harmless when called again, and after the order was refunded. Raises EventUnknown while the event's publication has
    not arrived; the message must then come again.
    """
    settled = repository.find_issue(message.order_id)
    if settled is not None:
        return settled
    event = repository.known_event(message.event_id, now)
    if event is None:
        raise domain.EventUnknown(message.event_id)
    tickets = [_ticket(message, place, desk.keys) for place in message.places]
    content = document.render(event, tickets, at=message.confirmed_at)
    # The PDF before the tickets: a crash in between leaves a file that nobody was told of, and the next try writes
    # the same one again.
    stored = repository.store_document(desk.bucket, message.order_id, content, desk.document_secret)
    return repository.issue(event, message.buyer, tickets, stored, now)


def revoke_tickets(message: OrderRefunded, now: datetime) -> None:
    """Make an order's tickets void for good, whether they were issued already or would be later."""
    repository.revoke(message.order_id, message.event_id, message.organiser_id, now)


def tickets_of_order(order_id: str, identity: Identity) -> list[Ticket]:
    """An order's tickets as they are now, as far as the person may see them: its buyer, and the organiser's staff.

    None yet is no error, because a paid order waits for its tickets; and strangers learn nothing more than that.
    """
    issue = repository.find_issue(order_id)
    if issue is None or issue.buyer is None:
        return []
    if not _may_see(identity, issue.buyer.person_id, issue.organiser_id, STAFF):
        return []
    return repository.find_tickets([ticket.ticket_id for ticket in issue.tickets])


def ticket(ticket_id: str, identity: Identity) -> Ticket:
    """One ticket, for its buyer and the organiser's staff. Raises TicketUnknown."""
    found = repository.find_ticket(ticket_id)
    if found is None or not _may_see(identity, found.person_id, found.organiser_id, STAFF):
        raise domain.TicketUnknown(ticket_id)
    return found


def ticket_qr(ticket_id: str, identity: Identity) -> bytes:
    """A ticket's code as a QR symbol in SVG, for its buyer alone. Raises TicketUnknown, TicketRevoked."""
    found = repository.find_ticket(ticket_id)
    if found is None or found.person_id != identity.person_id:
        raise domain.TicketUnknown(ticket_id)
    if found.is_revoked:
        raise domain.TicketRevoked
    return document.qr_svg(found.code)


def ticket_document(order_id: str, identity: Identity) -> bytes:
    """The PDF of an order's tickets, for its buyer alone. Raises OrderUnknown, TicketRevoked."""
    issue = repository.find_issue(order_id)
    if issue is None or issue.buyer is None or issue.buyer.person_id != identity.person_id:
        raise domain.OrderUnknown(order_id)
    if issue.state == "revoked" or issue.document is None:
        raise domain.TicketRevoked
    return repository.read_document(issue.document)


def add_gate(
    event_id: str, organiser_id: str | None, name: str, *, identity: Identity, key: str | None, now: datetime
) -> Gate:
    """Open a gate to an event, for the organiser's owners and managers.

    The same `key` of the same person gives the same gate. Raises EventUnknown, also for an event that is not that
    `organiser_id`'s; KeyReused when the key's gate has another name.
    """
    event = repository.find_event(event_id)
    if event is None or not identity.is_member(event.organiser_id) or organiser_id not in (None, event.organiser_id):
        raise domain.EventUnknown(event_id)
    identity.require_member(event.organiser_id, *GATE_KEEPERS)
    gate_id = ids.new_id("gat", now) if key is None else ids.derived_id("gat", event_id, identity.person_id, key)
    gate = Gate(gate_id=gate_id, event_id=event_id, organiser_id=event.organiser_id, name=name, created_at=now)
    kept = repository.add_gate(gate, now)
    if kept.name != name:
        raise domain.KeyReused
    return kept


def gates(event_id: str, identity: Identity, limit: int, cursor: str | None) -> Listing[Gate]:
    """A page of an event's gates, for the organiser's members. Raises EventUnknown, BadCursor."""
    _require_door_staff(event_id, identity)
    return repository.gates_of(event_id, limit, cursor)


def admissions(event_id: str, identity: Identity, limit: int, cursor: str | None) -> Listing[Scan]:
    """A page of an event's entries and exits, newest first, for its door staff. Raises EventUnknown, BadCursor."""
    _require_door_staff(event_id, identity)
    return repository.admissions_of(event_id, limit, cursor)


def scan(
    code: str,
    gate_id: str,
    direction: Direction,
    *,
    identity: Identity,
    key: str | None,
    jwks: dict[str, Any],
    now: datetime,
) -> Scan:
    """Let a ticket pass a gate, and record it; of many scans at the same time exactly one is admitted.

    With a `key` the same scan of the same person gets the same answer again, refusals for a day. Raises GateUnknown
    for who is not door staff of the organiser, Refused with the reason, KeyReused when the key came with another scan.
    """
    gate = repository.find_gate(gate_id)
    if gate is None or not identity.is_member(gate.organiser_id, *DOOR_STAFF):
        raise domain.GateUnknown(gate_id)
    read = domain.verify_code(code, jwks)
    if read.event_id != gate.event_id:
        raise Refused("not_this_event")
    event = repository.find_event(gate.event_id)
    if event is None:
        raise domain.EventUnknown(gate.event_id)
    asked = Scan(
        admission_id=ids.new_id("adm", now),
        ticket_id=read.ticket_id,
        event_id=gate.event_id,
        organiser_id=gate.organiser_id,
        gate_id=gate_id,
        direction=direction,
        at=now,
        scanned_by=identity.person_id,
        request=_request_hash(code, gate_id, direction),
        place_label=read.place_label,
    )
    recorded = _pass(asked, event, key=_scan_key(asked, key), may_repeat=key is not None, now=now)
    return _answer(recorded, asked)


def _pass(asked: Scan, event: EventFacts, *, key: str, may_repeat: bool, now: datetime) -> Scan:
    """What is recorded of the scan in the end: this admission, this refusal, or what the key was answered before."""
    before = repository.find_ticket(asked.ticket_id)
    for _ in range(_TRIES_MAX):
        try:
            domain.require_doors_open(event, asked.direction, now)
            after = domain.pass_gate(before, direction=asked.direction, gate_id=asked.gate_id, at=now)
        except Refused as refused:
            refusal = msgspec.structs.replace(
                asked, reason=refused.reason, before_at=refused.at, before_gate_id=refused.gate_id
            )
            return repository.record_refusal(asked.ticket_id, refusal, key, now) if may_repeat else refusal
        assert before is not None
        admitted = msgspec.structs.replace(
            asked, place_label=after.place_label, ticket_type_name=after.ticket_type_name, passages=after.passages
        )
        outcome = repository.record_admission(before, after, admitted, key, now)
        if isinstance(outcome, Scan):
            return outcome
        before = outcome
    raise repository.Busy(asked.ticket_id)


def _answer(recorded: Scan, asked: Scan) -> Scan:
    if recorded.request != asked.request:
        raise domain.KeyReused
    if recorded.reason is not None:
        raise Refused(recorded.reason, at=recorded.before_at, gate_id=recorded.before_gate_id)
    return recorded


def _ticket(message: HoldConfirmed, place: Any, keys: SigningKeys) -> Ticket:
    ticket_id = domain.ticket_id_of(message.order_id, place)
    label = domain.place_label(place.section, place.row, place.seat)
    return Ticket(
        ticket_id=ticket_id,
        order_id=message.order_id,
        event_id=message.event_id,
        organiser_id=message.organiser_id,
        person_id=message.buyer.person_id,
        section=place.section,
        row=place.row,
        seat=place.seat,
        ticket_type_name=place.ticket_type_name,
        price=place.price,
        code=keys.sign(ticket_id=ticket_id, event_id=message.event_id, label=label),
    )


def _may_see(identity: Identity, owner_id: str, organiser_id: str, roles: tuple[str, ...]) -> bool:
    # `is_member` takes no roles as any role, which is not what an empty tuple means here.
    return identity.person_id == owner_id or (bool(roles) and identity.is_member(organiser_id, *roles))


def _require_door_staff(event_id: str, identity: Identity) -> None:
    event = repository.find_event(event_id)
    if event is None or not identity.is_member(event.organiser_id, *DOOR_STAFF):
        raise domain.EventUnknown(event_id)


def _scan_key(asked: Scan, key: str | None) -> str:
    """Where a scan is recorded below its ticket: the same for the same person and key, else for no other."""
    if key is None:
        return asked.admission_id
    return hashlib.blake2b(f"{asked.scanned_by}\n{key}".encode(), digest_size=16).hexdigest()


def _request_hash(code: str, gate_id: str, direction: Direction) -> str:
    return hashlib.blake2b(f"{code}\n{gate_id}\n{direction}".encode(), digest_size=12).hexdigest()
