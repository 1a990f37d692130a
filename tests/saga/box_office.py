"""A whole box office in one process: the eight apps, called as API Gateway calls them, on real tables and queues."""

from __future__ import annotations

import importlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalGateway

from contracts.catalog import EventPublished, Pool, SeatRun, TicketType, Venue
from runtime.payment_company.deliveries import SIGNATURE_HEADER, signature
from shared import clock
from shared.auth import Identity, issue_access_token
from shared.ids import new_id
from shared.money import Money
from tests.saga.company import Webhook

SERVICES = ("accounts", "catalog", "reservations", "orders", "payments", "tickets", "notifications", "reporting")
HOLD_SECONDS = 600
PRICE = Money(4500, "USD")


def load_apps() -> dict[str, Chalice]:
    """The apps by service. Their settings come from the environment, which tests/conftest.py has set."""
    return {service: importlib.import_module(f"services.{service}.app").app for service in SERVICES}


@dataclass(frozen=True)
class Basket:
    """What a buyer got from reservations, and the order and page that may have followed."""

    buyer: Identity
    hold: dict[str, Any]

    @property
    def places(self) -> set[tuple[str, int, int]]:
        """The places held, as pool, block and slot."""
        return {(place["pool_id"], place["block"], place["slot"]) for place in self.hold["places"]}


class Refused(AssertionError):
    """A route answered another status than the one the test counts on."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class BoxOffice:
    """Calls routes of the eight apps in this process; knows nothing of what they keep."""

    def __init__(self) -> None:
        self.apps = load_apps()
        config = Config("test")
        self._gateways = {service: LocalGateway(app, config) for service, app in self.apps.items()}
        self.organiser_id = new_id("org")

    def call(
        self,
        service: str,
        method: str,
        path: str,
        *,
        person: Identity | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        status: int = 200,
    ) -> Any:
        """One request. Raises Refused when another status comes back than the one expected."""
        sent = {"content-type": "application/json", **(headers or {})}
        if person is not None:
            sent["authorization"] = f"Bearer {issue_access_token(person, now=clock.now()).token}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self._gateways[service].handle_request(method, path, sent, raw)
        text = answer["body"]
        decoded = json.loads(text) if text else None
        if answer["statusCode"] != status:
            raise Refused(answer["statusCode"], decoded)
        return decoded

    def buyer(self) -> Identity:
        """A person of their own, signed in."""
        name = secrets.token_hex(4)
        return Identity(new_id("per"), f"{name}@example.com", f"Buyer {name}", new_id("ses"))

    def event(self, *, seats: int = 0, general: int = 0) -> EventPublished:
        """What catalog says of an event with one pool: so many seats in one row, or so many general places."""
        pool_id, event_id = new_id("pol"), new_id("evt")
        kind, runs = (
            ("seated", (SeatRun(section="Stalls", row="A", first=1, last=seats, zone="A"),))
            if seats
            else (
                "general",
                (),
            )
        )
        return EventPublished(
            event_id=event_id,
            version=2,
            organiser_id=self.organiser_id,
            organiser_name="Saga Concerts",
            name="An Evening of Faults",
            starts_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=30),
            time_zone="America/New_York",
            venue=Venue(venue_id=new_id("ven"), name="Saga Hall", city="New York"),
            currency="USD",
            hold_seconds=HOLD_SECONDS,
            places_per_order_max=10,
            pools=(Pool(pool_id=pool_id, kind=kind, name="All", capacity=seats or general, runs=runs),),  # type: ignore[arg-type]
            ticket_types=(
                TicketType(
                    ticket_type_id=new_id("tty"),
                    name="Standard",
                    price=PRICE,
                    pool_id=pool_id,
                    zone="A" if seats else None,
                ),
            ),
        )

    def hold(
        self, event: EventPublished, buyer: Identity, *, quantity: int = 2, seats: list[int] | None = None
    ) -> Basket:
        """Holds so many places, or these seats of row A. Raises Refused."""
        line: dict[str, Any] = {"ticket_type_id": event.ticket_types[0].ticket_type_id}
        if seats:
            line["seats"] = [{"section": "Stalls", "row": "A", "seat": seat} for seat in seats]
        else:
            line["quantity"] = quantity
        body = {"event_id": event.event_id, "lines": [line]}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return Basket(
            buyer, self.call("reservations", "POST", "/v1/holds", person=buyer, body=body, headers=key, status=201)
        )

    def order(self, basket: Basket) -> dict[str, Any]:
        """Orders what the hold keeps."""
        answer = self.call(
            "orders",
            "POST",
            "/v1/orders",
            person=basket.buyer,
            body={"hold_token": basket.hold["hold_token"]},
            headers={"Idempotency-Key": secrets.token_hex(16)},
            status=201,
        )
        return dict(answer)

    def open_checkout(self, basket: Basket, order: dict[str, Any]) -> dict[str, Any]:
        """Opens the provider's page for the order."""
        answer = self.call(
            "payments",
            "POST",
            "/v1/payments",
            person=basket.buyer,
            body={"order_token": order["order_token"]},
            headers={"Idempotency-Key": secrets.token_hex(16)},
            status=201,
        )
        return dict(answer)

    def cancel(self, basket: Basket, order: dict[str, Any]) -> None:
        """The buyer gives the order up."""
        path = f"/v1/orders/{order['order_id']}/cancellation"
        self.call("orders", "POST", path, person=basket.buyer, headers={"Idempotency-Key": secrets.token_hex(16)})

    def take_webhook(self, webhook: Webhook) -> None:
        """Brings a webhook, signed afresh as the company does at every try. Raises Refused unless it is taken."""
        secret = os.environ["TEST_PROVIDER_WEBHOOK_SECRET"]
        signed = {SIGNATURE_HEADER: signature(secret, int(clock.now().timestamp()), webhook.body)}
        self.call("payments", "POST", "/v1/webhooks/test", body=webhook.body, headers=signed, status=202)

    def topic_arn(self, service: str) -> str:
        """Where a service publishes."""
        return os.environ[f"{service.upper()}_TOPIC_ARN"]
