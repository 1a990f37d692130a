"""Waiting lists on real parts: joining, offers in order, answers, and what the public may have meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest

from contracts.catalog import EventPublished, TicketType
from contracts.reservations import PlacesOffered
from contracts.sale import Buyer
from services.reservations import repository, use_cases
from services.reservations.announcements import BUILDERS
from services.reservations.domain import SOLD_UNTIL
from services.reservations.domain.refusals import HoldSold, SoldOut, TooManyPlaces
from services.reservations.domain.waiting_list import (
    ANSWER_SECONDS,
    AlreadyWaiting,
    EntryUnknown,
    NotSoldOut,
    WaitingList,
    WaitingListFull,
)
from services.reservations.pool_schemas import ChangePool
from services.reservations.repository import caching, pools, waiting_list
from services.reservations.repository.rows import block_change
from services.reservations.schemas import HoldView
from services.reservations.stream import changed_pools
from services.reservations.waiting_list_schemas import EntryView, JoinWaitingList
from shared.auth import Identity
from shared.data import plain
from shared.ids import new_id
from tests.integration.reservations.box_office import (
    OPENING,
    event,
    general_pool,
    hall_on_sale,
    hold,
    on_sale,
    paid,
    refunded,
    rows,
    ticket_type,
)

pytestmark = pytest.mark.usefixtures("redis_or_none")

LATER = OPENING + timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


def person(number: int = 0) -> Buyer:
    """Somebody who waits."""
    return Buyer(person_id=new_id("per"), email=f"fan{number}@example.org", name=f"Fan {number}")


def sold_out(capacity: int, **options: int) -> tuple[EventPublished, TicketType, list[HoldView]]:
    """An event whose every place is sold, one to an order."""
    published, kind = on_sale(capacity, **options)
    holds = [hold(published, kind, 1) for _ in range(capacity)]
    for one in holds:
        use_cases.answer_paid_order(paid(published, one), OPENING)
    return published, kind, holds


def free(published: EventPublished, held: HoldView, now: datetime) -> None:
    """A sold place comes back, by a refund."""
    use_cases.take_back_refunded_order(refunded(paid(published, held), held.places, was_confirmed=True), now)


def join(published: EventPublished, kind: TicketType, buyer: Buyer, now: datetime, quantity: int = 1) -> EntryView:
    wish = JoinWaitingList(ticket_type_id=kind.ticket_type_id, quantity=quantity)
    return use_cases.join_waiting_list(published.event_id, wish, buyer, now)


def entry(published: EventPublished, buyer: Buyer, now: datetime) -> EntryView:
    [found] = use_cases.waiting_list_entries(published.event_id, buyer.person_id, now)
    return found


def serve(published: EventPublished, now: datetime) -> int:
    """What the schedule does for an event, in a process that has just started."""
    caching.forget()
    return sum(use_cases.serve_list(which, now) for which in waiting_list.open_lists(published.event_id))


def states(published: EventPublished, buyers: list[Buyer], now: datetime) -> list[str]:
    return [entry(published, buyer, now).state for buyer in buyers]


def test_who_joins_is_offered_what_comes_free_and_buys_it() -> None:
    published, kind, [first, *_] = sold_out(3)
    fan = person()
    assert join(published, kind, fan, LATER).state == "waiting"
    assert serve(published, LATER) == 0

    free(published, first, LATER)
    assert serve(published, LATER + MINUTE) == 1
    offered = entry(published, fan, LATER + MINUTE)
    assert offered.state == "offered"
    assert offered.expires_at == LATER + MINUTE + timedelta(seconds=ANSWER_SECONDS)
    assert [(one.block, one.slot) for one in offered.places] == [(one.block, one.slot) for one in first.places]
    assert offered.hold_token is not None

    bought = HoldView(
        hold_id=waiting_list.persons_entries(published.event_id, fan.person_id)[0].entry.hold_id,
        event_id=published.event_id,
        state="held",
        expires_at=offered.expires_at or LATER,
        places=offered.places,
        total=offered.total or first.total,
        hold_token=offered.hold_token,
    )
    use_cases.answer_paid_order(paid(published, bought), LATER + 2 * MINUTE)
    assert entry(published, fan, LATER + 2 * MINUTE).state == "taken"
    with pytest.raises(HoldSold):
        use_cases.leave_waiting_list(published.event_id, offered.entry_id, fan.person_id, LATER + 2 * MINUTE)
    assert serve(published, LATER + 3 * MINUTE) == 0
    assert entry(published, fan, LATER + 3 * MINUTE).state == "taken"


def test_nobody_waits_for_what_is_free() -> None:
    published, kind = on_sale(4)
    with pytest.raises(NotSoldOut) as refused:
        join(published, kind, person(), LATER)
    assert refused.value.extra["places_left"] == 4
    with pytest.raises(TooManyPlaces) as too_many:
        join(published, kind, person(), LATER, quantity=1000)
    assert too_many.value.field == "$.quantity"


def test_what_is_in_baskets_alone_can_be_waited_for_and_is_offered_when_they_run_out() -> None:
    published, kind = on_sale(2, hold_seconds=600)
    hold(published, kind, 2)
    fan = person()
    join(published, kind, fan, LATER)
    assert serve(published, LATER) == 0
    assert serve(published, OPENING + timedelta(seconds=602)) == 1
    assert entry(published, fan, OPENING + timedelta(seconds=602)).state == "offered"


def test_ten_who_wait_are_served_in_the_order_in_which_they_came() -> None:
    published, kind, holds = sold_out(10)
    fans = [person(number) for number in range(10)]
    for number, fan in enumerate(fans):
        join(published, kind, fan, LATER + timedelta(milliseconds=number))
    for number, held in enumerate(holds):
        now = LATER + timedelta(seconds=1 + number)
        free(published, held, now)
        assert serve(published, now) == 1
        assert states(published, fans, now) == ["offered"] * (number + 1) + ["waiting"] * (9 - number)


def test_the_first_whom_the_free_places_suffice_is_served() -> None:
    published, kind, holds = sold_out(4)
    pair, single = person(1), person(2)
    join(published, kind, pair, LATER, quantity=2)
    join(published, kind, single, LATER + timedelta(milliseconds=1))
    free(published, holds[0], LATER)
    assert serve(published, LATER + MINUTE) == 1
    assert states(published, [pair, single], LATER + MINUTE) == ["waiting", "offered"]
    free(published, holds[1], LATER + MINUTE)
    free(published, holds[2], LATER + MINUTE)
    assert serve(published, LATER + 2 * MINUTE) == 1
    assert states(published, [pair, single], LATER + 2 * MINUTE) == ["offered", "offered"]


def test_an_offer_without_an_answer_goes_to_the_next_and_its_owner_may_join_again_at_the_end() -> None:
    published, kind, [first, *_] = sold_out(2)
    slow, second, third = person(1), person(2), person(3)
    for number, fan in enumerate((slow, second, third)):
        join(published, kind, fan, LATER + timedelta(milliseconds=number))
    free(published, first, LATER)
    serve(published, LATER)
    offered = entry(published, slow, LATER)
    assert offered.expires_at is not None
    assert serve(published, offered.expires_at) == 0
    over = offered.expires_at + timedelta(seconds=1)
    assert entry(published, slow, over).state == "unanswered"
    assert serve(published, over) == 1
    assert states(published, [slow, second, third], over) == ["unanswered", "offered", "waiting"]

    again = join(published, kind, slow, over + MINUTE)
    assert again.entry_id != offered.entry_id
    use_cases.leave_waiting_list(
        published.event_id, entry(published, second, over).entry_id, second.person_id, over + MINUTE
    )
    assert serve(published, over + 2 * MINUTE) == 1
    assert states(published, [slow, second, third], over + 2 * MINUTE) == ["waiting", "left", "offered"]


def test_who_leaves_is_passed_over_and_what_was_offered_goes_on_at_once() -> None:
    published, kind, [first, *_] = sold_out(2)
    one, two = person(1), person(2)
    join(published, kind, one, LATER)
    join(published, kind, two, LATER + timedelta(milliseconds=1))
    free(published, first, LATER)
    serve(published, LATER + MINUTE)
    offered = entry(published, one, LATER + MINUTE)
    for _ in range(2):
        use_cases.leave_waiting_list(published.event_id, offered.entry_id, one.person_id, LATER + MINUTE)
    with pytest.raises(EntryUnknown):
        use_cases.leave_waiting_list(published.event_id, offered.entry_id, two.person_id, LATER + MINUTE)
    assert entry(published, one, LATER + MINUTE).state == "left"
    assert serve(published, LATER + MINUTE) == 1
    assert entry(published, two, LATER + MINUTE).state == "offered"


def test_one_entry_for_each_person_and_ticket_type() -> None:
    published, kind, _ = sold_out(2)
    fan = person()
    first = join(published, kind, fan, LATER)
    assert join(published, kind, fan, LATER + MINUTE) == first
    with pytest.raises(AlreadyWaiting):
        join(published, kind, fan, LATER + MINUTE, quantity=2)


def test_a_full_list_takes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    published, kind, _ = sold_out(1)
    monkeypatch.setattr(waiting_list, "ENTRIES_MAX", 2)
    fans = [person(number) for number in range(3)]
    join(published, kind, fans[0], LATER)
    join(published, kind, fans[1], LATER)
    with pytest.raises(WaitingListFull):
        join(published, kind, fans[2], LATER)
    first = entry(published, fans[0], LATER)
    use_cases.leave_waiting_list(published.event_id, first.entry_id, fans[0].person_id, LATER)
    assert join(published, kind, fans[2], LATER).state == "waiting"


def test_while_somebody_waits_the_public_gets_nothing_that_comes_free() -> None:
    published, kind, holds = sold_out(3)
    fan = person()
    join(published, kind, fan, LATER)
    free(published, holds[0], LATER)
    with pytest.raises(SoldOut) as refused:
        hold(published, kind, 1, LATER)
    assert refused.value.extra["waiting_list"] is True

    # Once nobody waits any more, what else comes free is for everybody, though an offer still stands.
    serve(published, LATER + MINUTE)
    free(published, holds[1], LATER + MINUTE)
    serve(published, LATER + 3 * MINUTE)
    assert len(hold(published, kind, 1, LATER + 3 * MINUTE).places) == 1
    assert entry(published, fan, LATER + 3 * MINUTE).state == "offered"


def test_without_the_mark_on_the_sale_the_public_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the mark is what keeps the places for those who wait."""
    published, kind, holds = sold_out(3)
    fan = person()
    monkeypatch.setattr(waiting_list, "mark_sale", lambda *args, **options: None)
    join(published, kind, fan, LATER)
    free(published, holds[0], LATER)
    assert len(hold(published, kind, 1, LATER).places) == 1
    assert serve(published, LATER + MINUTE) == 0
    assert entry(published, fan, LATER + MINUTE).state == "waiting"


