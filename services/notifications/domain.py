"""Which mails are sent, what stands in them, and when one may be tried again."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from contracts.accounts import QuotaReached
from contracts.orders import OrderRefunded
from contracts.reservations import PlacesOffered
from contracts.tickets import TicketsIssued
from shared import money

Kind = Literal["tickets", "refund", "offer", "quota"]
State = Literal["claimed", "sent", "undeliverable"]

# Longer than a function may run: whoever claimed and did not finish is dead by then.
CLAIM_KEPT: Final = timedelta(seconds=60)
SUBJECT_LENGTH_MAX: Final = 150
NAME_LENGTH_MAX: Final = 80
ADDRESS_LENGTH_MAX: Final = 254

# Deliberately narrow: ASCII without quoting, comments or blanks. Nothing that passes can end a header line.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")

# Orders' own words for why money goes back; whatever else comes is reservations' word for a refused hold.
_REASONS: Final[dict[str, str | None]] = {
    "wrong_amount": "the amount that was paid was not the amount of the order",
    "order_cancelled": "the order was cancelled before its payment arrived",
    "second_payment": "the order was paid more than once",
    "payment_refunded": None,
}
_PLACES_GONE: Final = "your places had gone to somebody else"
_PLACES_LOST: Final = f"{_PLACES_GONE} before the payment arrived"


class Undeliverable(Exception):
    """No mail can be sent to this address, now or later."""


class ClaimHeld(Exception):
    """Somebody else is sending this very mail; the message must come again."""


class DocumentChanged(Exception):
    """The PDF is not the one the message spoke of."""


class OrderUnknown(Exception):
    """Nothing was sent about this order, or nothing that the caller may see."""


class TicketLine(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket as a mail lists it."""

    name: str
    place: str


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail before it is laid out. `facts` are what its template shows.

    `about_id` is the order it speaks of, the entry of a waiting list, or an organiser's month.
    """

    about_id: str
    kind: Kind
    version: int
    organiser_id: str
    person_id: str
    address: str
    name: str
    subject: str
    facts: dict[str, object]


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a mail: enough to never send it twice, and to tell who asks."""

    # Kept under the name it had when every mail was about an order.
    about_id: str = msgspec.field(name="order_id")
    kind: Kind
    version: int
    organiser_id: str
    person_id: str
    address: str
    subject: str
    state: State
    claimed_at: datetime
    tries: int
    event_name: str | None = None
    sent_at: datetime | None = None
    reference: str | None = None


def tickets_mail(message: TicketsIssued) -> Mail:
    """The mail that brings the tickets."""
    what = "ticket" if len(message.tickets) == 1 else "tickets"
    return Mail(
        about_id=message.order_id,
        kind="tickets",
        version=message.version,
        organiser_id=message.organiser_id,
        person_id=message.buyer.person_id,
        address=message.buyer.email,
        name=header_text(message.buyer.name, NAME_LENGTH_MAX),
        subject=header_text(f"Your {what} for {message.event_name}", SUBJECT_LENGTH_MAX),
        facts={
            "name": header_text(message.buyer.name, NAME_LENGTH_MAX),
            "event_name": header_text(message.event_name, SUBJECT_LENGTH_MAX),
            "day": local_day(message.starts_at, message.time_zone),
            "time": local_time(message.starts_at, message.time_zone),
            "venue_name": message.venue_name,
            "order_id": message.order_id,
            "tickets": [
                TicketLine(name=ticket.ticket_type_name, place=place(ticket.section, ticket.row, ticket.seat))
                for ticket in message.tickets
            ],
        },
    )


def refund_mail(message: OrderRefunded, event_name: str | None) -> Mail:
    """The mail that tells of the money's way back, or that what cost nothing is not to be had.

    The event's name is known only if tickets were mailed before.
    """
    what = f" for {event_name}" if event_name else ""
    amount = money.written(message.amount) if message.amount.amount else None
    lost = _PLACES_LOST if amount else _PLACES_GONE
    subject = f"Your refund of {amount}{what}" if amount else f"Your order{what} was cancelled"
    return Mail(
        about_id=message.order_id,
        kind="refund",
        version=message.version,
        organiser_id=message.organiser_id,
        person_id=message.buyer.person_id,
        address=message.buyer.email,
        name=header_text(message.buyer.name, NAME_LENGTH_MAX),
        subject=header_text(subject, SUBJECT_LENGTH_MAX),
        facts={
            "name": header_text(message.buyer.name, NAME_LENGTH_MAX),
            "event_name": event_name,
            "amount": amount,
            "places": len(message.places),
            "order_id": message.order_id,
            "was_confirmed": message.was_confirmed,
            "reason": _REASONS.get(message.reason, None if message.was_confirmed else lost),
        },
    )


