"""Serving waiting lists: what comes free is offered to those who wait, in the order in which they joined.

An offer is a hold like any other, with a time of its own to answer. A list is served by one caller at a time. A crash
between the hold and its row loses nothing: each try is written down before it begins, and the hold's id follows from
it, so that whoever serves the list next finds what the try had taken and begins again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import msgspec

from contracts.hold import HoldToken
from services.reservations import domain, repository
from services.reservations.domain import GeneralLayout, Sale, Wish
from services.reservations.domain.demands import Asking
from services.reservations.domain.quotas import buyers_quota_id, is_quota
from services.reservations.domain.refusals import (
    AllHeld,
    Busy,
    EventUnknown,
    NotOnSale,
    NotTogether,
    PoolClosed,
    Refusal,
    SoldOut,
    TooFewLeft,
    TypeAllHeld,
    TypeSoldOut,
)
from services.reservations.domain.waiting_list import (
    ANSWER_SECONDS,
    Entry,
    Offer,
    WaitingList,
    after_offer,
    flag_of,
    flags_of,
)
from services.reservations.repository import BlockChange, BlocksRefused, hints, pools, waiting_list
from services.reservations.repository.hints import Repeated
from services.reservations.repository.waiting_list import EntryRow, HeadRow
from services.reservations.use_cases import looking
from services.reservations.use_cases.finding import Claim, find_and_take
from services.reservations.use_cases.hold_views import Holder, token_for
from services.reservations.use_cases.letting_go import let_all_go
from shared.clock import epoch_seconds
from shared.data import StaleVersion
from shared.ids import raw_bytes
from shared.telemetry import log

# One call serves so many, and leaves the rest to the next: a function's time is bounded, an organiser's additions
# are not.
OFFERS_PER_CALL_MAX: Final = 200
_LOOK_BLOCKS: Final = 1000


def offer_freed_places(changes: Iterable[BlockChange], now: datetime) -> int:
    """Serve the lists whose places some writes have freed; answers how many offers were made."""
    freed = {change.pool_id for change in changes if change.freed and not is_quota(change.pool_id)}
    by_event: defaultdict[str, set[str]] = defaultdict(set)
    for pool_id in sorted(freed):
        event_id = repository.event_of_pool(pool_id, now)
        if event_id is not None:
            by_event[event_id].add(pool_id)
    return sum(_serve_waited(event_id, pool_ids, now) for event_id, pool_ids in by_event.items())


def offer_changed_pools(changed: Iterable[tuple[str, str]], now: datetime) -> int:
    """Serve the lists of pools that their organiser has changed, named with their events; answers how many offers."""
    by_event: defaultdict[str, set[str]] = defaultdict(set)
    for event_id, pool_id in changed:
        by_event[event_id].add(pool_id)
    for event_id in by_event:
        # What this process remembers of it is what it was before.
        pools.forget(event_id)
    return sum(_serve_waited(event_id, pool_ids, now) for event_id, pool_ids in by_event.items())


def _serve_waited(event_id: str, pool_ids: Collection[str], now: datetime) -> int:
    with suppress(EventUnknown):
        # A sale that this process has in memory may not know yet that somebody waits: the schedule does.
        if repository.sale_of(event_id, now).waited_for:
            lists = [which for which in waiting_list.open_lists(event_id) if which.pool_id in pool_ids]
            return sum(serve_list(which, now) for which in lists)
    return 0


def serve_every_list(now: datetime) -> int:
    """Serve every list that somebody waits in; answers how many offers were made.

    One list that cannot be served does not keep the others waiting.
    """
    offers = 0
    for event_id in waiting_list.events_with_lists(now):
        for which in waiting_list.open_lists(event_id):
            try:
                offers += serve_list(which, now)
            except Exception as trouble:
                log("waiting_list_not_served", level="ERROR", event_id=event_id, pool_id=which.pool_id, error=trouble)
    return offers


def serve_list(which: WaitingList, now: datetime) -> int:
    """Pass on what was not answered and offer what is free; answers how many offers were made.

    While another serves the list this does nothing: that one, or the schedule, finds what is free.
    """
    try:
        sale = repository.sale_of(which.event_id, now)
    except EventUnknown:
        return 0
    head = waiting_list.begin_serving(which, now)
    if head is None:
        return 0
    service = _Service(which, sale, now)
    try:
        service.go_through(head)
    finally:
        waiting_list.end_serving(which, head, service.low, service.reach, now)
    return service.offers


def let_go_of_try(sale: Sale, which: WaitingList, entry: Entry, now: datetime) -> None:
    """Free whatever the entry's last try has taken, by a look at every block that it may have taken from."""
    hold = raw_bytes(entry.hold_id)
    layout = sale.layouts[which.pool_id]
    blocks = [(which.pool_id, number) for number in layout.blocks_of(which.zone)]
    ticket_type = sale.ticket_type(entry.ticket_type_id)
    if ticket_type is not None and ticket_type.places_max is not None:
        cap = GeneralLayout(ticket_type.places_max)
        blocks += [(entry.ticket_type_id, number) for number in cap.blocks_of(None)]
    blocks.append((buyers_quota_id(which.event_id, entry.buyer.person_id), 0))
    for first in range(0, len(blocks), _LOOK_BLOCKS):
        for block, slots in repository.look_at(blocks[first : first + _LOOK_BLOCKS]).items():
            own = [slot for slot, taken in slots.items() if taken.hold == hold]
            if own:
                # Whoever took one of them over since has the right to it.
                with suppress(BlocksRefused):
                    repository.let_go(entry.hold_id, block, own, sold_too=False, now=now)


