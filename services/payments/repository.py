"""Payments in DynamoDB. One partition holds all that one payment's money did.

    pk = payment id   sk = "payment"                      the payment, its attempts, its capture
    pk = payment id   sk = "extra#<charge>"               a charge beside the payment's own, on its way back
    pk = payment id   sk = "ledger#capture#<charge>"      money in, as an entry of the ledger
    pk = payment id   sk = "ledger#refund#<refund>"       money out

Money and its ledger entry are written in one transaction, and the entry is put if absent: the provider's own name for a
charge or refund is what keeps it from being counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from services.payments.domain import Attempt, Capture, Change, ExtraCapture, Payment, PaymentState
from services.payments.ledger import Entry, EntryKind, Line
from shared import clock, ids
from shared.data import (
    AlreadyExists,
    Insert,
    Replace,
    Row,
    ShapeAttribute,
    StaleVersion,
    TransactionRefused,
    fetch,
    insert,
    query_all,
    replace,
    transact,
)
from shared.data.attributes import MomentAttribute
from shared.money import Money

PAYMENT_SK: Final = "payment"
EXTRA_PREFIX: Final = "extra#"
LEDGER_PREFIX: Final = "ledger#"
# A row that is changed by somebody else this often between two of our reads has something wrong with it.
TRIES_MAX: Final = 8


class PaymentUnknown(LookupError):
    """There is no such payment."""


class PaymentRow(Row):
    """A payment. Ids are kept as their 16 bytes; the order's id is the payment's own with another prefix."""

    class Meta:
        table_variable = "PAYMENTS_TABLE_NAME"

    state = UnicodeAttribute()
    event = BinaryAttribute(legacy_encoding=False)
    organiser = BinaryAttribute(legacy_encoding=False)
    person = BinaryAttribute(legacy_encoding=False)
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    description = UnicodeAttribute()
    pay_until = MomentAttribute()
    provider = UnicodeAttribute()
    attempts: ShapeAttribute[tuple[Attempt, ...]] = ShapeAttribute(tuple[Attempt, ...], attr_type="L")
    capture: ShapeAttribute[Capture] = ShapeAttribute(Capture, null=True)
    refunded = NumberAttribute(null=True)
    refunded_at = MomentAttribute(null=True)


class ExtraCaptureRow(Row):
    """A charge beside the payment's own."""

    class Meta:
        table_variable = "PAYMENTS_TABLE_NAME"

    capture: ShapeAttribute[Capture] = ShapeAttribute(Capture)
    refunded = NumberAttribute()


class EntryRow(Row):
    """An entry of the ledger; written once."""

    class Meta:
        table_variable = "PAYMENTS_TABLE_NAME"

    kind = UnicodeAttribute()
    currency = UnicodeAttribute()
    lines: ShapeAttribute[tuple[Line, ...]] = ShapeAttribute(tuple[Line, ...], attr_type="L")
    entered_at = MomentAttribute()


def put_if_absent(payment: Payment, now: datetime) -> Payment:
    """Store a new payment, or leave the one that is there; the answer is what is stored now."""
    row = PaymentRow(
        payment.payment_id,
        PAYMENT_SK,
        event=ids.raw_bytes(payment.event_id),
        organiser=ids.raw_bytes(payment.organiser_id),
        person=ids.raw_bytes(payment.person_id),
        amount=payment.amount.amount,
        currency=payment.amount.currency,
        description=payment.description,
        pay_until=payment.pay_until,
        provider=payment.provider,
    )
    _fill(row, payment)
    try:
        insert(row, now=now)
    except AlreadyExists as refused:
        stored = refused.stored
        assert isinstance(stored, PaymentRow)
        return payment_of(stored)
    return payment


def find_payment(payment_id: str) -> Payment | None:
    """The payment with that id, None when there is none."""
    row = fetch(PaymentRow, payment_id, PAYMENT_SK)
    return None if row is None else payment_of(row)


def change_payment(payment_id: str, decide: Callable[[Payment], Change | None], now: datetime) -> Payment:
    """Read the payment, let `decide` say what becomes of it, and store that, unless it moved on meanwhile: then again.

    For changes that move no money. Whatever `decide` raises passes through. Raises PaymentUnknown.
    """
    row = fetch(PaymentRow, payment_id, PAYMENT_SK)
    for _ in range(TRIES_MAX):
        if row is None:
            raise PaymentUnknown(f"There is no payment {payment_id}.")
        change = decide(payment_of(row))
        if change is None:
            return payment_of(row)
        _fill(row, change.payment)
        try:
            replace(row, now=now, announce=_types(change))
        except StaleVersion as stale:
            stored = stale.stored
            assert stored is None or isinstance(stored, PaymentRow)
            row = stored
            continue
        return change.payment
    raise StaleVersion(row)


