"""Numbers, the opening, the serving and Passes, on a real table and a real Redis."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest

from contracts.catalog import EventPublished
from services.reservations import domain, repository, use_cases
from services.reservations.domain import Place
from services.reservations.domain.waiting_room import Draw, Number, rank
from services.reservations.domain.waiting_room_refusals import (
    NotServedYet,
    NumberUnknown,
    PassRequired,
)
from services.reservations.repository import caching, waiting_room_board, waiting_rooms
from services.reservations.schemas import LineAsked
from services.reservations.use_cases.waiting_room_numbers import NUMBER_AUDIENCE
from services.reservations.use_cases.waiting_room_passes import PASS_AUDIENCE, Pass
from services.reservations.waiting_room_schemas import NumberView
from shared.auth import verify_token
from shared.cache import Cache
from shared.data import consumed
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, basket, hold, on_sale
from tests.integration.reservations.waiting_line import (
    BEFORE,
    SECOND,
    control,
    number,
    pass_seconds_by,
    room_for,
    served,
    status,
)


def test_one_person_gets_one_number(redis_or_none: str) -> None:
    published, _ = on_sale(10)
    room_for(published)
    me = new_id("per")
    if redis_or_none == "without Redis":
        kept = waiting_rooms.keep_number(
            Number(event_id=published.event_id, person_id=me, serial=3, before=True), BEFORE
        )
        assert number(published, BEFORE, me).serial == kept.serial == 3, "a number given out stays without Redis"
        return
    mine = number(published, BEFORE, me)
    caching.forget()
    assert number(published, BEFORE + SECOND, me) == mine
    assert number(published, BEFORE + SECOND).serial == mine.serial + 1
    signed = verify_token(mine.number, NUMBER_AUDIENCE, Number, now=BEFORE)
    assert (signed.event_id, signed.person_id, signed.before) == (published.event_id, me, True)
    assert (mine.phase, mine.rank) == ("before", None)


def test_an_organiser_sees_how_many_wait_for_the_opening() -> None:
    published, _ = on_sale(10)
    room_for(published)
    for many in range(1, 4):
        number(published, BEFORE)
        assert control(published, BEFORE).waiting == many
    # Without Redis it is those leased for it, of which some may be nobody's yet.
    with caching.using(Cache(None, prefix="none")):
        assert control(published, BEFORE).waiting == waiting_room_board.LEASE_FIRST


def test_a_double_click_gets_the_same_number() -> None:
    published, _ = on_sale(10)
    room_for(published)
    me = new_id("per")
    given: list[NumberView] = []
    together = threading.Barrier(6)

    def click() -> None:
        together.wait()
        given.append(number(published, BEFORE, me))

    clicks = [threading.Thread(target=click) for _ in range(6)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert len(given) == 6
    assert len({one.number for one in given}) == 1


def test_everybody_at_once_gets_a_serial_of_their_own_and_no_gap_is_large() -> None:
    published, _ = on_sale(10)
    room_for(published)
    serials: list[int] = []

    def arrive() -> None:
        for _ in range(25):
            serials.append(number(published, BEFORE).serial)

    people = [threading.Thread(target=arrive) for _ in range(6)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(set(serials)) == 150
    assert max(serials) < 150 + waiting_room_board.LEASE_FIRST, "only a range that was offered too late is a gap"


def test_the_opening_puts_those_of_before_in_an_order_that_anybody_can_check() -> None:
    published, _ = on_sale(1000)
    room_for(published)
    assert status(published, BEFORE).state == "before"
    early = [(new_id("per"),) for _ in range(12)]
    numbers = {person: number(published, BEFORE, person) for (person,) in early}
    assert status(published, OPENING - SECOND).seed is None
    opened = status(published, OPENING)
    assert opened.state == "open"
    assert opened.seed is not None
    assert opened.drawn == 12, "of a lease, what nobody got is not drawn"
    draw = Draw(bytes.fromhex(opened.seed), opened.drawn)
    for person, mine in numbers.items():
        again = number(published, OPENING, person)
        told = Number(event_id=published.event_id, person_id=person, serial=mine.serial, before=True)
        assert again.rank == rank(told, draw)
        assert again.number == mine.number
    late = [number(published, OPENING + SECOND) for _ in range(5)]
    assert [one.rank for one in late] == [12, 13, 14, 15, 16], "behind all of before, in order of arrival"
    assert {one.phase for one in late} == {"after"}
    assert status(published, OPENING + 2 * SECOND).seed == opened.seed


def test_serials_of_before_are_never_given_out_after_the_draw() -> None:
    published, _ = on_sale(10)
    room_for(published)
    number(published, BEFORE)
    status(published, OPENING)
    late = number(published, OPENING - timedelta(milliseconds=200))
    assert late.phase == "after", "a process whose clock is behind finds the room opened"
    with pytest.raises(waiting_rooms.AlreadyDrawn):
        waiting_rooms.lease(published.event_id, 10, OPENING, before=True)
    # Redis has forgotten that it was drawn; the table knows.
    _lose_redis(published)
    assert number(published, OPENING - timedelta(milliseconds=100)).phase == "after"


def test_the_first_who_comes_draws_and_everybody_finds_the_same() -> None:
    published, _ = on_sale(10)
    room_for(published)
    number(published, BEFORE)
    seeds: list[str | None] = []
    together = threading.Barrier(5)

    def look() -> None:
        together.wait()
        seeds.append(status(published, OPENING).seed)
        seeds.append(status(published, OPENING + SECOND).seed)

    readers = [threading.Thread(target=look) for _ in range(5)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()
    assert len(seeds) == 10
    assert len({one for one in seeds if one is not None}) == 1


def test_a_served_number_gets_a_pass_that_holds_need() -> None:
    published, kind = on_sale(1000)
    room_for(published)
    me = new_id("per")
    mine = number(published, BEFORE, me)
    with pytest.raises(NotServedYet):
        use_cases.take_pass(published.event_id, mine.number, me, BEFORE)
    status(published, OPENING)
    _, now = pass_seconds_by(published, OPENING, 3)
    given = use_cases.take_pass(published.event_id, mine.number, me, now)
    assert given.expires_at - now == timedelta(seconds=300)
    assert use_cases.take_pass(published.event_id, mine.number, me, now + SECOND) == given, "a retry gets the same"
    later = use_cases.take_pass(published.event_id, mine.number, me, now + 200 * SECOND)
    assert later.expires_at > given.expires_at
    sale = repository.sale_of(published.event_id, now)
    assert use_cases.check_pass(sale, given.pass_token, me, now)
    for token, person, when in (
        (None, me, now),
        ("", me, now),
        ("x.y.z", me, now),
        (mine.number, me, now),
        (given.pass_token, new_id("per"), now),
        (given.pass_token, me, given.expires_at),
    ):
        with pytest.raises(PassRequired) as refused:
            use_cases.check_pass(sale, token, person, when)
        assert refused.value.field == "Pass"
    other, _ = on_sale(10)
    room_for(other)
    with pytest.raises(PassRequired):
        use_cases.check_pass(repository.sale_of(other.event_id, now), given.pass_token, me, now)
    assert kind


def test_a_pass_is_a_signature_and_needs_no_redis(no_redis: None) -> None:
    published, _ = on_sale(1000)
    room_for(published)
    me = new_id("per")
    waiting_rooms.draw(published.event_id, b"s" * 32, None, OPENING)
    waiting_rooms.keep_number(Number(event_id=published.event_id, person_id=me, serial=4, before=False), OPENING)
    mine = number(published, OPENING, me)
    with pytest.raises(NotServedYet):
        use_cases.take_pass(published.event_id, mine.number, me, OPENING)
    waiting_rooms.advance(published.event_id, 5, 1.0, OPENING)
    given = use_cases.take_pass(published.event_id, mine.number, me, OPENING)
    told = verify_token(given.pass_token, PASS_AUDIENCE, Pass, now=OPENING)
    assert told == Pass(published.event_id, me)
    assert use_cases.check_pass(repository.sale_of(published.event_id, OPENING), given.pass_token, me, OPENING)


def test_numbers_are_for_one_event_and_one_person() -> None:
    published, _ = on_sale(10)
    other, _ = on_sale(10)
    room_for(published)
    room_for(other)
    me = new_id("per")
    mine = number(published, BEFORE, me)
    with pytest.raises(NumberUnknown):
        use_cases.take_pass(other.event_id, mine.number, me, OPENING)
    with pytest.raises(NumberUnknown):
        use_cases.take_pass(published.event_id, mine.number, new_id("per"), OPENING)
    with pytest.raises(NumberUnknown):
        use_cases.take_pass(published.event_id, mine.number[:-2] + "xx", me, OPENING)


def test_the_serving_moves_once_a_second_whoever_looks() -> None:
    published, _ = on_sale(1000)
    room_for(published, rate=40)
    for _ in range(60):
        number(published, BEFORE)
    status(published, OPENING)
    now = OPENING + SECOND
    first = status(published, now)
    for milliseconds in (1, 300, 999):
        assert status(published, now + timedelta(milliseconds=milliseconds)) == first
    second = status(published, now + SECOND)
    assert second.serving > first.serving > 0
    assert waiting_rooms.progress_of(published.event_id).serving == second.serving, "persisted before it is shown"


def test_it_serves_no_more_than_there_are_places_for() -> None:
    published, kind = on_sale(20)
    room_for(published, rate=100)
    people = {person: number(published, BEFORE, person) for person in (new_id("per") for _ in range(80))}
    status(published, OPENING)
    document, now = pass_seconds_by(published, OPENING, 3)
    gone = [person for person, mine in people.items() if served(published, mine, person, now)]
    assert 0 < len(gone) <= 15, "for twenty places at two a basket, half as many again"
    document, now = pass_seconds_by(published, now, 20)
    seen = control(published, now)
    assert (seen.why, seen.places_free, seen.passes_outstanding) == ("demand", 20, len(gone))
    for person in gone[:10]:
        given = use_cases.take_pass(published.event_id, people[person].number, person, now)
        line = LineAsked(ticket_type_id=kind.ticket_type_id, quantity=2)
        use_cases.place_hold(basket(published, line), person, None, now, pass_token=given.pass_token)
    document, now = pass_seconds_by(published, now, 5)
    seen = control(published, now)
    assert (seen.places_free, seen.places_held) == (0, 20)
    assert seen.last_minute.holds == 10
    assert seen.last_minute.places_held == 20
    assert document.state == "open", "what is held may come back"


def test_sold_out_is_said_and_taken_back() -> None:
    published, kind = on_sale(4)
    held = hold(published, kind, 4, OPENING)
    room_for(published, rate=100)
    number(published, BEFORE)
    status(published, OPENING)
    wanted = domain.by_block(Place(place.pool_id, place.block, place.slot) for place in held.places)
    repository.sell(held.hold_id, wanted, now=OPENING)
    document, now = pass_seconds_by(published, OPENING, 6)
    assert document.state == "sold_out"
    assert control(published, now).why == "sold_out"
    for block, slots in wanted.items():
        repository.let_go(held.hold_id, block, slots, sold_too=True, now=now)
    document, now = pass_seconds_by(published, now, 6)
    assert document.state == "open"


def test_refusals_by_load_halve_the_rate() -> None:
    published, _ = on_sale(10_000)
    room_for(published, rate=40)
    for _ in range(100):
        number(published, BEFORE)
    status(published, OPENING)
    _, now = pass_seconds_by(published, OPENING, 6)
    before = control(published, now)
    for _ in range(5):
        use_cases.note_refused(published.event_id, now)
    now += SECOND
    after = control(published, now)
    assert after.rate == pytest.approx(before.rate / 2, rel=0.2)
    assert after.last_minute.refused == 5
    assert after.why in ("shop", "nobody_waits")


def test_an_opening_that_was_moved_after_a_process_died_at_it_lets_people_in() -> None:
    published, _ = on_sale(10)
    room_for(published)
    number(published, BEFORE)
    waiting_room_board.close_before(published.event_id)
    late = number(published, BEFORE + SECOND)
    assert (late.phase, late.serial) == ("before", 1)


def test_a_room_whose_redis_has_forgotten_the_serials_draws_all_that_were_leased() -> None:
    published, _ = on_sale(10)
    room_for(published)
    numbers = [(person, number(published, BEFORE, person)) for person in (new_id("per") for _ in range(3))]
    _lose_redis(published)
    numbers += [(person, number(published, BEFORE, person)) for person in (new_id("per") for _ in range(3))]
    assert [mine.serial for _, mine in numbers] == [0, 1, 2, 10, 11, 12]
    _lose_redis(published)
    drawn = status(published, OPENING).drawn
    assert drawn == 20
    ranks = [number(published, OPENING, person).rank for person, _ in numbers]
    assert len(set(ranks)) == 6
    assert all(place is not None and 0 <= place < drawn for place in ranks)


def _lose_redis(published: EventPublished) -> None:
    """Redis forgets all it knows of this event."""
    pattern = caching.cache().full_key(f"{{{published.event_id}}}:*")

    def forget(client: object) -> None:
        for key in client.scan_iter(match=pattern, count=1000):  # type: ignore[attr-defined]
            client.delete(key)  # type: ignore[attr-defined]

    caching.cache().execute(forget)
    caching.forget()


def test_what_it_costs() -> None:
    """Who waits costs the table nothing: one write a second for all of them, and only while somebody is served."""
    published, _ = on_sale(10_000)
    room_for(published, rate=4)
    numbers = {person: number(published, BEFORE, person) for person in (new_id("per") for _ in range(11))}
    me = new_id("per")
    with consumed() as meter:
        numbers[me] = number(published, BEFORE, me)
    assert (meter.writes, meter.reads) == (1.0, 1.0), "the put, and a look whether there was one"
    with consumed() as meter:
        number(published, BEFORE, me)
    assert (meter.writes, meter.reads) == (0.0, 1.0)
    status(published, BEFORE)
    with consumed() as meter:
        for _ in range(30):
            status(published, BEFORE + SECOND)
    assert (meter.writes, meter.reads) == (0.0, 0.0)
    status(published, OPENING)
    use_cases.availability(published.event_id, OPENING + SECOND)
    with consumed() as meter:
        for milliseconds in range(1000, 1900, 20):
            status(published, OPENING + timedelta(milliseconds=milliseconds))
    assert meter.writes == 1.0, "forty-five looks in one second"
    _, now = pass_seconds_by(published, OPENING, 5)
    person = next(person for person in numbers if number(published, now, person).rank == 0)
    with consumed() as meter:
        given = use_cases.take_pass(published.event_id, numbers[person].number, person, now)
        sale = repository.sale_of(published.event_id, now)
        use_cases.check_pass(sale, given.pass_token, person, now)
        use_cases.note_hold(published.event_id, person, 2, now)
    assert meter.writes == 0.0
    assert meter.reads <= 3.0, "what this process knew of room and sale may be too old"


def test_what_was_persisted_and_never_shown_is_shown_by_the_next() -> None:
    """A reader died between the table and Redis; while Redis was away somebody may have been told of it."""
    published, _ = on_sale(10_000)
    room_for(published, rate=4)
    number(published, BEFORE)
    status(published, OPENING)
    first = status(published, OPENING + SECOND)
    waiting_rooms.advance(published.event_id, first.serving + 7, 1.0, OPENING)
    assert status(published, OPENING + 2 * SECOND).serving == first.serving + 7


def test_of_two_who_reckon_the_same_second_one_is_shown() -> None:
    published, _ = on_sale(10)
    room_for(published)
    status(published, BEFORE)
    seen = waiting_room_board.look(published.event_id, BEFORE, reckon=False)
    assert seen.board is not None
    fast, slow = (msgspec.structs.replace(seen.board, issued=count) for count in (5, 3))
    assert waiting_room_board.publish(published.event_id, fast, seen.packed)
    assert not waiting_room_board.publish(published.event_id, slow, seen.packed)
    shown = waiting_room_board.look(published.event_id, BEFORE, reckon=False).board
    assert shown is not None
    assert shown.issued == 5
