"""The ledger: every entry balances, and so does the whole, whatever is entered how often."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.ledger import (
    Entry,
    EntryKind,
    Line,
    Unbalanced,
    balances,
    capture_entry,
    refund_entry,
)
from shared.money import Money

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)


def entered(kind: EntryKind, reference: str, amount: Money) -> Entry:
    about = {"payment_id": "pay_1", "organiser_id": "org_1", "provider": "test"}
    if kind is EntryKind.CAPTURE:
        return capture_entry(charge=reference, amount=amount, at=NOW, **about)
    return refund_entry(refund=reference, amount=amount, at=NOW, **about)


movements = st.tuples(
    st.sampled_from(EntryKind),
    st.integers(0, 8).map(str),
    st.builds(Money, st.integers(1, 10**6), st.sampled_from(["USD", "EUR"])),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(movements, max_size=20))
def test_all_accounts_together_are_nothing(moves: list[tuple[EntryKind, str, Money]]) -> None:
    accounts = balances(entered(*move) for move in moves)
    for currency in ("USD", "EUR"):
        assert sum(account[currency].amount for account in accounts.values() if currency in account) == 0


def test_what_the_provider_holds_is_what_the_organiser_is_owed() -> None:
    entries = [
        entered(EntryKind.CAPTURE, "chg_1", Money(9000, "USD")),
        entered(EntryKind.CAPTURE, "chg_1", Money(9000, "USD")),
        entered(EntryKind.REFUND, "rfd_1", Money(4000, "USD")),
    ]
    assert balances(entries) == {
        "provider:test": {"USD": Money(5000, "USD")},
        "organiser:org_1": {"USD": Money(-5000, "USD")},
    }


def test_an_entry_is_named_after_the_provider_s_own_name_for_it() -> None:
    assert entered(EntryKind.CAPTURE, "chg_1", Money(1, "USD")).entry_id == "capture#chg_1"
    assert entered(EntryKind.REFUND, "rfd_1", Money(1, "USD")).entry_id == "refund#rfd_1"


@pytest.mark.parametrize("lines", [(), (Line("a", 1),), (Line("a", 2), Line("b", -1))])
def test_lines_that_do_not_sum_to_zero_are_no_entry(lines: tuple[Line, ...]) -> None:
    with pytest.raises(Unbalanced):
        Entry(
            entry_id="capture#1",
            payment_id="pay_1",
            kind=EntryKind.CAPTURE,
            currency="USD",
            lines=lines,
            entered_at=NOW,
        )
