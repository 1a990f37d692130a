"""Two organisers with their people, their venues and their sales, all made through the front door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from runtime.payment_company.deliveries import SIGNATURE_HEADER, signature
from shared import clock
from shared.auth import verify_access_token
from tests.saga.company import Company
from tests.saga.front_door import Asked, Caller, FrontDoor
from tests.saga.mill import Mill

PASSWORD = "saga saga saga 7"
PLACES = 1000
SEATS = 40
ROLES = ("manager", "box_office", "scanner")


@dataclass
class Tenant:
    """An organiser, its people by role, and what it has planned."""

    organiser_id: str
    people: dict[str, Caller]
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Sold:
    """One sale to a buyer, from its hold to its tickets."""

    buyer: Caller
    hold: dict[str, Any]
    order: dict[str, Any]
    payment: dict[str, Any]
    tickets: list[dict[str, Any]]


class Town:
    """Signs people up, opens organisers, and lets things be sold; every step is a request and every message arrives."""

    def __init__(self, door: FrontDoor, mill: Mill, company: Company, webhook_secret: str) -> None:
        self.door, self.mill, self.company = door, mill, company
        self._webhook_secret = webhook_secret

    def person(self, name: str) -> Caller:
        """Somebody new with that name, signed in."""
        email = f"{name.lower().replace(' ', '.')}.{secrets.token_hex(4)}@example.com"
        self.door.expect(Asked("POST", "/v1/people", body={"email": email, "password": PASSWORD, "name": name}), 201)
        return self.signed_in(email)

    def signed_in(self, email: str) -> Caller:
        """A new session of somebody who has signed up; its token knows the roles of this moment."""
        session = self.door.expect(Asked("POST", "/v1/sessions", body={"email": email, "password": PASSWORD}), 201)
        identity = verify_access_token(session["access_token"]).identity
        return Caller(identity, session["access_token"], session["refresh_token"])

    def tenant(self, name: str, roles: tuple[str, ...] = ROLES) -> Tenant:
        """An organiser of that name with an owner and these roles; catalog has heard of it."""
        founder = self.person(f"{name} owner")
        made = self.door.expect(Asked("POST", "/v1/organisers", founder, {"name": name}), 201)
        tenant = Tenant(made["organiser_id"], {"owner": self.signed_in(founder.identity.email)})
        for role in roles:
            member = self.person(f"{name} {role}".replace("_", " "))
            body = {"email": member.identity.email, "role": role}
            path = f"/v1/organisers/{tenant.organiser_id}/members"
            self.door.expect(Asked("POST", path, tenant.people["owner"], body), 201)
            tenant.people[role] = self.signed_in(member.identity.email)
        self.settle()
        return tenant

    def plan(self, tenant: Tenant, name: str) -> None:
        """Gives the organiser a venue, a private one, a seat map, a series, a draft and an event on sale."""
        owner, own = tenant.people["owner"], {"organiser_id": tenant.organiser_id}
        place = {**own, "city": "New York", "time_zone": "America/New_York"}
        made = tenant.ids
        made["venue_id"] = self._made("/v1/venues", owner, {**place, "name": f"{name} Hall"})["venue_id"]
        private = {**place, "name": f"{name} Parlour", "private": True}
        made["private_venue_id"] = self._made("/v1/venues", owner, private)["venue_id"]
        made["seat_map_id"] = self._made("/v1/seat-maps", owner, seat_map(tenant))["seat_map_id"]
        made["series_id"] = self._made("/v1/series", owner, {**own, "name": f"{name} Series"})["series_id"]
        made["draft_id"] = self._made("/v1/events", owner, event(tenant, f"{name} Secret Draft"))["event_id"]
        on_sale = self._made("/v1/events", owner, event(tenant, f"{name} Evening"))
        made["event_id"] = on_sale["event_id"]
        for ticket_type in on_sale["ticket_types"]:
            made[f"{ticket_type['name'].lower()}_type_id"] = ticket_type["ticket_type_id"]
        made["pool_id"] = next(pool["pool_id"] for pool in on_sale["pools"] if pool["kind"] == "general")
        self.door.expect(Asked("POST", f"/v1/events/{made['event_id']}/publication", owner), 200)
        self.settle()
        made["gate_id"] = self._made("/v1/gates", owner, {"event_id": made["event_id"], "name": "Main"})["gate_id"]

    def plan_sold_out(self, tenant: Tenant) -> None:
        """Puts an event on sale whose one place is in a basket, and lets somebody wait for it."""
        owner, made = tenant.people["owner"], tenant.ids
        body = event(tenant, "A Small Evening")
        body["pools"] = [{"name": "Floor", "kind": "general", "capacity": 1}]
        body["ticket_types"] = body["ticket_types"][:1]
        planned = self._made("/v1/events", owner, body)
        made["full_event_id"] = planned["event_id"]
        made["full_type_id"] = planned["ticket_types"][0]["ticket_type_id"]
        self.door.expect(Asked("POST", f"/v1/events/{made['full_event_id']}/publication", owner), 200)
        self.settle()
        lines = [{"ticket_type_id": made["full_type_id"], "quantity": 1}]
        body = {"event_id": made["full_event_id"], "lines": lines}
        self.door.expect(Asked("POST", "/v1/holds", self.person("Quick Buyer"), body), 201)
        self.door.expect(waiting_request(tenant, self.person("First Waiter")), 201)

    def hold(self, tenant: Tenant, buyer: Caller, quantity: int = 2) -> dict[str, Any]:
        """A hold of general places."""
        return dict(self.door.expect(hold_request(tenant, buyer, quantity), 201))

    def order(self, hold: dict[str, Any], buyer: Caller) -> dict[str, Any]:
        """The hold's order."""
        return dict(self.door.expect(order_request(hold, buyer), 201))

    def paid(self, tenant: Tenant, buyer: Caller, quantity: int = 2) -> tuple[Any, Any, Any, bytes]:
        """A hold, its order and payment, and the webhook that says that it was paid; nobody has taken it yet."""
        hold = self.hold(tenant, buyer, quantity)
        order = self.order(hold, buyer)
        payment = self.door.expect(payment_request(order, buyer), 201)
        self.company.pay(payment["checkout_url"])
        self.company.wait_until_told()
        return hold, order, payment, self.company.webhooks.popleft().body

    def sell(self, tenant: Tenant, buyer: Caller, quantity: int = 2) -> Sold:
        """A whole sale, with every message delivered."""
        hold, order, payment, webhook = self.paid(tenant, buyer, quantity)
        self.door.expect(self.webhook_request(webhook), 202)
        self.settle()
        path = f"/v1/tickets?order_id={order['order_id']}"
        tickets = self.door.expect(Asked("GET", path, buyer), 200)["items"]
        assert len(tickets) == quantity, f"{len(tickets)} tickets were issued for {quantity} places"
        return Sold(buyer, hold, order, payment, tickets)

    def webhook_request(self, body: bytes) -> Asked:
        """The company's request with that body, signed as it does."""
        signed = signature(self._webhook_secret, int(clock.now().timestamp()), body)
        return Asked("POST", "/v1/webhooks/test", body=body, headers=((SIGNATURE_HEADER, signed),))

    def settle(self) -> None:
        """Delivers every message there is, and those that follow from them."""
        while parcels := self.mill.collect():
            late = [parcel for parcel in parcels if not self.mill.deliver(parcel)]
            # Whoever came before what it waits for comes again, as a queue would bring it.
            assert all(self.mill.deliver(parcel) for parcel in late), late

    def _made(self, path: str, caller: Caller, body: dict[str, Any]) -> Any:
        return self.door.expect(Asked("POST", path, caller, body), 201)


