"""The Chalice authorizer every service declares."""

from chalice.app import AuthRequest, AuthResponse

from shared.auth.access import verify_access_token
from shared.auth.errors import AccessRefused, TokenInvalid
from shared.auth.identity import CONTEXT_KEY, pack_identity

SCHEME = "Bearer "


def authorize_access_token(request: AuthRequest) -> AuthResponse:
    """Lets the bearer of a valid access token through to all routes of the API, and says who it is.

    The answer is cached by token, so a policy for the one route asked for would refuse the next: what a route demands
    beyond being signed in is decided by the kit. Raises AccessRefused, which API Gateway turns into a 401.
    """
    token = request.token
    if token[: len(SCHEME)].lower() != SCHEME.lower():
        raise AccessRefused
    try:
        claims = verify_access_token(token[len(SCHEME) :].strip())
    except TokenInvalid as error:
        raise AccessRefused from error
    return AuthResponse(routes=["*"], principal_id=claims.sub, context={CONTEXT_KEY: pack_identity(claims.identity)})
