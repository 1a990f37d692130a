"""The read model in SQL."""

from services.reporting.repository.figures import (
    TABLES,
    empty,
    event_report,
    is_ready,
    keep_admission,
    keep_event,
    keep_refund,
    keep_sale,
    organiser_of,
    sales,
)
from services.reporting.repository.pools import keep_pool

__all__ = [
    "TABLES",
    "empty",
    "event_report",
    "is_ready",
    "keep_admission",
    "keep_event",
    "keep_pool",
    "keep_refund",
    "keep_sale",
    "organiser_of",
    "sales",
]