def event(tenant: Tenant, name: str) -> dict[str, Any]:
    """The body of an event with a general pool and a seated one."""
    price = {"amount": 4500, "currency": "USD"}
    return {
        "organiser_id": tenant.organiser_id,
        "name": name,
        "venue_id": tenant.ids["venue_id"],
        "series_id": tenant.ids["series_id"],
        "starts_at": clock.iso(datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)),
        "currency": "USD",
        "description": "Made for the tests.",
        "places_per_order_max": 50,
        "pools": [
            {"name": "Floor", "kind": "general", "capacity": PLACES},
            {"name": "Seats", "kind": "seated", "seat_map_id": tenant.ids["seat_map_id"]},
        ],
        "ticket_types": [
            {"name": "Standing", "price": price, "pool": "Floor"},
            {"name": "Seated", "price": price, "pool": "Seats", "zone": "A"},
        ],
        "programme": [{"title": "Prelude", "composer": "Ann Lee", "soloists": ["Bo Kim"]}],
    }


def seat_map(tenant: Tenant) -> dict[str, Any]:
    """The body of a seat map of one row."""
    rows = [{"name": "A", "runs": [{"first": 1, "last": SEATS, "zone": "A"}]}]
    venue_id = tenant.ids["venue_id"]
    return {
        "organiser_id": tenant.organiser_id,
        "venue_id": venue_id,
        "name": "Plan",
        "sections": [{"name": "Stalls", "rows": rows}],
    }


def hold_request(tenant: Tenant, buyer: Caller | None, quantity: int = 2) -> Asked:
    """A request for general places of the organiser's event."""
    lines = [{"ticket_type_id": tenant.ids["standing_type_id"], "quantity": quantity}]
    return Asked("POST", "/v1/holds", buyer, {"event_id": tenant.ids["event_id"], "lines": lines})


def waiting_request(tenant: Tenant, buyer: Caller | None) -> Asked:
    """A request to wait for the organiser's event that is sold out."""
    path = f"/v1/waiting-lists/{tenant.ids['full_event_id']}/entries"
    return Asked("POST", path, buyer, {"ticket_type_id": tenant.ids["full_type_id"], "quantity": 1})


def order_request(hold: dict[str, Any], buyer: Caller | None) -> Asked:
    """A request to order what a hold keeps, under a key of its own."""
    return Asked("POST", "/v1/orders", buyer, {"hold_token": hold["hold_token"]}, _key())


def payment_request(order: dict[str, Any], buyer: Caller | None) -> Asked:
    """A request for the order's checkout, under a key of its own."""
    return Asked("POST", "/v1/payments", buyer, {"order_token": order["order_token"]}, _key())


def scan_request(tenant: Tenant, ticket: dict[str, Any], caller: Caller | None) -> Asked:
    """A request to let a ticket in at the organiser's gate."""
    return Asked("POST", "/v1/admissions", caller, {"code": ticket["code"], "gate_id": tenant.ids["gate_id"]})


def _key() -> tuple[tuple[str, str], ...]:
    return (("Idempotency-Key", secrets.token_hex(12)),)
