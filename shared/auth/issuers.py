"""ID tokens of other issuers (OpenID Connect) that are trusted by configuration.

An issuer's keys are found by discovery, kept, and fetched anew when a token names one that is not known, though not at
the will of whoever makes such tokens up. Only addresses of the configuration, and those that its issuers give, are
ever fetched: no redirect is followed, and size and time are bounded.
"""

from __future__ import annotations

import base64
import hmac
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from shared.telemetry import log

# Never `none`, and none that signs with a secret: who knows a public key could sign with it then.
ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "PS256", "RS256")
TOKEN_LENGTH_MAX: Final = 16_384
# What clocks may differ by.
SKEW: Final = timedelta(seconds=60)
# A token is exchanged right after it was given out; an older one was lying somewhere.
AGE_MAX: Final = timedelta(minutes=10)
KEYS_KEPT: Final = timedelta(hours=1)
# While the issuer cannot be reached, its keys are believed for so long.
KEYS_KEPT_WHEN_DOWN: Final = timedelta(days=1)
LOOKED_AGAIN: Final = timedelta(seconds=10)
DOCUMENT_BYTES_MAX: Final = 262_144
FETCH_SECONDS: Final = 3.0
_KEYS_MAX: Final = 64
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class ForeignTokenRefused(Exception):
    """The ID token is of nobody who is trusted, not for us, or not right; the message says which."""


class IssuerUnavailable(Exception):
    """The issuer does not say what its keys are, and nothing is known of them from before."""


class TrustedIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An issuer whose ID tokens are believed where one of our client ids there is their audience.

    Claims go by other names at some. `token_use` is what that claim must say, where the issuer signs more than ID
    tokens with the same keys: `id` for Amazon Cognito.
    """

    issuer: str
    client_ids: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    email_claim: str = "email"
    verified_claim: str = "email_verified"
    name_claim: str = "name"
    token_use: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, where `http` will do."""
        return urlsplit(self.issuer).hostname in _LOOPBACK


