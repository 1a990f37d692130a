"""A hold as its person sees it, and the token that carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from contracts.catalog import TicketType
from contracts.hold import Guest, HeldPlace, HoldLine, HoldToken, Limit, Use
from contracts.sale import QuotaSlot
from services.reservations import domain
from services.reservations.domain import Basket, Demand, Place, Sale
from services.reservations.schemas import HoldView
from shared.auth import sign_token
from shared.money import total as sum_of

AUDIENCE: Final = "hold"


class Holder(msgspec.Struct, frozen=True):
    """Whose a new hold is, until which second, and what it takes over from the hold it replaces."""

    hold_id: str
    person_id: str
    until: int
    guest: Guest | None = None
    extended: bool = False


def token_for(sale: Sale, basket: Basket, found: Mapping[Demand, Sequence[Place]], holder: Holder) -> HoldToken:
    """The token of a basket whose places were taken."""
    shares = zip(basket.lines, basket.share_out(found), domain.uses_of(basket, found), strict=True)
    lines = tuple(_line(sale, ticket_type, places, uses) for (ticket_type, _, _), places, uses in shares)
    return HoldToken(
        hold_id=holder.hold_id,
        event_id=sale.event_id,
        event_name=sale.name,
        organiser_id=sale.organiser_id,
        person_id=holder.person_id,
        lines=lines,
        total=sum_of((line.price * len(line.places) for line in lines), sale.currency),
        expires_at=domain.moment(holder.until),
        extended=holder.extended,
        guest=holder.guest,
    )


def view_of(
    token: HoldToken, state: Literal["held", "confirmed", "expired", "released"] = "held", sealed: str | None = None
) -> HoldView:
    """The hold with its token, which is signed here unless it was `sealed` before."""
    return HoldView(
        hold_id=token.hold_id,
        event_id=token.event_id,
        state=state,
        expires_at=token.expires_at,
        places=token.places(),
        total=token.total,
        hold_token=sealed or sign_token(AUDIENCE, token, token.expires_at),
        extended=token.extended,
    )


def _line(
    sale: Sale, ticket_type: TicketType, places: Sequence[Place], uses: Sequence[tuple[QuotaSlot, ...]]
) -> HoldLine:
    limits: dict[Limit, int] = {}
    held = []
    for place, quotas in zip(places, uses, strict=True):
        numbers = [limits.setdefault(Limit(one.quota_id, one.places_max), len(limits)) for one in quotas]
        taken = (Use(number, one.block, one.slot) for number, one in zip(numbers, quotas, strict=True))
        held.append(_held_place(sale, place, tuple(taken)))
    return HoldLine(
        pool_id=ticket_type.pool_id,
        ticket_type_id=ticket_type.ticket_type_id,
        ticket_type_name=ticket_type.name,
        price=ticket_type.price,
        places=tuple(held),
        limits=tuple(limits),
    )


def _held_place(sale: Sale, place: Place, uses: tuple[Use, ...]) -> HeldPlace:
    seat = sale.layouts[place.pool_id].seat(place.block, place.slot)
    if seat is None:
        return HeldPlace(place.block, place.slot, uses=uses)
    return HeldPlace(place.block, place.slot, seat.section, seat.row, str(seat.number), uses)


def with_longer_time(token: HoldToken, expires_at: datetime) -> HoldToken:
    """The same hold, prolonged."""
    return msgspec.structs.replace(token, expires_at=expires_at, extended=True)
