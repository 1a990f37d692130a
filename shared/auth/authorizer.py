"""The Chalice authorizer every service declares."""

from chalice.app import AuthRequest, AuthResponse

from shared import clock
from shared.auth.access import AccessClaims, verify_access_token
from shared.auth.errors import AccessRefused, TokenInvalid, TokenRevoked
from shared.auth.identity import CONTEXT_KEY, pack_identity
from shared.auth.revocations import heard_revocations

SCHEME = "Bearer "
# API Gateway, and the gateway here, ask again after so long. With LOOK_SECONDS it is what a revocation takes at most.
AUTHORIZER_SECONDS = 30


def authorize_access_token(request: AuthRequest) -> AuthResponse:
    """Lets the bearer of a valid access token through to all routes of the API, and says who it is.

    The answer is cached by token, so a policy for the one route asked for would refuse the next: what a route demands
    beyond being signed in is decided by the kit. Raises AccessRefused, which API Gateway turns into a 401.
    """
    try:
        claims = valid_claims(bearer_token(request))
    except TokenInvalid as error:
        raise AccessRefused from error
    return allow(claims)


def bearer_token(request: AuthRequest) -> str:
    """The token that the request carries. Raises AccessRefused when it carries none."""
    token: str = request.token
    if token[: len(SCHEME)].lower() != SCHEME.lower():
        raise AccessRefused
    return token[len(SCHEME) :].strip()


def valid_claims(token: str) -> AccessClaims:
    """What an access token says that is right, in time and not revoked. Raises TokenInvalid, TokenRevoked as one."""
    now = clock.now()
    claims = verify_access_token(token, now=now)
    if heard_revocations().refuse(claims, now):
        raise TokenRevoked("the session, the key or a role of the access token is over")
    return claims


def allow(claims: AccessClaims) -> AuthResponse:
    """The answer that lets the bearer through to every route."""
    return AuthResponse(routes=["*"], principal_id=claims.sub, context={CONTEXT_KEY: pack_identity(claims.identity)})
