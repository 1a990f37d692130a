"""The secrets of a laptop or a test run: made once, of the same form as the cloud's.

In the cloud they are made by CloudFormation and kept by Secrets Manager; here they lie beside the rest of the state,
readable by their owner alone.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from shared.auth import public_jwks

_RINGS = ("ACCESS_TOKEN_SIGNING_SECRET", "TOKEN_SECRETS", "TICKET_SIGNING_SECRET")
_WORDS = ("TEST_PROVIDER_API_KEY", "TEST_PROVIDER_WEBHOOK_SECRET")


def generated_secrets() -> dict[str, str]:
    """Fresh values for every secret the services read, and the public keys that belong to them."""
    made = {name: json.dumps({f"k{secrets.token_hex(4)}": secrets.token_urlsafe(32)}) for name in _RINGS}
    made |= {name: secrets.token_urlsafe(24) for name in _WORDS}
    made["ACCESS_TOKEN_JWKS"] = public_keys(made["ACCESS_TOKEN_SIGNING_SECRET"])
    return made


def public_keys(ring: str) -> str:
    """The JWKS of a ring of signing secrets (JSON, key id to secret): what verifies a token without signing one."""
    return json.dumps(public_jwks(json.loads(ring)))


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets in a file; those it lacks are made and added, so that tokens outlive a restart."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        stored = {}
    made = generated_secrets()
    if "ACCESS_TOKEN_SIGNING_SECRET" in stored:
        made["ACCESS_TOKEN_JWKS"] = public_keys(stored["ACCESS_TOKEN_SIGNING_SECRET"])
    together = {**made, **stored}
    if together != stored:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_privately(path, json.dumps(together, indent=1))
    return together


def write_privately(path: Path, text: str) -> None:
    """Puts a file that its owner alone can read in the place of the one before, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
