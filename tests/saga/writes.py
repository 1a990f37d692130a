"""A good request for every route that changes something, new each time: what tests of retries and bad input start from.

The table must name every such route of every service; `unknown_writes` says which it does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from tests.saga.front_door import Asked, Caller, FrontDoor, route_of
from tests.saga.house import HouseSeats
from tests.saga.issuer import issuer_of_this_process
from tests.saga.programs import Programs
from tests.saga.rush import Rush
from tests.saga.tenants import (
    PASSWORD,
    Sold,
    Tenant,
    Town,
    event,
    hold_request,
    order_request,
    payment_request,
    scan_request,
    seat_map,
    waiting_request,
)

# What tests of all routes together scan; a PDF page for each makes them dear.
TICKETS = 10


class Writes:
    """Good requests to one organiser's services, by route."""

    def __init__(self, town: Town, tenant: Tenant, sold: Sold) -> None:
        self.town, self.tenant, self.sold = town, tenant, sold
        self.buyer = sold.buyer
        self._tickets: Iterator[dict[str, Any]] = iter(self.sold.tickets)
        self._seasons = 0
        self.house = HouseSeats(town, tenant)
        self.programs = Programs(town, tenant)
        self.rush = Rush(town, tenant, sold.buyer)
        self.table: dict[str, Callable[[], Asked]] = {
            "POST /v1/people": self.sign_up,
            "POST /v1/sessions": self.sign_in,
            "POST /v1/sessions/refresh": self.refresh,
            "POST /v1/sessions/oidc": self.sign_in_from_elsewhere,
            "POST /v1/people/me/identities": self.link_identity,
            "DELETE /v1/people/me/identities/{identity_id}": self.unlink_identity,
            "DELETE /v1/sessions/current": self.sign_out,
            "POST /v1/organisers": self.register_organiser,
            "POST /v1/organisers/{organiser_id}/members": self.add_member,
            "DELETE /v1/organisers/{organiser_id}/members/{person_id}": self.remove_member,
            "POST /v1/organisers/{organiser_id}/api-keys": self.programs.add,
            "POST /v1/organisers/{organiser_id}/api-keys/{api_key_id}/rotation": self.programs.rotate,
            "PATCH /v1/organisers/{organiser_id}/api-keys/{api_key_id}": self.programs.change,
            "DELETE /v1/organisers/{organiser_id}/api-keys/{api_key_id}": self.programs.revoke,
            "PUT /v1/organisers/{organiser_id}/plan": self.programs.change_plan,
            "POST /v1/access-tokens": self.programs.exchange,
            "POST /v1/venues": self.add_venue,
            "POST /v1/seat-maps": lambda: self._owner("POST", "/v1/seat-maps", seat_map(self.tenant)),
            "POST /v1/series": self.add_series,
            "POST /v1/events": lambda: self._owner("POST", "/v1/events", event(self.tenant, "Another Evening")),
            "PATCH /v1/events/{event_id}": self.change_event,
            "POST /v1/events/{event_id}/publication": lambda: self._owner("POST", f"{self._draft()}/publication"),
            "POST /v1/imports": self.import_season,
            "POST /v1/events/{event_id}/vouchers": self.make_vouchers,
            "PATCH /v1/vouchers/{voucher_id}": self.change_voucher,
            "DELETE /v1/vouchers/{voucher_id}": lambda: self._owner("DELETE", self._voucher()),
            "PATCH /v1/pools/{pool_id}": self.house.change_pool,
            "POST /v1/events/{event_id}/withholdings": self.house.withhold,
            "PATCH /v1/events/{event_id}/withholdings/{withholding_id}": self.house.give_some_back,
            "DELETE /v1/events/{event_id}/withholdings/{withholding_id}": self.house.end,
            "POST /v1/holds": lambda: hold_request(self.tenant, self.buyer),
            "POST /v1/holds/{hold_id}/extension": self.extend_hold,
            "DELETE /v1/holds/{hold_id}": self.release_hold,
            "PUT /v1/waiting-rooms/{event_id}": self.rush.set_up,
            "PATCH /v1/waiting-rooms/{event_id}": self.rush.change,
            "POST /v1/waiting-rooms/{event_id}/numbers": self.rush.take_number,
            "POST /v1/waiting-rooms/{event_id}/passes": self.rush.take_pass,
            "POST /v1/waiting-lists/{event_id}/entries": lambda: self.wait(town.person("Waiter")),
            "DELETE /v1/waiting-lists/{event_id}/entries/{entry_id}": self.wait_no_more,
            "POST /v1/orders": lambda: order_request(town.hold(self.tenant, self.buyer), self.buyer),
            "POST /v1/orders/{order_id}/cancellation": self.cancel_order,
            "POST /v1/payments": lambda: payment_request(self._order(), self.buyer),
            "POST /v1/webhooks/test": lambda: town.webhook_request(town.paid(self.tenant, self.buyer)[3]),
            "POST /v1/gates": self.add_gate,
            "POST /v1/admissions": self.scan,
        }

    @classmethod
    def to_a_new_tenant(cls, town: Town) -> Writes:
        """Requests to an organiser of their own."""
        tenant = town.tenant("Retry Concerts", roles=("scanner",))
        town.plan(tenant, "Retry")
        return cls(town, tenant, town.sell(tenant, town.person("Retry Buyer"), TICKETS))

    def sign_up(self) -> Asked:
        """Somebody who is not there yet."""
        email = f"new.{secrets.token_hex(5)}@example.com"
        return Asked("POST", "/v1/people", body={"email": email, "password": PASSWORD, "name": "New Person"})

    def sign_in(self) -> Asked:
        """The buyer, once more."""
        return Asked("POST", "/v1/sessions", body={"email": self.buyer.identity.email, "password": PASSWORD})

    def refresh(self) -> Asked:
        """A session that has not been refreshed yet."""
        token = self.town.signed_in(self.buyer.identity.email).refresh_token
        return Asked("POST", "/v1/sessions/refresh", body={"refresh_token": token})

    def sign_in_from_elsewhere(self) -> Asked:
        """Somebody whom another issuer knows, for the first time."""
        return Asked("POST", "/v1/sessions/oidc", body={"id_token": issuer_of_this_process().token()})

    def link_identity(self) -> Asked:
        """An identity of somebody who has none yet, because there is an end to how many a person has."""
        body = {"id_token": issuer_of_this_process().token()}
        return Asked("POST", "/v1/people/me/identities", self.town.person("Linker"), body)

    def list_identities(self) -> Asked:
        """The one identity of somebody who has linked it just now."""
        linking = self.link_identity()
        self.town.door.expect(linking, 201)
        return Asked("GET", linking.path, linking.caller)

    def unlink_identity(self) -> Asked:
        """The end of an identity linked for it, of somebody of their own: all other sessions of theirs end with it."""
        linking = self.link_identity()
        made = self.town.door.expect(linking, 201)
        return Asked("DELETE", f"{linking.path}/{made['identity_id']}", linking.caller)

    def sign_out(self) -> Asked:
        """The end of a session made for it."""
        return Asked("DELETE", "/v1/sessions/current", self.town.signed_in(self.buyer.identity.email))

    def register_organiser(self) -> Asked:
        """Another organiser, by somebody who has none yet."""
        return Asked("POST", "/v1/organisers", self.town.person("Founder"), {"name": f"Org {secrets.token_hex(4)}"})

    def add_member(self) -> Asked:
        """Somebody new at the door."""
        body = {"email": self.town.person("New Member").identity.email, "role": "scanner"}
        return self._owner("POST", f"/v1/organisers/{self.tenant.organiser_id}/members", body)

    def remove_member(self) -> Asked:
        """The end of a membership made for it."""
        member = self.town.door.expect(self.add_member(), 201)
        return self._owner("DELETE", f"/v1/organisers/{self.tenant.organiser_id}/members/{member['person_id']}")

    def add_venue(self) -> Asked:
        """Another place."""
        body = {"name": "Another Hall", "city": "Boston", "time_zone": "America/New_York", "address": "1 Main Street"}
        return self._owner("POST", "/v1/venues", {"organiser_id": self.tenant.organiser_id, **body})

    def add_series(self) -> Asked:
        """Another series."""
        return self._owner("POST", "/v1/series", {"organiser_id": self.tenant.organiser_id, "name": "Another Series"})

    def change_event(self) -> Asked:
        """Another name for a draft."""
        changed = self._owner("PATCH", self._draft(), {"name": "A Better Name", "description": "Changed."})
        return changed.with_header("If-Match", '"1"')

    def import_season(self) -> Asked:
        """A season of one concert that is not there yet; its house and kind were brought in by the first one."""
        self._seasons += 1
        if self._seasons == 1:
            self.town.door.expect(self.import_season(), 200)
        concert = {
            "eventType": "Subscription Season",
            "Location": "Manhattan, NY",
            "Venue": "Carnegie Hall",
            "Date": "2024-10-10T04:00:00Z",
            "Time": "7:30PM",
        }
        programs = [{"programID": secrets.token_hex(6), "works": [], "concerts": [concert]}]
        source = "nyphil-performance-history"
        body = {"organiser_id": self.tenant.organiser_id, "source": source, "programs": programs}
        return self._owner("POST", "/v1/imports", body)

    def make_vouchers(self) -> Asked:
        """Three vouchers with codes that nobody guesses."""
        body = {"count": 3, "uses_max": 2, "percent_off": 10, "ticket_type_ids": [self.tenant.ids["standing_type_id"]]}
        return self._owner("POST", f"/v1/events/{self.tenant.ids['event_id']}/vouchers", body)

    def change_voucher(self) -> Asked:
        """More uses for a voucher."""
        changed = self._owner("PATCH", self._voucher(), {"uses_max": 9, "valid_until": "2031-01-01T00:00:00Z"})
        return changed.with_header("If-Match", '"1"')

    def wait(self, person: Caller) -> Asked:
        """Somebody who waits for what is sold out."""
        if "full_event_id" not in self.tenant.ids:
            self.town.plan_sold_out(self.tenant)
        return waiting_request(self.tenant, person)

    def wait_no_more(self) -> Asked:
        """The end of the buyer's waiting."""
        entry = self.town.door.expect(self.wait(self.buyer), 201)
        path = f"/v1/waiting-lists/{entry['event_id']}/entries/{entry['entry_id']}"
        return Asked("DELETE", path, self.buyer)

    def release_hold(self) -> Asked:
        """The end of a hold made for it."""
        hold = self.town.hold(self.tenant, self.buyer)
        return Asked(
            "DELETE", f"/v1/holds/{hold['hold_id']}", self.buyer, headers=(("Hold-Token", hold["hold_token"]),)
        )

    def extend_hold(self) -> Asked:
        """More time for a hold made for it."""
        hold = self.town.hold(self.tenant, self.buyer)
        path = f"/v1/holds/{hold['hold_id']}/extension"
        return Asked("POST", path, self.buyer, headers=(("Hold-Token", hold["hold_token"]),))

    def replace_hold(self) -> Asked:
        """A smaller basket instead of a hold made for it."""
        hold = self.town.hold(self.tenant, self.buyer)
        return hold_request(self.tenant, self.buyer, 1).with_header("Replaces", hold["hold_token"])

    def cancel_order(self) -> Asked:
        """The end of an order made for it."""
        return Asked("POST", f"/v1/orders/{self._order()['order_id']}/cancellation", self.buyer)

    def add_gate(self) -> Asked:
        """Another gate."""
        return self._owner("POST", "/v1/gates", {"event_id": self.tenant.ids["event_id"], "name": "Side"})

    def scan(self) -> Asked:
        """A ticket that nobody has used yet."""
        return scan_request(self.tenant, next(self._tickets), self.tenant.people["scanner"])

    def _owner(self, method: str, path: str, body: Any = None) -> Asked:
        return Asked(method, path, self.tenant.people["owner"], body)

    def _voucher(self) -> str:
        body = {"code": f"RUSH-{secrets.token_hex(6)}", "uses_max": 4}
        path = f"/v1/events/{self.tenant.ids['event_id']}/vouchers"
        [made] = self.town.door.expect(self._owner("POST", path, body), 201)["items"]
        return f"/v1/vouchers/{made['voucher_id']}"

    def _draft(self) -> str:
        made = self.town.door.expect(self._owner("POST", "/v1/events", event(self.tenant, "A Draft")), 201)
        return f"/v1/events/{made['event_id']}"

    def _order(self) -> dict[str, Any]:
        return self.town.order(self.town.hold(self.tenant, self.buyer), self.buyer)


def writing_routes(door: FrontDoor) -> dict[str, str]:
    """Every route that changes something, with its service."""
    return {route_of(one): one.service for one in door.operations() if one.method != "GET"}
