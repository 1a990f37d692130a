"""Buyers who hold, order and pay over HTTP, come again when nothing answers, and remember what they were told."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import urllib3

from contracts.catalog import EventPublished
from runtime.payment_company.pages import CARD_THAT_PAYS
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id

Place = tuple[int, int]
# What a buyer does with a hold, and how often of a hundred.
_WAYS: Final = (("pay", 62), ("leave", 12), ("let go", 12), ("cancel", 14))
_PATIENCE_SECONDS: Final = 30.0
_RELOAD_SECONDS: Final = 2.0
_TRIES: Final = (409, 429, 500, 502, 503, 504)
_TURNED_AWAY: Final = ("sold-out", "all-held", "too-few-left")


@dataclass
class Told:
    """What one buyer was told about one hold, and when. Times are seconds since 1970; None is what never was told."""

    buyer: Identity
    hold_id: str
    places: frozenset[Place]
    asked_at: float
    held_at: float
    expires_at: float
    order_id: str | None = None
    paid_at: float | None = None
    gave_up_at: float | None = None
    is_free: bool = False
    order_state: str | None = None
    order_places: frozenset[Place] = frozenset()


@dataclass
class Ledger:
    """All that all buyers were told."""

    told: list[Told] = field(default_factory=list)
    turned_away: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    tries_again: int = 0
    why_again: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __str__(self) -> str:
        """In a line, for whoever reads the test's output."""
        return (
            f"{len(self.told)} holds, {self.paid()} paid, turned away {dict(self.turned_away)}, "
            f"{self.tries_again} tries again for {dict(self.why_again)}, odd {self.odd}"
        )

    def paid(self) -> int:
        """How many orders were paid at the company."""
        return sum(1 for one in list(self.told) if one.paid_at is not None)


class _NoAnswer(Exception):
    """For as long as a buyer has patience, nothing sensible came back."""


class Fleet:
    """So many buyers at once, each coming again as another person until they are told to stop."""

    def __init__(self, address: str, event: EventPublished, at_once: int, seed: int) -> None:
        self.ledger = Ledger()
        self._address = address
        self._event = event
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._come, args=(random.Random(f"{seed} {number}"),)) for number in range(at_once)
        ]

    def start(self) -> None:
        """Lets them in."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets everyone finish what they are at."""
        self._stop.set()
        for thread in self._threads:
            thread.join(3 * _PATIENCE_SECONDS)
            assert not thread.is_alive(), "a buyer never came back"

    def ask_for_orders(self) -> None:
        """Every buyer looks at the order once more."""
        for told in self.ledger.told:
            if told.order_id is not None:
                answer = _Buyer(self, told.buyer).ask("GET", f"/v1/orders/{told.order_id}", 200)
                told.order_state, told.order_places = answer["state"], _places(answer)

    def _come(self, chance: random.Random) -> None:
        while not self._stop.is_set():
            name = secrets.token_hex(4)
            identity = Identity(new_id("per"), f"{name}@example.com", f"Buyer {name}", new_id("ses"))
            try:
                found = _Buyer(self, identity).buy(self._event, chance)
            except _NoAnswer as trouble:
                with self.ledger.lock:
                    self.ledger.odd.append(str(trouble))
            else:
                # Whoever is turned away comes again a little later, as people do.
                self._stop.wait(0.01 if found else 0.3)


class _Buyer:
    """One person with a connection of their own."""

    def __init__(self, fleet: Fleet, identity: Identity) -> None:
        self._fleet = fleet
        self._ledger = fleet.ledger
        self._identity = identity
        self._token = issue_access_token(identity, now=clock.now()).token
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=1.0, read=12.0))

    def buy(self, event: EventPublished, chance: random.Random) -> bool:
        """Holds, and does with it what chance says. Answers whether there was anything to hold."""
        asked_at = time.time()
        line = {"ticket_type_id": event.ticket_types[0].ticket_type_id, "quantity": chance.randint(1, 3)}
        hold = self.ask("POST", "/v1/holds", 201, {"event_id": event.event_id, "lines": [line]})
        if hold is None:
            return False
        expires_at = datetime.fromisoformat(hold["expires_at"]).timestamp()
        told = Told(self._identity, hold["hold_id"], _places(hold), asked_at, time.time(), expires_at)
        with self._ledger.lock:
            self._ledger.told.append(told)
        (way,) = chance.choices([way for way, _ in _WAYS], [weight for _, weight in _WAYS])
        if way == "let go":
            told.gave_up_at = time.time()
            self.ask("DELETE", f"/v1/holds/{told.hold_id}", 204, headers={"Hold-Token": hold["hold_token"]})
            told.is_free = True
        elif way != "leave":
            self._order(told, hold, way)
        return True

    def _order(self, told: Told, hold: dict[str, Any], way: str) -> None:
        order = self.ask("POST", "/v1/orders", 201, {"hold_token": hold["hold_token"]}, refused=(410,))
        if order is None:
            return
        told.order_id = order["order_id"]
        if way == "cancel":
            told.gave_up_at = time.time()
            self.ask("POST", f"/v1/orders/{told.order_id}/cancellation", 200)
            return
        payment = self.ask("POST", "/v1/payments", 201, {"order_token": order["order_token"]}, refused=(410,))
        if payment is None:
            return
        card = {"card": CARD_THAT_PAYS}
        page = f"{payment['checkout_url']}/pay"
        answer = self._http.request("POST", page, fields=card, redirect=False, encode_multipart=False)
        if answer.status == 303 and "checkout=paid" in answer.headers["Location"]:
            told.paid_at = time.time()

    def ask(
        self,
        method: str,
        path: str,
        status: int,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        refused: tuple[int, ...] = (),
    ) -> Any:
        """One request, sent again under the same key until it is answered; None when it was refused for good."""
        sent = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_hex(16),
            **(headers or {}),
        }
        begun_at = time.monotonic()
        last = ""
        while time.monotonic() < begun_at + _PATIENCE_SECONDS:
            try:
                raw = None if body is None else json.dumps(body).encode()
                answer = self._http.request(method, self._fleet._address + path, body=raw, headers=sent)
            except urllib3.exceptions.HTTPError as trouble:
                last = type(trouble).__name__
            else:
                if answer.status == status:
                    return json.loads(answer.data) if answer.data else {}
                if answer.status in refused:
                    return None
                problem = json.loads(answer.data)["type"].rpartition(":")[2]
                last = f"{answer.status} {problem}"
                if problem in _TURNED_AWAY:
                    with self._ledger.lock:
                        self._ledger.turned_away[problem] += 1
                    return None
                if answer.status not in _TRIES:
                    break
                if answer.status == 409 and time.monotonic() > begun_at + _RELOAD_SECONDS:
                    # Whoever had the request in hand may be dead: the page is loaded anew, which makes a new key.
                    sent["Idempotency-Key"] = secrets.token_hex(16)
            with self._ledger.lock:
                self._ledger.tries_again += 1
                self._ledger.why_again[last] += 1
            time.sleep(random.uniform(0.02, 0.2))
        raise _NoAnswer(f"{method} {path}: {last}")


def wait_until(what: str, condition: Callable[[], bool], seconds: float, about: object = "") -> None:
    """Waits for a condition. Refuses to wait for longer (AssertionError)."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s. {about}"
        time.sleep(0.05)


def _places(answer: dict[str, Any]) -> frozenset[Place]:
    return frozenset((place["block"], place["slot"]) for place in answer["places"])
