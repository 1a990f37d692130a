"""Aurora and all who might want something of it: the people of the tests of who gets what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.saga.front_door import Asked, Caller
from tests.saga.tenants import Sold, Tenant, Town, event, seat_map
from tests.saga.writes import Writes


@dataclass
class Streets:
    """Aurora and all who might want something of it, with a request for every row of the table."""

    town: Town
    aurora: Tenant
    rival: Tenant
    sold: Sold
    callers: dict[str, Caller | None]
    writes: Writes

    def request(self, route: str, name: str) -> Asked:
        """A new request for what is Aurora's or the buyer's, as the one who is entitled sends it.

        `name` is the route, or the route with the case of it that is meant.
        """
        special = self._special().get(name)
        if special is not None:
            return special()
        if route in self.writes.table:
            return self.writes.table[route]()
        path = route.split()[1].format(**self.aurora.ids, **self._ids())
        return Asked("GET", path + self._queries().get(name, ""), self.sold.buyer)

    def _special(self) -> dict[str, Callable[[], Asked]]:
        draft = f"/v1/events/{self.aurora.ids['draft_id']}"
        hold = self.sold.hold
        venue = {"venue_id": self.aurora.ids["venue_id"]}
        return {
            "GET /v1/venues/{venue_id} (private)": lambda: Asked(
                "GET", f"/v1/venues/{self.aurora.ids['private_venue_id']}"
            ),
            "GET /v1/events/{event_id} (draft)": lambda: Asked("GET", draft),
            "POST /v1/holds (instead of another hold)": self.writes.replace_hold,
            "GET /v1/holds/{hold_id}": lambda: Asked(
                "GET", f"/v1/holds/{hold['hold_id']}", headers=(("Hold-Token", hold["hold_token"]),)
            ),
            "GET /v1/people/me/identities": self.writes.list_identities,
            "GET /v1/waiting-rooms/{event_id}": self.writes.rush.show,
            "GET /v1/waiting-rooms/{event_id}/status": self.writes.rush.status,
            "GET /v1/organisers/{organiser_id}/statements/{month}": self.writes.programs.statement,
            "POST /v1/seat-maps (for Aurora's venue)": lambda: Asked(
                "POST", "/v1/seat-maps", body=seat_map(self.rival) | venue
            ),
            "POST /v1/events (in Aurora's venue)": lambda: Asked(
                "POST", "/v1/events", body=event(self.rival, "A Squatter's Evening") | venue
            ),
            "POST /v1/webhooks/test (without signature)": lambda: Asked(
                "POST", "/v1/webhooks/test", body={"type": "x"}
            ),
        }

    def _ids(self) -> dict[str, str]:
        return {
            "organiser_id": self.aurora.organiser_id,
            "order_id": self.sold.order["order_id"],
            "payment_id": self.sold.payment["payment_id"],
            "ticket_id": self.sold.tickets[0]["ticket_id"],
        }

    def _queries(self) -> dict[str, str]:
        organiser = f"?organiser_id={self.aurora.organiser_id}"
        order = f"?order_id={self.sold.order['order_id']}"
        of_event = f"?event_id={self.aurora.ids['event_id']}"
        return {
            "GET /v1/venues": organiser,
            "GET /v1/series": organiser,
            "GET /v1/events (Aurora's)": organiser,
            "GET /v1/reports/sales": organiser,
            "GET /v1/usage": organiser,
            "GET /v1/tickets": order,
            "GET /v1/notifications": order,
            "GET /v1/gates": of_event,
            "GET /v1/admissions": of_event,
        }

    def persons(self, *but: str) -> list[str]:
        """The e-mail addresses and names of Aurora's members and of the buyers, but for those callers'."""
        identities = [(name, caller.identity) for name, caller in self.callers.items() if caller is not None]
        return [text for name, one in identities if name not in (*but, "rival") for text in (one.email, one.name)]

    def secrets(self, caller: str) -> list[str]:
        """What nobody but those entitled may be shown."""
        sold = self.sold
        things = [sold.payment["payment_id"], sold.hold["hold_token"], *(ticket["code"] for ticket in sold.tickets)]
        return [*self.persons(caller), *things, "Aurora Secret Draft", "Aurora Parlour", sold.buyer.identity.person_id]
