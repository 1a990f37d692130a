"""What a ticket is, what its code proves, and when a gate lets it pass."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from contracts.sale import Money, PlaceSold
from shared import ids

Item = TypeVar("Item")
Direction = Literal["in", "out"]
RefusalReason = Literal[
    "malformed_code",
    "bad_signature",
    "unknown_key",
    "not_this_event",
    "not_issued",
    "revoked",
    "already_admitted",
    "not_inside",
    "doors_closed",
]

# An event has no end in the catalog; a day covers every concert, club night and the way home.
DOORS_CLOSE_AFTER: Final = timedelta(hours=24)
# What a wallet, a log line or a QR code of moderate density still carries.
LABEL_BYTES_MAX: Final = 60
KID_LENGTH_MAX: Final = 16

_CODE_MARK: Final = "ST1"
_CODE_VERSION: Final = 1
_SIGNATURE_BYTES: Final = 64
# Signed together with the payload, so that a signature made for tickets can never pass for anything else.
_SIGNING_CONTEXT: Final = b"stagedoor.ticket.v1\x00"

REASON_SENTENCES: Final[Mapping[RefusalReason, str]] = {
    "malformed_code": "This is not the code of a ticket, or a part of it is missing.",
    "bad_signature": "The code was not made by this box office, or was altered.",
    "unknown_key": "The code was signed with a key that this box office does not use.",
    "not_this_event": "The ticket is for another event.",
    "not_issued": "No such ticket was issued.",
    "revoked": "The ticket was revoked; its order was refunded.",
    "already_admitted": "The ticket is already inside.",
    "not_inside": "The ticket is not inside, so it cannot leave.",
    "doors_closed": "The doors are closed at this time.",
}


class EventUnknown(Exception):
    """The event was not published, or its message is still on the way."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"The event {event_id} is not known here.")


class TicketUnknown(Exception):
    """No such ticket, or none that the caller may see."""

    def __init__(self, ticket_id: str) -> None:
        super().__init__(f"There is no ticket {ticket_id}.")


class OrderUnknown(Exception):
    """No tickets were issued for the order, or none that the caller may see."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"There are no tickets for the order {order_id}.")


class GateUnknown(Exception):
    """No such gate, or none that the caller works at."""

    def __init__(self, gate_id: str) -> None:
        super().__init__(f"There is no gate {gate_id}.")


class TicketRevoked(Exception):
    """The order was refunded, so its tickets are no longer shown."""

    def __init__(self) -> None:
        super().__init__("The order was refunded, and its tickets are void.")


class KeyReused(Exception):
    """The same Idempotency-Key came with another request."""

    field = "Idempotency-Key"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came before with another request.")


class Refused(Exception):
    """A gate does not let the ticket pass.

    `reason` is for machines. `at` and `gate_id` say when and where the ticket passed last, or when the doors open.
    """

    def __init__(self, reason: RefusalReason, *, at: datetime | None = None, gate_id: str | None = None) -> None:
        super().__init__(REASON_SENTENCES[reason])
        self.reason = reason
        self.at = at
        self.gate_id = gate_id

    @property
    def extra(self) -> dict[str, Any]:
        """What a problem document says besides the sentence."""
        said = {"reason": self.reason, "at": self.at, "gate_id": self.gate_id}
        return {name: value for name, value in said.items() if value is not None}


class CodeRefused(Refused):
    """The code itself is at fault, not the state of a ticket."""

    field = "$.code"


class Listing(msgspec.Struct, Generic[Item], frozen=True):
    """A page of a list, and the cursor of the next, None on the last."""

    items: Sequence[Item]
    next: str | None


class EventFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What tickets must know of an event, copied from its publication. `version` decides which copy is newer."""

    event_id: str
    version: int
    organiser_id: str
    organiser_name: str
    name: str
    starts_at: datetime
    doors_at: datetime | None
    time_zone: str
    venue_name: str
    venue_city: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The right to enter, for one place of one order.

    `passages` counts the recorded entries and exits; `last_passed_at` and `last_gate_id` tell of the latest.
    """

    ticket_id: str
    order_id: str
    event_id: str
    organiser_id: str
    person_id: str
    section: str | None
    row: str | None
    seat: str | None
    ticket_type_name: str
    price: Money
    code: str
    is_revoked: bool = False
    is_inside: bool = False
    passages: int = 0
    last_passed_at: datetime | None = None
    last_gate_id: str | None = None

    @property
    def place_label(self) -> str:
        """How its place is called at the door."""
        return place_label(self.section, self.row, self.seat)


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A door of one event's venue, named by the organiser."""

    gate_id: str
    event_id: str
    organiser_id: str
    name: str
    created_at: datetime


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One scan that was recorded: an admission, or a refusal with its `reason`.

    For an admission `at` and `gate_id` are its own and `passages` its number among the ticket's; `request` is a hash
    of what was asked, so that a retry is told from another scan under the same key. For a refusal `before_at` and
    `before_gate_id` say when and where the ticket passed before.
    """

    admission_id: str
    ticket_id: str
    event_id: str
    organiser_id: str
    gate_id: str
    direction: Direction
    at: datetime
    scanned_by: str
    request: str
    place_label: str = ""
    ticket_type_name: str = ""
    passages: int = 0
    reason: RefusalReason | None = None
    before_at: datetime | None = None
    before_gate_id: str | None = None


class TicketCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code says when its signature holds. No word of whose it is."""

    kid: str
    ticket_id: str
    event_id: str
    place_label: str


def place_label(section: str | None, row: str | None, seat: str | None) -> str:
    """How a place is called at the door: `Orchestra, row C, seat 12`; a general admission has no place to name."""
    if seat is None:
        return "General admission"
    parts = [section or "", f"row {row}" if row else "", f"seat {seat}"]
    return ", ".join(part for part in parts if part)


