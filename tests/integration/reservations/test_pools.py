"""Pools while they are on sale: larger, smaller, closed, and with more seats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from contracts.catalog import EventPublished
from services.reservations import repository, use_cases
from services.reservations.domain import WITHHELD_UNTIL, refusals
from services.reservations.pool_schemas import ChangePool, PoolView, RunAdded
from services.reservations.repository import caching, off_sale
from services.reservations.repository import pools as pool_rows
from services.reservations.use_cases import pools as steering
from shared.auth import Identity
from shared.http import Forbidden, NotFound, PreconditionFailed
from shared.ids import new_id, raw_bytes
from tests.integration.reservations.box_office import (
    OPENING,
    hall_on_sale,
    hold,
    on_sale,
    paid,
    rows,
    ticket_type,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")


def identity(roles: dict[str, str]) -> Identity:
    return Identity(person_id=new_id("per"), session_id=new_id("ses"), email="m@example.org", name="M", roles=roles)


def member(published: EventPublished, role: str = "manager") -> Identity:
    return identity({published.organiser_id: role})


def pools(published: EventPublished, seconds: int = 0) -> list[PoolView]:
    return use_cases.list_pools(published.event_id, member(published), OPENING + timedelta(seconds=seconds))


def steer(
    published: EventPublished, version: int | None = None, *, seconds: int = 0, seconds_left: float = 30.0, **asked: Any
) -> PoolView:
    return use_cases.steer_pool(
        published.pools[0].pool_id,
        ChangePool(**asked),
        version,
        member(published),
        OPENING + timedelta(seconds=seconds),
        lambda: seconds_left,
    )


def given_up(published: EventPublished) -> int:
    """What the blocks say, whatever the row does."""
    pool_id = published.pools[0].pool_id
    row = pool_rows.pool(pool_id)
    assert row is not None
    seen = repository.look_at((pool_id, number) for number in range(row.layout().blocks))
    return sum(taken == (raw_bytes(pool_id), WITHHELD_UNTIL) for slots in seen.values() for taken in slots.values())


def numbers(view: PoolView) -> tuple[int, int, int, int, int]:
    assert view.capacity == view.sold + view.held + view.withheld + view.free
    return view.capacity, view.sold, view.held, view.withheld, view.free


def test_a_pool_says_what_its_places_are() -> None:
    published, kind = on_sale(60)
    hold(published, kind, 4)
    use_cases.answer_paid_order(paid(published, hold(published, kind, 10)), OPENING)
    assert [numbers(view) for view in pools(published)] == [(60, 10, 4, 0, 46)]
    assert [numbers(view) for view in pools(published, 601)] == [(60, 10, 0, 0, 50)]


def test_only_members_see_pools_and_only_owners_and_managers_change_them() -> None:
    published, _ = on_sale(60)
    stranger = identity({new_id("org"): "owner"})
    with pytest.raises(NotFound):
        use_cases.list_pools(published.event_id, stranger, OPENING)
    with pytest.raises(Forbidden):
        use_cases.list_pools(published.event_id, member(published, "scanner"), OPENING)
    pool_id = published.pools[0].pool_id
    change = ChangePool(capacity=61)
    for caller, refusal in ((stranger, NotFound), (member(published, "box_office"), Forbidden)):
        with pytest.raises(refusal):
            use_cases.steer_pool(pool_id, change, None, caller, OPENING, lambda: 30.0)
    with pytest.raises(refusals.PoolUnknown):
        use_cases.steer_pool(new_id("pol"), change, None, member(published), OPENING, lambda: 30.0)
    assert numbers(pools(published)[0]) == (60, 0, 0, 0, 60)


def test_a_pool_grows_while_it_is_sold_out() -> None:
    published, kind = on_sale(30)
    hold(published, kind, 30)
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1)
    assert numbers(steer(published, capacity=33)) == (33, 0, 30, 0, 3)
    assert len(hold(published, kind, 3).places) == 3
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1, OPENING + timedelta(seconds=2))


def test_a_pool_shrinks_by_free_places_from_its_end_and_grows_again_by_new_ones() -> None:
    published, kind = on_sale(100)
    hold(published, kind, 10)
    view = steer(published, capacity=40)
    assert (view.complete, numbers(view)) == (True, (40, 0, 10, 0, 30))
    assert given_up(published) == 60
    assert sum(len(hold(published, kind, 10).places) for _ in range(3)) == 30
    with pytest.raises(refusals.AllHeld):
        hold(published, kind, 1, OPENING + timedelta(seconds=2))
    assert numbers(steer(published, capacity=45)) == (45, 0, 40, 0, 5)
    assert given_up(published) == 60
    assert len(hold(published, kind, 5).places) == 5


def test_a_pool_never_shrinks_below_what_is_sold_and_held() -> None:
    published, kind = on_sale(100)
    use_cases.answer_paid_order(paid(published, hold(published, kind, 20)), OPENING)
    hold(published, kind, 15)
    with pytest.raises(refusals.BelowSold) as refused:
        steer(published, capacity=34)
    assert refused.value.extra == {"capacity_min": 35, "sold": 20, "held": 15, "withheld": 0}
    assert pools(published)[0].version == 1
    assert numbers(steer(published, capacity=35)) == (35, 20, 15, 0, 0)


def test_what_one_request_may_not_do_the_next_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(2000)
    hold(published, kind, 10)
    monkeypatch.setattr(steering, "WRITTEN_BLOCKS_MAX", 20)
    view = steer(published, 1, capacity=100)
    steps = 0
    while not view.complete:
        assert view.capacity == 2000 - given_up(published)
        assert view.capacity_wanted == 100
        # By the version that was answered, or by the old one, as somebody does who heard no answer.
        view = steer(published, view.version if steps % 2 else 1, capacity=100)
        steps += 1
        assert steps < 10
    assert steps >= 3
    assert (numbers(view), given_up(published)) == ((100, 0, 10, 0, 90), 1900)


def test_a_request_that_is_out_of_time_stops_and_says_so() -> None:
    published, _ = on_sale(100)
    view = steer(published, capacity=40, seconds_left=1.0)
    assert (view.complete, view.capacity, view.capacity_wanted) == (False, 100, 40)
    assert steer(published, capacity=40).complete


def test_places_in_baskets_are_given_up_when_the_baskets_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = on_sale(50)
    hold(published, kind, 10)
    # As for a pool too large to be counted beforehand.
    monkeypatch.setattr(steering, "is_counted", lambda layout: False)
    view = steer(published, 1, capacity=5)
    assert (view.complete, numbers(view)) == (False, (10, 0, 10, 0, 0))
    assert not steer(published, 1, capacity=5).complete
    view = steer(published, 1, seconds=601, capacity=5)
    assert (view.complete, numbers(view)) == (True, (5, 0, 0, 0, 5))


def test_a_change_needs_the_version_that_was_read_unless_it_is_done_already() -> None:
    published, _ = on_sale(60)
    view = steer(published, 1, capacity=50)
    assert steer(published, 1, capacity=50) == view
    assert steer(published, 99, capacity=50) == view
    with pytest.raises(PreconditionFailed):
        steer(published, 1, capacity=51)
    assert steer(published, view.version, closed=True).closed
    with pytest.raises(PreconditionFailed):
        steer(published, view.version, capacity=51)


def test_a_closed_pool_sells_nothing_until_it_is_opened() -> None:
    published, kind = on_sale(60)
    held = hold(published, kind, 2)
    assert steer(published, closed=True).closed
    with pytest.raises(refusals.PoolClosed) as refused:
        hold(published, kind, 1)
    assert refused.value.field == "$.lines[0].ticket_type_id"
    # Who holds places already may still buy them.
    use_cases.answer_paid_order(paid(published, held), OPENING)
    steer(published, closed=False)
    assert numbers(pools(published)[0]) == (60, 2, 0, 0, 58)
    assert len(hold(published, kind, 1).places) == 1


def test_another_process_sees_a_closed_pool_within_seconds() -> None:
    published, kind = on_sale(60)
    hold(published, kind, 2)
    known = repository.sale_of(published.event_id, OPENING)
    steer(published, closed=True)
    caching.sales.put(published.event_id, known, OPENING.timestamp() + repository.sales.SALE_SECONDS)
    hold(published, kind, 1)
    with pytest.raises(refusals.PoolClosed):
        hold(published, kind, 1, OPENING + timedelta(seconds=5))


def test_seats_are_added_behind_those_that_are_there() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 10, 10))
    hold(published, kinds["A"], 3)
    more = (
        RunAdded(section="Stalls", row="C", first=1, last=6, zone="A"),
        RunAdded(section="Stalls", row="D", first=1, last=3, zone="A", accessible=True, companions=(2,)),
    )
    view = steer(published, 1, add_runs=more)
    assert numbers(view) == (29, 0, 3, 0, 26)
    assert steer(published, 1, add_runs=more) == view
    assert steer(published, 99, add_runs=more[:1]) == view
    held = hold(published, kinds["A"], 6)
    assert len(held.places) == 6


@pytest.mark.parametrize(
    ("run", "field"),
    [
        ({"row": "A", "first": 10, "last": 12}, "$.add_runs[0]"),
        ({"row": "C", "first": 5, "last": 4}, "$.add_runs[0].last"),
        ({"row": "C", "first": 1, "last": 4, "zone": "Z"}, "$.add_runs[0].zone"),
        ({"row": "C", "first": 1, "last": 4, "companions": (1,)}, "$.add_runs[0].companions"),
        ({"row": "C", "first": 1, "last": 4, "accessible": True, "companions": (5,)}, "$.add_runs[0].companions"),
        ({"row": "C", "first": 1, "last": 2, "accessible": True, "companions": (1, 2)}, "$.add_runs[0].companions"),
    ],
)
def test_seats_that_cannot_be_are_refused_by_name(run: dict[str, Any], field: str) -> None:
    published, _ = hall_on_sale(rows("Stalls", "A", 10, 10))
    with pytest.raises(refusals.RunRefused) as refused:
        steer(published, add_runs=(RunAdded(**{"section": "Stalls", "zone": "A", **run}),))
    assert refused.value.field == field
    assert pools(published)[0].version == 1


def test_what_is_not_for_that_kind_of_pool_is_refused() -> None:
    published, _ = hall_on_sale(rows("Stalls", "A", 10))
    with pytest.raises(refusals.WrongKind) as refused:
        steer(published, capacity=5)
    assert refused.value.field == "$.capacity"
    published, _ = on_sale(10)
    with pytest.raises(refusals.WrongKind) as refused:
        steer(published, add_runs=(RunAdded(section="S", row="A", first=1, last=2, zone="A"),))
    assert refused.value.field == "$.add_runs"


def test_a_pool_has_an_end() -> None:
    published, _ = on_sale(10)
    row = pool_rows.pool(published.pools[0].pool_id)
    assert row is not None
    row.shrunk, row.capacity = 1_500_000, 1_900_000
    with pytest.raises(refusals.PoolFull):
        steering._changed_layout(row, ChangePool(capacity=1_000_000), repository.sale_of(published.event_id, OPENING))


def test_catalog_leaves_a_steered_pool_alone() -> None:
    published, _ = on_sale(60)
    steer(published, capacity=80)
    assert use_cases.put_on_sale(msgspec.structs.replace(published, version=2), OPENING) == []
    assert numbers(pools(published)[0]) == (80, 0, 0, 0, 80)


def test_a_crash_in_the_middle_leaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    published, _ = on_sale(3000)
    write, count = off_sale.withhold, iter(range(100))

    def crash_after_two(*args: Any) -> None:
        if next(count) == 2:
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(off_sale, "withhold", crash_after_two)
    with pytest.raises(KeyboardInterrupt):
        steer(published, 1, capacity=100)
    caching.forget()
    view = pools(published)[0]
    assert (view.complete, view.capacity_wanted) == (False, 100)
    assert view.capacity == 3000 - given_up(published) < 3000
    view = steer(published, 1, capacity=100)
    assert (view.complete, view.capacity, given_up(published)) == (True, 100, 2900)


def test_ticket_types_of_a_pool_share_what_is_left() -> None:
    published, kind = on_sale(60)
    other = ticket_type(published.pools[0], "Reduced")
    steer(published, capacity=20)
    assert other.pool_id == kind.pool_id
    assert numbers(pools(published)[0]) == (20, 0, 0, 0, 20)
