"""Tickets on a real table, with a client of the routes that is signed in as anybody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from contracts.catalog import EventPublished
from contracts.reservations import HoldConfirmed
from services.tickets import repository, use_cases
from services.tickets.domain import Ticket
from shared import clock, ids
from shared.auth import Identity, issue_access_token
from tests.unit.tickets.sample_tickets import AT, confirmed, published

Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def now() -> Iterator[datetime]:
    """The clock stands at a time when the doors are open."""
    with clock.fixed(AT):
        yield AT


@pytest.fixture
def desk() -> use_cases.Desk:
    """What the app issues with."""
    from services.tickets.app import settings
    from services.tickets.settings import desk

    return desk(settings)


@pytest.fixture
def event() -> EventPublished:
    """A published event that tickets knows."""
    message = published()
    use_cases.keep_event(message, AT)
    return message


@pytest.fixture
def sale(event: EventPublished, desk: use_cases.Desk) -> HoldConfirmed:
    """Two seats of that event, issued."""
    message = confirmed(event)
    use_cases.issue_tickets(message, desk, AT)
    return message


@pytest.fixture
def tickets(sale: HoldConfirmed) -> list[Ticket]:
    """Its tickets."""
    issue = repository.find_issue(sale.order_id)
    assert issue is not None
    return repository.find_tickets([ticket.ticket_id for ticket in issue.tickets])


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.tickets.app import app

    return app


def somebody(organiser_id: str | None = None, role: str = "scanner", person_id: str | None = None) -> Identity:
    """A new person, a member of that organiser where one is given."""
    roles = {organiser_id: role} if organiser_id else {}
    return Identity(person_id or ids.new_id("per"), "pat@example.com", "Pat", ids.new_id("ses"), roles)


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request through the Chalice app."""

    def request(method: str, path: str, body: Any = None, *, as_: Identity | None = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if as_ is not None:
            sent["Authorization"] = f"Bearer {issue_access_token(as_, now=clock.now()).token}"
        raw = ""
        if body is not None:
            raw = json.dumps(body)
            sent["Content-Type"] = "application/json"
        return getattr(client, method.lower())(path, headers=sent, body=raw)

    return request