def ticket_id_of(order_id: str, place: PlaceSold) -> str:
    """The one id a place's ticket of this order can have, so that issuing twice issues the same tickets."""
    return ids.derived_id("tkt", order_id, place.pool_id, place.block, place.slot)


class SigningKeys:
    """The box office's signing secrets by key id, the current one first.

    Each secret gives an Ed25519 seed by SHA-256. Raises ValueError when there is none or a key id is not short ASCII.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        if not secrets:
            raise ValueError("there is no secret to sign tickets with")
        for kid in secrets:
            if not (kid.isascii() and kid.isprintable() and 0 < len(kid) <= KID_LENGTH_MAX):
                raise ValueError(f"a key id is 1 to {KID_LENGTH_MAX} printable ASCII characters")
        self._seeds = {kid: hashlib.sha256(secret.encode()).digest() for kid, secret in secrets.items()}
        self.current_kid = next(iter(self._seeds))

    def sign(self, *, ticket_id: str, event_id: str, label: str) -> str:
        """The code of a ticket, signed with the current key: upper-case letters and digits, safe in addresses.

        The label is cut to 60 bytes. Raises ids.MalformedId for anything but ids.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        kid = self.current_kid.encode()
        payload = (
            bytes([_CODE_VERSION, len(kid)]) + kid + ids.raw_bytes(ticket_id) + ids.raw_bytes(event_id) + _cut(label)
        )
        signature = Ed25519PrivateKey.from_private_bytes(self._seeds[self.current_kid]).sign(_SIGNING_CONTEXT + payload)
        return _CODE_MARK + base64.b32encode(payload + signature).decode().rstrip("=")

    def jwks(self) -> dict[str, Any]:
        """The public halves as a JWK set: all that a gate needs to verify codes without us."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": "Ed25519",
                    "kid": kid,
                    "x": _base64url(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()),
                }
                for kid, seed in self._seeds.items()
            ]
        }


def verify_code(code: str, jwks: Mapping[str, Any]) -> TicketCode:
    """What a scanned code says, proved by the public keys alone: works offline.

    `jwks` is the document of GET /v1/ticket-keys. Raises CodeRefused with `malformed_code`, `unknown_key` or
    `bad_signature`. Whether the ticket was revoked or has passed already, only the box office knows.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    payload, signature = _take_apart(code)
    read = _read_payload(payload)
    for key in jwks.get("keys", ()):
        if key.get("kid") == read.kid and key.get("crv") == "Ed25519":
            public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "=="))
            try:
                public.verify(signature, _SIGNING_CONTEXT + payload)
            except InvalidSignature:
                raise CodeRefused("bad_signature") from None
            return read
    raise CodeRefused("unknown_key")


def require_doors_open(event: EventFacts, direction: Direction, at: datetime) -> None:
    """Nobody enters before the doors open, where the organiser set a time, or a day after the start.

    Leaving is always allowed. Raises Refused with `doors_closed` and the time the doors open or closed.
    """
    if direction == "out":
        return
    if event.doors_at is not None and at < event.doors_at:
        raise Refused("doors_closed", at=event.doors_at)
    closed_at = event.starts_at + DOORS_CLOSE_AFTER
    if at >= closed_at:
        raise Refused("doors_closed", at=closed_at)


def pass_gate(ticket: Ticket | None, *, direction: Direction, gate_id: str, at: datetime) -> Ticket:
    """The ticket after it passed the gate.

    A ticket enters when it is outside and leaves when it is inside; who is inside may leave with a revoked one.
    Raises Refused with `not_issued`, `revoked`, `already_admitted` (with the gate and the time) or `not_inside`.
    """
    if ticket is None:
        raise Refused("not_issued")
    if direction == "in":
        if ticket.is_revoked:
            raise Refused("revoked")
        if ticket.is_inside:
            raise Refused("already_admitted", at=ticket.last_passed_at, gate_id=ticket.last_gate_id)
    elif not ticket.is_inside:
        raise Refused("not_inside", at=ticket.last_passed_at, gate_id=ticket.last_gate_id)
    return msgspec.structs.replace(
        ticket, is_inside=direction == "in", passages=ticket.passages + 1, last_passed_at=at, last_gate_id=gate_id
    )


def _take_apart(code: str) -> tuple[bytes, bytes]:
    text = "".join(code.split()).upper()
    body = text.removeprefix(_CODE_MARK)
    if body == text or not 0 < len(body) <= 400:
        raise CodeRefused("malformed_code")
    try:
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
    except ValueError:
        raise CodeRefused("malformed_code") from None
    # Base 32 leaves bits unused at the end: only the one text that we would have written is the code.
    if base64.b32encode(raw).decode().rstrip("=") != body or len(raw) <= _SIGNATURE_BYTES:
        raise CodeRefused("malformed_code")
    return raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]


def _read_payload(payload: bytes) -> TicketCode:
    if len(payload) < 2 or payload[0] != _CODE_VERSION:
        raise CodeRefused("malformed_code")
    label_from = 2 + payload[1] + 32
    if payload[1] == 0 or len(payload) < label_from:
        raise CodeRefused("malformed_code")
    ticket_from, event_from = label_from - 32, label_from - 16
    try:
        return TicketCode(
            kid=payload[2:ticket_from].decode("ascii"),
            ticket_id=ids.from_raw_bytes("tkt", payload[ticket_from:event_from]),
            event_id=ids.from_raw_bytes("evt", payload[event_from:label_from]),
            place_label=payload[label_from:].decode(),
        )
    except UnicodeDecodeError:
        raise CodeRefused("malformed_code") from None


def _cut(label: str) -> bytes:
    return label.encode()[:LABEL_BYTES_MAX].decode(errors="ignore").encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
