"""Waiting lists: who waits for places that are gone, in which order, and what becomes of an offer.

```
waiting ──► offering ──► offered ──► taken | unanswered | left
   └───────────┴──► left | ended
```

Those who wait for the same places wait in one list, whatever their ticket types cost, and the first who can be served
with what is free is served. Whoever does not answer an offer leaves the list, and may join it again at its end: a
second offer to those who do not answer would only keep the places from those who would. Pure, like all rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from contracts.catalog import TicketType
from contracts.hold import HoldToken
from contracts.sale import Buyer, Time
from services.reservations.domain.baskets import Basket, Sale
from services.reservations.domain.demands import Demand
from services.reservations.domain.refusals import Refusal, SoldOut
from services.reservations.domain.slots import SOLD_UNTIL, Slots
from shared.ids import derived_id, raw_bytes

State = Literal["waiting", "offering", "offered", "taken", "unanswered", "left", "ended"]
OPEN: Final[tuple[State, ...]] = ("waiting", "offering", "offered")

# How long an offer stands: those who sleep through a night lose it, those who look at their mail in the day do not.
ANSWER_SECONDS: Final = 1800
# One list is one partition of the table; this many entries are what a pass can go through in its time.
ENTRIES_MAX: Final = 20_000


class WaitingList(NamedTuple):
    """Which places are waited for: those of one zone of a pool, or of the whole pool."""

    event_id: str
    pool_id: str
    zone: str | None

    @property
    def demand(self) -> Demand:
        """What the list's places are, as a look knows them."""
        return Demand(self.pool_id, self.zone, False)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Places kept for somebody who waited, and since when; the hold's time is that of the answer."""

    token: HoldToken
    time_zone: str
    offered_at: Time


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who waits. Entries are served in the order of their ids, which is that of joining.

    `capped` says that places were free when the person joined, and the ticket type's own cap was reached. `tries`
    counts how often places were looked for: each try is written down before it begins.
    """

    entry_id: str
    event_id: str
    ticket_type_id: str
    quantity: int
    buyer: Buyer
    joined_at: Time
    capped: bool = False
    state: State = "waiting"
    tries: int = 0
    offer: Offer | None = None

    @property
    def hold_id(self) -> str:
        """The hold of the present try: whoever comes after a crash finds by it what the try had taken."""
        return derived_id("hld", self.entry_id, self.tries)

    @property
    def is_open(self) -> bool:
        """Whether the entry still waits, or its offer for an answer."""
        return self.state in OPEN


class NotSoldOut(Refusal):
    """Places are free: nobody has to wait for them."""

    def __init__(self, places_left: int) -> None:
        super().__init__("Places are free: hold them instead.", "$.ticket_type_id", places_left=places_left)


class AlreadyWaiting(Refusal):
    """The person waits for this ticket type with another quantity."""

    def __init__(self, entry_id: str, quantity: int) -> None:
        detail = f"You wait for {quantity} of these places. Leave the list before you ask for another number."
        super().__init__(detail, "$.quantity", entry_id=entry_id)


class WaitingListFull(Refusal):
    """So many wait that whoever joins now would wait for nothing."""

    def __init__(self) -> None:
        super().__init__("So many people wait for these places that nobody can join any more.")


class NotWaitedFor(Refusal):
    """The ticket type is not sold to everybody, so its places do not come to those who wait."""

    def __init__(self) -> None:
        super().__init__("Nobody can wait for this ticket type: it is not sold to everybody.", "$.ticket_type_id")


class EntryUnknown(Refusal):
    """The person has no such entry."""

    def __init__(self) -> None:
        super().__init__("You have no such entry on a waiting list of this event.")


def list_of(sale: Sale, ticket_type: TicketType) -> WaitingList:
    """The list that those who want this ticket type wait in."""
    zone = ticket_type.zone if sale.layouts[ticket_type.pool_id].kind == "seated" else None
    return WaitingList(sale.event_id, ticket_type.pool_id, zone)


def flag_of(which: WaitingList, entry: Entry) -> str:
    """What a sale is marked with while somebody waits: the places, or, where only its cap is reached, the type."""
    return entry.ticket_type_id if entry.capped else f"{which.pool_id}#{which.zone or ''}"


def flags_of(sale: Sale, which: WaitingList) -> frozenset[str]:
    """Every mark that the list may have left on the sale."""
    own = {one.ticket_type_id for one in sale.ticket_types if _draws_on(sale, one, which)}
    return sale.waited_for & (own | {f"{which.pool_id}#{which.zone or ''}"})


def is_waited_for(sale: Sale, ticket_type: TicketType, zone: str | None) -> bool:
    """Whether somebody waits for this ticket type, or for places of a zone (None: any) that it would take away."""
    for flag in sale.waited_for:
        if flag == ticket_type.ticket_type_id:
            return True
        pool_id, places, waited = flag.partition("#")
        if places and pool_id == ticket_type.pool_id and (not waited or zone in (None, waited)):
            return True
    return False


def check_not_waited_for(sale: Sale, basket: Basket) -> None:
    """Keep the public from what comes free while others wait for it. What the house gives away is its own affair.

    Raises SoldOut, with `waiting_list`.
    """
    if not sale.waited_for:
        return
    for number, (ticket_type, _, demand) in enumerate(basket.lines):
        layout = sale.layouts[ticket_type.pool_id]
        seats = basket.chosen.get(number, ())
        zones: set[str | None] = {layout.zone_of(place.block) for place in seats}
        if ticket_type.access != "complimentary" and any(
            is_waited_for(sale, ticket_type, zone) for zone in zones or {demand.zone}
        ):
            raise SoldOut("What comes free goes to those on the waiting list first.", waiting_list=True)


def after_offer(entry: Entry, seen: Mapping[tuple[str, int], Slots], now: datetime) -> State:
    """What has become of an offer, by what the blocks say of its places: `offered` while all of them are kept."""
    if entry.offer is None:
        return entry.state
    hold, seconds = raw_bytes(entry.offer.token.hold_id), int(now.timestamp())
    taken = [seen.get((place.pool_id, place.block), {}).get(place.slot) for place in entry.offer.token.places()]
    own = [slot.until for slot in taken if slot is not None and slot.hold == hold]
    if SOLD_UNTIL in own:
        return "taken"
    return "offered" if len(own) == len(taken) and min(own) >= seconds else "unanswered"


def _draws_on(sale: Sale, ticket_type: TicketType, which: WaitingList) -> bool:
    return ticket_type.pool_id in sale.layouts and list_of(sale, ticket_type) == which


__all__ = [
    "ANSWER_SECONDS",
    "ENTRIES_MAX",
    "OPEN",
    "AlreadyWaiting",
    "Entry",
    "EntryUnknown",
    "NotSoldOut",
    "NotWaitedFor",
    "Offer",
    "State",
    "WaitingList",
    "WaitingListFull",
    "after_offer",
    "check_not_waited_for",
    "flag_of",
    "flags_of",
    "is_waited_for",
    "list_of",
]
