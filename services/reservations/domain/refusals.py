"""Why reservations says no: each refusal is a clear answer for the person who asked, with what would help them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any


class Refusal(Exception):
    """A request that the rules refuse.

    The text is for people; `field` is the part of the request it speaks of, `extra` what a program can act on, and
    `retry_after` when it makes sense to come again, in seconds.
    """

    def __init__(self, detail: str, field: str | None = None, *, retry_after: int | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.field = field
        self.retry_after = retry_after
        self.extra = {name: value for name, value in extra.items() if value is not None}


class EventUnknown(Refusal):
    """No event of that id is on sale here (yet: it appears when catalog's message has come)."""

    def __init__(self) -> None:
        super().__init__("There is no such event on sale.")


class TicketTypeUnknown(Refusal):
    """The event has no such ticket type."""

    def __init__(self, field: str) -> None:
        super().__init__("The event has no such ticket type.", field)


class SeatUnknown(Refusal):
    """The plan has no such seat, or the ticket type's places have no seats to choose."""

    def __init__(self, field: str) -> None:
        super().__init__("This ticket type has no such seat.", field)


class SeatNotInZone(Refusal):
    """The seat exists and costs another price."""

    def __init__(self, field: str) -> None:
        super().__init__("The seat is in another zone than the ticket type's.", field)


class SeatTwice(Refusal):
    """One basket asks for the same seat twice."""

    def __init__(self, field: str) -> None:
        super().__init__("The basket names this seat twice.", field)


class QuantityOrSeats(Refusal):
    """A line says how many places or which seats, exactly one of both."""

    def __init__(self, field: str) -> None:
        super().__init__("A line has either a quantity or seats.", field)


class TooManyPlaces(Refusal):
    """More places than one order may have."""

    def __init__(self, field: str, places_per_order_max: int) -> None:
        super().__init__(
            f"One order may have at most {places_per_order_max} of these places.",
            field,
            places_per_order_max=places_per_order_max,
        )


class NotOnSale(Refusal):
    """The sale has not begun."""

    def __init__(self, field: str, sale_starts_at: datetime) -> None:
        super().__init__("The sale of this ticket type has not begun.", field, sale_starts_at=sale_starts_at)


class SaleEnded(Refusal):
    """The sale is over."""

    def __init__(self, field: str, sale_ends_at: datetime) -> None:
        super().__init__("The sale of this ticket type has ended.", field, sale_ends_at=sale_ends_at)


class PoolClosed(Refusal):
    """The organiser has closed the places that the ticket type draws on."""

    def __init__(self, field: str) -> None:
        super().__init__("The organiser sells no more of these places for now.", field)


class PoolUnknown(Refusal):
    """No pool of that id is on sale here."""

    def __init__(self) -> None:
        super().__init__("There is no such pool on sale.")


class WrongKind(Refusal):
    """What was asked for is not for pools of that kind."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail, field)


class RunRefused(Refusal):
    """Seats that the plan cannot have, or does not."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail, field)


class PoolFull(Refusal):
    """A pool cannot have more places than that over its life."""

    def __init__(self, field: str, places_max: int) -> None:
        super().__init__(f"A pool has at most {places_max} places over its life.", field, places_max=places_max)


class BelowSold(Refusal):
    """A pool cannot become smaller than what of it is sold, held or withheld now."""

    def __init__(self, capacity_min: int, sold: int, held: int, withheld: int) -> None:
        super().__init__(
            f"At least {capacity_min} places are sold, in baskets or withheld now.",
            "$.capacity",
            capacity_min=capacity_min,
            sold=sold,
            held=held,
            withheld=withheld,
        )


class WithholdingUnknown(Refusal):
    """The event has no such withholding."""

    def __init__(self) -> None:
        super().__init__("There is no such withholding.")


class PlacesTaken(Refusal):
    """Somebody was faster: these of the chosen seats are held, sold, or withheld by the organiser."""

    def __init__(self, taken: Sequence[dict[str, str]]) -> None:
        super().__init__("Somebody else has some of these seats.", "$.lines", taken=list(taken))


class SoldOut(Refusal):
    """Every place was looked at, and all are sold."""

    def __init__(self, detail: str = "All these places are sold.", field: str | None = None, **extra: Any) -> None:
        super().__init__(detail, field, **extra)


class AllHeld(Refusal):
    """No place is free now, but some are only held; the first may come free at that time."""

    def __init__(self, next_free_at: datetime, field: str | None = None, **extra: Any) -> None:
        detail = "All places that are left are in other baskets; one may come free when a basket runs out."
        super().__init__(detail, field, next_free_at=next_free_at, **extra)


class TooFewLeft(Refusal):
    """Places are free, but fewer than were asked for; at most `room` of them are known to be next to each other."""

    def __init__(
        self,
        places_left: int,
        next_free_at: datetime | None = None,
        *,
        field: str = "$.lines",
        room: int = 0,
        **extra: Any,
    ) -> None:
        self.room = room
        detail = "Fewer places are free than were asked for."
        super().__init__(detail, field, places_left=places_left, next_free_at=next_free_at, **extra)


class NotTogether(Refusal):
    """Enough seats are free, but not next to each other; the basket did not say that this would do."""

    def __init__(self, places_together_max: int) -> None:
        detail = "So many seats next to each other are not free. Ask with `together: false` for any."
        super().__init__(detail, "$.lines", places_together_max=places_together_max)


class Busy(Refusal):
    """Nothing was found within the bounds of one request, and nothing is known to be sold out: try again soon."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("No free place was found at once. Try again in a moment.", retry_after=retry_after)


class TypeSoldOut(SoldOut):
    """The ticket type's own cap is used up: as many were sold of it as are to be sold."""

    def __init__(self, field: str, ticket_type_id: str) -> None:
        super().__init__("This ticket type is sold out.", field, ticket_type_id=ticket_type_id)


class TypeAllHeld(AllHeld):
    """What is left of the ticket type's own cap is in baskets; one may come free at that time."""

    def __init__(self, field: str, ticket_type_id: str, next_free_at: datetime) -> None:
        super().__init__(next_free_at, field, ticket_type_id=ticket_type_id)


class BuyerLimit(Refusal):
    """One person may have so many places of the event, over all orders, and has some of them already."""

    def __init__(self, places_max: int, places_left: int | None = None, next_free_at: datetime | None = None) -> None:
        super().__init__(
            f"One buyer may have at most {places_max} places of this event.",
            "$.lines",
            places_per_buyer_max=places_max,
            places_left=places_left,
            next_free_at=next_free_at,
        )


class VoucherUnknown(Refusal):
    """The event has no such voucher (any more)."""

    def __init__(self) -> None:
        super().__init__("There is no such voucher for this event.", "$.voucher")


class VoucherNotYet(Refusal):
    """The voucher's time has not come."""

    def __init__(self, valid_from: datetime) -> None:
        super().__init__("This voucher cannot be used yet.", "$.voucher", valid_from=valid_from)


class VoucherEnded(Refusal):
    """The voucher's time is over."""

    def __init__(self, valid_until: datetime) -> None:
        super().__init__("This voucher's time is over.", "$.voucher", valid_until=valid_until)


class VoucherNotForThis(Refusal):
    """The voucher is for other ticket types than those of the basket."""

    def __init__(self) -> None:
        super().__init__("This voucher is for other ticket types.", "$.voucher")


class VoucherUsedUp(Refusal):
    """Too few uses of the voucher are left; those in baskets may come back at that time."""

    def __init__(self, uses_left: int, next_free_at: datetime | None = None) -> None:
        super().__init__(
            "This voucher has too few uses left.", "$.voucher", uses_left=uses_left, next_free_at=next_free_at
        )


class VoucherRequired(Refusal):
    """The ticket type is held with a voucher for it."""

    def __init__(self, field: str) -> None:
        super().__init__("This ticket type needs a voucher.", field)


class MembersOnly(Refusal):
    """Only the organiser's members give these away, and only they may name a guest or what is withheld."""

    def __init__(self, field: str) -> None:
        super().__init__("Only the organiser's owner, managers and box office may do this.", field)


class GuestNotHere(Refusal):
    """A guest is named for what is given away, and for nothing that is sold."""

    def __init__(self) -> None:
        super().__init__("A guest can be named for complimentary ticket types only.", "$.guest")


class ZoneUnknown(Refusal):
    """The ticket type's places have no such zone."""

    def __init__(self, field: str) -> None:
        super().__init__("This ticket type sells no such zone.", field)


class AccessibleUnknown(Refusal):
    """The line's places have no wheelchair places, or fewer places were asked for than wheelchair places."""

    def __init__(self, field: str) -> None:
        super().__init__("There are no wheelchair places for this line.", field)


class CompanionAlone(Refusal):
    """Companion seats go with a wheelchair place of the same bay in the same basket."""

    def __init__(self) -> None:
        super().__init__("A companion seat is held together with a wheelchair place beside it.", "$.lines")


class ReplacesAnother(Refusal):
    """The hold to be replaced is one of another event."""

    def __init__(self) -> None:
        super().__init__("A hold is replaced by one of the same event.", "Replaces")


class ReplacesAndWithholding(Refusal):
    """A basket is taken from a withholding or replaces a hold, not both."""

    def __init__(self) -> None:
        super().__init__("What is taken from a withholding replaces no hold.", "Replaces")


class HoldExpired(Refusal):
    """The hold has run out, or somebody else has a place of it."""

    def __init__(self) -> None:
        super().__init__("The hold has run out.")


class HoldExtended(Refusal):
    """The hold's time was prolonged before, which happens once."""

    def __init__(self) -> None:
        super().__init__("The hold's time was prolonged already.")


class HoldUnknown(Refusal):
    """The hold's token speaks of another hold, or of another person's."""

    def __init__(self) -> None:
        super().__init__("There is no such hold.")


class HoldSold(Refusal):
    """The places of the hold are sold: they come back by a refund, not by letting the hold go."""

    def __init__(self) -> None:
        super().__init__("The hold was paid for and cannot be let go.")


class SameRequestInFlight(Refusal):
    """A request with the same Idempotency-Key has not been answered yet."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("A request with this Idempotency-Key is still being answered.", retry_after=retry_after)


class KeyOfAnotherRequest(Refusal):
    """The Idempotency-Key belongs to a request with another body."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for a different request.", "Idempotency-Key")
