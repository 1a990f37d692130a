"""What several publishers' messages say of a sale: who buys, which places, at which price."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from shared.money import Money

# Naive times are refused at decoding: a time without its offset is a different time on every reader's machine.
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """The person who holds, orders and pays."""

    person_id: str
    email: str
    name: str


class QuotaSlot(msgspec.Struct, frozen=True, array_like=True):
    """One use of a limit that a place takes up: a slot of a quota's block, kept, sold and freed like a place.

    `places_max` is how many slots the limit had when the place was held.
    """

    quota_id: str
    block: int
    slot: int
    places_max: int


class PlaceSold(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered place of a pool's block, with the ticket type and price it was held at.

    `block` and `slot` count from 0. Section, row and seat are given for a seated pool only. `quotas` are the uses of
    limits (a ticket type's cap, a voucher's uses, a buyer's limit) that this place takes up; most events have none.
    """

    pool_id: str
    block: int
    slot: int
    ticket_type_id: str
    ticket_type_name: str
    price: Money
    section: str | None = None
    row: str | None = None
    seat: str | None = None
    quotas: tuple[QuotaSlot, ...] = ()


__all__ = ["Buyer", "Money", "PlaceSold", "QuotaSlot", "Time"]
