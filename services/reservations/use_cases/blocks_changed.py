"""The stream of the blocks: what was written, by whomever, reaches the hints within moments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from services.reservations import domain, repository
from services.reservations.domain.refusals import EventUnknown
from services.reservations.repository import BlockChange, hints
from services.reservations.repository.hints import Told


def correct_hints(changes: Iterable[BlockChange], now: datetime) -> int:
    """Tell the hints what writes have changed, in the order of the writes; answers how many changes that were.

    Only the slots that a write changed are told, and from what: the stream is late, and a later write may have told of
    them already. Whether places came back that the hints did not know of, they know best.
    """
    by_event: defaultdict[str, list[BlockChange]] = defaultdict(list)
    for change in changes:
        # Of a limit the hints hear from those who use and free it, and from looks.
        if domain.is_quota(change.pool_id):
            continue
        event_id = repository.event_of_pool(change.pool_id, now)
        if event_id is not None:
            by_event[event_id].append(change)
    told = 0
    for event_id, every in by_event.items():
        try:
            sale = repository.sale_of(event_id, now)
        except EventUnknown:
            continue
        known = [one for one in every if one.pool_id in sale.layouts and one.block < sale.layouts[one.pool_id].blocks]
        seen = [Told((one.pool_id, one.block), one.untils, before=one.before) for one in known]
        hints.tell(sale, seen, now, freed=None if any(one.freed for one in known) else False)
        told += len(known)
    return told