def test_seats_are_offered_next_to_each_other_where_they_can_be() -> None:
    published, kinds = hall_on_sale(rows("Stalls", "A", 6))
    kind = kinds["A"]
    holds = [hold(published, kind, 1) for _ in range(6)]
    for one in holds:
        use_cases.answer_paid_order(paid(published, one), OPENING)
    by_seat = {one.places[0].seat: one for one in holds}
    couple, apart = person(1), person(2)
    join(published, kind, couple, LATER, quantity=2)
    join(published, kind, apart, LATER + timedelta(milliseconds=1), quantity=2)
    for seat in ("1", "3", "4", "6"):
        free(published, by_seat[seat], LATER)
    assert serve(published, LATER + MINUTE) == 2
    assert sorted(one.seat or "" for one in entry(published, couple, LATER + MINUTE).places) == ["3", "4"]
    assert sorted(one.seat or "" for one in entry(published, apart, LATER + MINUTE).places) == ["1", "6"]


def test_a_zone_that_nobody_waits_for_stays_open_to_all() -> None:
    published, kinds = hall_on_sale([*rows("Stalls", "A", 2), *rows("Balcony", "B", 2)])
    full = hold(published, kinds["A"], 2)
    use_cases.answer_paid_order(paid(published, full), OPENING)
    join(published, kinds["A"], person(), LATER)
    assert len(hold(published, kinds["B"], 1, LATER).places) == 1
    with pytest.raises(SoldOut):
        hold(published, kinds["A"], 1, LATER)


