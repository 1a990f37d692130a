"""Secrets are made once and then kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from runtime.secrets import generated_secrets, kept_secrets


def test_secrets_outlive_a_restart_and_are_their_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "secrets.json"
    first = kept_secrets(file)
    assert kept_secrets(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_that_was_not_known_before_is_added(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = kept_secrets(file)
    file.write_text(json.dumps({name: value for name, value in first.items() if name != "TEST_PROVIDER_API_KEY"}))
    again = kept_secrets(file)
    assert again["TEST_PROVIDER_API_KEY"]
    assert again["ACCESS_TOKEN_SIGNING_SECRET"] == first["ACCESS_TOKEN_SIGNING_SECRET"]
    assert again["ACCESS_TOKEN_JWKS"] == first["ACCESS_TOKEN_JWKS"]


def test_public_keys_belong_to_the_secrets_and_tell_nothing_of_them() -> None:
    made = generated_secrets()
    ring = json.loads(made["ACCESS_TOKEN_SIGNING_SECRET"])
    keys = json.loads(made["ACCESS_TOKEN_JWKS"])["keys"]
    assert [key["kid"] for key in keys] == list(ring)
    assert all("d" not in key and key["crv"] == "Ed25519" for key in keys)
    assert not any(secret in made["ACCESS_TOKEN_JWKS"] for secret in ring.values())
