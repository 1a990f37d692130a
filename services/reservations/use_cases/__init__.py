"""One function for each thing that a person or a message asks of reservations."""

from services.reservations.use_cases.availability import availability
from services.reservations.use_cases.blocks_changed import correct_hints
from services.reservations.use_cases.events import put_on_sale
from services.reservations.use_cases.holds import AUDIENCE, place_hold, release_hold, show_hold
from services.reservations.use_cases.paid_orders import (
    answer_paid_order,
    forget_cancelled_order,
    take_back_refunded_order,
)

__all__ = [
    "AUDIENCE",
    "answer_paid_order",
    "availability",
    "correct_hints",
    "forget_cancelled_order",
    "place_hold",
    "put_on_sale",
    "release_hold",
    "show_hold",
    "take_back_refunded_order",
]