def test_the_schedule_serves_every_event_and_one_that_fails_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [sold_out(1) for _ in range(3)]
    fans = [person(number) for number in range(3)]
    for (published, kind, [held]), fan in zip(events, fans, strict=True):
        join(published, kind, fan, LATER)
        free(published, held, LATER)
    broken = events[1][0].event_id
    begin = waiting_list.begin_serving

    def fails_for_one(which: WaitingList, now: datetime) -> waiting_list.HeadRow | None:
        if which.event_id == broken:
            raise OSError("the table is away")
        return begin(which, now)

    monkeypatch.setattr(waiting_list, "begin_serving", fails_for_one)
    caching.forget()
    assert use_cases.serve_every_list(LATER + MINUTE) >= 2
    found = [states(published, [fan], LATER + MINUTE) for (published, _, _), fan in zip(events, fans, strict=True)]
    assert found == [["offered"], ["waiting"], ["offered"]]


def test_the_mark_reaches_other_processes_within_five_seconds() -> None:
    published, kind, holds = sold_out(2)
    before = repository.sale_of(published.event_id, LATER)
    join(published, kind, person(), LATER)
    free(published, holds[0], LATER)
    # What another process still has in memory; it asks again when that is five seconds old.
    caching.sales.put(published.event_id, before, LATER.timestamp() + 5)
    with pytest.raises(SoldOut):
        hold(published, kind, 1, LATER + timedelta(seconds=6))


