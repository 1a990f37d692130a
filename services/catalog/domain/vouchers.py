"""Vouchers: codes that let their bearer have ticket types, or have them for less."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from services.catalog.domain.errors import CatalogError, FieldError, Incomplete
from services.catalog.domain.event import PRICE_MAX, Event
from shared.ids import derived_id
from shared.money import Money

USES_MAX: Final = 100_000
VOUCHERS_PER_REQUEST_MAX: Final = 500
# Without 0, 1, I, L, O and U, which are taken for one another or for words. Twelve of thirty letters are 58 bits.
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 12
_PURPOSE: Final = b"stagedoor voucher codes v1"


class Voucher(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who gives its code may have `ticket_type_ids`, none meaning all of them; each place takes one of its uses.

    The price is the ticket type's, lowered by `percent_off`, or `price`.
    """

    voucher_id: str
    event_id: str
    organiser_id: str
    code: str
    uses_max: int
    ticket_type_ids: tuple[str, ...] = ()
    percent_off: int = 0
    price: Money | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked: bool = False
    version: int = 0


class CodeUsed(CatalogError):
    """The event has another voucher of that code, perhaps a revoked one: a code means one thing for ever."""

    field = "$.code"


class Revoked(CatalogError):
    """The voucher was revoked. It stays so: whoever was told that its code is worth nothing must not be wrong."""


def voucher_id(event_id: str, code: str) -> str:
    """The id of the event's voucher with that code: it follows from both, so that no event has two of one code."""
    return derived_id("vou", event_id, code)


def written_code(code: str) -> str:
    """A code as it is kept: in capitals, however somebody types it."""
    return code.upper()


def generated_codes(seed: str, count: int) -> list[str]:
    """So many different codes that nobody guesses who does not know the seed; the same ones for the same seed."""
    codes: dict[str, None] = {}
    number = 0
    while len(codes) < count:
        digest = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=32, key=_PURPOSE).digest()
        value, letters = int.from_bytes(digest, "big"), ""
        for _ in range(CODE_LENGTH):
            value, position = divmod(value, len(CODE_LETTERS))
            letters += CODE_LETTERS[position]
        codes[letters] = None
        number += 1
    return list(codes)


def check_voucher(voucher: Voucher, event: Event) -> None:
    """Raises Incomplete naming every field of a voucher that cannot be at this event."""
    errors: list[FieldError] = []
    known = {one.ticket_type_id for one in event.ticket_types}
    for number, ticket_type_id in enumerate(voucher.ticket_type_ids):
        field = f"$.ticket_type_ids[{number}]"
        if ticket_type_id not in known:
            errors.append(FieldError(field, "the event has no such ticket type"))
        elif ticket_type_id in voucher.ticket_type_ids[:number]:
            errors.append(FieldError(field, "this ticket type is named twice"))
    if voucher.price is not None:
        if voucher.percent_off:
            errors.append(FieldError("$.price", "a voucher has either a price or percent_off"))
        if voucher.price.currency != event.currency:
            errors.append(FieldError("$.price.currency", f"the event sells in {event.currency}"))
        if not 0 <= voucher.price.amount <= PRICE_MAX:
            errors.append(FieldError("$.price.amount", f"a price lies between 0 and {PRICE_MAX}"))
    if voucher.valid_from and voucher.valid_until and voucher.valid_from >= voucher.valid_until:
        errors.append(FieldError("$.valid_until", "the voucher would end before it begins"))
    if errors:
        raise Incomplete(errors)


def check_voucher_change(before: Voucher, after: Voucher) -> None:
    """Raises Revoked for a voucher that is, and Incomplete where uses would be taken away.

    They are counted in numbered slots, of which any may be used already.
    """
    if before.revoked:
        raise Revoked("the voucher was revoked")
    if after.uses_max < before.uses_max:
        reason = f"uses are only added: it has {before.uses_max}; revoke the voucher to end it"
        raise Incomplete([FieldError("$.uses_max", reason)])


def check_count(code: str | None, count: int | None) -> None:
    """Raises Incomplete unless a request says exactly one of both: which code, or how many."""
    if (code is None) == (count is None):
        field = "$.count" if code is not None else "$.code"
        raise Incomplete([FieldError(field, "give either a code or how many vouchers to make")])


def same_but_for_version(vouchers: Sequence[Voucher]) -> bool:
    """Whether all of them say the same."""
    first, *others = [msgspec.structs.replace(one, version=0) for one in vouchers]
    return all(one == first for one in others)
