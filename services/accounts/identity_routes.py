"""Identities at other issuers over HTTP: signing in by one, linking one, seeing them all and unlinking one."""

from __future__ import annotations

from typing import Any, Final

from services.accounts import domain, repository
from services.accounts.domain import identities
from services.accounts.schemas import ForeignToken, IdentitiesQuery, IdentityView, SessionView
from services.accounts.session_views import session_view
from services.accounts.use_cases import identities as use_cases
from shared.auth.issuers import ForeignTokenRefused, IssuerUnavailable
from shared.http import PUBLIC, SIGNED_IN, Call, PageView, Routes, page_answer

PROBLEMS: Final = {
    ForeignTokenRefused: (401, "id-token-refused", "The ID token was refused"),
    IssuerUnavailable: (503, "issuer-unavailable", "The issuer does not answer at the moment"),
    identities.AccountNotLinked: (409, "account-not-linked", "There is an account with this e-mail address"),
    identities.AddressNotVerified: (403, "address-not-verified", "The e-mail address is not verified"),
    identities.IdentityTaken: (409, "identity-taken", "The identity opens another account"),
    identities.TooManyIdentities: (409, "too-many-identities", "There are too many identities"),
    identities.SignInNotRecent: (403, "sign-in-not-recent", "The sign-in was too long ago"),
    identities.LastWayIn: (409, "last-way-in", "Nothing else opens the account"),
}
_IDENTITIES: Final = "/v1/people/me/identities"
routes = Routes()


@routes.route(
    "/v1/sessions/oidc",
    methods=["POST"],
    body=ForeignToken,
    answers=SessionView,
    status=201,
    access=PUBLIC,
    summary="Sign in with another issuer",
    errors=(
        ForeignTokenRefused,
        IssuerUnavailable,
        identities.AccountNotLinked,
        identities.AddressNotVerified,
        domain.InvalidEmail,
    ),
)
def sign_in_from_elsewhere(call: Call) -> Any:
    """Exchanges the ID token of a trusted issuer (OpenID Connect) for a session of ours.

    Roles come from here alone. An address that has an account is not taken over: link the identity first.
    """
    return session_view(use_cases.sign_in_from_elsewhere(call.body, call.now))


@routes.route(
    _IDENTITIES,
    query=IdentitiesQuery,
    answers=PageView[IdentityView],
    access=SIGNED_IN,
    summary="My identities",
)
def list_identities(call: Call) -> Any:
    """The identities at other issuers that open the account of who asks, 20 at most."""
    page = use_cases.list_identities(call.person, call.query.limit, call.query.cursor)
    return page_answer(page, _view, _IDENTITIES, call.query)


@routes.route(
    _IDENTITIES,
    methods=["POST"],
    body=ForeignToken,
    answers=IdentityView,
    status=201,
    access=SIGNED_IN,
    summary="Link an identity",
    errors=(
        ForeignTokenRefused,
        IssuerUnavailable,
        identities.IdentityTaken,
        identities.TooManyIdentities,
        identities.SignInNotRecent,
        domain.SessionOver,
    ),
)
def link_identity(call: Call) -> Any:
    """Lets the identity that an ID token shows open the account of who has signed in within the last 15 minutes.

    The same again changes nothing.
    """
    return _view(use_cases.link_identity(call.body, call.person, call.now))


@routes.route(
    f"{_IDENTITIES}/{{identity_id}}",
    methods=["DELETE"],
    status=204,
    access=SIGNED_IN,
    summary="Unlink an identity",
    errors=(identities.LastWayIn, identities.SignInNotRecent, domain.SessionOver),
)
def unlink_identity(call: Call) -> None:
    """Lets an identity open the account no more, and ends every session of it but the one that asks, within a minute.

    It asks for a sign-in within the last 15 minutes. A session that begins in the half minute after ends, too. The last
    identity of an account without a password stays. Harmless when repeated within a day.
    """
    use_cases.unlink_identity(call.path["identity_id"], call.person, call.now)


def _view(row: repository.IdentityRow) -> IdentityView:
    return IdentityView(
        identity_id=identities.identity_id(row.person_id, row.issuer, row.subject),
        issuer=row.issuer,
        subject=row.subject,
        linked_at=row.linked_at,
    )
