"""API keys: how their text is built and read, and what a program may be let do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from shared import ids

KIND: Final = "sdk"
API_KEYS_MAX: Final = 50
# What a program may do in an organiser's name; accounts itself, and buying, are people's affair.
SCOPES: Final = (
    "catalog:read",
    "catalog:write",
    "notifications:read",
    "orders:read",
    "payments:read",
    "reporting:read",
    "reservations:read",
    "reservations:write",
    "tickets:read",
    "tickets:write",
)


class UnknownScope(Exception):
    """No API key is given such a scope; `field` is its path in the body."""

    def __init__(self, number: int) -> None:
        super().__init__(f"an API key can have these scopes: {', '.join(SCOPES)}")
        self.field = f"$.scopes[{number}]"


class ApiKeyRefused(Exception):
    """The API key is none of ours, outdated or revoked; which of these is never said."""


class TooManyApiKeys(Exception):
    """The organiser has as many API keys as one can have."""


class KeyReused(Exception):
    """The Idempotency-Key came before with another request."""


class SecretChanged(Exception):
    """The secret that the repeated request made is not the key's any more, or cannot be shown again."""


class ApiKey(msgspec.Struct, frozen=True):
    """The text of an API key, `sdk_<organiser>_<key>_<secret>`: where it is kept, and what proves it.

    Of the secret only the fingerprint is stored. It follows from the key's id and generation and a secret that accounts
    alone has, so that a request whose answer was lost can be answered again.
    """

    organiser_id: str
    api_key_id: str
    secret: bytes

    @classmethod
    def of(cls, organiser_id: str, api_key_id: str, generation: int, master: str) -> ApiKey:
        """The key's text in that generation."""
        secret = hmac.digest(master.encode(), f"api-key:{api_key_id}:{generation}".encode(), "sha256")
        return cls(organiser_id, api_key_id, secret)

    @classmethod
    def read(cls, text: str) -> ApiKey:
        """The parts of what was sent. Raises ApiKeyRefused for what is no API key."""
        kind, organiser, key, secret = (*text.split("_"), "", "", "", "")[:4]
        organiser_id, api_key_id = f"org_{organiser}", f"key_{key}"
        if kind == KIND and ids.is_id("org", organiser_id) and ids.is_id("key", api_key_id):
            try:
                read = cls(organiser_id, api_key_id, bytes.fromhex(secret))
            except ValueError:
                pass
            else:
                if read.text == text:
                    return read
        raise ApiKeyRefused("this is no API key")

    @property
    def prefix(self) -> str:
        """How the text begins, which is no secret."""
        return f"{KIND}_{self.organiser_id.partition('_')[2]}_{self.api_key_id.partition('_')[2]}_"

    @property
    def text(self) -> str:
        """What is shown once, and sent by programs."""
        return self.prefix + self.secret.hex()

    @property
    def mark(self) -> bytes:
        """What is stored of the secret: 256 random bits cannot be guessed, so plain SHA-256 does."""
        return hashlib.sha256(self.secret).digest()


def check_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """The scopes a key may be given, in order and once each. Raises UnknownScope."""
    for number, scope in enumerate(scopes):
        if scope not in SCOPES:
            raise UnknownScope(number)
    return tuple(sorted(set(scopes)))
