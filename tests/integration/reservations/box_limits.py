"""Events with limits: ticket types with caps, buyers with limits, vouchers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from contracts.catalog import EventPublished, Pool, TicketType, VoucherChanged
from contracts.hold import HoldToken
from services.reservations import domain, use_cases
from services.reservations.domain import Place
from services.reservations.repository import look_at
from services.reservations.schemas import HoldView, LineAsked, PlaceHold
from shared.auth import verify_token
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, event

ME, YOU = "per_01jd4x8k3m9q7r5t2v6w8y0zme", "per_01jd4x8k3m9q7r5t2v6w8y0zyo"


def limited(pools: Iterable[Pool], kinds: Iterable[TicketType], **limits: Any) -> EventPublished:
    """An event on sale with limits of its own."""
    published = msgspec.structs.replace(event(list(pools), list(kinds)), **limits)
    use_cases.put_on_sale(published, OPENING)
    return published


def voucher(published: EventPublished, code: str = "SPRING", **facts: Any) -> VoucherChanged:
    """A voucher that catalog has told of."""
    told = VoucherChanged(
        voucher_id=new_id("vou"),
        version=facts.pop("version", 1),
        event_id=published.event_id,
        organiser_id=published.organiser_id,
        code=code,
        uses_max=facts.pop("uses_max", 5),
        **facts,
    )
    use_cases.take_in_voucher(told, OPENING)
    return told


def ask(published: EventPublished, *lines: LineAsked, **more: Any) -> PlaceHold:
    """A request for a hold."""
    return PlaceHold(event_id=published.event_id, lines=lines, **more)


def line(kind: TicketType, quantity: int, **more: Any) -> LineAsked:
    """So many places of a ticket type."""
    return LineAsked(ticket_type_id=kind.ticket_type_id, quantity=quantity, **more)


def token_of(held: HoldView) -> HoldToken:
    """What the hold's token carries."""
    return verify_token(held.hold_token, "hold", HoldToken, now=OPENING)


def used(quota_id: str, slots_max: int) -> int:
    """How many slots of a limit somebody has, run out or not."""
    blocks = -(-slots_max // 25)
    return sum(len(slots) for slots in look_at((quota_id, number) for number in range(blocks)).values())


def uses(held: HoldView) -> dict[str, set[tuple[int, int]]]:
    """The slots of limits that a hold has, by limit."""
    every: dict[str, set[tuple[int, int]]] = {}
    for place in held.places:
        for one in place.quotas:
            every.setdefault(one.quota_id, set()).add((one.block, one.slot))
    return every


def buyers(published: EventPublished, person_id: str) -> str:
    """The name of a buyer's limit."""
    return f"{published.event_id}:{person_id}"


def slots(held: HoldView) -> set[Place]:
    """Every slot of a hold: of its places and of the limits."""
    return set(domain.slots_of(held.places))
