"""Redis goes away in the middle of a sale and comes back: what is sold stays right, and buying and browsing go on.

It goes in two ways. Killed, it comes back and knows nothing; frozen, it comes back and believes what was true before.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from contracts.catalog import EventPublished
from runtime.parts import Part
from services.reservations.repository import blocks, caching
from services.tickets import document
from shared.cache import Breaker, Cache
from tests.saga.box_office import BoxOffice, Refused
from tests.saga.company import Company
from tests.saga.front_door import Asked, Caller
from tests.saga.mill import Mill
from tests.saga.tenants import Tenant, Town, hold_request, order_request, payment_request
from tests.saga.truth import Untrue, sold_places
from tests.saga.world import World

# One of the workers does all of it, because making the town takes its time.
pytestmark = pytest.mark.xdist_group("sale-without-redis")

CAPACITY, BUYERS = 30, 4
WAYS = ("killed", "frozen")
PATIENCE_SECONDS = 60

Opening = Callable[[EventPublished, int], World]


class Redis:
    """A Redis of the test's own, which all services use, and which can go away."""

    def __init__(self, part: Part, breaker: Breaker) -> None:
        self._part = part
        self.breaker = breaker

    def go(self, way: str) -> None:
        """It does not answer any more."""
        if way == "killed":
            self._part.process.kill()
            self._part.process.stop()
        else:
            os.kill(self._pid(), signal.SIGSTOP)

    def come_back(self, way: str) -> None:
        """It answers again, and everybody has noticed."""
        if way == "killed":
            self._part.process.start()
        else:
            self.thaw()
        self._part.process.wait_until(self._part.ready, 10.0)
        deadline = time.monotonic() + 10
        while not caching.cache().ping():
            assert time.monotonic() < deadline, "nobody noticed that Redis is back"
            time.sleep(0.02)

    def thaw(self) -> None:
        """Lets a frozen one go on; any other does not notice."""
        os.kill(self._pid(), signal.SIGCONT)

    def _pid(self) -> int:
        return int(json.loads(self._part.process.record.read_text())["child"])


