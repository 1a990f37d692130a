"""Every route that changes something is sent again under its Idempotency-Key: it answers the same, and happens once.

Sent again one after the other, at once by several threads, after a crash at each of its writes, and with the answer of
every write lost on its way from the database. What may differ is said route by route in `retried_routes`.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.reservations.repository import caching, hints
from shared import clock, ids
from shared.cache import Cache
from shared.data import transport, wire
from shared.http.idempotency import LEASE_SECONDS
from shared.http.idempotency_table import TableStore
from tests.fault.retried_routes import EXCEPTIONS, ROUTES
from tests.saga.front_door import Asked, Reply
from tests.saga.stored import Items, effect, stored
from tests.saga.tenants import Town
from tests.saga.writes import Writes, writing_routes

# One of the workers does all of it, because making the town takes its time.
pytestmark = pytest.mark.xdist_group("retried-requests")

WRITES_MAX = 12
TRIES_AT_ONCE = 4
WRITING = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
# The lease of a try that died is over by then.
AFTER_THE_LEASE = timedelta(seconds=LEASE_SECONDS + 1)
# A refresh token shown again later than this is a thief's; nothing has a lease there.
SOON = timedelta(seconds=5)

every_route = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture(scope="module")
def writes(town: Town) -> Writes:
    return Writes.to_a_new_tenant(town)


class Retries:
    """One route's requests, and what has become of them in the service's table."""

    def __init__(self, writes: Writes, route: str) -> None:
        self.door = writes.town.door
        self.route = route
        self.make = writes.table[route]
        self.service = writing_routes(self.door)[route]

    def asked(self) -> Asked:
        """A new request under a new key."""
        asked = self.make()
        if any(name == "Idempotency-Key" for name, _ in asked.headers):
            return asked
        return asked.with_header("Idempotency-Key", secrets.token_hex(12))

    def look(self) -> Items:
        """The service's table as it is now."""
        return stored(self.service)

    def once(self) -> tuple[Reply, Counter[str]]:
        """What one request that nobody repeats answers and does."""
        asked = self.asked()
        before = self.look()
        reply = self.door.send(asked)
        assert 200 <= reply.status < 300, reply
        return reply, effect(before, self.look())

    def said(self, reply: Reply) -> tuple[int, Any]:
        """What must be the same in every answer to the same request."""
        body: Any = reply.json if reply.body else None
        if self.route in ("POST /v1/sessions", "POST /v1/sessions/oidc"):
            body = {"person_id": body["person_id"]}
        elif self.route == "POST /v1/sessions/refresh":
            body = {name: body[name] for name in ("session_id", "person_id", "refresh_token")}
        elif self.route == "POST /v1/access-tokens":
            body = {name: body[name] for name in ("organiser_id", "role", "scopes")}
        return reply.status, body

    def check(self, replies: list[Reply], happened: Counter[str], expected: Counter[str]) -> None:
        """Refuses (AssertionError) unless all answers say the same, and what happened is what one request does."""
        said = [self.said(reply) for reply in replies]
        assert all(200 <= status < 300 for status, _ in said), said
        assert all(one == said[0] for one in said), said
        if EXCEPTIONS.get(self.route) == "begins another":
            assert set(happened) == set(expected)
            # One more than the answers may have come of a try that died.
            assert sum(happened.values()) <= (len(replies) + 1) * sum(expected.values())
        else:
            assert happened == expected


def test_no_route_that_changes_something_is_left_out(writes: Writes) -> None:
    assert set(ROUTES) == set(writes.table) == set(writing_routes(writes.town.door))


@every_route
def test_sent_again_it_answers_the_same_and_changes_nothing_more(writes: Writes, route: str) -> None:
    retries = Retries(writes, route)
    sent_again(retries)


def sent_again(retries: Retries) -> None:
    """Sends a request three times, one after the other."""
    asked = retries.asked()
    before = retries.look()
    first = retries.door.send(asked)
    between = retries.look()
    again = [retries.door.send(asked) for _ in range(2)]
    expected = effect(before, between)
    retries.check([first, *again], effect(before, retries.look()), expected)
    if retries.route not in EXCEPTIONS:
        assert retries.look() == between, "a repetition changed what was stored"