def enter(
    payment_id: str,
    entry: Callable[[Payment], Entry],
    decide: Callable[[Payment], Change | ExtraCapture | None],
    now: datetime,
) -> Payment:
    """Move money: what `decide` makes of the payment and the ledger's entry, both or neither.

    An ExtraCapture is stored beside the payment. Money that is in the ledger already changes nothing, whatever `decide`
    says. Raises PaymentUnknown, and whatever `decide` raises.
    """
    for _ in range(TRIES_MAX):
        row = fetch(PaymentRow, payment_id, PAYMENT_SK)
        if row is None:
            raise PaymentUnknown(f"There is no payment {payment_id}.")
        payment = payment_of(row)
        line = Insert(_entry_row(entry(payment)))
        decided = decide(payment)
        match decided:
            case None:
                return payment
            case ExtraCapture() as extra:
                change: Insert | Replace = Insert(_extra_row(extra))
            case Change(changed):
                _fill(row, changed)
                change = Replace(row, announce=_types(decided))
        try:
            transact(change, line, now=now)
        except TransactionRefused as refused:
            if refused.blames(line) is not None:
                return find_payment(payment_id) or payment
            if isinstance(change, Insert) and refused.blames(change) is not None:
                return payment
            continue
        return decided.payment if isinstance(decided, Change) else payment
    raise StaleVersion(None)


def entries(payment_id: str) -> list[Entry]:
    """All that the ledger knows of one payment."""
    rows = query_all(EntryRow, payment_id, sk_prefix=LEDGER_PREFIX, consistent=True)
    return [
        Entry(
            entry_id=row.sk.removeprefix(LEDGER_PREFIX),
            payment_id=row.pk,
            kind=EntryKind(row.kind),
            currency=row.currency,
            lines=row.lines,
            entered_at=row.entered_at,
        )
        for row in rows
    ]


def find_extra(payment_id: str, charge: str) -> ExtraCapture | None:
    """The charge beside the payment's own, None when there is none of that name."""
    row = fetch(ExtraCaptureRow, payment_id, EXTRA_PREFIX + charge)
    return None if row is None else _extra_of(row)


def enter_extra_refund(payment_id: str, charge: str, amount: Money, entry: Entry, now: datetime) -> None:
    """Money of an extra charge went back: its row and the ledger's entry, both or neither, and once."""
    for _ in range(TRIES_MAX):
        row = fetch(ExtraCaptureRow, payment_id, EXTRA_PREFIX + charge)
        if row is None:
            raise PaymentUnknown(f"There is no charge {charge} beside the payment {payment_id}.")
        row.refunded = int(row.refunded) + amount.amount
        line = Insert(_entry_row(entry))
        try:
            transact(Replace(row), line, now=now)
        except TransactionRefused as refused:
            if refused.blames(line) is not None:
                return
            continue
        return
    raise StaleVersion(None)


def payment_of(row: PaymentRow) -> Payment:
    """The payment a row holds."""
    capture = row.capture
    return Payment(
        payment_id=row.pk,
        event_id=ids.from_raw_bytes("evt", row.event),
        organiser_id=ids.from_raw_bytes("org", row.organiser),
        person_id=ids.from_raw_bytes("per", row.person),
        amount=Money(int(row.amount), row.currency),
        description=row.description,
        pay_until=row.pay_until,
        provider=row.provider,
        attempts=row.attempts,
        state=PaymentState(row.state),
        version=int(row.version),
        capture=capture,
        refunded=None if capture is None else Money(int(row.refunded or 0), capture.amount.currency),
        refunded_at=row.refunded_at,
    )


def payment_of_image(image: Mapping[str, Any]) -> Payment:
    """The payment in a stream record's image, given as plain Python."""
    return Payment(
        payment_id=image["pk"],
        event_id=ids.from_raw_bytes("evt", image["event"]),
        organiser_id=ids.from_raw_bytes("org", image["organiser"]),
        person_id=ids.from_raw_bytes("per", image["person"]),
        amount=Money(image["amount"], image["currency"]),
        description=image["description"],
        pay_until=clock.from_iso(image["pay_until"]),
        provider=image["provider"],
        attempts=msgspec.convert(image["attempts"], tuple[Attempt, ...]),
        state=PaymentState(image["state"]),
        version=int(image["version"]),
        capture=msgspec.convert(image["capture"], Capture) if image.get("capture") else None,
        refunded_at=clock.from_iso(image["refunded_at"]) if image.get("refunded_at") else None,
    )


def _fill(row: PaymentRow, payment: Payment) -> None:
    row.state = payment.state.value
    row.attempts = payment.attempts
    row.capture = payment.capture
    row.refunded = None if payment.refunded is None else payment.refunded.amount
    row.refunded_at = payment.refunded_at


def _types(change: Change) -> tuple[str, ...]:
    return () if change.announce is None else (change.announce,)


def _extra_row(extra: ExtraCapture) -> ExtraCaptureRow:
    return ExtraCaptureRow(
        extra.payment_id,
        EXTRA_PREFIX + extra.capture.reference,
        capture=extra.capture,
        refunded=extra.refunded.amount,
    )


def _extra_of(row: ExtraCaptureRow) -> ExtraCapture:
    return ExtraCapture(
        payment_id=row.pk,
        capture=row.capture,
        refunded=Money(int(row.refunded), row.capture.amount.currency),
        version=int(row.version),
    )


def _entry_row(entry: Entry) -> EntryRow:
    return EntryRow(
        entry.payment_id,
        LEDGER_PREFIX + entry.entry_id,
        kind=entry.kind.value,
        currency=entry.currency,
        lines=entry.lines,
        entered_at=entry.entered_at,
    )
