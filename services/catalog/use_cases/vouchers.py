"""Making, listing, changing and revoking vouchers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, structs

from contracts.catalog import VoucherChanged
from services.catalog import domain, repository
from services.catalog.domain import vouchers as rules
from services.catalog.voucher_schemas import ChangeVoucher, MakeVouchers
from shared import clock
from shared.auth import Identity
from shared.data import Page, StaleVersion
from shared.http import NotFound, PreconditionFailed
from shared.ids import new_id
from shared.money import Money

VOUCHER_MAKERS: Final = ("owner", "manager")
VOUCHER_READERS: Final = ("owner", "manager", "box_office")
_TRIES_MAX: Final = 4


def make_vouchers(
    event_id: str, body: MakeVouchers, person: Identity, operation_id: str | None, now: datetime
) -> list[domain.Voucher]:
    """Make one voucher of a given code, or many of generated ones. The same `operation_id` again finds them made.

    Raises NotFound, Forbidden, Incomplete, and CodeUsed where the code is another voucher's.
    """
    event = _event(event_id, person, *VOUCHER_MAKERS)
    rules.check_count(body.code, body.count)
    codes = [rules.written_code(body.code)] if body.code is not None else []
    if body.count is not None:
        # What the codes come from is told to nobody: who knows one of them knows nothing of the next.
        codes = rules.generated_codes(operation_id or new_id("op", now), body.count)
    vouchers = [
        domain.Voucher(
            voucher_id=rules.voucher_id(event_id, code),
            event_id=event_id,
            organiser_id=event.organiser_id,
            code=code,
            uses_max=body.uses_max,
            ticket_type_ids=body.ticket_type_ids,
            percent_off=body.percent_off,
            price=Money(body.price.amount, body.price.currency) if body.price is not None else None,
            valid_from=_cut(body.valid_from),
            valid_until=_cut(body.valid_until),
        )
        for code in codes
    ]
    rules.check_voucher(vouchers[0], event)
    if body.code is None:
        return repository.add_vouchers(vouchers, now)
    there = repository.add_voucher(vouchers[0], now)
    if not rules.same_but_for_version([there, vouchers[0]]):
        raise domain.CodeUsed("the event has another voucher of this code")
    return [there]


def list_vouchers(event_id: str, person: Identity, limit: int, cursor: str | None) -> Page[repository.VoucherRow]:
    """A page of an event's vouchers, revoked ones too, by code. Raises NotFound, Forbidden, BadCursor."""
    _event(event_id, person, *VOUCHER_READERS)
    return repository.events_vouchers(event_id, limit, cursor)


def change_voucher(
    voucher_id: str, body: ChangeVoucher, expected_version: int | None, person: Identity, now: datetime
) -> domain.Voucher:
    """Change a voucher at the version the caller has read. What is as it should be already is answered as it is.

    Raises NotFound, Forbidden, PreconditionFailed, StaleVersion, Incomplete, Revoked.
    """
    row, before = _row(voucher_id, person)
    given = {name: value for name, value in structs.asdict(body).items() if value is not UNSET}
    for name in ("valid_from", "valid_until"):
        if name in given:
            given[name] = _cut(given[name])
    if body.price is not UNSET and body.price is not None:
        given["price"] = Money(body.price.amount, body.price.currency)
    after = structs.replace(before, **given)
    if after == before:
        return before
    if expected_version is not None and expected_version != before.version:
        raise PreconditionFailed(f"The voucher has version {before.version} now.")
    rules.check_voucher_change(before, after)
    rules.check_voucher(after, _event(before.event_id, person, *VOUCHER_MAKERS))
    return repository.save_voucher(row, after, now)


def revoke_voucher(voucher_id: str, person: Identity, now: datetime) -> None:
    """End a voucher for good: what is held by it stays held. Harmless when repeated. Raises NotFound, Forbidden."""
    for _ in range(_TRIES_MAX):
        row, before = _row(voucher_id, person)
        if before.revoked:
            return
        try:
            repository.save_voucher(row, structs.replace(before, revoked=True), now)
        except StaleVersion:
            continue
        return
    raise domain.ChangedMeanwhile("the voucher is being changed by others at this moment")


def voucher_message(image: Mapping[str, Any]) -> VoucherChanged:
    """The message a voucher's row announces."""
    voucher = msgspec.convert(image["voucher"], domain.Voucher)
    return VoucherChanged(
        voucher_id=voucher.voucher_id,
        version=int(image["version"]),
        event_id=voucher.event_id,
        organiser_id=voucher.organiser_id,
        code=voucher.code,
        uses_max=voucher.uses_max,
        ticket_type_ids=voucher.ticket_type_ids,
        percent_off=voucher.percent_off,
        price=voucher.price,
        valid_from=voucher.valid_from,
        valid_until=voucher.valid_until,
        revoked=voucher.revoked,
    )


def _event(event_id: str, person: Identity, *roles: str) -> domain.Event:
    row = repository.event(event_id)
    if row is None:
        raise NotFound("There is no such event.")
    event = repository.of_row(row)
    person.require_member(event.organiser_id, *roles)
    return event


def _row(voucher_id: str, person: Identity) -> tuple[repository.VoucherRow, domain.Voucher]:
    row = repository.voucher(voucher_id)
    if row is None:
        raise NotFound("There is no such voucher.")
    voucher = repository.voucher_of_row(row)
    person.require_member(voucher.organiser_id, *VOUCHER_MAKERS)
    return row, voucher


def _cut(moment: datetime | None) -> datetime | None:
    return clock.to_milliseconds(moment) if moment is not None else None
