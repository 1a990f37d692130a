"""Access tokens: short-lived signed proof of who is asking, verifiable by every service with public keys alone.

They are JSON Web Tokens under Ed25519 (RFC 9864's name for EdDSA on that curve). joserfc brings cryptography with it,
80 ms of import, so it is imported inside the functions that need it.
"""

import base64
import hashlib
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from shared import clock
from shared.auth.errors import TokenExpired, TokenInvalid
from shared.auth.identity import Identity
from shared.settings import MissingSettings, Secret

if TYPE_CHECKING:
    from joserfc.jwk import KeySet, OKPKey

ALGORITHM = "Ed25519"
AUDIENCE = "stagedoor"
TYPE = "at+jwt"
ACCESS_TOKEN_SECONDS = 600
ACCESS_TOKEN_LENGTH_MAX = 8_192


class AccessClaims(msgspec.Struct, frozen=True):
    """What an access token says: the registered claims and the person's name, e-mail address and roles."""

    sub: str
    sid: str
    aud: str
    iat: int
    exp: int
    email: str
    name: str
    roles: dict[str, str]

    @property
    def identity(self) -> Identity:
        """The person the token speaks of."""
        return Identity(
            person_id=self.sub, email=self.email, name=self.name, session_id=self.sid, roles=dict(self.roles)
        )


class AccessToken(msgspec.Struct, frozen=True):
    """A new access token and the moment it ends."""

    token: str
    expires_at: datetime


def issue_access_token(
    identity: Identity,
    *,
    now: datetime,
    secrets: Mapping[str, str] | None = None,
    seconds: int = ACCESS_TOKEN_SECONDS,
) -> AccessToken:
    """An access token for the person, valid for `seconds`, signed with the first of the secrets.

    Without `secrets`, those of ACCESS_TOKEN_SIGNING_SECRET, which only accounts has (else MissingSettings).
    """
    from joserfc import jwt

    keys = signing_secrets() if secrets is None else secrets
    key_id, secret = next(iter(keys.items()))
    issued = int(now.timestamp())
    claims = AccessClaims(
        sub=identity.person_id,
        sid=identity.session_id,
        aud=AUDIENCE,
        iat=issued,
        exp=issued + seconds,
        email=identity.email,
        name=identity.name,
        roles=identity.roles,
    )
    header = {"alg": ALGORITHM, "kid": key_id, "typ": TYPE}
    token = jwt.encode(header, msgspec.to_builtins(claims), _signing_key(key_id, secret), algorithms=[ALGORITHM])
    expires_at = now.replace(microsecond=0) + timedelta(seconds=seconds)
    return AccessToken(token=token, expires_at=expires_at)


def verify_access_token(token: str, *, now: datetime | None = None, jwks: str | None = None) -> AccessClaims:
    """What the access token says, once its signature, type, audience and time have been found right.

    `jwks` is the public key set as JSON; without it, ACCESS_TOKEN_JWKS (MissingSettings when that is not set).
    Raises TokenExpired when its time is over, TokenInvalid for everything else that is wrong with it.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    keys = _public_keys(_configured_jwks() if jwks is None else jwks)
    if len(token) > ACCESS_TOKEN_LENGTH_MAX:
        raise TokenInvalid("the access token is too long to be one of ours")
    try:
        read = jwt.decode(token, keys, algorithms=[ALGORITHM])
        claims = msgspec.convert(read.claims, AccessClaims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenInvalid("the access token's signature or content is not ours") from error
    if read.header.get("typ") != TYPE or claims.aud != AUDIENCE:
        raise TokenInvalid("the token is not an access token")
    if claims.exp <= (now or clock.now()).timestamp():
        raise TokenExpired("the access token's time is over")
    return claims


def public_jwks(secrets: Mapping[str, str]) -> dict[str, Any]:
    """The public key set (RFC 7517) of the signing secrets, newest first: what ACCESS_TOKEN_JWKS holds as JSON."""
    return {"keys": [{**_public_part(key_id, secret), "use": "sig"} for key_id, secret in secrets.items()]}


def signing_secrets() -> dict[str, str]:
    """The keys of ACCESS_TOKEN_SIGNING_SECRET, the signing one first. Raises MissingSettings when it is not set."""
    source = os.environ.get("ACCESS_TOKEN_SIGNING_SECRET")
    if not source:
        raise MissingSettings("shared.auth", ["ACCESS_TOKEN_SIGNING_SECRET"])
    return Secret(source).keys()


def _configured_jwks() -> str:
    source = os.environ.get("ACCESS_TOKEN_JWKS")
    if not source:
        raise MissingSettings("shared.auth", ["ACCESS_TOKEN_JWKS"])
    return Secret(source).reveal()


def _public_part(key_id: str, secret: str) -> dict[str, Any]:
    return {**_signing_key(key_id, secret).as_dict(private=False), "kid": key_id, "alg": ALGORITHM}


@lru_cache(maxsize=16)
def _signing_key(key_id: str, secret: str) -> "OKPKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from joserfc.jwk import OKPKey

    seed = hashlib.sha256(secret.encode()).digest()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": _to_text(public), "d": _to_text(seed), "kid": key_id}
    )


@lru_cache(maxsize=16)
def _public_keys(jwks: str) -> "KeySet":
    from joserfc.jwk import KeySet

    return KeySet.import_key_set(msgspec.json.decode(jwks))


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
