"""Accounts on a real table: a client of the routes, and people who are new in every test."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from chalice.local import NotAuthorizedError

from shared.auth import passwords
from tests.saga.issuer import CLIENT_ID, LocalIssuer

Send = Callable[..., Any]
PASSWORD = "correct horse battery"


class Account(NamedTuple):
    """A person who is signed in."""

    person_id: str
    email: str
    access_token: str
    refresh_token: str
    session_id: str


@pytest.fixture(autouse=True, scope="session")
def _light_hashes() -> Iterator[None]:
    """Hashes with little work: these tests make people by the dozen, and none of them is about how slow a hash is."""
    real = (passwords.MEMORY_KIB, passwords.PASSES)
    passwords.MEMORY_KIB, passwords.PASSES = 1024, 1
    passwords._hasher.cache_clear()
    passwords._nobodys_hash.cache_clear()
    yield
    passwords.MEMORY_KIB, passwords.PASSES = real
    passwords._hasher.cache_clear()
    passwords._nobodys_hash.cache_clear()


@pytest.fixture
def app() -> Any:
    """The app that pytest-chalice's client calls."""
    from services.accounts.app import app

    return app


@pytest.fixture
def send(client: Any) -> Send:
    """Sends one request through the Chalice app, with an access token where one is given."""

    def request(method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        raw = ""
        if body is not None:
            sent["Content-Type"] = "application/json"
            raw = json.dumps(body)
        try:
            return getattr(client, method.lower())(path, headers=sent, body=raw)
        except NotAuthorizedError:
            # How the local gateway says that the authorizer refused.
            return SimpleNamespace(status_code=401, json={}, headers={}, body="")

    return request


@pytest.fixture
def new_email() -> Callable[[], str]:
    """Addresses nobody has used."""
    return lambda: f"p{secrets.token_hex(8)}@example.org"


@pytest.fixture
def sign_in(send: Send) -> Callable[..., Account]:
    """Signs somebody in who has an account."""

    def signed_in(email: str, password: str = PASSWORD) -> Account:
        answer = send("POST", "/v1/sessions", {"email": email, "password": password})
        assert answer.status_code == 201, answer.body
        session = answer.json
        return Account(
            session["person_id"], email, session["access_token"], session["refresh_token"], session["session_id"]
        )

    return signed_in


@pytest.fixture
def join(send: Send, sign_in: Callable[..., Account], new_email: Callable[[], str]) -> Callable[[], Account]:
    """Signs somebody new up and in."""

    def joined() -> Account:
        email = new_email()
        answer = send("POST", "/v1/people", {"email": email, "password": PASSWORD, "name": "Ann Lee"})
        assert answer.status_code == 201, answer.body
        return sign_in(email)

    return joined


@pytest.fixture
def renewed(send: Send) -> Callable[[Account], Account]:
    """The account with the tokens of a refresh, whose roles are of this moment."""

    def refreshed(account: Account) -> Account:
        answer = send("POST", "/v1/sessions/refresh", {"refresh_token": account.refresh_token})
        assert answer.status_code == 200, answer.body
        return account._replace(access_token=answer.json["access_token"], refresh_token=answer.json["refresh_token"])

    return refreshed


class Organiser(NamedTuple):
    """An organiser and its owner, whose token knows of it."""

    organiser_id: str
    owner: Account


@pytest.fixture
def organiser(send: Send, join: Callable[[], Account], renewed: Callable[[Account], Account]) -> Organiser:
    """A new organiser."""
    return make_organiser(send, join, renewed)


@pytest.fixture
def stranger(send: Send, join: Callable[[], Account], renewed: Callable[[Account], Account]) -> Organiser:
    """Another organiser, which must not see anything of the first."""
    return make_organiser(send, join, renewed)


def make_organiser(send: Send, join: Callable[[], Account], renewed: Callable[[Account], Account]) -> Organiser:
    owner = join()
    answer = send("POST", "/v1/organisers", {"name": "Hall of Tests"}, owner.access_token)
    assert answer.status_code == 201, answer.body
    return Organiser(answer.json["organiser_id"], renewed(owner))


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIssuer]:
    """An issuer that is trusted in this test."""
    made = LocalIssuer()
    trust(monkeypatch, made)
    yield made
    made.stop()


def trust(monkeypatch: pytest.MonkeyPatch, issuer: LocalIssuer, **more: Any) -> None:
    configured = {"issuer": issuer.issuer, "client_ids": [CLIENT_ID, "stagedoor-app"], **more}
    monkeypatch.setenv("TRUSTED_ISSUERS", json.dumps([configured]))


def both_look_first(monkeypatch: pytest.MonkeyPatch, write: str) -> threading.Barrier:
    """Lets two who call that write of the repository have looked, both, before either writes.

    Who does not come to it aborts the barrier, so that the other need not wait.
    """
    from services.accounts import repository

    barrier, writing = threading.Barrier(2), getattr(repository, write)

    def meet(*arguments: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(10)
        writing(*arguments)

    monkeypatch.setattr(repository, write, meet)
    return barrier
