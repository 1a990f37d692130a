"""Vouchers over HTTP."""

from __future__ import annotations

from typing import Any

from services.catalog import domain, repository, use_cases
from services.catalog.voucher_schemas import (
    ChangeVoucher,
    MakeVouchers,
    VouchersMade,
    VouchersQuery,
    VoucherView,
    voucher_view,
)
from shared.http import IF_MATCH, IN_TABLE, Answer, Call, PageView, Routes, member, page_answer

_makers = member(*use_cases.VOUCHER_MAKERS)
_once = IN_TABLE("CATALOG_TABLE_NAME", required=False)

routes = Routes()


@routes.route(
    "/v1/events/{event_id}/vouchers",
    methods=["POST"],
    body=MakeVouchers,
    answers=VouchersMade,
    status=201,
    access=_makers,
    idempotency=_once,
    summary="Make vouchers",
    errors=(domain.Incomplete, domain.CodeUsed),
)
def make_vouchers(call: Call) -> Any:
    """Makes one voucher with a given code, or up to 500 with codes of twelve letters that nobody guesses."""
    made = use_cases.make_vouchers(call.path["event_id"], call.body, call.person, call.operation_id, call.now)
    return Answer(VouchersMade([voucher_view(one) for one in made]), headers={"Cache-Control": "private, no-store"})


@routes.route(
    "/v1/events/{event_id}/vouchers",
    query=VouchersQuery,
    answers=PageView[VoucherView],
    access=member(*use_cases.VOUCHER_READERS),
    summary="Its vouchers",
)
def list_vouchers(call: Call) -> Any:
    """The event's vouchers by code, revoked ones too. How often they were used, reservations knows."""
    event_id, query = call.path["event_id"], call.query
    page = use_cases.list_vouchers(event_id, call.person, query.limit, query.cursor)
    headers = {"Cache-Control": "private, no-store"}
    path = f"/v1/events/{event_id}/vouchers"
    return page_answer(page, lambda row: voucher_view(repository.voucher_of_row(row)), path, query, headers)


@routes.route(
    "/v1/vouchers/{voucher_id}",
    methods=["PATCH"],
    body=ChangeVoucher,
    answers=VoucherView,
    access=_makers,
    idempotency=_once,
    summary="Change a voucher",
    headers=(IF_MATCH,),
    errors=(domain.Incomplete, domain.Revoked),
)
def change_voucher(call: Call) -> Any:
    """Changes the fields sent, of the version that If-Match names. Its code stays, and uses are only added."""
    expected = call.expected_version()
    voucher = use_cases.change_voucher(call.path["voucher_id"], call.body, expected, call.person, call.now)
    return Answer(voucher_view(voucher), etag=voucher.version)


@routes.route(
    "/v1/vouchers/{voucher_id}",
    methods=["DELETE"],
    status=204,
    access=_makers,
    summary="Revoke a voucher",
    errors=(domain.ChangedMeanwhile,),
)
def revoke_voucher(call: Call) -> Any:
    """Ends a voucher for good; what is held or sold by it stays so. Harmless when repeated."""
    use_cases.revoke_voucher(call.path["voucher_id"], call.person, call.now)
    return None
