"""What catalog says of vouchers."""

from __future__ import annotations

from datetime import datetime

from contracts.catalog import VoucherChanged
from services.reservations import repository


def take_in_voucher(message: VoucherChanged, now: datetime) -> bool:
    """Keep a voucher as of its version; whether it was news. Older and repeated messages change nothing."""
    return repository.save_voucher(message, now)
