"""The hold token: what reservations signs (audience "hold"), the client carries, and orders reads.

It is short on purpose, because it travels in a header: a line names its ticket type and price once, and its places are
arrays without field names.
"""

from __future__ import annotations

import msgspec

from contracts.sale import Money, PlaceSold, QuotaSlot, Time


class Limit(msgspec.Struct, frozen=True, array_like=True):
    """A limit that places of a line count for, and how many slots it had; named once for all of them."""

    quota_id: str
    places_max: int


class Use(msgspec.Struct, frozen=True, array_like=True):
    """A slot of a limit: the limit's number in the line, from 0, and the slot's block and number."""

    limit: int
    block: int
    slot: int


class HeldPlace(msgspec.Struct, frozen=True, array_like=True):
    """One place of a line: its block and slot, counted from 0, for a seat where it is, and what of limits it uses."""

    block: int
    slot: int
    section: str | None = None
    row: str | None = None
    seat: str | None = None
    uses: tuple[Use, ...] = ()


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Who is given tickets that somebody else orders."""

    name: str
    email: str


class HoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """The places held at one ticket type, with the price that wins whatever happens to the ticket type later."""

    pool_id: str
    ticket_type_id: str
    ticket_type_name: str
    price: Money
    places: tuple[HeldPlace, ...]
    limits: tuple[Limit, ...] = ()


class HoldToken(msgspec.Struct, frozen=True, kw_only=True):
    """Places kept for one person until `expires_at`. One basket is one hold, and one hold is at most one order.

    `extended` says that its time was prolonged, which happens once; `guest` whom complimentary tickets go to.
    """

    hold_id: str
    event_id: str
    event_name: str
    organiser_id: str
    person_id: str
    lines: tuple[HoldLine, ...]
    total: Money
    expires_at: Time
    extended: bool = False
    guest: Guest | None = None

    def places(self) -> tuple[PlaceSold, ...]:
        """The places as the messages of the sale list them, in the order of the lines."""
        return tuple(
            PlaceSold(
                pool_id=line.pool_id,
                block=place.block,
                slot=place.slot,
                ticket_type_id=line.ticket_type_id,
                ticket_type_name=line.ticket_type_name,
                price=line.price,
                section=place.section,
                row=place.row,
                seat=place.seat,
                quotas=tuple(
                    QuotaSlot(line.limits[use.limit].quota_id, use.block, use.slot, line.limits[use.limit].places_max)
                    for use in place.uses
                ),
            )
            for line in self.lines
            for place in line.places
        )
