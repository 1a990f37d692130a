"""What is asked for: the lines of a basket, who asks, and the places that are to be found for them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.reservations.domain.layouts import Seat
from services.reservations.domain.vouchers import Voucher


class Wish(msgspec.Struct, frozen=True):
    """One line of a basket: so many places of a ticket type, or these seats.

    A `zone` limits it to the seats of that zone; `accessible` says how many of the quantity are wheelchair places.
    """

    ticket_type_id: str
    quantity: int
    seats: tuple[Seat, ...] = ()
    together: bool = True
    zone: str | None = None
    accessible: int = 0


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and with what: by voucher, as a `member` who may give tickets away, for a guest, of what is withheld.

    Without a person no buyer's limit counts.
    """

    person_id: str | None = None
    voucher: Voucher | None = None
    member: bool = False
    names_guest: bool = False
    names_withholding: bool = False


class Demand(NamedTuple):
    """Places to find: of one zone of one pool, next to each other or not. Lines that draw on the same add up.

    `bay` is for the wheelchair places of one line, and the line's number.
    """

    pool_id: str
    zone: str | None
    together: bool
    bay: int | None = None


NOBODY = Asking()
