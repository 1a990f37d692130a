"""What messages and people ask of notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from contracts.accounts import QuotaReached
from contracts.orders import OrderRefunded
from contracts.reservations import PlacesOffered
from contracts.tickets import TicketsIssued
from services.notifications import domain, layout, post, repository
from services.notifications.domain import Mail, Sent, Undeliverable
from shared.auth import Identity

STAFF: Final = ("owner", "manager", "box_office")


class Counter(msgspec.Struct, frozen=True):
    """What sending needs: the address mails come from, the bucket the PDFs lie in, and where the web app is."""

    sender: str
    bucket: str
    public_url: str


def mail_tickets(message: TicketsIssued, counter: Counter, now: datetime) -> Sent | None:
    """Mail an order's tickets with their PDF, at least once; None when they were mailed before.

    Raises ClaimHeld while another is at it, DocumentChanged when the PDF is not what was announced; both must be
    brought again.
    """
    mail = domain.tickets_mail(message)
    claim = repository.claim(mail, now)
    if claim is None:
        return None
    try:
        attachment = post.fetch_document(message.document, counter.bucket)
        return _send(mail, claim, counter, attachment, now)
    except Exception:
        claim.release(now)
        raise


def mail_refund(message: OrderRefunded, counter: Counter, now: datetime) -> Sent | None:
    """Mail that an order's money is on its way back, at least once; None when it was before. Raises ClaimHeld."""
    mail = domain.refund_mail(message, _known_event_name(message.order_id))
    claim = repository.claim(mail, now)
    if claim is None:
        return None
    try:
        return _send(mail, claim, counter, None, now)
    except Exception:
        claim.release(now)
        raise


def mail_offer(message: PlacesOffered, counter: Counter, now: datetime) -> Sent | None:
    """Mail somebody of a waiting list that places are kept; None when it was before, or the offer is over.

    Raises ClaimHeld.
    """
    if domain.is_over(message, now):
        return None
    mail = domain.offer_mail(message, counter.public_url)
    claim = repository.claim(mail, now)
    if claim is None:
        return None
    try:
        return _send(mail, claim, counter, None, now)
    except Exception:
        claim.release(now)
        raise


def mail_quota(message: QuotaReached, counter: Counter, now: datetime) -> list[Sent]:
    """Mail each of an organiser's owners that a share of the month's requests is used up; those not mailed before.

    Raises ClaimHeld while another is at one of them, after the others were tried.
    """
    sent, held = [], None
    for mail in domain.quota_mails(message, counter.public_url):
        try:
            claim = repository.claim(mail, now)
        except domain.ClaimHeld as error:
            held = error
            continue
        if claim is None:
            continue
        try:
            sent.append(_send(mail, claim, counter, None, now))
        except Exception:
            claim.release(now)
            raise
    if held is not None:
        raise held
    return sent


def mails_of_order(order_id: str, identity: Identity) -> list[Sent]:
    """The mails about an order that the person may know of: the buyer's own, and those of the staff's organiser."""
    return [
        mail
        for mail in repository.mails_of(order_id)
        if mail.person_id == identity.person_id or identity.is_member(mail.organiser_id, *STAFF)
    ]


def _send(mail: Mail, claim: repository.Claim, counter: Counter, attachment: bytes | None, now: datetime) -> Sent:
    try:
        raw = layout.compose(mail, counter.sender, attachment)
    except Undeliverable:
        return claim.finish("undeliverable", None, now)
    # A crash between these two sends the mail again once the claim is over: rather twice than never.
    reference = post.send(raw, counter.sender, mail.address)
    return claim.finish("sent", reference, now)


def _known_event_name(order_id: str) -> str | None:
    names = [mail.event_name for mail in repository.mails_of(order_id) if mail.event_name]
    return names[-1] if names else None
