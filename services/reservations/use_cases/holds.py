"""What a buyer does with holds: place one, look at it, let it go."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from contracts.hold import Guest, HoldToken
from services.reservations import domain, repository
from services.reservations.domain import Asking, Basket, Passing, Place, Sale, Seat, Slots, Wish
from services.reservations.domain.refusals import (
    Busy,
    HoldSold,
    QuantityOrSeats,
    ReplacesAndWithholding,
    VoucherUnknown,
)
from services.reservations.domain.waiting_list import check_not_waited_for
from services.reservations.repository import hints
from services.reservations.repository.hints import Repeated
from services.reservations.schemas import HoldView, PlaceHold
from services.reservations.use_cases.changing import check_owner, passing_of, takes_no_more
from services.reservations.use_cases.finding import Claim, find_and_take
from services.reservations.use_cases.hold_views import AUDIENCE, Holder, token_for, view_of
from services.reservations.use_cases.letting_go import let_all_go
from services.reservations.use_cases.waiting_room_passes import check_pass, note_hold, note_refused
from services.reservations.use_cases.withholdings import withheld_for
from shared.clock import epoch_seconds
from shared.data import Unavailable
from shared.ids import new_id, raw_bytes

# Who may give tickets away.
GIVERS = ("owner", "manager", "box_office")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(HoldView).decode


def place_hold(
    request: PlaceHold,
    person_id: str,
    key: str | None,
    now: datetime,
    *,
    replaces: HoldToken | None = None,
    pass_token: str | None = None,
    roles: Mapping[str, str] | None = None,
) -> HoldView:
    """Keep places for a person: all that the basket asks for, or none.

    With an Idempotency-Key, a repetition is answered as the first time (kept in Redis: without it a repetition may
    leave one extra hold, which runs out). A hold it `replaces` ends in the same write, and lends its time: refused, it
    stays as it was. `roles` are the person's at organisers. Raises EventUnknown, PassRequired, HoldUnknown,
    ReplacesAnother, ReplacesAndWithholding, WithholdingUnknown, the refusals of vouchers, and those of `check_basket`
    and `find_and_take`.
    """
    sale = repository.sale_of(request.event_id, now)
    member = (roles or {}).get(sale.organiser_id) in GIVERS
    asking = Asking(
        person_id=person_id,
        voucher=_voucher(request, now),
        member=member,
        names_guest=request.guest is not None,
        names_withholding=request.withholding_id is not None,
    )
    basket = domain.check_basket(sale, _wishes(request), now, asking)
    passing = _passing(sale, request, person_id, replaces)
    given_away = all(ticket_type.access == "complimentary" for ticket_type, _, _ in basket.lines)
    if passing is None or not takes_no_more(sale, basket, passing):
        check_not_waited_for(sale, basket)
    # Whoever gives tickets away, or is in the shop already, has not to queue for it.
    in_room = replaces is None and not given_away and check_pass(sale, pass_token, person_id, now)
    sale = domain.with_quotas(sale, basket.quotas)
    holder = Holder(
        new_id("hld", now),
        person_id,
        epoch_seconds(replaces.expires_at if replaces else now + timedelta(seconds=sale.hold_seconds)),
        Guest(name=request.guest.name, email=request.guest.email) if request.guest is not None else None,
        replaces is not None and replaces.extended,
    )
    seed = int.from_bytes(hashlib.blake2b(f"{person_id} {sale.event_id}".encode(), digest_size=4).digest(), "big")
    claim = Claim(holder.hold_id, holder.until, seed, now, passing)
    asked = _encode(request) + (replaces.hold_id.encode() if replaces is not None else b"")
    record = hints.key_of(person_id, key, asked) if key is not None else None
    view = _take(sale, basket, claim, holder, record)
    if in_room:
        note_hold(sale.event_id, person_id, len(view.places), now)
    return view


def _take(sale: Sale, basket: Basket, claim: Claim, holder: Holder, record: hints.Key | None) -> HoldView:
    try:
        taken = find_and_take(sale, basket, claim, record)
    except BaseException as refusal:
        if record is not None and not isinstance(refusal, hints.KEY_REFUSALS):
            hints.give_up(sale, record, claim.now)
        if isinstance(refusal, Busy | Unavailable):
            note_refused(sale.event_id, claim.now)
        raise
    if isinstance(taken, Repeated):
        return _decode(taken.answer)
    view = view_of(token_for(sale, basket, taken.found, holder))
    answer = _encode(view) if record is not None else None
    hints.tell(sale, taken.told, claim.now, freed=taken.freed, key=record, answer=answer)
    return view


def show_hold(hold_id: str, token: HoldToken, sealed: str, person_id: str, now: datetime) -> HoldView:
    """A hold as it is now; `sealed` is the token as it was sent. Raises HoldUnknown."""
    check_owner(hold_id, token, person_id)
    wanted = domain.by_block(Place(place.pool_id, place.block, place.slot) for place in token.places())
    seen = repository.look_at(wanted)
    return view_of(token, _state(raw_bytes(hold_id), wanted, seen, token, now), sealed)


def release_hold(hold_id: str, token: HoldToken, person_id: str, now: datetime) -> None:
    """Let a hold's places go; what the hold does not have (any more) stays as it is, so a repetition is harmless.

    Raises HoldUnknown, and HoldSold when a place of it is sold.
    """
    check_owner(hold_id, token, person_id)
    if let_all_go(token.hold_id, token.event_id, token.places(), sold_too=False, now=now):
        raise HoldSold


def _state(
    hold: bytes,
    wanted: Mapping[tuple[str, int], Sequence[int]],
    seen: Mapping[tuple[str, int], Slots],
    token: HoldToken,
    now: datetime,
) -> Literal["held", "confirmed", "expired", "released"]:
    taken = [seen[block].get(slot) for block, slots in wanted.items() for slot in slots]
    own = [slot for slot in taken if slot is not None and slot.hold == hold]
    if len(own) == len(taken) and all(slot.until == domain.SOLD_UNTIL for slot in own):
        return "confirmed"
    if len(own) == len(taken) and all(slot.until >= int(now.timestamp()) for slot in own):
        return "held"
    return "expired" if now >= token.expires_at else "released"


def _passing(sale: Sale, request: PlaceHold, person_id: str, replaces: HoldToken | None) -> Passing | None:
    """What a hold or a withholding lends the basket. Only whom `check_basket` let pass may name a withholding."""
    if request.withholding_id is not None:
        if replaces is not None:
            raise ReplacesAndWithholding
        return withheld_for(sale, request.withholding_id)
    return passing_of(sale, replaces, person_id) if replaces is not None else None


def _voucher(request: PlaceHold, now: datetime) -> domain.Voucher | None:
    if request.voucher is None:
        return None
    told = repository.voucher_of(request.event_id, domain.spelled(request.voucher))
    if told is None:
        raise VoucherUnknown
    return domain.check_voucher(domain.voucher_told(told), now)


def _wishes(request: PlaceHold) -> list[Wish]:
    wishes = []
    for number, line in enumerate(request.lines):
        if (line.quantity is None) == (line.seats is None):
            raise QuantityOrSeats(f"$.lines[{number}]")
        seats = tuple(Seat(seat.section, seat.row, seat.seat) for seat in line.seats or ())
        quantity = line.quantity or len(seats)
        wishes.append(Wish(line.ticket_type_id, quantity, seats, line.together, line.zone, line.accessible))
    return wishes


__all__ = ["AUDIENCE", "GIVERS", "place_hold", "release_hold", "show_hold"]
