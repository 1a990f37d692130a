"""Signed tokens: only ours, only for their audience, only in their time."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.auth import TokenExpired, TokenInvalid, sign_token, verify_token

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
OLD = {"k1": "the first secret"}
ROTATED = {"k2": "the second secret", **OLD}


class Basket(msgspec.Struct, forbid_unknown_fields=True):
    hold_id: str
    places: list[int]


BASKET = Basket("hld_1", [1, 2])


def token(audience: str = "hold", secrets: dict[str, str] = OLD, until: datetime = LATER) -> str:
    return sign_token(audience, BASKET, until, secrets=secrets)


def read(text: str, audience: str = "hold", now: datetime = NOW, secrets: dict[str, str] = OLD) -> Basket:
    return verify_token(text, audience, Basket, now=now, secrets=secrets)


def test_what_was_signed_is_read_back() -> None:
    assert read(token()) == BASKET


def test_rotation_invalidates_nothing_and_signs_with_the_new_key() -> None:
    assert read(token(secrets=OLD), secrets=ROTATED) == BASKET
    with pytest.raises(TokenInvalid):
        read(token(secrets=ROTATED), secrets=OLD)


def test_a_token_ends_at_its_second() -> None:
    assert read(token(), now=LATER - timedelta(seconds=1)) == BASKET
    with pytest.raises(TokenExpired):
        read(token(), now=LATER)


def test_a_hold_token_is_no_order_token() -> None:
    with pytest.raises(TokenInvalid, match="hold"):
        read(token("hold"), audience="order")


def test_a_secret_of_the_same_name_elsewhere_does_not_verify() -> None:
    with pytest.raises(TokenInvalid):
        read(token(), secrets={"k1": "somebody else's"})


def test_the_payload_must_be_of_the_kind_asked_for() -> None:
    class Other(msgspec.Struct, forbid_unknown_fields=True):
        order_id: str

    with pytest.raises(TokenInvalid):
        verify_token(token(), "hold", Other, now=NOW, secrets=OLD)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_changed_token_verifies(data: st.DataObject) -> None:
    """Every single character counts, those of base 64's spare bits included."""
    original = token()
    at = data.draw(st.integers(0, len(original) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.=é"))
    changed = original[:at] + letter + original[at + 1 :]
    if changed == original:
        return
    with pytest.raises(TokenInvalid):
        read(changed)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200))
def test_no_text_at_all_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        read(text)


def test_a_payload_cannot_be_extended_without_the_secret() -> None:
    key_id, payload, signature = token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["exp"] += 3600
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        read(f"{key_id}.{forged}.{signature}")


def test_the_environments_secrets_are_used_when_none_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRETS", json.dumps(OLD))
    signed = sign_token("hold", BASKET, LATER)
    assert read(signed, secrets=OLD) == BASKET
    monkeypatch.setenv("TOKEN_SECRETS", json.dumps(ROTATED))
    assert verify_token(signed, "hold", Basket, now=NOW) == BASKET


def test_one_that_is_far_too_long_is_not_even_hashed() -> None:
    with pytest.raises(TokenInvalid, match="long"):
        read("a" * 20_000)
