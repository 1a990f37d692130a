"""Redis is killed under a waiting room and comes back, empty or with what it knew once. Nobody's rank is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from contracts.catalog import EventPublished
from runtime.parts import Part
from services.reservations import repository, use_cases
from services.reservations.domain.waiting_room_refusals import NotServedYet, WaitingRoomClosed
from services.reservations.repository import caching, waiting_room_board, waiting_rooms
from services.reservations.waiting_room_schemas import NumberView
from shared.cache import Breaker, Cache
from shared.ids import new_id
from tests.integration.reservations.box_office import OPENING, on_sale
from tests.integration.reservations.waiting_line import (
    BEFORE,
    SECOND,
    number,
    pass_seconds_by,
    room_for,
    served,
    status,
)


@pytest.fixture
def own(redis_of_its_own: Part) -> Iterator[Part]:
    """A Redis of this test's own, as the service's."""
    breaker = Breaker(failures_max=1, pause_seconds=0.02, pause_seconds_max=0.05)
    with caching.using(Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="room", breaker=breaker)):
        yield redis_of_its_own


def kill(part: Part) -> None:
    part.process.kill()
    part.process.stop()
    until = time.monotonic() + 10
    while caching.cache().ping() and time.monotonic() < until:
        time.sleep(0.01)
    caching.forget()


def start_again(part: Part) -> None:
    part.process.start()
    part.process.wait_until(part.ready, 10.0)
    until = time.monotonic() + 10
    while not caching.cache().ping():
        assert time.monotonic() < until, "the breaker never closed again"
        time.sleep(0.01)
    caching.forget()


def people(published: EventPublished, count: int, now: datetime) -> dict[str, NumberView]:
    return {person: number(published, now, person) for person in (new_id("per") for _ in range(count))}


def ranks(published: EventPublished, everybody: dict[str, NumberView], now: datetime) -> dict[str, int | None]:
    return {person: number(published, now, person).rank for person in everybody}


def test_it_closes_politely_and_opens_again_with_every_rank(own: Part) -> None:
    published, _ = on_sale(10_000)
    room_for(published, rate=20)
    everybody = people(published, 30, BEFORE)
    status(published, OPENING)
    everybody |= people(published, 10, OPENING + SECOND)
    open_, now = pass_seconds_by(published, OPENING, 3)
    before = ranks(published, everybody, now)
    assert None not in before.values()
    kill(own)

    closed, retry_after = use_cases.waiting_room_status(published.event_id, now + SECOND)
    assert (closed.state, closed.reason, retry_after) == ("closed", "store-away", 5)
    assert (closed.seed, closed.drawn) == (open_.seed, open_.drawn)
    assert closed.serving == open_.serving > 0
    with pytest.raises(WaitingRoomClosed) as refused:
        number(published, now + SECOND)
    assert refused.value.retry_after == 5
    assert ranks(published, everybody, now + SECOND) == before, "who has a number keeps it"
    for person, mine in everybody.items():
        place = before[person]
        assert place is not None
        assert served(published, mine, person, now + SECOND) == (place < closed.serving)
    first = next(person for person, place in before.items() if place == 0)
    given = use_cases.take_pass(published.event_id, everybody[first].number, first, now + SECOND)
    assert use_cases.check_pass(repository.sale_of(published.event_id, now), given.pass_token, first, now)

    start_again(own)
    now += 10 * SECOND
    again, now = pass_seconds_by(published, now, 1)
    assert again.state == "open"
    assert again.serving >= closed.serving
    assert ranks(published, everybody, now) == before
    late = number(published, now)
    assert late.rank is not None
    assert late.rank > max(place for place in before.values() if place is not None), "and nobody is put before them"
    final, now = pass_seconds_by(published, now, 30)
    assert all(served(published, mine, person, now) for person, mine in everybody.items()), final
    assert final.serving > late.rank, "serials that were lost with Redis hold nobody up"


def test_a_redis_that_comes_back_with_what_it_knew_is_not_believed(own: Part) -> None:
    """As after a restart from a snapshot, or when a replica took over: no serial must be given out twice."""
    published, _ = on_sale(10_000)
    room_for(published, rate=50)
    people(published, 10, BEFORE)
    status(published, OPENING)
    some = people(published, 3, OPENING + SECOND)
    _, now = pass_seconds_by(published, OPENING, 2)
    keys = dump()
    some |= people(published, 20, now)
    known, now = pass_seconds_by(published, now, 3)
    kill(own)
    start_again(own)
    restore(keys)
    stale = status(published, now)
    assert stale.serving >= known.serving, "the serving never goes back"
    taken = {mine.serial for mine in some.values()}
    more = people(published, 5, now)
    assert not taken & {mine.serial for mine in more.values()}, "no serial is given out twice"
    assert min(mine.serial for mine in more.values()) > max(taken), "and the later are behind"


def test_without_the_servers_name_it_would_be_believed(own: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: scripts that do not ask which start of the server they run on give serials out again."""
    for name in ("TAKE_LUA", "OFFER_LUA"):
        lua = getattr(waiting_room_board, name)
        loose = lua.replace("redis.pcall('INFO', 'server')", "'run_id:same'")
        assert loose != lua
        monkeypatch.setattr(waiting_room_board, name, loose)
    published, _ = on_sale(10_000)
    room_for(published)
    status(published, OPENING)
    people(published, 2, OPENING)
    keys = dump()
    some = people(published, 5, OPENING)
    kill(own)
    start_again(own)
    restore(keys)
    more = people(published, 5, OPENING)
    assert {mine.serial for mine in some.values()} & {mine.serial for mine in more.values()}


