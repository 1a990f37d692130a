"""Buyers racing for the last of a limit, a buyer racing himself, and changes of a hold racing time and others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from contracts.catalog import EventPublished, TicketType
from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.repository import BlockRow, blocks, caching, look_at
from services.reservations.schemas import HoldView
from shared.data.errors import Unavailable
from shared.ids import new_id, raw_bytes
from tests.fault.reservations.racing import at_once
from tests.integration.reservations.box_limits import ME, ask, buyers, limited, line, slots, token_of, used, voucher
from tests.integration.reservations.box_office import OPENING, general_pool, hold, on_sale, ticket_type, where

SOON, LATE = OPENING + timedelta(seconds=60), OPENING + timedelta(seconds=601)
RACERS = 16


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    caching.forget()


def race(*calls: Callable[[], HoldView]) -> tuple[list[HoldView], list[str]]:
    """Let all of them loose at once; the holds that were made, and why the others were not."""
    held: list[HoldView] = []
    why: list[str] = []
    lock = threading.Lock()

    def one(call: Callable[[], HoldView]) -> None:
        try:
            made = call()
        except (refusals.Refusal, Unavailable) as refusal:
            with lock:
                why.append(type(refusal).__name__)
        else:
            with lock:
                held.append(made)

    at_once([lambda call=call: one(call) for call in calls])  # type: ignore[misc]
    return held, why


def capped(places_max: int, **limits: int) -> tuple[EventPublished, TicketType]:
    pool = general_pool(200)
    kind = ticket_type(pool, places_max=places_max)
    return limited([pool], [kind], **limits), kind


def doubled(held: list[HoldView]) -> int:
    """How many slots two of the holds share, of places or limits."""
    every = [slot for one in held for slot in slots(one)]
    return len(every) - len(set(every))


def without_the_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard removed: a write that takes whatever it finds."""
    anything = BlockRow.pk.exists() | BlockRow.pk.does_not_exist()
    monkeypatch.setattr(blocks, "_is_free", lambda slot, now, own: anything)


@pytest.mark.usefixtures("redis_or_none")
def test_the_last_slot_of_a_cap_has_one_buyer() -> None:
    published, kind = capped(26)
    hold(published, kind, 25)
    held, why = race(*[lambda: hold(published, kind, 1)] * RACERS)
    assert len(held) == 1
    assert set(why) <= {"TypeAllHeld", "Busy", "Unavailable"}
    assert used(kind.ticket_type_id, 26) == used(published.pools[0].pool_id, 200) == 26


