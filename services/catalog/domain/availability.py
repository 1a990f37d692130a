"""What is left of an event in one word: what reservations told of its places, while it is on sale at all."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from contracts.reservations import Left
from services.catalog.domain.event import EventState
from shared.money import Money


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What reservations said last of an event: the word, when its places were counted, and the message's version."""

    left: Left
    counted_at: datetime
    version: int


class Sold(Protocol):
    """What an event, or its posting, says of its sales to everybody."""

    @property
    def state(self) -> EventState:
        """Drafts are not on sale."""
        ...

    @property
    def price_from(self) -> Money | None:
        """None where everybody can buy nothing."""
        ...

    @property
    def sale_starts_at(self) -> datetime | None:
        """When the first of its sales begins; None for one that always has."""
        ...

    @property
    def sale_ends_at(self) -> datetime | None:
        """When the last of them ends; None for one that does not."""
        ...


def left_of(event: Sold, told: Told | None, now: datetime) -> Left:
    """What is left of an event. One of which nothing was told has places.

    Sold out is said at any time; else an event is on sale between its first sale's beginning and its last one's end.
    """
    if told is not None and told.left == "sold-out":
        return "sold-out"
    begins, ends = event.sale_starts_at, event.sale_ends_at
    on_sale = event.state == "published" and event.price_from is not None
    if not on_sale or (begins is not None and now < begins) or (ends is not None and now >= ends):
        return "not-on-sale"
    return "available" if told is None else told.left
