"""Requests about an organiser's API keys, and by the programs that have one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from services.accounts.domain.usage import Statement
from services.accounts.repository.usage import add_statement
from shared.auth import verify_access_token
from shared.money import Money
from tests.saga.front_door import Asked, Caller
from tests.saga.tenants import Tenant, Town


class Programs:
    """Good requests of an owner who lets programs in, new each time."""

    def __init__(self, town: Town, tenant: Tenant) -> None:
        self._town, self._tenant = town, tenant
        self._kept: dict[str, Any] | None = None
        self._plans: Iterator[str] | None = None

    def add(self, role: str = "box_office", scopes: tuple[str, ...] = ("catalog:read",)) -> Asked:
        """Another key."""
        body = {"name": "Website", "role": role, "scopes": list(scopes)}
        return self._owner("POST", self._path, body)

    def rotate(self) -> Asked:
        """Another secret for a key that many requests may share: an organiser has fifty at most."""
        if self._kept is None:
            self._kept = self._made()
        path = f"{self._path}/{self._kept['api_key_id']}/rotation"
        return self._owner("POST", path, {"overlap_seconds": 60}).with_header("Idempotency-Key", secrets.token_hex(12))

    def change(self) -> Asked:
        """Another name for a key that many requests may share."""
        if self._kept is None:
            self._kept = self._made()
        path = f"{self._path}/{self._kept['api_key_id']}"
        return self._owner("PATCH", path, {"name": f"Website {secrets.token_hex(4)}"}).with_header("If-Match", "*")

    def change_plan(self) -> Asked:
        """Another plan for the next month: of the two that there are below the one that is set up for it."""
        path = f"/v1/organisers/{self._tenant.organiser_id}/plan"
        if self._plans is None:
            self._town.door.expect(self._owner("PUT", path, {"plan": "partner"}), 200)
            self._plans = cycle(("pro", "free"))
        return self._owner("PUT", path, {"plan": next(self._plans)})

    def statement(self) -> Asked:
        """A month that is closed."""
        month, price = "2025-01", Money(0, "USD")
        made = Statement(
            organiser_id=self._tenant.organiser_id,
            organiser_name="Closed",
            month=month,
            plan="free",
            price=price,
            quota=None,
            answered=1,
            refused=0,
            keys=[],
            closed_at=datetime(2025, 2, 1, 2, tzinfo=UTC),
        )
        add_statement(made, made.closed_at)
        return self._owner("GET", f"/v1/organisers/{self._tenant.organiser_id}/statements/{month}")

    def revoke(self) -> Asked:
        """The end of a key made for it."""
        return self._owner("DELETE", f"{self._path}/{self._made()['api_key_id']}")

    def exchange(self) -> Asked:
        """An access token for a key."""
        return Asked("POST", "/v1/access-tokens", body={"api_key": self._made()["api_key"]})

    def caller(self, role: str, *scopes: str) -> Caller:
        """A program with a key of that role and these scopes."""
        made = self._town.door.expect(self.add(role, scopes), 201)
        token = self._town.door.expect(Asked("POST", "/v1/access-tokens", body={"api_key": made["api_key"]}), 201)
        identity = verify_access_token(token["access_token"]).identity
        return Caller(identity, token["access_token"], "")

    @property
    def _path(self) -> str:
        return f"/v1/organisers/{self._tenant.organiser_id}/api-keys"

    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = self._town.door.expect(self.add(), 201)
        return made

    def _owner(self, method: str, path: str, body: Any = None) -> Asked:
        return Asked(method, path, self._tenant.people["owner"], body)
