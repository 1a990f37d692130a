"""Proof of who is asking: signed tokens, access tokens, the authorizer, roles, password hashes."""

from shared.auth.access import (
    ACCESS_TOKEN_SECONDS,
    AccessClaims,
    AccessToken,
    issue_access_token,
    public_jwks,
    signing_secrets,
    verify_access_token,
)
from shared.auth.authorizer import (
    AUTHORIZER_SECONDS,
    allow,
    authorize_access_token,
    bearer_token,
    valid_claims,
)
from shared.auth.errors import AccessRefused, TokenExpired, TokenInvalid, TokenRevoked
from shared.auth.identity import CONTEXT_KEY, Identity, pack_identity, unpack_identity
from shared.auth.passwords import hash_password, needs_rehash, verify_password
from shared.auth.revocations import (
    Revocation,
    RoleLost,
    SessionEnded,
    SessionsEnded,
    heard_revocations,
    revocation_feed,
    revocation_text,
)
from shared.auth.tokens import sign_token, token_secrets, verify_token

__all__ = [
    "ACCESS_TOKEN_SECONDS",
    "AUTHORIZER_SECONDS",
    "CONTEXT_KEY",
    "AccessClaims",
    "AccessRefused",
    "AccessToken",
    "Identity",
    "Revocation",
    "RoleLost",
    "SessionEnded",
    "SessionsEnded",
    "TokenExpired",
    "TokenInvalid",
    "TokenRevoked",
    "allow",
    "authorize_access_token",
    "bearer_token",
    "hash_password",
    "heard_revocations",
    "issue_access_token",
    "needs_rehash",
    "pack_identity",
    "public_jwks",
    "revocation_feed",
    "revocation_text",
    "sign_token",
    "signing_secrets",
    "token_secrets",
    "unpack_identity",
    "valid_claims",
    "verify_access_token",
    "verify_password",
    "verify_token",
]
