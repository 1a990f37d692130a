"""Requests about the pools of an organiser's event on sale, and about what is withheld of them."""

from __future__ import annotations

from typing import Any

from tests.saga.front_door import Asked
from tests.saga.tenants import PLACES, Tenant, Town


class HouseSeats:
    """Good requests of an owner who steers a sale, new each time."""

    def __init__(self, town: Town, tenant: Tenant) -> None:
        self._town, self._tenant = town, tenant
        self._more = 0

    def change_pool(self) -> Asked:
        """A pool with one place more than last time."""
        self._more += 1
        change = {"capacity": PLACES + self._more, "closed": False}
        return self._owner("PATCH", f"/v1/pools/{self._pool_id}", change).with_header("If-Match", "*")

    def withhold(self, quantity: int = 1) -> Asked:
        """A place for the house."""
        body = {"pool_id": self._pool_id, "name": "House seats", "quantity": quantity}
        return self._owner("POST", self._path, body)

    def give_some_back(self) -> Asked:
        """Three places of four back to sale."""
        changed = self._owner("PATCH", self._withheld(), {"quantity": 1})
        return changed.with_header("If-Match", "*")

    def end(self) -> Asked:
        """All of four places back to sale."""
        return self._owner("DELETE", self._withheld())

    @property
    def _pool_id(self) -> str:
        return self._tenant.ids["pool_id"]

    @property
    def _path(self) -> str:
        return f"/v1/events/{self._tenant.ids['event_id']}/withholdings"

    def _withheld(self) -> str:
        made = self._town.door.expect(self.withhold(4), 201)
        return f"{self._path}/{made['withholding_id']}"

    def _owner(self, method: str, path: str, body: Any = None) -> Asked:
        return Asked(method, path, self._tenant.people["owner"], body)
