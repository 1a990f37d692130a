"""The rules of places: how a pool is cut into blocks, which places may be taken, and what may be sold, and when.

Pure: no clock, no storage. Times are arguments; times of holds are whole seconds since 1970, as the blocks keep them.
"""

from services.reservations.domain.baskets import Basket, Demand, Sale, Wish, check_basket
from services.reservations.domain.layouts import (
    PLACES_PER_BLOCK_MAX,
    GeneralLayout,
    Layout,
    Place,
    Run,
    Seat,
    SeatedLayout,
    keeps_places,
)
from services.reservations.domain.slots import (
    SOLD_UNTIL,
    Slots,
    Taken,
    by_block,
    choose_places,
    choose_slots,
    free_slots,
    moment,
    probe_order,
    room,
)

__all__ = [
    "PLACES_PER_BLOCK_MAX",
    "SOLD_UNTIL",
    "Basket",
    "Demand",
    "GeneralLayout",
    "Layout",
    "Place",
    "Run",
    "Sale",
    "Seat",
    "SeatedLayout",
    "Slots",
    "Taken",
    "Wish",
    "by_block",
    "check_basket",
    "choose_places",
    "choose_slots",
    "free_slots",
    "keeps_places",
    "moment",
    "probe_order",
    "room",
]
