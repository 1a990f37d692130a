"""Vouchers: a code that lets its bearer hold certain ticket types, at another price, so many times."""

from __future__ import annotations

from datetime import datetime

import msgspec

from contracts.catalog import TicketType, VoucherChanged
from services.reservations.domain.refusals import VoucherEnded, VoucherNotYet, VoucherUnknown
from shared.money import Money


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher as catalog last told of it. No ticket types named means all, but for those that are given away."""

    voucher_id: str
    version: int
    code: str
    uses_max: int
    ticket_type_ids: tuple[str, ...] = ()
    percent_off: int = 0
    price: Money | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    revoked: bool = False

    def covers(self, ticket_type: TicketType) -> bool:
        """Whether a line of that type may use it. What the organiser gives away is given without a code."""
        if ticket_type.access == "complimentary" or (self.price and self.price.currency != ticket_type.price.currency):
            return False
        return not self.ticket_type_ids or ticket_type.ticket_type_id in self.ticket_type_ids

    def price_of(self, ticket_type: TicketType) -> Money:
        """What one place costs with it; a percentage is rounded to the nearest minor unit, halves up."""
        if self.price is not None:
            return self.price
        amount = ticket_type.price.amount * (100 - self.percent_off)
        return Money((amount + 50) // 100, ticket_type.price.currency)


def voucher_told(told: VoucherChanged) -> Voucher:
    """The voucher that catalog told of."""
    return Voucher(
        voucher_id=told.voucher_id,
        version=told.version,
        code=told.code,
        uses_max=told.uses_max,
        ticket_type_ids=told.ticket_type_ids,
        percent_off=told.percent_off,
        price=told.price,
        valid_from=told.valid_from,
        valid_until=told.valid_until,
        revoked=told.revoked,
    )


def spelled(code: str) -> str:
    """A code as it is looked up: people type it with spaces around it."""
    return code.strip()


def check_voucher(voucher: Voucher, now: datetime) -> Voucher:
    """The voucher, when its code may be used now. Raises VoucherUnknown, VoucherNotYet or VoucherEnded."""
    if voucher.revoked:
        raise VoucherUnknown
    if voucher.valid_from is not None and now < voucher.valid_from:
        raise VoucherNotYet(voucher.valid_from)
    if voucher.valid_until is not None and now >= voucher.valid_until:
        raise VoucherEnded(voucher.valid_until)
    return voucher
