"""Whatever was written is on everybody's page within two seconds, whichever process wrote it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations import repository, use_cases
from services.reservations.pool_schemas import AddWithholding, ChangePool
from services.reservations.repository import caching
from services.reservations.schemas import Availability, PoolAvailability
from tests.integration.reservations.box_office import OPENING, hold, on_sale, paid
from tests.integration.reservations.test_pools import member

pytestmark = pytest.mark.usefixtures("redis_or_none")

# When the writes happen: late in a second whose document is kept already.
WRITTEN = OPENING + timedelta(milliseconds=900)


def page(published: EventPublished, milliseconds: int) -> PoolAvailability:
    """What the pages show so long after the opening."""
    raw = use_cases.availability(published.event_id, OPENING + timedelta(milliseconds=milliseconds))
    return msgspec.json.decode(raw, type=Availability).pools[0]


def a_hold(published: EventPublished, kind: TicketType) -> None:
    hold(published, kind, 4, WRITTEN)


def a_sale(published: EventPublished, kind: TicketType) -> None:
    use_cases.answer_paid_order(paid(published, hold(published, kind, 4, WRITTEN)), WRITTEN)


def a_larger_pool(published: EventPublished, kind: TicketType) -> None:
    steer(published, ChangePool(capacity=70))


def a_smaller_pool(published: EventPublished, kind: TicketType) -> None:
    steer(published, ChangePool(capacity=50))


def a_closed_pool(published: EventPublished, kind: TicketType) -> None:
    steer(published, ChangePool(closed=True))


def a_withholding(published: EventPublished, kind: TicketType) -> None:
    asked = AddWithholding(pool_id=kind.pool_id, name="House", quantity=5)
    use_cases.add_withholding(published.event_id, asked, None, member(published), WRITTEN, lambda: 30.0)


def steer(published: EventPublished, change: ChangePool) -> None:
    use_cases.steer_pool(published.pools[0].pool_id, change, None, member(published), WRITTEN, lambda: 30.0)


SHOWN: dict[Callable[[EventPublished, TicketType], None], tuple[int, int, int, int, bool]] = {
    a_hold: (60, 56, 4, 0, False),
    a_sale: (60, 56, 0, 0, False),
    a_larger_pool: (70, 70, 0, 0, False),
    a_smaller_pool: (50, 50, 0, 0, False),
    a_closed_pool: (60, 60, 0, 0, True),
    a_withholding: (60, 55, 0, 5, False),
}


def numbers(pool: PoolAvailability) -> tuple[int, int, int, int, bool]:
    return pool.capacity, pool.free, pool.held, pool.withheld, pool.closed


def written_elsewhere(write: Callable[[EventPublished, TicketType], None]) -> EventPublished:
    """A write by another process, about which this one, which has the event and its page in memory, hears nothing."""
    published, kind = on_sale(60)
    assert numbers(page(published, 100)) == (60, 60, 0, 0, False)
    known = repository.sale_of(published.event_id, OPENING)
    write(published, kind)
    caching.sales.put(published.event_id, known, OPENING.timestamp() + 5)
    assert numbers(page(published, 950)) == (60, 60, 0, 0, False)
    return published


@pytest.mark.parametrize("write", SHOWN, ids=lambda write: write.__name__)
def test_a_write_is_on_the_page_from_the_next_second_on(
    write: Callable[[EventPublished, TicketType], None],
) -> None:
    published = written_elsewhere(write)
    # With the second that the edge and browsers keep it, that makes less than two.
    assert numbers(page(published, 1000)) == SHOWN[write]


def test_a_page_that_went_by_what_its_process_remembers_would_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: with the holds' view of the event, which may be five seconds old, it is found out."""
    monkeypatch.setattr(repository, "sale_now", lambda event_id: repository.sale_of(event_id, OPENING))
    published = written_elsewhere(a_closed_pool)
    assert numbers(page(published, 1000)) != SHOWN[a_closed_pool]
