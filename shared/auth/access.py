"""Access tokens: short-lived signed proof of who is asking, verifiable by every service with public keys alone.

They are JSON Web Tokens under Ed25519 (RFC 9864's name for EdDSA on that curve), issued by joserfc. Verifying one needs
no general library: there is one algorithm and one form of header, and cryptography checks the signature. Both are
imported inside the functions that need them: together they take 80 ms.
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
from shared.cache import Memory
from shared.settings import MissingSettings, Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
AUDIENCE = "stagedoor"
TYPE = "at+jwt"
ACCESS_TOKEN_SECONDS = 600
ACCESS_TOKEN_LENGTH_MAX = 8_192
# To check a signature takes a tenth of the time that a whole order may take, and most tokens come more than once.
REMEMBERED_SECONDS = 60
REMEMBERED_TOKENS_MAX = 4_096


class AccessClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an access token says: the registered claims, the person's name, e-mail address and roles, a key's scopes."""

    sub: str
    sid: str
    aud: str
    iat: int
    exp: int
    email: str
    name: str
    roles: dict[str, str]
    scopes: tuple[str, ...] | None = None

    @property
    def identity(self) -> Identity:
        """The person the token speaks of."""
        return Identity(
            person_id=self.sub,
            email=self.email,
            name=self.name,
            session_id=self.sid,
            roles=dict(self.roles),
            scopes=self.scopes,
        )


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header of ours has these members and no other: some of those there are (`crit`, `b64`, `jwk`) change rules."""

    alg: str
    kid: str
    typ: str


class _PublicKey(msgspec.Struct, frozen=True):
    kid: str
    crv: str = ""
    x: str = ""


class _PublicKeys(msgspec.Struct, frozen=True):
    keys: list[_PublicKey]


class _KeyUnknown(TokenInvalid):
    """The token names a key that is not in the set."""


class AccessToken(msgspec.Struct, frozen=True):
    """A new access token and the moment it ends."""

    token: str
    expires_at: datetime


_read_header = msgspec.json.Decoder(_Header).decode
_read_claims = msgspec.json.Decoder(AccessClaims).decode
_verified: Memory[AccessClaims] = Memory(entries_max=REMEMBERED_TOKENS_MAX)


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
        scopes=identity.scopes,
    )
    header = {"alg": ALGORITHM, "kid": key_id, "typ": TYPE}
    token = jwt.encode(header, msgspec.to_builtins(claims), _signing_key(key_id, secret), algorithms=[ALGORITHM])
    expires_at = now.replace(microsecond=0) + timedelta(seconds=seconds)
    return AccessToken(token=token, expires_at=expires_at)


def verify_access_token(token: str, *, now: datetime | None = None, jwks: str | None = None) -> AccessClaims:
    """What the access token says, once its signature, type, audience and time have been found right.

    `jwks` is the public key set as JSON; without it, ACCESS_TOKEN_JWKS (MissingSettings when that is not set). A
    signature found right is remembered for a minute at most, its time is looked at every time.
    Raises TokenExpired when its time is over, TokenInvalid for everything else that is wrong with it.
    """
    configured = _configured_jwks() if jwks is None else None
    keys = configured.reveal() if configured is not None else str(jwks)
    if len(token) > ACCESS_TOKEN_LENGTH_MAX or not token.isascii():
        raise TokenInvalid("the access token is too long, or of other letters, to be one of ours")
    seconds = (now or clock.now()).timestamp()
    # With the keys in the name, a key that was taken out of the set takes its tokens out of the memory.
    name = _memory_name(keys, token)
    claims = _verified.get(name, seconds)
    if claims is None:
        try:
            claims = _read(token, _public_keys(keys))
        except _KeyUnknown:
            # The keys may have been rotated since they were fetched.
            if configured is None or not configured.look_again(keys):
                raise
            keys = configured.reveal()
            claims = _read(token, _public_keys(keys))
            name = _memory_name(keys, token)
        if claims.exp > seconds:
            _verified.put(name, claims, min(claims.exp, seconds + REMEMBERED_SECONDS))
    if claims.exp <= seconds:
        raise TokenExpired("the access token's time is over")
    return claims


def _memory_name(keys: str, token: str) -> str:
    return hashlib.sha256(f"{keys} {token}".encode()).hexdigest()


def _read(token: str, keys: "Mapping[str, Ed25519PublicKey]") -> AccessClaims:
    from cryptography.exceptions import InvalidSignature

    signed, _, signature = token.rpartition(".")
    header, _, payload = signed.partition(".")
    try:
        said = _read_header(_from_text(header))
        if said.kid not in keys:
            raise _KeyUnknown("the access token's key is not among those known")
        keys[said.kid].verify(_from_text(signature), signed.encode())
        claims = _read_claims(_from_text(payload))
    except (InvalidSignature, msgspec.MsgspecError, ValueError) as error:
        raise TokenInvalid("the access token's signature or content is not ours") from error
    if said.alg != ALGORITHM or said.typ != TYPE or claims.aud != AUDIENCE:
        raise TokenInvalid("the token is not an access token")
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


def _configured_jwks() -> Secret:
    source = os.environ.get("ACCESS_TOKEN_JWKS")
    if not source:
        raise MissingSettings("shared.auth", ["ACCESS_TOKEN_JWKS"])
    return Secret(source)


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
def _public_keys(jwks: str) -> "dict[str, Ed25519PublicKey]":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    keys = msgspec.json.decode(jwks, type=_PublicKeys).keys
    return {key.kid: Ed25519PublicKey.from_public_bytes(_from_text(key.x)) for key in keys if key.crv == "Ed25519"}


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
