"""The rules of places: how a pool is cut into blocks, which places may be taken, and what may be sold, and when.

Pure: no clock, no storage. Times are arguments; times of holds are whole seconds since 1970, as the blocks keep them.
"""

from services.reservations.domain.baskets import Basket, Sale, check_basket
from services.reservations.domain.bays import choose_accessible, companions_alone, free_bays
from services.reservations.domain.demands import Asking, Demand, Wish
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
from services.reservations.domain.passing import Passing, pass_over
from services.reservations.domain.pools import Tally, grown, last_free, places_of_runs, state_of, tally, with_runs
from services.reservations.domain.quotas import Quota, is_quota, quotas_of, slots_of, uses_of, with_quotas
from services.reservations.domain.slots import (
    CANDIDATES_MAX,
    SOLD_UNTIL,
    WITHHELD_UNTIL,
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
from services.reservations.domain.vouchers import Voucher, check_voucher, spelled, voucher_told

__all__ = [
    "CANDIDATES_MAX",
    "PLACES_PER_BLOCK_MAX",
    "SOLD_UNTIL",
    "WITHHELD_UNTIL",
    "Asking",
    "Basket",
    "Demand",
    "GeneralLayout",
    "Layout",
    "Passing",
    "Place",
    "Quota",
    "Run",
    "Sale",
    "Seat",
    "SeatedLayout",
    "Slots",
    "Taken",
    "Tally",
    "Voucher",
    "Wish",
    "by_block",
    "check_basket",
    "check_voucher",
    "choose_accessible",
    "choose_places",
    "choose_slots",
    "companions_alone",
    "free_bays",
    "free_slots",
    "grown",
    "is_quota",
    "keeps_places",
    "last_free",
    "moment",
    "pass_over",
    "places_of_runs",
    "probe_order",
    "quotas_of",
    "room",
    "slots_of",
    "spelled",
    "state_of",
    "tally",
    "uses_of",
    "voucher_told",
    "with_quotas",
    "with_runs",
]
