"""What catalog publishes becomes what is on sale."""

from __future__ import annotations

from datetime import datetime

from contracts.catalog import EventPublished
from services.reservations import repository
from services.reservations.use_cases.telling_left import recount_told


def put_on_sale(event: EventPublished, now: datetime) -> list[str]:
    """Take over an event and its pools as of their version; older versions and repetitions change nothing.

    The pools come first: an event must not be on sale before its places are. Answers the ids of pools whose published
    shape would move or take away places that may be sold, and which therefore stay as they were.
    """
    kept = [pool.pool_id for pool in event.pools if not repository.save_pool(pool, event.event_id, event.version, now)]
    if repository.save_event(event, now):
        recount_told(event.event_id, now)
    return kept
