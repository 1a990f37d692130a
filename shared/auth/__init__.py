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
from shared.auth.authorizer import authorize_access_token
from shared.auth.errors import AccessRefused, TokenExpired, TokenInvalid
from shared.auth.identity import CONTEXT_KEY, Identity, pack_identity, unpack_identity
from shared.auth.passwords import hash_password, needs_rehash, verify_password
from shared.auth.tokens import sign_token, token_secrets, verify_token

__all__ = [
    "ACCESS_TOKEN_SECONDS",
    "CONTEXT_KEY",
    "AccessClaims",
    "AccessRefused",
    "AccessToken",
    "Identity",
    "TokenExpired",
    "TokenInvalid",
    "authorize_access_token",
    "hash_password",
    "issue_access_token",
    "needs_rehash",
    "pack_identity",
    "public_jwks",
    "sign_token",
    "signing_secrets",
    "token_secrets",
    "unpack_identity",
    "verify_access_token",
    "verify_password",
    "verify_token",
]
