"""Bodies of the waiting lists' requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from contracts.sale import Money, PlaceSold
from shared.http import RequestBody


class JoinWaitingList(RequestBody, frozen=True, kw_only=True):
    """So many places of a ticket type, wherever they come free."""

    ticket_type_id: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a waiting list. Where places are offered, with the hold that keeps them and its token.

    `taken` is an offer that was bought, `unanswered` one that was not in its time, or let go; `ended` an entry that
    cannot be served any more.
    """

    entry_id: str
    event_id: str
    ticket_type_id: str
    quantity: int
    state: Literal["waiting", "offered", "taken", "unanswered", "left", "ended"]
    joined_at: datetime
    expires_at: datetime | None = None
    places: tuple[PlaceSold, ...] = ()
    total: Money | None = None
    hold_id: str | None = None
    hold_token: str | None = None


class Entries(msgspec.Struct, frozen=True):
    """A person's entries at an event: one for each ticket type at most, so they come on one page."""

    items: list[EntryView]
    next: str | None = None
