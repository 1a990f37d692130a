"""Cursors: where a list goes on, given to a client who can neither read meaning into them nor make one up.

A cursor is the key of the last item delivered, with a keyed hash over it and over the query it belongs to. It is of no
use for another query, another tenant's list or another direction. A key that was replaced still verifies as long as it
stands in TOKEN_SECRETS, so a rotation does not break lists that are being read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from shared.data import errors
from shared.settings import Secret

_MAC_BYTES: Final = 16
_PURPOSE: Final = b"stagedoor cursor v1"


def sign(last: Mapping[str, str], query: Sequence[object], secrets: Mapping[str, str] | None = None) -> str:
    """The cursor after an item with that key, for that query. Without `secrets`, those of TOKEN_SECRETS."""
    keys = _secrets() if secrets is None else secrets
    kid = next(iter(keys))
    body = msgspec.json.encode([kid, list(last.items())])
    return base64.urlsafe_b64encode(_mac(keys[kid], body, query) + body).rstrip(b"=").decode()


def verify(cursor: str, query: Sequence[object], secrets: Mapping[str, str] | None = None) -> dict[str, str]:
    """The key a cursor stands for. Raises BadCursor unless it was signed for this very query with a key we know."""
    keys = _secrets() if secrets is None else secrets
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        kid, pairs = msgspec.json.decode(body, type=tuple[str, list[tuple[str, str]]])
    except (binascii.Error, ValueError, msgspec.MsgspecError) as trouble:
        raise errors.BadCursor("this is no cursor") from trouble
    # An unknown key is checked against all the same, so that time does not tell which keys there are.
    expected = _mac(keys.get(kid, next(iter(keys.values()))), body, query)
    if not hmac.compare_digest(mac, expected) or kid not in keys:
        raise errors.BadCursor("the cursor was not given out for this list")
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
        # Base 64 has several spellings of the same bytes; only the one given out counts.
        raise errors.BadCursor("this is no cursor")
    return dict(pairs)


def _mac(secret: str, body: bytes, query: Sequence[object]) -> bytes:
    message = msgspec.json.encode([str(part) if part is not None else None for part in query])
    key = hashlib.sha256(_PURPOSE + secret.encode()).digest()
    return hmac.digest(key, len(message).to_bytes(4, "big") + message + body, "sha256")[:_MAC_BYTES]


def _secrets() -> dict[str, str]:
    source = os.environ.get("TOKEN_SECRETS")
    if not source:
        raise LookupError("TOKEN_SECRETS is not set, so no cursor can be signed")
    return _parsed(source).keys()


@lru_cache(maxsize=4)
def _parsed(source: str) -> Secret:
    return Secret(source)
