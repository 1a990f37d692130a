"""Vouchers: one row each, announced with every change, in the index under their event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import structs

from contracts.catalog import VoucherChanged
from services.catalog import domain
from services.catalog.repository.places import LISTING
from shared.data import (
    AlreadyExists,
    Insert,
    ListedRow,
    Page,
    ShapeAttribute,
    TransactionRefused,
    fetch,
    insert,
    query_page,
    replace,
    transact,
)

_ANNOUNCED: Final = [VoucherChanged.type_name]
# Twenty round trips for a batch of 500, where single puts would take 500; DynamoDB's limit for a transaction is 100.
_AT_ONCE: Final = 25


class VoucherRow(ListedRow):
    """A voucher."""

    class Meta:
        table_variable = "CATALOG_TABLE_NAME"

    voucher: ShapeAttribute[domain.Voucher] = ShapeAttribute(domain.Voucher)


def add_voucher(voucher: domain.Voucher, now: datetime) -> domain.Voucher:
    """Put a voucher where none is and announce it; the one that is there is answered."""
    try:
        insert(_row(voucher), now=now, announce=_ANNOUNCED)
    except AlreadyExists as exists:
        stored = exists.stored
        assert isinstance(stored, VoucherRow)
        return of_row(stored)
    return structs.replace(voucher, version=1)


def add_vouchers(vouchers: Sequence[domain.Voucher], now: datetime) -> list[domain.Voucher]:
    """Put many vouchers and announce them; those that an earlier try has made are answered as they are."""
    added: list[domain.Voucher] = []
    for first in range(0, len(vouchers), _AT_ONCE):
        part = vouchers[first : first + _AT_ONCE]
        try:
            transact(*(Insert(_row(one), announce=_ANNOUNCED) for one in part), now=now)
            added += [structs.replace(one, version=1) for one in part]
        except TransactionRefused:
            added += [add_voucher(one, now) for one in part]
    return added


def voucher(voucher_id: str) -> VoucherRow | None:
    """The voucher's row, with the version it has now."""
    return fetch(VoucherRow, f"voucher#{voucher_id}", "voucher")


def save_voucher(row: VoucherRow, changed: domain.Voucher, now: datetime) -> domain.Voucher:
    """Put a changed voucher over the version that was read, and announce it. Raises StaleVersion."""
    row.voucher = structs.replace(changed, version=0)
    replace(row, now=now, announce=_ANNOUNCED)
    return of_row(row)


def events_vouchers(event_id: str, limit: int, cursor: str | None) -> Page[VoucherRow]:
    """A page of an event's vouchers, by code. Raises BadCursor."""
    return query_page(VoucherRow, f"event#{event_id}#vouchers", index=LISTING, limit=limit, cursor=cursor)


def of_row(row: VoucherRow) -> domain.Voucher:
    """The voucher a row holds, with the row's version."""
    return structs.replace(row.voucher, version=row.version)


def _row(voucher: domain.Voucher) -> VoucherRow:
    return VoucherRow(
        f"voucher#{voucher.voucher_id}",
        "voucher",
        voucher=voucher,
        listing_pk=f"event#{voucher.event_id}#vouchers",
        listing_sk=voucher.code,
    )