def test_control_without_the_condition_a_cap_is_passed(no_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = capped(26)
    hold(published, kind, 25)
    without_the_condition(monkeypatch)
    held, _ = race(*[lambda: hold(published, kind, 1)] * RACERS)
    assert len(held) > 1
    assert doubled(held) > 0


@pytest.mark.usefixtures("redis_or_none")
def test_a_buyer_who_races_himself_stays_within_his_limit() -> None:
    published, kind = capped(150, places_per_buyer_max=5)
    held, why = race(*[lambda: hold(published, kind, 2, person_id=ME)] * 8)
    assert len(held) <= 2
    assert doubled(held) == 0
    assert set(why) <= {"BuyerLimit", "Busy", "Unavailable"}
    assert used(buyers(published, ME), 5) == sum(len(one.places) for one in held)
    if len(held) < 2:
        again, _ = race(*[lambda: hold(published, kind, 2, person_id=ME)] * (2 - len(held)))
        assert doubled(held + again) == 0
    with pytest.raises(refusals.BuyerLimit) as refused:
        hold(published, kind, 2, person_id=ME)
    assert refused.value.extra["places_left"] == 5 - used(buyers(published, ME), 5)


def test_control_without_the_condition_a_buyer_outruns_himself(no_redis: None, monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind = capped(150, places_per_buyer_max=5)
    without_the_condition(monkeypatch)
    held, _ = race(*[lambda: hold(published, kind, 2, person_id=ME)] * 8)
    assert sum(len(one.places) for one in held) > 5


@pytest.mark.usefixtures("redis_or_none")
@pytest.mark.parametrize("uses_max", [3, 30])
def test_a_voucher_is_used_as_often_as_it_may_be(uses_max: int) -> None:
    published, kind = capped(150)
    told = voucher(published, uses_max=uses_max)
    request = ask(published, line(kind, 1), voucher="SPRING")
    for _ in range(uses_max - 2):
        use_cases.place_hold(request, new_id("per"), None, OPENING)
    held, why = race(*[lambda: use_cases.place_hold(request, new_id("per"), None, OPENING)] * RACERS)
    assert len(held) <= 2
    assert doubled(held) == 0
    assert set(why) <= {"VoucherUsedUp", "Busy", "Unavailable"}
    assert used(told.voucher_id, uses_max) == uses_max - 2 + len(held)


def changes(published: EventPublished, kind: TicketType, old: HoldView, quantity: int, when: datetime) -> HoldView:
    return use_cases.place_hold(ask(published, line(kind, quantity)), ME, None, when, replaces=token_of(old))


@pytest.mark.usefixtures("redis_or_none")
@pytest.mark.parametrize("quantity", [2, 4, 6])
def test_a_basket_changed_while_others_come_gives_no_place_twice_and_loses_none(quantity: int) -> None:
    published, kind = on_sale(8)
    old = hold(published, kind, 4, person_id=ME)
    held, _ = race(lambda: changes(published, kind, old, quantity, SOON), *[lambda: hold(published, kind, 2, SOON)] * 4)
    assert doubled(held) == 0
    changed = [one for one in held if token_of(one).person_id == ME]
    owners = owned(published)
    if changed:
        assert raw_bytes(old.hold_id) not in owners
    else:
        assert owners[raw_bytes(old.hold_id)] == 4
    for one in held:
        assert owners[raw_bytes(one.hold_id)] == len(one.places)


def owned(published: EventPublished) -> dict[bytes, int]:
    """How many places each hold has."""
    pool = published.pools[0]
    count: dict[bytes, int] = {}
    for taken in look_at([(pool.pool_id, 0)])[pool.pool_id, 0].values():
        count[taken.hold] = count.get(taken.hold, 0) + 1
    return count


@pytest.mark.usefixtures("redis_or_none")
def test_a_hold_is_replaced_once_whoever_asks() -> None:
    published, kind = on_sale(3)
    old = hold(published, kind, 3, person_id=ME)
    held, why = race(*[lambda: changes(published, kind, old, 3, SOON)] * 4)
    assert len(held) == 1
    assert set(why) <= {"AllHeld", "TooFewLeft", "Busy"}
    assert owned(published) == {raw_bytes(held[0].hold_id): 3}


@pytest.mark.usefixtures("redis_or_none")
def test_a_replacement_at_the_last_second_races_those_who_take_the_places_over() -> None:
    published, kind = on_sale(4)
    old = hold(published, kind, 4, person_id=ME)
    # For a process whose clock is a second ahead the hold has run out, and so has what replaces it: it keeps the time.
    held, why = race(
        lambda: changes(published, kind, old, 3, LATE - timedelta(seconds=1)),
        lambda: hold(published, kind, 4, LATE),
    )
    assert set(why) <= {"AllHeld", "TooFewLeft", "Busy"}
    rival = next(one for one in held if token_of(one).person_id != ME)
    assert owned(published) == {raw_bytes(rival.hold_id): 4}


@pytest.mark.usefixtures("redis_or_none")
def test_an_extension_at_the_last_second_races_those_who_take_the_places_over() -> None:
    published, kind = on_sale(40)
    outcomes = set()
    for _ in range(6):
        old = hold(published, kind, 40, person_id=ME)
        last = old.expires_at

        def extend(old: HoldView = old, last: datetime = last) -> HoldView:
            return use_cases.extend_hold(old.hold_id, token_of(old), ME, last)

        def take(last: datetime = last) -> HoldView:
            return hold(published, kind, 40, last + timedelta(seconds=1))

        held, _ = race(extend, take)
        assert len(held) == 1, "one of both has all places"
        outcomes.add(held[0].extended)
        pool_id = published.pools[0].pool_id
        seen = look_at([(pool_id, 0), (pool_id, 1)])
        owners = {taken.hold for taken_slots in seen.values() for taken in taken_slots.values()}
        assert owners == {raw_bytes(held[0].hold_id)}
        use_cases.release_hold(held[0].hold_id, token_of(held[0]), token_of(held[0]).person_id, last)
    assert outcomes


def test_control_an_extension_that_forgets_the_condition_takes_places_from_others(
    no_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    published, kind = on_sale(4)
    old = hold(published, kind, 4, person_id=ME)
    new = hold(published, kind, 4, LATE)
    assert where(new) == where(old)
    with pytest.raises(refusals.HoldExpired):
        use_cases.extend_hold(old.hold_id, token_of(old), ME, LATE - timedelta(seconds=1))
    anything = BlockRow.pk.exists() | BlockRow.pk.does_not_exist()
    monkeypatch.setattr(blocks, "_is_held", lambda slot, hold, until: anything)
    use_cases.extend_hold(old.hold_id, token_of(old), ME, LATE - timedelta(seconds=1))
    assert owned(published) == {raw_bytes(old.hold_id): 4}