class ForeignIdentity(msgspec.Struct, frozen=True):
    """Whom an ID token speaks of. `email` is None unless the issuer says that it has verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str
    typ: str | None = None
    crit: msgspec.Raw | None = None


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    aud: str | list[str]
    exp: float
    iat: float
    nbf: float | None = None
    azp: str | None = None
    nonce: str | None = None
    token_use: str | None = None


class _Issuer(msgspec.Struct, frozen=True):
    iss: str


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


Fetch = Callable[[str], bytes]


def read_trusted_issuers(text: str) -> tuple[TrustedIssuer, ...]:
    """The issuers of a configuration, a JSON list. Raises ValueError with a sentence for what is none."""
    try:
        found = msgspec.json.decode(text, type=tuple[TrustedIssuer, ...])
    except msgspec.MsgspecError as error:
        raise ValueError(f"TRUSTED_ISSUERS is no JSON list of issuers: {error}") from error
    for one in found:
        address = urlsplit(one.issuer)
        local = one.is_local and "AWS_LAMBDA_FUNCTION_NAME" not in os.environ
        if not (address.scheme == "https" or (address.scheme == "http" and local)) or not address.hostname:
            raise ValueError(f"TRUSTED_ISSUERS: {one.issuer} must begin with https://")
        if address.query or address.fragment or address.username or not all(one.client_ids):
            raise ValueError(f"TRUSTED_ISSUERS: {one.issuer} has a query, a fragment or an empty client id")
    if len({one.issuer for one in found}) != len(found):
        raise ValueError("TRUSTED_ISSUERS names an issuer twice")
    return found


class TrustedIssuers:
    """Verifies ID tokens of those issuers and no others."""

    def __init__(self, issuers: tuple[TrustedIssuer, ...], fetch: Fetch | None = None) -> None:
        self._known = {one.issuer: (one, _Keys(one, fetch or fetch_document)) for one in issuers}

    def verify(self, token: str, *, nonce: str | None, now: datetime) -> ForeignIdentity:
        """Whom the token speaks of, once its signature, issuer, audience, times and, if given, nonce are found right.

        Raises ForeignTokenRefused, IssuerUnavailable.
        """
        header, issuer = _unverified(token)
        if issuer not in self._known:
            raise ForeignTokenRefused("its issuer is not trusted here")
        trusted, keys = self._known[issuer]
        return _checked(_signed_claims(token, header, keys.key(header.kid, now)), trusted, nonce, now)


def _unverified(token: str) -> tuple[_Header, str]:
    """The header, and whose token it claims to be: to know by whose keys to look."""
    parts = token.split(".")
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii() or len(parts) != 3:
        raise ForeignTokenRefused("it is no signed token")
    try:
        header = msgspec.json.decode(_octets(parts[0]), type=_Header)
        issuer = msgspec.json.decode(_octets(parts[1]), type=_Issuer).iss
    except (msgspec.MsgspecError, ValueError) as error:
        raise ForeignTokenRefused("it is no ID token, or names no key") from error
    if header.alg not in ALGORITHMS:
        raise ForeignTokenRefused(f"its algorithm must be one of {', '.join(ALGORITHMS)}")
    if header.crit is not None or (header.typ is not None and header.typ.upper() != "JWT"):
        raise ForeignTokenRefused("it is a token of another type")
    return header, issuer


def _signed_claims(token: str, header: _Header, key: Mapping[str, Any]) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    if key.get("alg", header.alg) != header.alg:
        raise ForeignTokenRefused("its algorithm is not its key's")
    try:
        decoded = jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=[header.alg])
    except (JoseError, ValueError, TypeError) as error:
        raise ForeignTokenRefused("its signature is not its issuer's") from error
    return dict(decoded.claims)


def _checked(claims: dict[str, Any], trusted: TrustedIssuer, nonce: str | None, now: datetime) -> ForeignIdentity:
    try:
        said = msgspec.convert(claims, _Claims)
    except msgspec.ValidationError as error:
        raise ForeignTokenRefused(f"a claim is missing or wrong: {error}") from error
    audience = [said.aud] if isinstance(said.aud, str) else said.aud
    seconds, skew = now.timestamp(), SKEW.total_seconds()
    for wrong, why in (
        (said.iss != trusted.issuer, "its issuer is another"),
        (not any(one in trusted.client_ids for one in audience), "its audience is another"),
        (len(audience) > 1 and said.azp is None, "it has several audiences, and does not say whose it is"),
        (said.azp is not None and said.azp not in trusted.client_ids, "it was given to somebody else"),
        (said.token_use not in (trusted.token_use, "id"), "it is for another use"),
        (said.exp <= seconds - skew, "its time is over"),
        (said.iat > seconds + skew, "it was given out in the future"),
        (said.iat < seconds - skew - AGE_MAX.total_seconds(), "it is too old: sign in there again"),
        (said.nbf is not None and said.nbf > seconds + skew, "its time has not come"),
        (nonce is not None and not _same(said.nonce, nonce), "its nonce is another"),
    ):
        if wrong:
            raise ForeignTokenRefused(why)
    email, name = claims.get(trusted.email_claim), claims.get(trusted.name_claim)
    # Some issuers send it as text.
    verified = claims.get(trusted.verified_claim) in (True, "true") and isinstance(email, str)
    return ForeignIdentity(
        issuer=said.iss,
        subject=said.sub,
        email=email if verified else None,
        name=name if isinstance(name, str) else None,
    )


def _same(said: str | None, given: str) -> bool:
    return said is not None and hmac.compare_digest(said.encode(), given.encode())


class _Keys:
    """What is known of an issuer's keys."""

    def __init__(self, trusted: TrustedIssuer, fetch: Fetch) -> None:
        self._trusted, self._fetch = trusted, fetch
        self._lock = threading.Lock()
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None

    def key(self, key_id: str, now: datetime) -> dict[str, Any]:
        """The key with that id. Raises ForeignTokenRefused when there is none, IssuerUnavailable."""
        if key_id in self._keys and not self._is_older(KEYS_KEPT, now):
            return self._keys[key_id]
        with self._lock:
            missed = False
            if (key_id not in self._keys or self._is_older(KEYS_KEPT, now)) and self._may_try(now):
                missed = not self._look(now)
            if self._is_older(KEYS_KEPT_WHEN_DOWN, now) or (missed and key_id not in self._keys):
                raise IssuerUnavailable(self._trusted.issuer)
            if key_id not in self._keys:
                raise ForeignTokenRefused("its key is not among its issuer's")
            return self._keys[key_id]

    def _is_older(self, than: timedelta, now: datetime) -> bool:
        return self._fetched_at is None or abs(now - self._fetched_at) >= than

    def _may_try(self, now: datetime) -> bool:
        return self._tried_at is None or abs(now - self._tried_at) >= LOOKED_AGAIN

    def _look(self, now: datetime) -> bool:
        self._tried_at = now
        issuer = self._trusted.issuer
        try:
            found = self._document(f"{issuer.rstrip('/')}/.well-known/openid-configuration", _Discovery)
            if found.issuer != issuer:
                raise ValueError("it calls itself otherwise")
            self._keys = _usable(self._document(found.jwks_uri, _KeySet).keys)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log("issuer_unavailable", level="WARNING", issuer=issuer, error=error)
            return False
        self._fetched_at = now
        return True

    def _document(self, address: str, kind: type[Any]) -> Any:
        parts = urlsplit(address)
        # What runs on this machine is nobody's affair who is elsewhere.
        local = parts.hostname in _LOOPBACK
        if (parts.scheme != "https" and not local) or (local and not self._trusted.is_local) or not parts.hostname:
            raise ValueError("it names an address that is not fetched")
        return msgspec.json.decode(self._fetch(address), type=kind)


def _usable(keys: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Public keys for signatures, by id. Secret ones have no business in a public set, and are never tried."""
    kinds = ("RSA", "EC", "OKP")
    return {
        key["kid"]: key
        for key in keys[:_KEYS_MAX]
        if isinstance(key.get("kid"), str) and key.get("kty") in kinds and key.get("use", "sig") == "sig"
    }


def fetch_document(address: str) -> bytes:
    """What lies at an address. Raises OSError, also for a redirect, and ValueError for too much, or too slow."""
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Staying(HTTPRedirectHandler):
        """Follows nobody anywhere: urllib then raises the redirect as an HTTPError, which is an OSError."""

        def redirect_request(self, *_: Any) -> None:
            """No further request."""

    ends_at = time.monotonic() + FETCH_SECONDS
    opener = build_opener(ProxyHandler({}), Staying())
    with opener.open(Request(address, headers={"Accept": "application/json"}), timeout=FETCH_SECONDS) as answer:
        read = bytearray()
        # Piece by piece, because the time-out is for each wait, and a drip has many.
        while piece := answer.read1(16_384):
            read += piece
            if len(read) > DOCUMENT_BYTES_MAX or time.monotonic() > ends_at:
                raise ValueError("the document is too large, or comes too slowly")
    return bytes(read)


def trusted_issuers() -> TrustedIssuers:
    """Those of TRUSTED_ISSUERS; without it, none."""
    return _kept(os.environ.get("TRUSTED_ISSUERS") or "[]")


@lru_cache(maxsize=4)
def _kept(text: str) -> TrustedIssuers:
    return TrustedIssuers(read_trusted_issuers(text))


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
