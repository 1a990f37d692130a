"""Which word is told of an event: what everybody may buy counts, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import msgspec
import pytest

from contracts.catalog import SeatRun
from services.reservations import use_cases
from services.reservations.domain import SOLD_UNTIL
from services.reservations.domain.waiting_list import WaitingList
from services.reservations.pool_schemas import ChangePool
from services.reservations.repository import left, sale_now, take, waiting_list
from shared.ids import new_id
from tests.integration.reservations.box_left import after, count, sell_out, word
from tests.integration.reservations.box_office import (
    OPENING,
    event,
    general_pool,
    hall_on_sale,
    on_sale,
    rows,
    seated_pool,
    ticket_type,
)
from tests.integration.reservations.waiting_line import manager

telling = import_module("services.reservations.use_cases.telling_left")


@pytest.fixture(autouse=True)
def _nothing_else_is_due() -> None:
    """What other tests have noted is of other events, and counting it here would be theirs."""
    for row in left.due(OPENING + timedelta(days=30)):
        left.settle_due(row)


def test_only_what_everybody_may_buy_counts() -> None:
    pool, reserve = general_pool(50), general_pool(50)
    kind, vip = ticket_type(pool), ticket_type(reserve, "Friends", access="voucher")
    published = event([pool, reserve], [kind, vip])
    use_cases.put_on_sale(published, OPENING)
    sell_out(published, kind, 50, OPENING)
    assert count(published) == "sold-out", "what is kept for vouchers is not for everybody"


def test_an_event_without_a_ticket_for_everybody_is_not_on_sale() -> None:
    pool = general_pool(50)
    published = event([pool], [ticket_type(pool, access="voucher")])
    use_cases.put_on_sale(published, OPENING)
    assert count(published) == "not-on-sale"


def test_a_cap_that_is_reached_sells_out_what_it_caps() -> None:
    pool = general_pool(50)
    kind = ticket_type(pool, places_max=8)
    published = event([pool], [kind])
    use_cases.put_on_sale(published, OPENING)
    sell_out(published, kind, 4, OPENING)
    assert count(published) == "few-left"
    sell_out(published, kind, 4, after(10))
    assert count(published, after(20)) == "sold-out"


def test_a_zone_that_is_sold_out_leaves_the_others() -> None:
    published, kinds = hall_on_sale([*rows("Stalls", "A", 20, 20), *rows("Balcony", "B", 20)])
    sell_out(published, kinds["B"], 20, OPENING)
    assert count(published) is None
    sell_out(published, kinds["A"], 20, after(10))
    sell_out(published, kinds["A"], 18, after(10))
    assert count(published, after(20)) == "few-left"
    sell_out(published, kinds["A"], 2, after(21))
    assert count(published, after(30)) == "sold-out"


def test_wheelchair_places_are_places_and_companion_seats_alone_are_not() -> None:
    runs = [
        SeatRun(section="Stalls", row="A", first=1, last=10, zone="A"),
        SeatRun(section="Stalls", row="B", first=1, last=4, zone="A", accessible=True, companions=(2, 4)),
    ]
    pool = seated_pool(runs)
    kind = ticket_type(pool, zone="A")
    published = event([pool], [kind])
    use_cases.put_on_sale(published, OPENING)
    sell_out(published, kind, 10, OPENING)
    assert count(published) == "few-left"
    bays = sale_now(published.event_id).layouts[pool.pool_id].bays_of(None)
    take(new_id("hld"), {(pool.pool_id, bays[0]): [0, 2]}, SOLD_UNTIL, now=OPENING)
    assert count(published, after(10)) == "sold-out"


def test_a_pool_that_is_closed_is_not_on_sale_until_it_is_opened() -> None:
    published, _ = on_sale(50)
    pool_id = published.pools[0].pool_id
    for closed, expected, seconds in ((True, "not-on-sale", 10), (False, "available", 20)):
        use_cases.steer_pool(pool_id, ChangePool(closed=closed), None, manager(published), OPENING, lambda: 10.0)
        use_cases.follow_left([], [(published.event_id, pool_id)], after(seconds))
        assert word(published) == expected


def test_what_people_wait_for_is_sold_out_for_everybody_else() -> None:
    published, kind = on_sale(50)
    sell_out(published, kind, 45, OPENING)
    which = WaitingList(published.event_id, kind.pool_id, None)
    mark = frozenset({f"{which.pool_id}#"})
    waiting_list.mark_sale(sale_now(published.event_id), after(1), add=mark)
    use_cases.count_due(after(60))
    assert word(published) == "sold-out"
    waiting_list.mark_sale(sale_now(published.event_id), after(61), remove=mark)
    use_cases.count_due(after(120))
    assert word(published) == "available"


def test_a_published_change_is_counted_where_something_was_told() -> None:
    published, kind = on_sale(8)
    sell_out(published, kind, 8, OPENING)
    assert count(published) == "sold-out"
    more = general_pool(50)
    grown = msgspec.structs.replace(
        published, version=2, pools=(*published.pools, more), ticket_types=(kind, ticket_type(more, "New"))
    )
    use_cases.put_on_sale(grown, after(10))
    use_cases.count_due(after(60))
    assert word(published) == "available"