def test_where_only_the_types_cap_is_reached_the_other_types_stay_on_sale() -> None:
    pool = general_pool(10)
    capped, full = ticket_type(pool, "Reduced", places_max=2), ticket_type(pool)
    published = event([pool], [capped, full])
    use_cases.put_on_sale(published, OPENING)
    pair = hold(published, capped, 2)
    use_cases.answer_paid_order(paid(published, pair), OPENING)
    with pytest.raises(NotSoldOut):
        join(published, full, person(), LATER)
    fan = person()
    join(published, capped, fan, LATER)
    assert len(hold(published, full, 3, LATER).places) == 3
    with pytest.raises(SoldOut):
        hold(published, capped, 1, LATER)
    assert serve(published, LATER) == 0

    first = msgspec.structs.replace(pair, places=pair.places[:1])
    free(published, first, LATER)
    with pytest.raises(SoldOut):
        hold(published, capped, 1, LATER)
    assert serve(published, LATER + MINUTE) == 1
    [kept] = entry(published, fan, LATER + MINUTE).places
    assert [quota.quota_id for quota in kept.quotas] == [capped.ticket_type_id]
    # Whoever does not answer gives the cap's use back with the place.
    over = LATER + MINUTE + timedelta(seconds=ANSWER_SECONDS + 1)
    assert serve(published, over) == 0
    assert len(hold(published, capped, 1, over + 2 * MINUTE).places) == 1


def test_what_the_stream_says_is_free_is_offered_at_once_and_announced() -> None:
    published, kind, [first, *_] = sold_out(2)
    fan = person()
    join(published, kind, fan, LATER)
    [place] = first.places
    slots = {f"p{number}": [b"", SOLD_UNTIL] for number in range(2)}
    free(published, first, LATER)
    before = {"pk": f"block#{place.pool_id}#0", **slots}
    after = {name: value for name, value in before.items() if name != f"p{place.slot}"}
    change = block_change(before, after)
    assert change is not None
    assert use_cases.offer_freed_places([change], LATER) == 1
    offered = entry(published, fan, LATER)
    assert offered.state == "offered"

    [row] = waiting_list.persons_entries(published.event_id, fan.person_id)
    message = BUILDERS[PlacesOffered.type_name](plain.from_item(row.serialize()))
    assert isinstance(message, PlacesOffered)
    assert (message.entry_id, message.buyer, message.event_name) == (offered.entry_id, fan, published.name)
    assert (message.places, message.total, message.expires_at) == (offered.places, offered.total, offered.expires_at)
    assert (message.time_zone, message.version) == (published.time_zone, row.version)


def test_what_an_organiser_adds_to_a_pool_is_offered_at_once() -> None:
    """Also by a process that remembers the pool as it was."""
    published, kind, _ = sold_out(2)
    fans = [person(number) for number in range(2)]
    for number, fan in enumerate(fans):
        join(published, kind, fan, LATER - timedelta(seconds=9 - number))
    pool_id = published.pools[0].pool_id
    before = repository.sale_of(published.event_id, LATER)
    owner = Identity("per_owner", "o@example.org", "O", "ses", {published.organiser_id: "owner"})
    use_cases.steer_pool(pool_id, ChangePool(capacity=3), None, owner, LATER, lambda: 30.0)
    caching.sales.put(published.event_id, before, LATER.timestamp() + 60)
    row = pools.pool(pool_id)
    assert row is not None
    image = row.serialize()
    records = [{"OldImage": image, "NewImage": image}, {"NewImage": image}]
    changed = list(changed_pools({"Records": [{"dynamodb": images} for images in records]}))
    assert changed == [(published.event_id, pool_id)]
    assert use_cases.offer_changed_pools(changed, LATER) == 1
    assert states(published, fans, LATER) == ["offered", "waiting"]


def test_an_old_list_is_not_served_for_ever() -> None:
    published, kind, _ = sold_out(1)
    fan = person()
    join(published, kind, fan, LATER)
    assert published.event_id in waiting_list.events_with_lists(LATER)
    assert published.event_id not in waiting_list.events_with_lists(published.starts_at + timedelta(days=8))
