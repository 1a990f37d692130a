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


class PlaceSold(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered place of a pool's block, with the ticket type and price it was held at.

    `block` and `slot` count from 0. Section, row and seat are given for a seated pool only.
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


__all__ = ["Buyer", "Money", "PlaceSold", "Time"]
