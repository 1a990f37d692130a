"""Giving places back: only what the hold still has, block by block, as often as anybody likes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from contracts.sale import PlaceSold
from services.reservations import domain, repository
from services.reservations.domain import SOLD_UNTIL, Place, Quota, Slots
from services.reservations.domain.refusals import EventUnknown
from services.reservations.repository import BlocksRefused, hints
from services.reservations.repository.hints import Told
from shared.data import Unavailable
from shared.ids import raw_bytes

# A refusal means that a slot of ours was taken over since it was seen; each can only be lost once.
_TRIES_MAX: Final = domain.PLACES_PER_BLOCK_MAX + 1


def let_all_go(
    hold_id: str, event_id: str, places: Sequence[PlaceSold], *, sold_too: bool, now: datetime
) -> list[PlaceSold]:
    """Free those of the places that the hold has, and of the limits they count for.

    Answers the places that are sold and stay so (never with `sold_too`).
    """
    wanted = domain.by_block(domain.slots_of(places))
    after: dict[tuple[str, int], Slots] = {}
    sold: set[Place] = set()
    for block, slots in wanted.items():
        after[block], kept = _let_block_go(hold_id, block, slots, sold_too=sold_too, now=now)
        sold |= {Place(*block, slot) for slot in kept}
    _tell(event_id, domain.quotas_of(places), wanted, after, now)
    return [place for place in places if Place(place.pool_id, place.block, place.slot) in sold]


def _let_block_go(
    hold_id: str, block: tuple[str, int], slots: Sequence[int], *, sold_too: bool, now: datetime
) -> tuple[Slots, list[int]]:
    hold = raw_bytes(hold_id)
    sold: list[int] = []
    left = list(slots)
    for _ in range(_TRIES_MAX):
        try:
            return repository.let_go(hold_id, block, left, sold_too=sold_too, now=now), sold
        except BlocksRefused as refused:
            seen = refused.blocks[block]
            own = [slot for slot in slots if slot in seen and seen[slot].hold == hold]
            sold = [] if sold_too else [slot for slot in own if seen[slot].until == SOLD_UNTIL]
            left = [slot for slot in own if slot not in sold]
            if not left:
                return seen, sold
    raise Unavailable("the block changed faster than it could be freed")


def _tell(
    event_id: str,
    quotas: Sequence[Quota],
    wanted: dict[tuple[str, int], tuple[int, ...]],
    after: dict[tuple[str, int], Slots],
    now: datetime,
) -> None:
    # Hints only: that the event is not known here (any more) must not keep its places from coming free.
    with suppress(EventUnknown):
        sale = domain.with_quotas(repository.sale_of(event_id, now), (one for one in quotas if not one.exact))
        told = []
        for block, slots in wanted.items():
            layout = sale.layouts.get(block[0])
            if layout is not None and block[1] < layout.blocks:
                seen = after[block]
                untils = {
                    slot: seen[slot].until if slot in seen else 0 for slot in slots if slot < layout.size(block[1])
                }
                told.append(Told(block, untils, exact=True))
        hints.tell(sale, told, now, freed=True)
