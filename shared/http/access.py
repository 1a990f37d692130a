"""Who may call a route."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from shared.auth import Identity
from shared.http.problems import Unauthorized


class Access(msgspec.Struct, frozen=True):
    """What a route demands of its caller."""

    needs_sign_in: ClassVar[bool] = True

    def check(self, identity: Identity | None, path: Mapping[str, str], query: Any, body: Any) -> None:
        """Refuses callers who do not meet it. Raises Unauthorized, Forbidden or NotFound."""
        if identity is None:
            raise Unauthorized()


class _Public(Access, frozen=True):
    needs_sign_in: ClassVar[bool] = False

    def check(self, identity: Identity | None, path: Mapping[str, str], query: Any, body: Any) -> None:
        """Lets everybody in."""


class Member(Access, frozen=True):
    """Members of the organiser that the request names, in one of the roles (any role when none is named)."""

    roles: tuple[str, ...] = ()
    organiser: str = "organiser_id"

    def check(self, identity: Identity | None, path: Mapping[str, str], query: Any, body: Any) -> None:
        """Refuses strangers with 404 and wrong roles with 403; see `member`."""
        if identity is None:
            raise Unauthorized()
        organiser_id = path.get(self.organiser) or getattr(query, self.organiser, None)
        organiser_id = organiser_id or getattr(body, self.organiser, None)
        if isinstance(organiser_id, str):
            identity.require_member(organiser_id, *self.roles)
        else:
            identity.require_any_role(*self.roles)


PUBLIC = _Public()
SIGNED_IN = Access()


def member(*roles: str, organiser: str = "organiser_id") -> Member:
    """Only members of the organiser named by the path, the query or the body (in this order) as `organiser`.

    Where the request names none, any organiser's member with such a role gets through, and the use case has to call
    `identity.require_member` once it knows whose thing it speaks of.
    """
    return Member(roles=roles, organiser=organiser)
