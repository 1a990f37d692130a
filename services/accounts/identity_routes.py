"""Identities at other issuers over HTTP: signing in by one, and linking one."""

from __future__ import annotations

from typing import Any, Final

from services.accounts import domain
from services.accounts.domain import identities
from services.accounts.schemas import ForeignToken, IdentityView, SessionView
from services.accounts.session_views import session_view
from services.accounts.use_cases import identities as use_cases
from shared.auth.issuers import ForeignTokenRefused, IssuerUnavailable
from shared.http import PUBLIC, SIGNED_IN, Call, Routes, costing

PROBLEMS: Final = {
    ForeignTokenRefused: (401, "id-token-refused", "The ID token was refused"),
    IssuerUnavailable: (503, "issuer-unavailable", "The issuer does not answer at the moment"),
    identities.AccountNotLinked: (409, "account-not-linked", "There is an account with this e-mail address"),
    identities.AddressNotVerified: (403, "address-not-verified", "The e-mail address is not verified"),
    identities.IdentityTaken: (409, "identity-taken", "The identity opens another account"),
}
routes = Routes()


@routes.route(
    "/v1/sessions/oidc",
    methods=["POST"],
    body=ForeignToken,
    answers=SessionView,
    status=201,
    access=PUBLIC,
    summary="Sign in with another issuer",
    # The first time it makes a person, with a hash.
    throttle=costing(4),
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
    "/v1/people/me/identities",
    methods=["POST"],
    body=ForeignToken,
    answers=IdentityView,
    status=201,
    access=SIGNED_IN,
    summary="Link an identity",
    errors=(ForeignTokenRefused, IssuerUnavailable, identities.IdentityTaken),
)
def link_identity(call: Call) -> Any:
    """Lets the identity that an ID token shows open the account of who asks. The same again changes nothing."""
    foreign = use_cases.link_identity(call.body, call.person, call.now)
    return IdentityView(issuer=foreign.issuer, subject=foreign.subject)