def offer_mail(message: PlacesOffered, public_url: str) -> Mail:
    """The mail that tells somebody of a waiting list which places are kept, and until when."""
    name, event_name = (
        header_text(message.buyer.name, NAME_LENGTH_MAX),
        header_text(message.event_name, SUBJECT_LENGTH_MAX),
    )
    count = len(message.places)
    return Mail(
        about_id=message.entry_id,
        kind="offer",
        version=message.version,
        organiser_id=message.organiser_id,
        person_id=message.buyer.person_id,
        address=message.buyer.email,
        name=name,
        subject=header_text(f"{_places(count)} for {message.event_name}, kept for you", SUBJECT_LENGTH_MAX),
        facts={
            "name": name,
            "event_name": event_name,
            "count": _places(count),
            "one": count == 1,
            "day": local_day(message.expires_at, message.time_zone),
            "time": local_time(message.expires_at, message.time_zone),
            "total": money.written(message.total),
            "places": [
                TicketLine(name=kept.ticket_type_name, place=place(kept.section, kept.row, kept.seat))
                for kept in message.places
            ],
            "address": f"{public_url.rstrip('/')}/waiting-list/{message.event_id}",
        },
    )


def quota_mails(message: QuotaReached, public_url: str) -> list[Mail]:
    """The mails that tell each of an organiser's owners how much of a month's requests is used up.

    A mail is about the month, the plan and its reader, and its version is the share: so each is sent once for a plan's
    quota, however often, and in whatever order, the messages come.
    """
    organiser = header_text(message.organiser_name, NAME_LENGTH_MAX)
    exhausted = message.share >= 100
    used = "used up" if exhausted else f"{message.share} % used"
    return [
        Mail(
            about_id=f"{message.organiser_id}#{message.month}#{message.plan}#{owner.person_id}",
            kind="quota",
            version=message.share,
            organiser_id=message.organiser_id,
            person_id=owner.person_id,
            address=owner.email,
            name=header_text(owner.name, NAME_LENGTH_MAX),
            subject=header_text(f"API requests of {organiser}: {used}", SUBJECT_LENGTH_MAX),
            facts={
                "name": header_text(owner.name, NAME_LENGTH_MAX),
                "organiser_name": organiser,
                "plan": message.plan,
                "share": message.share,
                "exhausted": exhausted,
                "quota": f"{message.quota:,}",
                "answered": f"{message.answered:,}",
                "last_day": _last_day(message.month),
                "address": f"{public_url.rstrip('/')}/keys",
            },
        )
        for owner in message.owners
    ]


def is_over(message: PlacesOffered, now: datetime) -> bool:
    """Whether the offer's time has passed: a mail would only disappoint."""
    return now >= message.expires_at


def require_address(address: str) -> str:
    """The address, if a mail can go there. Raises Undeliverable."""
    if len(address) > ADDRESS_LENGTH_MAX or _ADDRESS.fullmatch(address) is None or ".." in address:
        raise Undeliverable("the address is not one that mail can be sent to")
    return address


def header_text(text: str, length_max: int) -> str:
    """Text that may stand in a header: one line, without control and direction characters, of limited length."""
    plain = "".join(" " if _breaks(letter) else letter for letter in text)
    # "=?…?=" is how headers spell other letters, line ends included: the email package reads it wherever it stands.
    line = " ".join(plain.split()).replace("=?", "= ?")
    return line if len(line) <= length_max else line[: length_max - 1].rstrip() + "…"


def may_claim(stored: Sent | None, now: datetime) -> bool:
    """Whether a mail may be tried: nobody did, or whoever did stopped before it was sent."""
    return stored is None or (stored.state == "claimed" and stored.claimed_at + CLAIM_KEPT <= now)


def place(section: str | None, row: str | None, seat: str | None) -> str:
    """A place in words: `Orchestra, row C, seat 12`."""
    if seat is None:
        return "General admission"
    parts = [section or "", f"row {row}" if row else "", f"seat {seat}"]
    return ", ".join(part for part in parts if part)


def local_day(at: datetime, time_zone: str) -> str:
    """The day by the venue's calendar: `Friday, 14 March 2025`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%A}, {local.day} {local:%B %Y}"


def local_time(at: datetime, time_zone: str) -> str:
    """The time by the venue's clock: `19:30 EDT`."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%H:%M} {local.tzname()}"


def _last_day(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    last = date(year, number, monthrange(year, number)[1])
    return f"{last.day} {last:%B %Y}"


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def _breaks(letter: str) -> bool:
    # Cc: line ends and other controls; Cf: what hides or turns text around; Zl, Zp: line and paragraph separators;
    # Cs: halves of letters, which cannot be encoded.
    return unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Cs")
