"""What accounts reads from requests and writes into answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from contracts.sale import Time
from services.accounts.domain import Role
from services.accounts.domain.plans import PlanName
from shared.http import VERBATIM, PageQuery, RequestBody

Text = Annotated[str, msgspec.Meta(max_length=1000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Secret = Annotated[Text, VERBATIM]


class SignUp(RequestBody, frozen=True):
    """A new person. A password has 10 to 256 characters, and is not among the commonest."""

    email: Text
    password: Secret
    name: Name


class PersonView(msgspec.Struct, kw_only=True):
    """A person, to the person alone."""

    person_id: str
    email: str
    name: str


class SignIn(RequestBody, frozen=True):
    """The e-mail address and password of a person.

    `device_token` is what the last sign-in on this device gave: with it, others' failed sign-ins slow nobody down here.
    """

    email: Text
    password: Secret
    device_token: Secret | None = None


class Refresh(RequestBody, frozen=True):
    """The refresh token that was given out last."""

    refresh_token: Secret


class SessionView(msgspec.Struct, kw_only=True):
    """What keeps a person signed in. `expires_at` is the access token's end, `refresh_expires_at` the session's.

    Every refresh gives a new refresh token, and the one before it is of no use any more.
    """

    session_id: str
    person_id: str
    token_type: str
    access_token: str
    expires_at: Time
    refresh_token: str
    refresh_expires_at: Time


class SignedInView(SessionView, kw_only=True):
    """A session that has just begun. A client keeps `device_token` for the next sign-in; it opens nothing by itself."""

    device_token: str


class ForeignToken(RequestBody, frozen=True):
    """The ID token of a trusted issuer, ten minutes old at most, and the nonce that was sent there for it, if any."""

    id_token: Annotated[str, msgspec.Meta(max_length=16_384), VERBATIM]
    nonce: Secret | None = None


class IdentityView(msgspec.Struct, kw_only=True):
    """Who a person is at another issuer, to the person alone. `identity_id` is what unlinks it."""

    identity_id: str
    issuer: str
    subject: str
    linked_at: Time


class IdentitiesQuery(PageQuery, frozen=True):
    """A page of the identities."""


class MembershipView(msgspec.Struct, kw_only=True):
    """An organiser the person belongs to."""

    organiser_id: str
    organiser_name: str
    role: str


class MeView(PersonView, kw_only=True):
    """The person who asks, as it is now: an access token may be up to ten minutes behind."""

    session_id: str
    memberships: list[MembershipView]


class RegisterOrganiser(RequestBody, frozen=True):
    """A new organiser; who registers it is its first owner."""

    name: Name


class OrganiserView(msgspec.Struct, kw_only=True):
    """An organiser, to its members."""

    organiser_id: str
    name: str
    registered_at: Time


class AddMember(RequestBody, frozen=True):
    """Somebody who has an account, by e-mail address, and the role to give."""

    email: Text
    role: Role


class MemberView(msgspec.Struct, kw_only=True):
    """A member of an organiser."""

    person_id: str
    email: str
    name: str
    role: str
    member_since: Time


class MembersQuery(PageQuery, frozen=True):
    """A page of the members."""


KeyRole = Literal["manager", "box_office", "scanner"]
Scopes = Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=20)]


class AddApiKey(RequestBody, frozen=True):
    """A key for a program: what it is called, the role it has here, and the scopes its tokens have (`catalog:read`)."""

    name: Name
    role: KeyRole
    scopes: Scopes


class ChangeApiKey(RequestBody, frozen=True):
    """What changes; what is not sent stays as it is. A key's role stays what it was made with."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET


class RotateApiKey(RequestBody, frozen=True):
    """How long the secret before goes on to be good, so that programs can be changed one after the other."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=604_800)] = 86_400


class ApiKeyView(msgspec.Struct, kw_only=True):
    """A key, without its secret. `prefix` is how its text begins, to know it by; `version` is for If-Match."""

    api_key_id: str
    organiser_id: str
    name: str
    role: str
    scopes: list[str]
    prefix: str
    generation: int
    previous_until: Time | None
    revoked_at: Time | None
    created_at: Time
    version: int


class NewApiKeyView(ApiKeyView, kw_only=True):
    """A key with its text, which is shown this once."""

    api_key: str


class ApiKeysQuery(PageQuery, frozen=True):
    """A page of the keys."""


class ExchangeApiKey(RequestBody, frozen=True):
    """The text of an API key."""

    api_key: Text


class AccessTokenView(msgspec.Struct, kw_only=True):
    """An access token for a program, and when it ends. `plan` is whose rate it has."""

    token_type: str
    access_token: str
    expires_at: Time
    organiser_id: str
    role: str
    scopes: list[str]
    plan: PlanName


class KeysView(msgspec.Struct, kw_only=True):
    """The public keys that verify access tokens (RFC 7517)."""

    keys: list[dict[str, Any]]