def test_people_come_while_it_is_killed_and_started_again(own: Part) -> None:
    published, _ = on_sale(10_000)
    room_for(published, rate=200)
    status(published, OPENING)
    given: list[tuple[int, float, float]] = []
    told_to_wait = 0
    stop = threading.Event()
    lock = threading.Lock()

    def arrive() -> None:
        nonlocal told_to_wait
        while not stop.is_set():
            asked = time.monotonic()
            try:
                mine = number(published, OPENING + SECOND)
            except WaitingRoomClosed:
                with lock:
                    told_to_wait += 1
                time.sleep(0.005)
                continue
            with lock:
                given.append((mine.serial, asked, time.monotonic()))

    arrivals = [threading.Thread(target=arrive) for _ in range(3)]
    for one in arrivals:
        one.start()
    for _ in range(2):
        wait_for(given, len(given) + 30)
        kill(own)
        start_again(own)
    wait_for(given, len(given) + 30)
    stop.set()
    for one in arrivals:
        one.join()
    assert told_to_wait > 0
    serials = [serial for serial, _, _ in given]
    assert len(set(serials)) == len(serials), "everybody has a serial of their own"
    # Whoever had the answer before another asked is before that other.
    by_serial = sorted(given)
    latest_asked = 0.0
    for _, asked, answered in by_serial:
        assert answered > latest_asked, "somebody came later and was put before"
        latest_asked = max(latest_asked, asked)


def test_the_room_opens_when_redis_was_away_at_its_time(own: Part) -> None:
    published, _ = on_sale(10_000)
    room_for(published, rate=50)
    everybody = people(published, 12, BEFORE)
    kill(own)
    closed = status(published, OPENING)
    assert (closed.state, closed.seed) == ("closed", None)
    person, mine = next(iter(everybody.items()))
    with pytest.raises(NotServedYet):
        use_cases.take_pass(published.event_id, mine.number, person, OPENING)
    start_again(own)
    opened, now = pass_seconds_by(published, OPENING + timedelta(minutes=1), 2)
    assert opened.state == "open"
    assert opened.drawn is not None
    assert opened.drawn >= 12
    assert len({place for place in ranks(published, everybody, now).values() if place is not None}) == 12
    assert waiting_rooms.progress_of(published.event_id).draw is not None


def wait_for(given: list[tuple[int, float, float]], count: int) -> None:
    patience = time.monotonic() + 60
    while len(given) < count:
        assert time.monotonic() < patience, "nobody got a number any more"
        time.sleep(0.005)


def dump() -> dict[bytes, bytes]:
    """All that Redis knows now."""
    return caching.cache().execute(lambda client: {key: client.dump(key) for key in client.keys("*")})


def restore(keys: dict[bytes, bytes]) -> None:
    """Brings Redis back to what it knew."""

    def put(client: object) -> None:
        for key, value in keys.items():
            client.restore(key, 0, value, replace=True)  # type: ignore[attr-defined]

    caching.cache().execute(put)
    caching.forget()
