"""Bodies of the vouchers' requests and answers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from contracts.sale import Time
from services.catalog.domain.vouchers import USES_MAX, VOUCHERS_PER_REQUEST_MAX, Voucher
from services.catalog.schemas import Id, PriceBody
from shared.http import PageQuery, RequestBody
from shared.money import Money

# What people can type: letters and digits, and in between hyphens.
Code = Annotated[str, msgspec.Meta(min_length=4, max_length=40, pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$(?!\n)")]
Uses = Annotated[int, msgspec.Meta(ge=1, le=USES_MAX)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
TicketTypes = Annotated[tuple[Id, ...], msgspec.Meta(max_length=60)]


class MakeVouchers(RequestBody, frozen=True):
    """One voucher with a given `code`, or `count` of them with codes that nobody guesses."""

    code: Code | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=VOUCHERS_PER_REQUEST_MAX)] | None = None
    uses_max: Uses = 1
    ticket_type_ids: TicketTypes = ()
    percent_off: Percent = 0
    price: PriceBody | None = None
    valid_from: Time | None = None
    valid_until: Time | None = None


class ChangeVoucher(RequestBody, frozen=True):
    """The fields to change. Uses are only added."""

    uses_max: Uses | UnsetType = UNSET
    ticket_type_ids: TicketTypes | UnsetType = UNSET
    percent_off: Percent | UnsetType = UNSET
    price: PriceBody | UnsetType | None = UNSET
    valid_from: Time | UnsetType | None = UNSET
    valid_until: Time | UnsetType | None = UNSET


class VouchersQuery(PageQuery, frozen=True):
    """A page of an event's vouchers."""


class VoucherView(msgspec.Struct, kw_only=True):
    """A voucher. Without `ticket_type_ids` it is for all of them."""

    voucher_id: str
    event_id: str
    code: str
    uses_max: int
    ticket_type_ids: tuple[str, ...]
    percent_off: int
    price: Money | None
    valid_from: Time | None
    valid_until: Time | None
    revoked: bool
    version: int


class VouchersMade(msgspec.Struct):
    """The vouchers that a request has made."""

    items: list[VoucherView]


def voucher_view(voucher: Voucher) -> VoucherView:
    """A voucher as answered."""
    return VoucherView(
        voucher_id=voucher.voucher_id,
        event_id=voucher.event_id,
        code=voucher.code,
        uses_max=voucher.uses_max,
        ticket_type_ids=voucher.ticket_type_ids,
        percent_off=voucher.percent_off,
        price=voucher.price,
        valid_from=voucher.valid_from,
        valid_until=voucher.valid_until,
        revoked=voucher.revoked,
        version=voucher.version,
    )
