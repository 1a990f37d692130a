"""Signed tokens that a client carries from one service to the next.

A token is `<key id>.<payload>.<signature>`: base 64 for URLs, HMAC with SHA-256. The payload names the audience it is
for and the second it ends at, so that a hold token is of no use as an order token, nor tomorrow.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

import msgspec

from shared import clock
from shared.auth.errors import TokenExpired, TokenInvalid
from shared.settings import MissingSettings, Secret

# Far above any honest token: a basket of the most places a hold can have is about 3 KB.
TOKEN_LENGTH_MAX = 12_288

Payload = TypeVar("Payload", bound=msgspec.Struct)


class _Claims(msgspec.Struct, Generic[Payload], forbid_unknown_fields=True):
    aud: str
    exp: int
    data: Payload


def sign_token(
    audience: str, payload: msgspec.Struct, expires_at: datetime, *, secrets: Mapping[str, str] | None = None
) -> str:
    """A token for `audience` that carries the payload until `expires_at` (whole seconds, rounded up).

    `secrets` are `{key id: secret}`, the first of which signs; without them those of TOKEN_SECRETS.
    """
    keys = token_secrets() if secrets is None else secrets
    key_id = next(iter(keys))
    claims = {"aud": audience, "exp": clock.epoch_seconds(expires_at), "data": payload}
    body = f"{_to_text(key_id.encode())}.{_to_text(msgspec.json.encode(claims))}"
    return f"{body}.{_signature(keys[key_id], body)}"


def verify_token(
    token: str,
    audience: str,
    kind: type[Payload],
    *,
    now: datetime | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Payload:
    """What the token carries, read as `kind`; every key of TOKEN_SECRETS verifies, so rotation invalidates nothing.

    Raises TokenExpired from the second it ends at on, TokenInvalid for everything else that is wrong with it.
    """
    keys = token_secrets() if secrets is None else secrets
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise TokenInvalid("the token is too long, or of other letters, to be one of ours")
    body, _, signature = token.rpartition(".")
    key_id, _, payload = body.partition(".")
    try:
        known = _from_text(key_id).decode()
    except (UnicodeError, binascii.Error) as error:
        raise TokenInvalid("the token is malformed") from error
    # An unknown key is checked against one all the same, so that time does not tell which keys there are.
    expected = _signature(keys.get(known, next(iter(keys.values()))), body)
    if not hmac.compare_digest(expected.encode(), signature.encode()) or known not in keys:
        raise TokenInvalid("the token's signature is not ours")
    try:
        claims = _decoder(kind).decode(_from_text(payload))
    except (msgspec.MsgspecError, binascii.Error) as error:
        raise TokenInvalid("the token carries something else") from error
    if claims.aud != audience:
        raise TokenInvalid(f"the token is for {claims.aud}, not for {audience}")
    if claims.exp <= (now or clock.now()).timestamp():
        raise TokenExpired("the token's time is over")
    data: Payload = claims.data
    return data


def token_secrets() -> dict[str, str]:
    """The keys of TOKEN_SECRETS, the signing one first. Raises MissingSettings when the variable is not set."""
    source = os.environ.get("TOKEN_SECRETS")
    if not source:
        raise MissingSettings("shared.auth", ["TOKEN_SECRETS"])
    if source.startswith("secretsmanager:"):
        return Secret(source).keys()
    return _literal_keys(source)


@lru_cache(maxsize=16)
def _literal_keys(source: str) -> dict[str, str]:
    return Secret(source).keys()


@lru_cache(maxsize=256)
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_Claims[kind])  # type: ignore[valid-type]


def _signature(secret: str, body: str) -> str:
    return _to_text(hmac.digest(secret.encode(), body.encode(), hashlib.sha256))


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
