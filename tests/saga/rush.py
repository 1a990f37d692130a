"""Two rushes of one organiser: a waiting room that has not opened, and one that has, where somebody was served."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import clock
from tests.saga.front_door import Asked, Caller
from tests.saga.tenants import Tenant, Town, event

# A first range of serials is used up, so that the next ones come out of one that is larger.
_FIRST_COMERS = 11


class Rush:
    """Good requests to waiting rooms, made when they are first needed."""

    def __init__(self, town: Town, tenant: Tenant, buyer: Caller) -> None:
        self._town, self._tenant, self._buyer = town, tenant, buyer
        self._rooms: dict[str, str] = {}
        self._number = ""
        self._opens_at = clock.iso(datetime.now(UTC).replace(microsecond=0) + timedelta(days=20))

    def set_up(self) -> Asked:
        """Another notice for the room that has not opened, which is set anew as a whole."""
        return self._boss("PUT", self.early, {"opens_at": self._opens_at, "notice": _notice()})

    def change(self) -> Asked:
        """Another notice for the room that has not opened."""
        return self._boss("PATCH", self.early, {"notice": _notice(), "pass_seconds": 600}).with_header("If-Match", "*")

    def show(self) -> Asked:
        """What those see who steer the room."""
        return self._boss("GET", self.early)

    def status(self) -> Asked:
        """What everybody sees."""
        return Asked("GET", f"{self.early}/status")

    def take_number(self) -> Asked:
        """A number for somebody who has none."""
        return Asked("POST", f"{self.early}/numbers", self._town.person("Rush Fan"), {"proof": "solved"})

    def take_pass(self) -> Asked:
        """A Pass for the buyer's number, which was served."""
        return Asked("POST", f"{self.opened}/passes", self._buyer, {"number": self._served_number()})

    @property
    def early(self) -> str:
        """The path of the room that has not opened."""
        if "early" not in self._rooms:
            self._room("early", self._opens_at)
            for number in range(_FIRST_COMERS):
                fan = self._buyer if number == 0 else self._town.person("Early Fan")
                self._town.door.expect(Asked("POST", f"{self._rooms['early']}/numbers", fan, {}), 200)
        return self._rooms["early"]

    @property
    def opened(self) -> str:
        """The path of the room that has opened."""
        if "opened" not in self._rooms:
            self._room("opened", clock.iso(datetime.now(UTC) - timedelta(minutes=1)))
        return self._rooms["opened"]

    def _served_number(self) -> str:
        if not self._number:
            door = self._town.door
            taken = door.expect(Asked("POST", f"{self.opened}/numbers", self._buyer, {}), 200)
            # The first look serves: nobody has looked yet, so a second is due.
            shown = door.expect(Asked("GET", f"{self.opened}/status"), 200)
            assert shown["serving"] > taken["rank"], shown
            self._number = taken["number"]
        return self._number

    def _room(self, name: str, opens_at: str) -> None:
        made = self._town.door.expect(self._boss("POST", "/v1/events", event(self._tenant, f"The {name} Rush")), 201)
        self._town.door.expect(self._boss("POST", f"/v1/events/{made['event_id']}/publication"), 200)
        self._town.settle()
        self._rooms[name] = f"/v1/waiting-rooms/{made['event_id']}"
        body = {"opens_at": opens_at, "passes_per_second_max": 1000.0}
        self._town.door.expect(self._boss("PUT", self._rooms[name], body), 200)

    def _boss(self, method: str, path: str, body: Any = None) -> Asked:
        return Asked(method, path, self._tenant.people["owner"], body)


def _notice() -> str:
    return f"Have patience, all of you: {secrets.token_hex(6)}"