class _Service:
    """One going through of a list. `low` and `reach` are what is known of its entries afterwards."""

    def __init__(self, which: WaitingList, sale: Sale, now: datetime) -> None:
        self.low: str | None = None
        self.reach: str | None = None
        self.offers = 0
        self._which = which
        self._sale = sale
        self._now = now
        # How many places are free, as far as that is known, and of a ticket type that has a cap.
        self._free: int | None = None
        self._left: dict[str, int] = {}

    def go_through(self, head: HeadRow) -> None:
        """Settle every offer there is, and make new ones while places are free."""
        self._free = self._remembered()
        first_open: str | None = None
        still_open = 0
        needed: set[str] = set()
        for row in waiting_list.open_entries(self._which, head):
            is_last = self._is_over and row.sk > max(head.reach or "", self.reach or "")
            if not is_last:
                self._attend_to(row)
            if row.entry.is_open:
                still_open += 1
                first_open = first_open or row.sk
            if row.entry.state in ("waiting", "offering"):
                needed.add(flag_of(self._which, row.entry))
            if is_last:
                break
        # Who is on the way to join may still come before those who have joined.
        edge = waiting_list.low_mark(self._now)
        self.low = min(first_open or edge, edge)
        if not still_open:
            waiting_list.close_list(self._which, head, self._now)
        self._mark(head, frozenset(needed), still_open)

    def _mark(self, head: HeadRow, needed: frozenset[str], still_open: int) -> None:
        """Let the sale say what is waited for: what is only offered, and to nobody else, the public may have."""
        missing = needed - self._sale.waited_for
        if missing:
            waiting_list.mark_sale(self._sale, self._now, add=missing)
        # Somebody who is joining has seen the mark; without it the schedule would have to set it again.
        somebody_joins = (head.entries or 0) > still_open and waiting_list.is_recent(head, self._now)
        if not needed and not somebody_joins:
            stale = flags_of(self._sale, self._which)
            if stale:
                waiting_list.mark_sale(self._sale, self._now, remove=stale)

    def _remembered(self) -> int | None:
        """0 when this process knows that nothing is free: then no try has to be written down to learn it again."""
        finding = looking.remembered(self._sale, self._which.demand, self._now)
        if finding is not None:
            try:
                looking.judge(self._sale, self._which.demand, 1, finding)
            except (SoldOut, AllHeld):
                return 0
        return None

    @property
    def _is_over(self) -> bool:
        return self._free == 0 or self.offers >= OFFERS_PER_CALL_MAX

    def _attend_to(self, row: EntryRow) -> None:
        try:
            if row.entry.state == "offered":
                self._settle(row)
            elif row.entry.state == "offering":
                # Nobody else serves this list, so the try of before was cut short.
                let_go_of_try(self._sale, self._which, row.entry, self._now)
            if row.entry.state in ("waiting", "offering") and not self._is_over:
                self._serve(row)
            elif row.entry.state == "offering":
                self._set(row, state="waiting")
        except StaleVersion:
            # The person has left at this very moment.
            return

    def _settle(self, row: EntryRow) -> None:
        offer = row.entry.offer
        assert offer is not None
        blocks = {(place.pool_id, place.block) for place in offer.token.places()}
        state = after_offer(row.entry, repository.look_at(blocks), self._now)
        if state == "offered":
            return
        if state == "unanswered":
            # Run out or in part let go: what is left of it is for the next.
            let_all_go(offer.token.hold_id, row.entry.event_id, offer.token.places(), sold_too=False, now=self._now)
        waiting_list.close(self._which, row, state, self._now)

    def _serve(self, row: EntryRow) -> None:
        """Offer places to an entry, if what is free suffices for it."""
        entry = row.entry
        left = self._left.get(entry.ticket_type_id, entry.quantity)
        if entry.quantity > left or (self._free is not None and entry.quantity > self._free):
            if entry.state == "offering":
                self._set(row, state="waiting")
            return
        # Written before anything is taken: the next to serve the list knows by it what to look for.
        self._set(row, state="offering", tries=entry.tries + 1)
        try:
            token = self._hold(row.entry)
        except Refusal as refusal:
            self._refused(row, refusal)
            return
        offer = Offer(token=token, time_zone=self._sale.time_zone, offered_at=self._now)
        offered = msgspec.structs.replace(row.entry, state="offered", offer=offer)
        try:
            waiting_list.save(row, offered, self._now, announce=True)
        except StaleVersion:
            let_all_go(token.hold_id, entry.event_id, token.places(), sold_too=False, now=self._now)
            raise
        self.offers += 1
        self.reach = max(self.reach or "", row.sk)
        if self._free is not None:
            self._free -= entry.quantity
        if entry.ticket_type_id in self._left:
            self._left[entry.ticket_type_id] -= entry.quantity

    def _refused(self, row: EntryRow, refusal: Refusal) -> None:
        ticket_type = self._sale.ticket_type(row.entry.ticket_type_id)
        capped = ticket_type is not None and ticket_type.places_max is not None
        match refusal:
            case TypeSoldOut() | TypeAllHeld():
                self._left[row.entry.ticket_type_id] = 0
            case TooFewLeft() if capped:
                # Of its places or of its cap: neither serves a larger entry of this type.
                self._left[row.entry.ticket_type_id] = int(refusal.extra["places_left"])
            case TooFewLeft():
                self._free = int(refusal.extra["places_left"])
            case SoldOut() | AllHeld() | Busy() | PoolClosed() | NotOnSale():
                self._free = 0
            case _:
                # The sale is over, or the person may have no more: waiting helps neither.
                waiting_list.close(self._which, row, "ended", self._now)
                return
        self._set(row, state="waiting")

    def _hold(self, entry: Entry) -> HoldToken:
        """Hold the places for the entry, next to each other where that can be. Raises what a buyer's hold does."""
        until = epoch_seconds(self._now + timedelta(seconds=ANSWER_SECONDS))
        seed = int.from_bytes(raw_bytes(entry.hold_id)[-4:], "big")
        claim = Claim(entry.hold_id, until, seed, self._now)
        person_id = entry.buyer.person_id
        for together in (True, False):
            wish = Wish(entry.ticket_type_id, entry.quantity, (), together)
            basket = domain.check_basket(self._sale, [wish], self._now, Asking(person_id=person_id))
            try:
                taken = find_and_take(self._sale, basket, claim)
            except NotTogether:
                continue
            assert not isinstance(taken, Repeated)
            sale = domain.with_quotas(self._sale, basket.quotas)
            hints.tell(sale, taken.told, self._now)
            # It stands long enough as it is: an offer is not prolonged.
            return token_for(sale, basket, taken.found, Holder(entry.hold_id, person_id, until, extended=True))
        raise Busy

    def _set(self, row: EntryRow, **changes: object) -> None:
        waiting_list.save(row, msgspec.structs.replace(row.entry, **changes), self._now)


__all__ = ["let_go_of_try", "offer_changed_pools", "offer_freed_places", "serve_every_list", "serve_list"]
