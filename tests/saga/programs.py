"""Requests about an organiser's API keys, and by the programs that have one."""

from __future__ import annotations

import secrets
from typing import Any

from shared.auth import verify_access_token
from tests.saga.front_door import Asked, Caller
from tests.saga.tenants import Tenant, Town


class Programs:
    """Good requests of an owner who lets programs in, new each time."""

    def __init__(self, town: Town, tenant: Tenant) -> None:
        self._town, self._tenant = town, tenant
        self._kept: dict[str, Any] | None = None

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
