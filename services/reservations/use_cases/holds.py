"""What a buyer does with holds: place one, look at it, let it go."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from contracts.hold import HeldPlace, HoldLine, HoldToken
from contracts.sale import PlaceSold
from services.reservations import domain, repository
from services.reservations.domain import Basket, Demand, Place, Sale, Seat, Slots, Wish
from services.reservations.domain.refusals import HoldSold, HoldUnknown, QuantityOrSeats
from services.reservations.repository import hints
from services.reservations.repository.hints import Repeated
from services.reservations.schemas import HoldView, PlaceHold
from services.reservations.use_cases.finding import Claim, find_and_take
from services.reservations.use_cases.letting_go import let_all_go
from shared.auth import sign_token
from shared.clock import epoch_seconds
from shared.ids import new_id, raw_bytes
from shared.money import total as sum_of

AUDIENCE: Final = "hold"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(HoldView).decode


def place_hold(request: PlaceHold, person_id: str, key: str | None, now: datetime) -> HoldView:
    """Keep places for a person: all that the basket asks for, or none.

    With an Idempotency-Key, a repetition is answered as the first time (kept in Redis: without it a repetition may
    leave one extra hold, which runs out). Raises the refusals of `check_basket` and `find_and_take`, and EventUnknown.
    """
    sale = repository.sale_of(request.event_id, now)
    basket = domain.check_basket(sale, _wishes(request), now)
    record = hints.key_of(person_id, key, _encode(request)) if key is not None else None
    hold_id = new_id("hld", now)
    until = epoch_seconds(now + timedelta(seconds=sale.hold_seconds))
    seed = int.from_bytes(hashlib.blake2b(f"{person_id} {sale.event_id}".encode(), digest_size=4).digest(), "big")
    try:
        taken = find_and_take(sale, basket, Claim(hold_id, until, seed, now), record)
    except BaseException as refusal:
        if record is not None and not isinstance(refusal, hints.KEY_REFUSALS):
            hints.give_up(sale, record, now)
        raise
    if isinstance(taken, Repeated):
        return _decode(taken.answer)
    view = _view(sale, basket, taken.found, hold_id, until, person_id)
    hints.tell(sale, taken.told, now, key=record, answer=_encode(view) if record is not None else None)
    return view


def show_hold(hold_id: str, token: HoldToken, sealed: str, person_id: str, now: datetime) -> HoldView:
    """A hold as it is now; `sealed` is the token as it was sent. Raises HoldUnknown."""
    _check_owner(hold_id, token, person_id)
    wanted = domain.by_block(Place(place.pool_id, place.block, place.slot) for place in token.places())
    seen = repository.look_at(wanted)
    return HoldView(
        hold_id=token.hold_id,
        event_id=token.event_id,
        state=_state(raw_bytes(hold_id), wanted, seen, token, now),
        expires_at=token.expires_at,
        places=token.places(),
        total=token.total,
        hold_token=sealed,
    )


def release_hold(hold_id: str, token: HoldToken, person_id: str, now: datetime) -> None:
    """Let a hold's places go; what the hold does not have (any more) stays as it is, so a repetition is harmless.

    Raises HoldUnknown, and HoldSold when a place of it is sold.
    """
    _check_owner(hold_id, token, person_id)
    if let_all_go(token.hold_id, token.event_id, token.places(), sold_too=False, now=now):
        raise HoldSold


def _check_owner(hold_id: str, token: HoldToken, person_id: str) -> None:
    if token.hold_id != hold_id or token.person_id != person_id:
        raise HoldUnknown


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


def _wishes(request: PlaceHold) -> list[Wish]:
    wishes = []
    for number, line in enumerate(request.lines):
        if (line.quantity is None) == (line.seats is None):
            raise QuantityOrSeats(f"$.lines[{number}]")
        seats = tuple(Seat(seat.section, seat.row, seat.seat) for seat in line.seats or ())
        wishes.append(Wish(line.ticket_type_id, line.quantity or len(seats), seats, line.together))
    return wishes


def _view(
    sale: Sale,
    basket: Basket,
    found: Mapping[Demand, Sequence[Place]],
    hold_id: str,
    until: int,
    person_id: str,
) -> HoldView:
    lines = []
    for (ticket_type, _, _), places in zip(basket.lines, basket.share_out(found), strict=True):
        lines.append(
            HoldLine(
                pool_id=ticket_type.pool_id,
                ticket_type_id=ticket_type.ticket_type_id,
                ticket_type_name=ticket_type.name,
                price=ticket_type.price,
                places=tuple(_held_place(sale, place) for place in places),
            )
        )
    total = sum_of((line.price * len(line.places) for line in lines), sale.currency)
    expires_at = domain.moment(until)
    token = HoldToken(
        hold_id=hold_id,
        event_id=sale.event_id,
        event_name=sale.name,
        organiser_id=sale.organiser_id,
        person_id=person_id,
        lines=tuple(lines),
        total=total,
        expires_at=expires_at,
    )
    places_held: tuple[PlaceSold, ...] = token.places()
    return HoldView(
        hold_id=hold_id,
        event_id=sale.event_id,
        state="held",
        expires_at=expires_at,
        places=places_held,
        total=total,
        hold_token=sign_token(AUDIENCE, token, expires_at),
    )


def _held_place(sale: Sale, place: Place) -> HeldPlace:
    seat = sale.layouts[place.pool_id].seat(place.block, place.slot)
    if seat is None:
        return HeldPlace(place.block, place.slot)
    return HeldPlace(place.block, place.slot, seat.section, seat.row, str(seat.number))


__all__ = ["AUDIENCE", "place_hold", "release_hold", "show_hold"]