@every_route
def test_sent_by_several_threads_at_once_it_happens_once(writes: Writes, route: str) -> None:
    retries = Retries(writes, route)
    _, expected = retries.once()
    asked = retries.asked()
    before = retries.look()
    barrier = threading.Barrier(TRIES_AT_ONCE)
    replies: list[Reply] = []

    def send() -> None:
        barrier.wait()
        replies.append(retries.door.send(asked))

    threads = [threading.Thread(target=send) for _ in range(TRIES_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told_to_wait = [reply for reply in replies if reply.status == 409]
    assert all("in-flight" in reply.json["type"] and "retry-after" in reply.headers for reply in told_to_wait), replies
    answered = [reply for reply in replies if reply.status != 409]
    retries.check([*answered, retries.door.send(asked)], effect(before, retries.look()), expected)


@every_route
def test_after_a_crash_at_any_of_its_writes_the_next_try_completes_it(
    writes: Writes, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Redis has no clock that a test could put forward, so what a dead try has noted there is over sooner.
    monkeypatch.setattr(hints, "FLIGHT_SECONDS", 0.3)
    later = SOON if route == "POST /v1/sessions/refresh" else AFTER_THE_LEASE
    retries = Retries(writes, route)
    _, expected = retries.once()
    for number in range(WRITES_MAX):
        asked = retries.asked()
        before = retries.look()
        with dies_after_write(number) as death, suppress(Death):
            retries.door.send(asked)
        if not death.came:
            break
        if route == "POST /v1/holds":
            time.sleep(0.35)
        with clock.use(lambda: datetime.now(UTC) + later):
            replies = [forget_tallies(retries.door.send(asked)) for _ in range(2)]
        happened = effect(before, retries.look())
        if route == "POST /v1/holds":
            # Who died did so without telling Redis what it had: one hold is left that nobody knows of, and runs out.
            happened["places taken"] = min(happened["places taken"], expected["places taken"])
        retries.check(replies, happened, expected)
    else:
        raise AssertionError(f"more than {WRITES_MAX} writes, and some were not tried")
    assert number > 0 or EXCEPTIONS.get(route) == "writes nothing", "a request that changes something writes something"


@every_route
def test_with_the_answer_of_every_write_lost_it_is_done_once(
    writes: Writes, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = Retries(writes, route)
    _, expected = retries.once()
    asked = retries.asked()
    before = retries.look()
    monkeypatch.setattr(transport, "carry", losing_answers(transport.carry))
    first = retries.door.send(asked)
    monkeypatch.undo()
    retries.check([first, retries.door.send(asked)], effect(before, retries.look()), expected)


def test_without_redis_a_hold_sent_again_leaves_one_extra_hold_that_runs_out(writes: Writes) -> None:
    retries = Retries(writes, "POST /v1/holds")
    _, expected = retries.once()
    asked = retries.asked()
    before = retries.look()
    event_id = asked.body["event_id"]
    with caching.using(Cache(None, prefix="nobody")):
        # What these tests have sold or withheld before is gone for good.
        free_later = free_when_holds_have_run_out(retries, event_id)
        first, again = (retries.door.send(asked) for _ in range(2))
        assert (first.status, again.status) == (201, 201)
        happened = effect(before, retries.look())
        assert happened["places taken"] <= 2 * expected["places taken"]
        order = retries.door.expect(
            Asked("POST", "/v1/orders", asked.caller, {"hold_token": first.json["hold_token"]}, asked.headers), 201
        )
        assert order["order_id"] == ids.same_body("ord", first.json["hold_id"])
        assert again.json["event_id"] == event_id
        assert free_places(retries, event_id) < free_later
        assert free_when_holds_have_run_out(retries, event_id) == free_later


def free_when_holds_have_run_out(retries: Retries, event_id: str) -> int:
    """The free general places of the event, as the public will see them when nobody holds any more."""
    with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=700)):
        return free_places(retries, event_id)


def free_places(retries: Retries, event_id: str) -> int:
    """The free general places of the event, as the public sees them."""
    caching.forget()
    seen = retries.door.expect(Asked("GET", f"/v1/availability/{event_id}"), 200)
    return int(next(pool["free"] for pool in seen["pools"] if pool["kind"] == "general"))


def forget_tallies(reply: Reply) -> Reply:
    """An import that finishes what a dead one began counts as there what that one made; the season is the same."""
    if b'"rows_written"' not in reply.body:
        return reply
    body = reply.json
    tallies = [body.pop(name) for name in ("venues", "seat_maps", "series", "events")]
    body["all"] = [tally["created"] + tally["present"] for tally in tallies]
    body.pop("rows_written")
    return reply._replace(body=json.dumps(body).encode())


class Death(BaseException):
    """The end of the process, which no handler may catch."""


class Deadly:
    """Whether the process has died."""

    came = False


@contextmanager
def dies_after_write(number: int) -> Iterator[Deadly]:
    """Dies when the write with that number is done, counted from 0; from then on nothing reaches table or Redis."""
    death = Deadly()
    carry, execute = transport.carry, Cache.execute
    seen = 0

    def carried(operation: str, request: transport.Request, seconds: float) -> transport.Answer:
        nonlocal seen
        if death.came:
            raise Death
        answer = carry(operation, request, seconds)
        if operation in WRITING:
            death.came = seen == number
            seen += 1
        if death.came:
            raise Death
        return answer

    def executed(self: Cache, call: Callable[[Any], Any]) -> Any:
        if death.came:
            raise Death
        return execute(self, call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "carry", carried)
        patch.setattr(Cache, "execute", executed)
        yield death


def losing_answers(carry: Callable[..., transport.Answer]) -> Callable[..., transport.Answer]:
    """Lets every write be done, and loses its answer the first time it is sent."""
    sent: dict[int, transport.Request] = {}

    def losing(operation: str, request: transport.Request, seconds: float) -> transport.Answer:
        answer = carry(operation, request, seconds)
        # A write that is sent again is the same object, kept here lest its number be given to another one.
        if operation in WRITING and id(request) not in sent:
            sent[id(request)] = request
            raise wire.Lost("the answer was lost")
        return answer

    return losing


def test_a_change_sent_again_answers_the_same_also_when_others_have_changed_more(writes: Writes) -> None:
    changed_in_between(Retries(writes, "PATCH /v1/events/{event_id}"))


def changed_in_between(retries: Retries) -> None:
    """Sends a change, another one of the same event, and the first again."""
    asked = retries.asked()
    first = retries.door.send(asked)
    second = asked._replace(body={"name": "The Best Name"}, headers=(("If-Match", "*"),))
    assert retries.door.expect(second, 200)["version"] == first.json["version"] + 1
    retries.check([first, retries.door.send(asked)], Counter(), Counter())
    assert retries.door.expect(second, 200)["name"] == "The Best Name"


def forget_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes tables take every request for one with a key of its own."""
    begin = TableStore.begin

    def forgetful(self: TableStore, key: str, request_hash: bytes, now: datetime) -> Any:
        return begin(self, f"{key}-{secrets.token_hex(4)}", request_hash, now)

    monkeypatch.setattr(TableStore, "begin", forgetful)


# The negative controls: which routes the checks refuse once a guard is taken away.
KEPT_IN_TABLE = [
    "POST /v1/organisers",
    "POST /v1/venues",
    "POST /v1/seat-maps",
    "POST /v1/series",
    "POST /v1/events",
    "POST /v1/imports",
]


@pytest.mark.parametrize("route", KEPT_IN_TABLE)
def test_without_the_keys_in_the_table_a_repetition_is_found_out(
    writes: Writes, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_keys(monkeypatch)
    with pytest.raises(AssertionError):
        sent_again(Retries(writes, route))


def test_without_the_keys_in_the_table_a_change_sent_again_meets_what_came_after_it(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_keys(monkeypatch)
    with pytest.raises(AssertionError):
        changed_in_between(Retries(writes, "PATCH /v1/events/{event_id}"))


def test_without_the_record_of_its_key_a_second_hold_is_found_out(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_of = hints.key_of
    monkeypatch.setattr(hints, "key_of", lambda person, key, body: key_of(person, secrets.token_hex(8), body))
    with pytest.raises(AssertionError):
        sent_again(Retries(writes, "POST /v1/holds"))


def test_without_ids_that_follow_from_the_hold_a_second_order_is_found_out(
    writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "same_body", lambda prefix, base: ids.new_id(prefix))
    with pytest.raises(AssertionError):
        sent_again(Retries(writes, "POST /v1/orders"))


@pytest.mark.parametrize("route", ["POST /v1/gates", "POST /v1/admissions"])
def test_without_its_key_a_second_gate_and_a_second_scan_are_found_out(
    writes: Writes, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.http import view

    monkeypatch.setattr(view, "read_key", lambda header, policy: None)
    with pytest.raises(AssertionError):
        sent_again(Retries(writes, route))
