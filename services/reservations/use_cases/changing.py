"""Changes of a hold that is there: its one extension, and what passes from it to the basket that replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.hold import HoldToken
from services.reservations import domain, repository
from services.reservations.domain import Basket, Passing, Sale, Slots
from services.reservations.domain.refusals import (
    HoldExpired,
    HoldExtended,
    HoldSold,
    HoldUnknown,
    ReplacesAnother,
)
from services.reservations.repository import BlocksRefused, hints
from services.reservations.repository.hints import Told
from services.reservations.schemas import HoldView
from services.reservations.use_cases.hold_views import view_of, with_longer_time
from shared.clock import epoch_seconds
from shared.ids import raw_bytes


def extend_hold(hold_id: str, token: HoldToken, person_id: str, now: datetime) -> HoldView:
    """Keep a hold's places for as long again, once; repeated with the same token it answers the same.

    Raises HoldUnknown, HoldExtended, HoldExpired (also when a place of it is somebody else's), HoldSold, EventUnknown.
    """
    check_owner(hold_id, token, person_id)
    if token.extended:
        raise HoldExtended
    sale = repository.sale_of(token.event_id, now)
    places = token.places()
    wanted = domain.by_block(domain.slots_of(places))
    until = epoch_seconds(token.expires_at)
    longer = until + sale.hold_seconds
    if now.timestamp() > until:
        # Too late to prolong it, but this may be the repetition of a request that was in time.
        longer = _prolonged_before(raw_bytes(hold_id), wanted, repository.look_at(wanted), until)
    else:
        try:
            repository.prolong(hold_id, wanted, until, longer, now=now)
        except BlocksRefused as refused:
            longer = _prolonged_before(raw_bytes(hold_id), wanted, refused.blocks, until)
    if longer <= now.timestamp():
        raise HoldExpired
    known = domain.with_quotas(sale, domain.quotas_of(places))
    told = [
        Told(block, dict.fromkeys(slots, longer), exact=True)
        for block, slots in wanted.items()
        if block[0] in known.layouts and not _is_exact(known, block[0])
    ]
    hints.tell(known, told, now)
    return view_of(with_longer_time(token, domain.moment(longer)))


def _is_exact(sale: Sale, pool_id: str) -> bool:
    quota = sale.quotas.get(pool_id)
    return quota is not None and quota.exact


def _prolonged_before(
    hold: bytes,
    wanted: dict[tuple[str, int], tuple[int, ...]],
    seen: Mapping[tuple[str, int], Slots],
    until: int,
) -> int:
    """Until when an earlier try has prolonged the hold. Raises HoldExpired when none has, and HoldSold."""
    slots = [seen[block].get(slot) for block, numbers in wanted.items() if block in seen for slot in numbers]
    own = {slot.until for slot in slots if slot is not None and slot.hold == hold}
    if domain.SOLD_UNTIL in own:
        raise HoldSold
    longer = max(own, default=0)
    if len(own) != 1 or longer <= until or any(slot is None or slot.hold != hold for slot in slots):
        raise HoldExpired
    return longer


def passing_of(sale: Sale, replaced: HoldToken, person_id: str) -> Passing:
    """What passes from a hold to the one that replaces it. Raises HoldUnknown and ReplacesAnother."""
    check_owner(replaced.hold_id, replaced, person_id)
    if replaced.event_id != sale.event_id:
        raise ReplacesAnother
    return Passing(raw_bytes(replaced.hold_id), frozenset(domain.slots_of(replaced.places())))


def takes_no_more(sale: Sale, basket: Basket, passing: Passing) -> bool:
    """Whether a changed basket wants no more of any zone or pool than the hold it replaces has of it."""
    for demand, quantity in basket.demands.items():
        if len(passing.of(sale.layouts[demand.pool_id], demand, ())) < quantity:
            return False
    chosen = {place for places in basket.chosen.values() for place in places}
    return not basket.bays and chosen <= passing.slots


def check_owner(hold_id: str, token: HoldToken, person_id: str) -> None:
    """Raises HoldUnknown unless the token is this hold's, and the person's."""
    if token.hold_id != hold_id or token.person_id != person_id:
        raise HoldUnknown


__all__ = ["check_owner", "extend_hold", "passing_of", "takes_no_more"]
