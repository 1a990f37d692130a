"""Secrets by name: fetched when they are used, kept for a while, and a sentence when they are not there."""

from __future__ import annotations

import json
import secrets as chance
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from shared import clock
from shared.auth import TokenInvalid, issue_access_token, public_jwks, sign_token, verify_access_token, verify_token
from shared.auth.identity import Identity
from shared.settings import Secret, SecretUnavailable, Settings, load
from shared.settings import secrets as module


@pytest.fixture
def manager() -> Any:
    return get_session().create_client("secretsmanager")


@pytest.fixture(autouse=True)
def _nothing_fetched() -> Iterator[None]:
    module.forget_secrets()
    yield
    module.forget_secrets()


@pytest.fixture
def name(manager: Any) -> Iterator[str]:
    name = f"kit-test-{chance.token_hex(6)}"
    manager.create_secret(Name=name, SecretString=json.dumps({"k1": "one"}))
    yield name
    manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_a_named_secret_is_fetched_when_it_is_used(name: str) -> None:
    class Sample(Settings, frozen=True, kw_only=True):
        token_secrets: Secret

    settings = load(Sample, {"TOKEN_SECRETS": f"secretsmanager:{name}"})
    assert settings.token_secrets.keys() == {"k1": "one"}


def test_one_that_is_not_there_is_named_and_loading_does_not_need_it() -> None:
    secret = Secret("secretsmanager:kit-test-nowhere")
    with pytest.raises(SecretUnavailable, match="kit-test-nowhere"):
        secret.reveal()


def test_it_is_asked_for_once_and_again_after_its_time(
    name: str, manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = Secret(f"secretsmanager:{name}")
    assert secret.keys() == {"k1": "one"}
    manager.put_secret_value(SecretId=name, SecretString=json.dumps({"k2": "two", "k1": "one"}))
    assert list(secret.keys()) == ["k1"]
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.0)
    assert list(secret.keys()) == ["k2", "k1"]


def test_while_the_manager_is_away_the_last_value_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret(f"secretsmanager:{name}")
    secret.reveal()
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.0)

    def away(name: str) -> str:
        raise SecretUnavailable(name)

    monkeypatch.setattr(module, "_ask", away)
    assert secret.keys() == {"k1": "one"}
    module.forget_secrets()
    with pytest.raises(SecretUnavailable):
        secret.reveal()


def test_tokens_are_signed_with_a_named_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_SECRETS", f"secretsmanager:{name}")
    payload = Identity("per_1", "a@example.com", "A", "ses_1")
    token = sign_token("hold", payload, clock.from_iso("2999-01-01T00:00:00Z"))
    assert verify_token(token, "hold", Identity) == payload
    assert verify_token(token, "hold", Identity, secrets={"k1": "one"}) == payload


@pytest.mark.timeout(20)
def test_a_secrets_manager_that_is_silent_does_not_outlast_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_SECONDS", 0.2)
    # It takes connections, and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(SecretUnavailable):
            Secret("secretsmanager:nobody-answers").reveal()


class TestLookingAgain:
    """Before its time a value is fetched by whoever meets what it does not know, and not at will."""

    def test_what_changed_is_seen_at_once(self, name: str, manager: Any) -> None:
        secret = Secret(f"secretsmanager:{name}")
        known = secret.reveal()
        manager.put_secret_value(SecretId=name, SecretString=json.dumps({"k2": "two"}))
        assert secret.reveal() == known
        assert secret.look_again(known)
        assert secret.keys() == {"k2": "two"}

    def test_made_up_keys_are_no_way_to_keep_secrets_manager_busy(
        self, name: str, manager: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        ask, now = module._ask, [1000.0]

        def counted(source: str) -> str:
            asked.append(source)
            return ask(source)

        monkeypatch.setattr(module, "_ask", counted)
        monkeypatch.setattr("shared.settings.secrets.time.monotonic", lambda: now[0])
        monkeypatch.setenv("ACCESS_TOKEN_JWKS", f"secretsmanager:{name}")
        manager.put_secret_value(SecretId=name, SecretString=json.dumps(public_jwks({"k1": "one"})))
        anna = Identity("per_1", "a@example.org", "Ann", "ses_1")
        for number in range(50):
            made_up = issue_access_token(anna, now=clock.now(), secrets={f"made-up-{number}": "x"}).token
            with pytest.raises(TokenInvalid):
                verify_access_token(made_up)
        assert len(asked) == 2
        now[0] += module.LOOKED_AGAIN_SECONDS
        with pytest.raises(TokenInvalid):
            verify_access_token(made_up)
        assert len(asked) == 3

    def test_who_waited_for_anothers_look_finds_what_that_one_found(self, name: str, manager: Any) -> None:
        """Two meet the new key at once; the second must not be refused because the first has just asked."""
        secret = Secret(f"secretsmanager:{name}")
        known = secret.reveal()
        manager.put_secret_value(SecretId=name, SecretString=json.dumps({"k2": "two"}))
        assert [secret.look_again(known), secret.look_again(known)] == [True, True]
        assert not secret.look_again(secret.reveal())

    def test_when_it_cannot_be_fetched_the_known_one_stays(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        secret = Secret(f"secretsmanager:{name}")
        known = secret.reveal()

        def away(source: str) -> str:
            raise SecretUnavailable(source)

        monkeypatch.setattr(module, "_ask", away)
        assert not secret.look_again(known)
        assert secret.reveal() == known

    def test_a_literal_never_changes(self) -> None:
        assert not Secret("literal").look_again("literal")


def test_a_file_is_read_like_a_secret_by_name(tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    file.write_text(json.dumps({"k1": "one"}))
    secret = Secret(f"file:{file}")
    known = secret.reveal()
    file.write_text(json.dumps({"k2": "two"}))
    assert secret.keys() == {"k1": "one"}
    assert secret.look_again(known)
    assert secret.keys() == {"k2": "two"}
    with pytest.raises(SecretUnavailable, match="not-there"):
        Secret(f"file:{tmp_path}/not-there").reveal()
