"""Vouchers, by event and code: written as catalog tells of them, read only where a code is given."""

from __future__ import annotations

from datetime import datetime

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute

from contracts.catalog import VoucherChanged
from services.reservations.repository.rows import TABLE_VARIABLE
from shared.data import BareRow, ConditionRefused, fetch, update


class VoucherRow(BareRow):
    """A voucher as of catalog's version. The uses are a pool of their own, under the voucher's id."""

    class Meta:
        table_variable = TABLE_VARIABLE

    catalog_version = NumberAttribute()
    # As JSON: whoever gives a code needs all of it, and no condition asks for a part.
    voucher = BinaryAttribute(legacy_encoding=False)


def voucher_key(event_id: str, code: str) -> tuple[str, str]:
    """Where the voucher with that code lies; small letters are as good as capitals."""
    return f"voucher#{event_id}#{code.upper()}", "voucher"


def save_voucher(voucher: VoucherChanged, now: datetime) -> bool:
    """Keep a voucher in one write, unless a version as new is there already: then False, and nothing changes."""
    version, content = VoucherRow.catalog_version, msgspec.json.encode(voucher)
    try:
        update(
            VoucherRow,
            *voucher_key(voucher.event_id, voucher.code),
            actions=[version.set(voucher.version), VoucherRow.voucher.set(content)],
            condition=version.does_not_exist() | (version < voucher.version),
            now=now,
            own_effect=lambda old: old.voucher == content,
        )
    except ConditionRefused:
        return False
    return True


def voucher_of(event_id: str, code: str) -> VoucherChanged | None:
    """The voucher with that code at that event, revoked or not; None when there is none."""
    row = fetch(VoucherRow, *voucher_key(event_id, code))
    return None if row is None else msgspec.json.decode(row.voucher, type=VoucherChanged)
