"""Where reservations keeps its rows, and what Redis may tell about them."""

from services.reservations.repository.blocks import (
    BLOCKS_PER_HOLD_MAX,
    BlocksRefused,
    decision_of,
    let_go,
    look_at,
    prolong,
    sell,
    take,
)
from services.reservations.repository.decisions import pin
from services.reservations.repository.rows import (
    BlockChange,
    BlockRow,
    DecisionRow,
    EventRow,
    PoolRow,
    block_change,
    changed_pool,
)
from services.reservations.repository.sales import event_of_pool, sale_now, sale_of, save_event, save_pool
from services.reservations.repository.vouchers import save_voucher, voucher_of

__all__ = [
    "BLOCKS_PER_HOLD_MAX",
    "BlockChange",
    "BlockRow",
    "BlocksRefused",
    "DecisionRow",
    "EventRow",
    "PoolRow",
    "block_change",
    "changed_pool",
    "decision_of",
    "event_of_pool",
    "let_go",
    "look_at",
    "pin",
    "prolong",
    "sale_now",
    "sale_of",
    "save_event",
    "save_pool",
    "save_voucher",
    "sell",
    "take",
    "voucher_of",
]
