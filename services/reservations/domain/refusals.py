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


class PlacesTaken(Refusal):
    """Somebody was faster: these of the chosen seats are held or sold."""

    def __init__(self, taken: Sequence[dict[str, str]]) -> None:
        super().__init__("Somebody else has some of these seats.", "$.lines", taken=list(taken))


class SoldOut(Refusal):
    """Every place was looked at, and all are sold."""

    def __init__(self) -> None:
        super().__init__("All these places are sold.")


class AllHeld(Refusal):
    """No place is free now, but some are only held; the first may come free at that time."""

    def __init__(self, next_free_at: datetime) -> None:
        detail = "All places that are left are in other baskets; one may come free when a basket runs out."
        super().__init__(detail, next_free_at=next_free_at)


class TooFewLeft(Refusal):
    """Places are free, but fewer than were asked for."""

    def __init__(self, places_left: int, next_free_at: datetime | None = None) -> None:
        super().__init__(
            "Fewer places are free than were asked for.", "$.lines", places_left=places_left, next_free_at=next_free_at
        )


class NotTogether(Refusal):
    """Enough seats are free, but not next to each other; the basket did not say that this would do."""

    def __init__(self, places_together_max: int) -> None:
        detail = "So many seats next to each other are not free. Ask with `together: false` for any."
        super().__init__(detail, "$.lines", places_together_max=places_together_max)


class Busy(Refusal):
    """Nothing was found within the bounds of one request, and nothing is known to be sold out: try again soon."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__("No free place was found at once. Try again in a moment.", retry_after=retry_after)


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
