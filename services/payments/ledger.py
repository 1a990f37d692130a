"""The ledger: what came in and what went out, in double entry, written once and never changed.

Each entry's lines sum to zero, so the accounts of all entries do too; what the provider holds for an organiser is what
the organiser is owed. An entry's id follows from the provider's own name for the charge or the refund, so the same
money is never entered twice.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.money import Money, zero


class EntryKind(enum.StrEnum):
    """Which way the money went."""

    CAPTURE = "capture"
    REFUND = "refund"


class Unbalanced(ValueError):
    """Lines that do not sum to zero."""


class Line(msgspec.Struct, frozen=True):
    """One side of an entry: a debit is positive, a credit negative."""

    account: str
    amount: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that belong together. Raises Unbalanced unless they sum to zero."""

    entry_id: str
    payment_id: str
    kind: EntryKind
    currency: str
    lines: tuple[Line, ...]
    entered_at: datetime

    def __post_init__(self) -> None:
        if not self.lines or sum(line.amount for line in self.lines) != 0:
            raise Unbalanced(f"the lines of {self.entry_id} do not sum to zero")


def capture_entry(
    *, payment_id: str, organiser_id: str, provider: str, charge: str, amount: Money, at: datetime
) -> Entry:
    """The provider took money from a buyer and holds it; as much is owed to the organiser."""
    return Entry(
        entry_id=f"{EntryKind.CAPTURE}#{charge}",
        payment_id=payment_id,
        kind=EntryKind.CAPTURE,
        currency=amount.currency,
        lines=(Line(f"provider:{provider}", amount.amount), Line(f"organiser:{organiser_id}", -amount.amount)),
        entered_at=at,
    )


def refund_entry(
    *, payment_id: str, organiser_id: str, provider: str, refund: str, amount: Money, at: datetime
) -> Entry:
    """The provider gave money back to a buyer; as much less is owed to the organiser."""
    return Entry(
        entry_id=f"{EntryKind.REFUND}#{refund}",
        payment_id=payment_id,
        kind=EntryKind.REFUND,
        currency=amount.currency,
        lines=(Line(f"organiser:{organiser_id}", amount.amount), Line(f"provider:{provider}", -amount.amount)),
        entered_at=at,
    )


def balances(entries: Iterable[Entry]) -> dict[str, dict[str, Money]]:
    """What every account stands at, by account and currency. An entry counts once, however often it is given."""
    accounts: dict[str, dict[str, Money]] = {}
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if (entry.payment_id, entry.entry_id) in seen:
            continue
        seen.add((entry.payment_id, entry.entry_id))
        for line in entry.lines:
            account = accounts.setdefault(line.account, {})
            account[entry.currency] = account.get(entry.currency, zero(entry.currency)) + Money(
                line.amount, entry.currency
            )
    return accounts
