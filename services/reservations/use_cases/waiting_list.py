"""What a person does with a waiting list: join it, see what came of it, leave it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from contracts.catalog import TicketType
from contracts.sale import Buyer
from services.reservations import domain, repository
from services.reservations.domain import Basket, Demand, Sale, Wish
from services.reservations.domain.demands import Asking
from services.reservations.domain.quotas import with_quotas
from services.reservations.domain.refusals import AllHeld, HoldSold, Refusal, SoldOut
from services.reservations.domain.waiting_list import (
    AlreadyWaiting,
    Entry,
    EntryUnknown,
    NotSoldOut,
    NotWaitedFor,
    WaitingList,
    after_offer,
    flag_of,
    is_waited_for,
    list_of,
)
from services.reservations.repository import waiting_list
from services.reservations.repository.waiting_list import EntryRow
from services.reservations.schemas import Availability
from services.reservations.use_cases import looking
from services.reservations.use_cases.availability import availability
from services.reservations.use_cases.letting_go import let_all_go
from services.reservations.use_cases.offering import let_go_of_try
from services.reservations.waiting_list_schemas import EntryView, JoinWaitingList
from shared.auth import sign_token
from shared.cache import CacheDown
from shared.data import StaleVersion, Unavailable
from shared.ids import new_id

AUDIENCE = "hold"
_TRIES_MAX = 4
# The field of a basket's line that a refusal names, as the request to join has it.
_FIELDS = {"$.lines[0].ticket_type_id": "$.ticket_type_id", "$.lines[0]": "$.quantity", "$.lines": "$.quantity"}


def join_waiting_list(event_id: str, request: JoinWaitingList, buyer: Buyer, now: datetime) -> EntryView:
    """Put a person at the end of the list for what is sold out; who waits already is answered the entry there is.

    Raises EventUnknown, what `check_basket` does, NotWaitedFor, NotSoldOut, AlreadyWaiting, WaitingListFull, Busy.
    """
    sale = repository.sale_of(event_id, now)
    basket = _checked(sale, request, buyer, now)
    [(ticket_type, _, _)] = basket.lines
    which = list_of(sale, ticket_type)
    known = waiting_list.persons_entry(event_id, buyer.person_id, ticket_type.ticket_type_id)
    if known is not None and known.entry.is_open:
        return _view(_same(known.entry, request), now)
    waited_for = is_waited_for(sale, ticket_type, which.zone)
    capped = not waited_for and _is_only_capped(sale, basket, which, now)
    entry = Entry(
        entry_id=new_id("wle", now),
        event_id=event_id,
        ticket_type_id=ticket_type.ticket_type_id,
        quantity=request.quantity,
        buyer=buyer,
        joined_at=now,
        capped=capped or ticket_type.ticket_type_id in sale.waited_for,
    )
    head = waiting_list.count_in(which, now)
    if not head.is_open:
        waiting_list.open_list(which, waiting_list.list_ends_at(sale, now), now)
    flag = flag_of(which, entry)
    if flag not in sale.waited_for:
        waiting_list.mark_sale(sale, now, add=frozenset({flag}))
    joined = waiting_list.join(which, entry, now)
    if joined.entry_id != entry.entry_id:
        waiting_list.count_out(which, now)
    return _view(_same(joined, request), now)


def waiting_list_entries(event_id: str, person_id: str, now: datetime) -> list[EntryView]:
    """The person's entries at the event, with the hold's token where places are offered. Raises EventUnknown."""
    repository.sale_of(event_id, now)
    return [_view(row.entry, now) for row in waiting_list.persons_entries(event_id, person_id)]


def leave_waiting_list(event_id: str, entry_id: str, person_id: str, now: datetime) -> None:
    """Take a person off a list; what was offered goes to the next. Who is off it already may ask again.

    Raises EntryUnknown, and HoldSold when the places that were offered are bought.
    """
    for _ in range(_TRIES_MAX):
        row = _own(event_id, entry_id, person_id)
        entry = row.entry
        if not entry.is_open:
            return
        sale = repository.sale_of(event_id, now)
        ticket_type = sale.ticket_type(entry.ticket_type_id)
        if ticket_type is None:
            raise EntryUnknown
        if entry.offer is not None:
            token = entry.offer.token
            if let_all_go(token.hold_id, event_id, token.places(), sold_too=False, now=now):
                raise HoldSold
        which = list_of(sale, ticket_type)
        try:
            waiting_list.close(which, row, "left", now)
        except StaleVersion:
            # It was offered something, or the offer passed on, at this very moment.
            continue
        if entry.state == "offering":
            let_go_of_try(sale, which, entry, now)
        return
    raise Unavailable("the entry changed faster than it could be ended")


def _checked(sale: Sale, request: JoinWaitingList, buyer: Buyer, now: datetime) -> Basket:
    wish = Wish(request.ticket_type_id, request.quantity, (), False)
    try:
        basket = domain.check_basket(sale, [wish], now, Asking(person_id=buyer.person_id))
    except Refusal as refusal:
        refusal.field = _FIELDS.get(refusal.field or "", refusal.field)
        raise
    if any(ticket_type.access != "public" for ticket_type, _, _ in basket.lines):
        raise NotWaitedFor
    return basket


def _is_only_capped(sale: Sale, basket: Basket, which: WaitingList, now: datetime) -> bool:
    """Whether places are free and the ticket type's own cap is reached. Raises NotSoldOut when nothing keeps it back.

    What is in other baskets counts as gone: whoever wants it may as well wait for it in order. Raises Busy while a very
    large pool is still being looked at.
    """
    [(ticket_type, _, _)] = basket.lines
    caps = [quota for quota in basket.quotas if quota.kind == "type"]
    if not caps:
        # What everybody is shown costs nothing, where looking at every block would cost much for a mere mistake.
        left = _shown_free(sale, ticket_type, now)
        if left:
            raise NotSoldOut(left)
    if _none_free(sale, which.demand, now):
        return False
    if any(_none_free(with_quotas(sale, [cap]), cap.demand, now) for cap in caps):
        return True
    raise NotSoldOut(max(1, _shown_free(sale, ticket_type, now)))


def _none_free(sale: Sale, demand: Demand, now: datetime) -> bool:
    try:
        finding = looking.remembered(sale, demand, now)
        if finding is not None:
            looking.judge(sale, demand, 1, finding)
        try:
            looking.look(sale, demand, 1, finding, now)
        except CacheDown:
            looking.look_alone(sale, demand, 1, now)
    except (SoldOut, AllHeld):
        return True
    return False


def _shown_free(sale: Sale, ticket_type: TicketType, now: datetime) -> int:
    document = msgspec.json.decode(availability(sale.event_id, now), type=Availability)
    free = [one.free for one in document.ticket_types if one.ticket_type_id == ticket_type.ticket_type_id]
    return sum(free)


def _same(entry: Entry, request: JoinWaitingList) -> Entry:
    if entry.quantity != request.quantity:
        raise AlreadyWaiting(entry.entry_id, entry.quantity)
    return entry


def _own(event_id: str, entry_id: str, person_id: str) -> EntryRow:
    rows: Iterable[EntryRow] = waiting_list.persons_entries(event_id, person_id)
    for row in rows:
        if row.entry.entry_id == entry_id:
            return row
    raise EntryUnknown


def _view(entry: Entry, now: datetime) -> EntryView:
    state = entry.state
    token = entry.offer.token if entry.offer is not None else None
    if state == "offered" and token is not None:
        # What became of the hold stands in the blocks at once, and in the entry when the list is served next.
        blocks = {(place.pool_id, place.block) for place in token.places()}
        state = after_offer(entry, repository.look_at(blocks), now)
    offered = token if state == "offered" else None
    return EntryView(
        entry_id=entry.entry_id,
        event_id=entry.event_id,
        ticket_type_id=entry.ticket_type_id,
        quantity=entry.quantity,
        # That places are being looked for this instant is nothing to a person.
        state="waiting" if state == "offering" else state,
        joined_at=entry.joined_at,
        expires_at=offered.expires_at if offered else None,
        places=offered.places() if offered else (),
        total=offered.total if offered else None,
        hold_id=offered.hold_id if offered else None,
        hold_token=sign_token(AUDIENCE, offered, offered.expires_at) if offered else None,
    )


__all__ = ["join_waiting_list", "leave_waiting_list", "waiting_list_entries"]
