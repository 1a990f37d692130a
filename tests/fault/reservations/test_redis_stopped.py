"""Redis is killed in the middle of a sale and comes back empty: the sale goes on, slower, and stays right."""

from __future__ import annotations

import threading
import time

from contracts.catalog import EventPublished, TicketType
from runtime.parts import Part
from services.reservations.domain import refusals
from services.reservations.repository import caching, look_at
from shared.cache import Breaker, Cache
from shared.data import Unavailable
from tests.fault.reservations.racing import Spot, at_once
from tests.integration.reservations.box_office import hold, on_sale, where

CAPACITY, BUYERS = 240, 6


class Sale:
    """Buyers who take two places again and again until there are none."""

    def __init__(self, published: EventPublished, kind: TicketType) -> None:
        self.published, self.kind = published, kind
        self.places: list[Spot] = []
        self.refusals: list[str] = []
        self.unknown = 0
        self.lock = threading.Lock()

    def buy(self) -> None:
        """One buyer, who gives up when told that nothing is left."""
        patience = time.monotonic() + 60
        while time.monotonic() < patience:
            try:
                held = hold(self.published, self.kind, 2)
            except (refusals.SoldOut, refusals.AllHeld, refusals.TooFewLeft) as refused:
                with self.lock:
                    self.refusals.append(type(refused).__name__)
                return
            except refusals.Busy:
                time.sleep(0.05)
            except Unavailable:
                with self.lock:
                    self.unknown += 1
            else:
                with self.lock:
                    self.places += where(held)

    def until(self, count: int) -> None:
        """Waits until so many places are held."""
        patience = time.monotonic() + 60
        while len(self.places) < count and time.monotonic() < patience:
            time.sleep(0.005)


def test_redis_is_killed_and_started_again_in_mid_sale(redis_of_its_own: Part) -> None:
    published, kind = on_sale(CAPACITY)
    breaker = Breaker(failures_max=3, pause_seconds=0.05, pause_seconds_max=0.1)
    cache = Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="sale", breaker=breaker)
    sale = Sale(published, kind)
    seen_open: list[bool] = []

    def outage() -> None:
        sale.until(CAPACITY // 4)
        redis_of_its_own.process.kill()
        redis_of_its_own.process.stop()
        before = len(sale.places)
        sale.until(CAPACITY // 2)
        seen_open.append(breaker.is_open and len(sale.places) > before)
        redis_of_its_own.process.start()
        redis_of_its_own.process.wait_until(redis_of_its_own.ready, 10.0)

    with caching.using(cache):
        at_once([outage, *[sale.buy] * BUYERS])
        assert seen_open == [True], "holds went on while Redis was away"
        assert len(sale.places) == len(set(sale.places)), "a place was held twice"
        pool_id = published.pools[0].pool_id
        taken = sum(len(slots) for slots in look_at((pool_id, block) for block in range(10)).values())
        assert taken == CAPACITY, "whoever was told that nothing is left was told the truth"
        assert CAPACITY - 2 * sale.unknown <= len(sale.places) <= CAPACITY
        assert len(sale.refusals) == BUYERS
        time.sleep(0.2)
        assert cache.ping(), "the breaker never closed again"
