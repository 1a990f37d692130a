"""Who is asking: the person behind a request and the roles the access token gave."""

import msgspec


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signed-in person; `roles` maps the id of an organiser to the person's role there.

    A program with an API key is one, too, with `scopes`: it may call the routes of these alone (None: of all).
    `api_key_id` is then its key, and `plan` the name of what its organiser pays for.
    """

    person_id: str
    email: str
    name: str
    session_id: str
    roles: dict[str, str] = {}
    scopes: tuple[str, ...] | None = None
    api_key_id: str | None = None
    plan: str | None = None

    def has_scope(self, scope: str) -> bool:
        """Whether routes of that scope are open to the caller, as far as scopes go."""
        return self.scopes is None or scope in self.scopes

    def role_at(self, organiser_id: str) -> str | None:
        """The person's role at that organiser, None for strangers."""
        return self.roles.get(organiser_id)

    def is_member(self, organiser_id: str, *roles: str) -> bool:
        """Whether the person is a member there, in one of the roles when any are named."""
        role = self.roles.get(organiser_id)
        return role is not None and (not roles or role in roles)

    def require_member(self, organiser_id: str, *roles: str) -> None:
        """Refuses everybody who is not a member there in one of the roles (any role when none is named).

        Raises NotFound for strangers, who must not learn that the thing exists, and Forbidden for the wrong role.
        """
        # Imported here because the kit's HTTP part imports this module.
        from shared.http.problems import Forbidden, NotFound

        role = self.roles.get(organiser_id)
        if role is None:
            raise NotFound()
        if roles and role not in roles:
            raise Forbidden(f"This needs one of the roles {', '.join(roles)} at the organiser.")

    def require_any_role(self, *roles: str) -> None:
        """Refuses everybody who has none of the roles at any organiser (any role when none is named).

        Raises Forbidden. For routes that learn only later whose thing they speak of.
        """
        from shared.http.problems import Forbidden

        if not any(not roles or role in roles for role in self.roles.values()):
            raise Forbidden("This needs " + (f"one of the roles {', '.join(roles)}." if roles else "a membership."))

    def organisers(self, *roles: str) -> list[str]:
        """The ids of the organisers where the person has one of the roles (any role when none is named)."""
        return [organiser_id for organiser_id, role in self.roles.items() if not roles or role in roles]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Identity)

# API Gateway hands an authorizer's context on as flat strings, so the identity travels as one of them.
CONTEXT_KEY = "identity"


def pack_identity(identity: Identity) -> str:
    """The identity as the string an authorizer's context can carry."""
    return _encoder.encode(identity).decode()


def unpack_identity(text: str | bytes) -> Identity:
    """The identity from an authorizer's context. Raises msgspec.MsgspecError when it is none."""
    return _decoder.decode(text)