@pytest.fixture
def redis(redis_of_its_own: Part, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    url = str(redis_of_its_own.variables["REDIS_URL"])
    # Accounts and catalog look for it at every call; reservations has made its cache by now.
    monkeypatch.setenv("REDIS_URL", url)
    breaker = Breaker(failures_max=2, pause_seconds=0.05, pause_seconds_max=0.1)
    with caching.using(Cache(url, prefix="sale", breaker=breaker)):
        made = Redis(redis_of_its_own, breaker)
        yield made
        # A test that failed may have left it frozen, in which state it could not be asked to stop.
        if redis_of_its_own.process.alive():
            made.thaw()


@pytest.fixture(scope="module")
def tenant(town: Town) -> Tenant:
    tenant = town.tenant("Outage Concerts", roles=())
    town.plan(tenant, "Outage")
    return tenant


@pytest.fixture
def sale(office: BoxOffice, mill: Mill, company: Company, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """Opens the sale of an event with one pool."""
    # Pages with symbols take longer than everything else together, and have nothing to do with Redis.
    monkeypatch.setattr(document, "render", lambda event, tickets, *, at: b"%PDF-")

    def opened(event: EventPublished, capacity: int) -> World:
        return World(office, mill, company, event, capacity)

    return opened


class Crowd:
    """Buyers who hold, order and pay two places again and again until nothing is left."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refusals: list[str] = []
        self.failures: list[Refused] = []

    def buy(self) -> None:
        """One buyer, who gives up when told that nothing is left."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < patience:
            try:
                self.world.pay(*self.world.order())
            except Refused as refused:
                if refused.status == 409:
                    self.refusals.append(refused.body["type"].rpartition(":")[2])
                    return
                if refused.status != 503:
                    self.failures.append(refused)
                    return
                time.sleep(0.05)

    def until(self, orders: int) -> int:
        """Waits until there are so many orders; answers how many there are."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while len(self.world.orders) < orders and time.monotonic() < patience:
            time.sleep(0.005)
        return len(self.world.orders)


@pytest.mark.parametrize(("way", "seated"), [("killed", False), ("frozen", True)], ids=["killed", "frozen"])
def test_a_crowd_buys_everything_once_while_redis_goes_and_comes_back(
    office: BoxOffice, redis: Redis, sale: Opening, way: str, seated: bool
) -> None:
    world = sale(office.event(seats=CAPACITY) if seated else office.event(general=CAPACITY), CAPACITY)
    crowd = Crowd(world)
    threads = [threading.Thread(target=crowd.buy) for _ in range(BUYERS)]
    for thread in threads:
        thread.start()
    before = crowd.until(CAPACITY // 8)
    redis.go(way)
    meanwhile = crowd.until(before + BUYERS + 2)
    seen_open = redis.breaker.is_open
    redis.come_back(way)
    for thread in threads:
        thread.join()
    assert meanwhile > before + BUYERS, "buying went on while Redis was away"
    assert seen_open, "Redis was not missed, so this showed nothing"
    assert crowd.failures == [], "an answer that tells the buyer nothing"
    assert len(crowd.refusals) == BUYERS
    assert set(crowd.refusals) <= {"all-held", "too-few-left", "not-together", "sold-out"}, crowd.refusals
    world.settle()
    states = world.check()
    assert set(states) == {"confirmed"}
    # Seats are sold in pairs of neighbours, so that single ones may be left.
    sold = len(sold_places(world.event.pools[0].pool_id))
    assert sold == 2 * len(states)
    assert sold == CAPACITY if not seated else sold >= CAPACITY - BUYERS


def outlive(world: World) -> None:
    """Sells two places, two more while Redis cannot be reached, and lets one more buyer try when it can be again.

    Raises Refused when that buyer is refused, and Untrue when the sale did not come out right.
    """
    world.pay(*world.order())
    with caching.using(Cache(None, prefix="cut off")):
        world.pay(*world.order())
    assert caching.cache().ping()
    try:
        world.pay(*world.order())
    finally:
        world.settle()
        world.check()


def test_what_redis_still_believes_sells_no_place_twice(office: BoxOffice, redis: Redis, sale: Opening) -> None:
    world = sale(office.event(general=4), 4)
    with pytest.raises(Refused) as refused:
        outlive(world)
    assert refused.value.status == 409
    assert len(world.orders) == 2


def test_without_the_condition_on_the_write_a_place_is_sold_twice(
    office: BoxOffice, redis: Redis, sale: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: let Redis decide, and what it still believes is sold once more."""
    world = sale(office.event(general=4), 4)
    always = blocks._path(0).does_not_exist() | blocks._path(0).exists()
    monkeypatch.setattr(blocks, "_is_free", lambda slot, now, own: always)
    monkeypatch.setattr(blocks, "_is_of", lambda slot, hold: always)
    with pytest.raises(Untrue):
        outlive(world)


def browse(town: Town, tenant: Tenant, person: Caller) -> dict[str, Any]:
    """Everything that people look at, and what keeps them signed in. Refuses anything but 2xx (AssertionError)."""
    event_id = tenant.ids["event_id"]
    door = town.door
    seen = {
        path: door.expect(Asked("GET", path), 200)
        for path in ("/v1/events?limit=100", f"/v1/events/{event_id}", f"/v1/availability/{event_id}")
    }
    seen["me"] = door.expect(Asked("GET", "/v1/people/me", person), 200)
    again = town.signed_in(person.identity.email)
    # A token nobody has seen yet, so that the authorizer has to look for its session.
    seen["signed in anew"] = door.expect(Asked("GET", "/v1/people/me", again), 200)["person_id"]
    door.expect(Asked("POST", "/v1/sessions/refresh", body={"refresh_token": again.refresh_token}), 200)
    seen["me"].pop("session_id")
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_browsing_and_buying_go_on_for_everybody_else(town: Town, tenant: Tenant, redis: Redis, way: str) -> None:
    person = town.person("Outage Buyer")
    before = browse(town, tenant, person)
    hold = town.hold(tenant, person)
    redis.go(way)
    try:
        meanwhile = browse(town, tenant, person)
        # Held with Redis, ordered without; held without, ordered with.
        order = town.door.expect(order_request(hold, person), 201)
        second = town.hold(tenant, person)
        # A hold waits for Redis once, and three in a row wait in vain.
        for other in ("Second", "Third"):
            town.hold(tenant, town.person(other), 1)
        assert redis.breaker.is_open
        town.door.expect(payment_request(order, person), 201)
    finally:
        redis.come_back(way)
    assert town.order(second, person)["state"] == "pending"
    after = browse(town, tenant, person)
    availability = f"/v1/availability/{tenant.ids['event_id']}"
    for seen in (meanwhile, after):
        assert {**seen, availability: None} == {**before, availability: None}
    held = {(place["block"], place["slot"]) for one in (hold, second) for place in one["places"]}
    assert len(held) == 4, "the holds of before and after share a place"


def test_without_a_cache_that_gives_way_browsing_ends_with_redis(
    town: Town, tenant: Tenant, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a cache that lets Redis' failures through takes everything with it."""
    person = town.person("Outage Buyer")
    browse(town, tenant, person)
    monkeypatch.setattr(Cache, "execute", lambda self, call: call(self._connected()))
    redis.go("killed")
    with pytest.raises(AssertionError, match="500"):
        browse(town, tenant, person)
    with pytest.raises(AssertionError, match="500"):
        town.door.expect(hold_request(tenant, person), 201)
