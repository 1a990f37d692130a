"""One function for each thing that a person or a message asks of reservations."""

from services.reservations.use_cases.availability import availability
from services.reservations.use_cases.blocks_changed import correct_hints
from services.reservations.use_cases.changing import extend_hold
from services.reservations.use_cases.events import put_on_sale
from services.reservations.use_cases.holds import AUDIENCE, place_hold, release_hold, show_hold
from services.reservations.use_cases.offering import (
    offer_changed_pools,
    offer_freed_places,
    serve_every_list,
    serve_list,
)
from services.reservations.use_cases.paid_orders import (
    answer_paid_order,
    forget_cancelled_order,
    take_back_refunded_order,
)
from services.reservations.use_cases.pools import LOOKERS as POOL_LOOKERS
from services.reservations.use_cases.pools import STEERERS as POOL_STEERERS
from services.reservations.use_cases.pools import list_pools, steer_pool
from services.reservations.use_cases.telling_left import count_due, follow_left
from services.reservations.use_cases.vouchers import take_in_voucher
from services.reservations.use_cases.waiting_list import (
    join_waiting_list,
    leave_waiting_list,
    waiting_list_entries,
)
from services.reservations.use_cases.waiting_room_numbers import take_number
from services.reservations.use_cases.waiting_room_passes import (
    check_pass,
    has_waiting_room,
    note_bought,
    note_hold,
    note_refused,
    take_pass,
)
from services.reservations.use_cases.waiting_room_settings import change_room, control_room, set_up_room
from services.reservations.use_cases.waiting_room_status import status as waiting_room_status
from services.reservations.use_cases.withholdings import (
    WITHHOLDERS,
    add_withholding,
    change_withholding,
    end_withholding,
    list_withholdings,
)

__all__ = [
    "AUDIENCE",
    "POOL_LOOKERS",
    "POOL_STEERERS",
    "WITHHOLDERS",
    "add_withholding",
    "answer_paid_order",
    "availability",
    "change_room",
    "change_withholding",
    "check_pass",
    "control_room",
    "correct_hints",
    "count_due",
    "end_withholding",
    "extend_hold",
    "follow_left",
    "forget_cancelled_order",
    "has_waiting_room",
    "join_waiting_list",
    "leave_waiting_list",
    "list_pools",
    "list_withholdings",
    "note_bought",
    "note_hold",
    "note_refused",
    "offer_changed_pools",
    "offer_freed_places",
    "place_hold",
    "put_on_sale",
    "release_hold",
    "serve_every_list",
    "serve_list",
    "set_up_room",
    "show_hold",
    "steer_pool",
    "take_back_refunded_order",
    "take_in_voucher",
    "take_number",
    "take_pass",
    "waiting_list_entries",
    "waiting_room_status",
]
