"""Orders on a real table: fresh ids for every test, and a client of the routes that is signed in as somebody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.hold import HeldPlace, HoldLine, HoldToken
from contracts.sale import Buyer
from shared import clock, ids
from shared.auth import Identity, issue_access_token, sign_token
from shared.money import Money

Send = Callable[..., Any]


@pytest.fixture
def buyer() -> Buyer:
    """Somebody new."""
    return Buyer(person_id=ids.new_id("per"), email="bea.buyer@example.com", name="Bea Buyer")


@pytest.fixture
def make_hold(buyer: Buyer) -> Callable[..., HoldToken]:
    """Makes holds of the buyer's, each a new one."""

    def make(seats: int = 2, expires_at: datetime | None = None, **changes: Any) -> HoldToken:
        line = HoldLine(
            pool_id=ids.new_id("pol"),
            ticket_type_id=ids.new_id("tty"),
            ticket_type_name="Standard, zone A",
            price=Money(4500, "USD"),
            places=tuple(HeldPlace(3, slot, "Orchestra Left", "AA", str(101 + slot)) for slot in range(seats)),
        )
        hold = HoldToken(
            hold_id=ids.new_id("hld"),
            event_id=ids.new_id("evt"),
            event_name="An Evening of Demonstrations",
            organiser_id=ids.new_id("org"),
            person_id=buyer.person_id,
            lines=(line,),
            total=Money(4500 * seats, "USD"),
            expires_at=expires_at or clock.now() + timedelta(minutes=10),
        )
        return msgspec.structs.replace(hold, **changes)

    return make


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.orders.app import app

    return app


@pytest.fixture
def send(client: Any, buyer: Buyer) -> Send:
    """Sends one request through the Chalice app, signed in as the buyer unless told otherwise."""

    def request(
        method: str,
        path: str,
        body: Any = None,
        *,
        person: str | None = buyer.person_id,
        roles: dict[str, str] | None = None,
        **headers: str,
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if person is not None:
            identity = Identity(person, buyer.email, buyer.name, ids.new_id("ses"), roles or {})
            sent["Authorization"] = f"Bearer {issue_access_token(identity, now=clock.now()).token}"
        raw = ""
        if body is not None:
            sent["Content-Type"] = "application/json"
            raw = body if isinstance(body, str) else json.dumps(body)
        return getattr(client, method.lower())(path, headers=sent, body=raw)

    return request


@pytest.fixture
def hold_text() -> Callable[[HoldToken], str]:
    """Signs a hold token as reservations does."""
    return lambda hold: sign_token("hold", hold, hold.expires_at)
