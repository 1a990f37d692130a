"""Authorizers as API Gateway runs them: policies, the cache, 401 and 403."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.gateway import authorizing
from runtime.gateway.authorizing import Authorizers, allows
from runtime.gateway.events import Incoming
from runtime.gateway.routing import Target
from shared.http.problems import Forbidden, InternalError, Unauthorized
from tests.unit.gateway.conftest import StandIn

ARN = "arn:aws:execute-api:us-east-1:000000000000:orders/dev/GET/v1/orders"


def statement(effect: str, *resources: str, action: str = "execute-api:Invoke") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": list(resources)}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([statement("Allow", ARN)], True),
        ([statement("Allow", "arn:aws:execute-api:*:*:orders/dev/*/*")], True),
        ([statement("Allow", ARN[:-1] + "?")], True),
        ([statement("Allow", "*", action="execute-api:*")], True),
        ([statement("Allow", ARN), statement("Deny", ARN)], False),
        ([statement("Deny", "*"), statement("Allow", ARN)], False),
        ([statement("Allow", ARN.replace("GET", "POST"))], False),
        ([statement("Allow", ARN[:-1])], False),
        ([statement("Allow", ARN, action="s3:GetObject")], False),
        ([statement("Allow")], False),
        ([], False),
    ],
)
def test_a_policy_allows_what_it_names_and_a_denial_wins(statements: list[dict[str, Any]], allowed: bool) -> None:
    assert allows({"Statement": statements}, ARN) is allowed


class Asked:
    """An authorizer that counts its questions."""

    name = "authorize"

    def __init__(self, verdict: Any, ttl_seconds: int | None = 60) -> None:
        self.config = SimpleNamespace(header="Authorization", ttl_seconds=ttl_seconds)
        self.times = 0
        self._verdict = verdict

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        self.times += 1
        self.event = event
        if isinstance(self._verdict, Exception):
            raise self._verdict
        return self._verdict


LET_IN = {
    "principalId": "per_1",
    "context": {"identity": "{}"},
    "policyDocument": {"Statement": [statement("Allow", "*")]},
}
TARGET = Target("orders", StandIn("/v1/orders"), "/v1/orders", {}, {})


def incoming(token: str | None) -> Incoming:
    headers = [] if token is None else [("authorization", token)]
    return Incoming("GET", "/v1/orders", "", headers, b"", "127.0.0.1")


@pytest.fixture
def authorizers() -> Authorizers:
    return Authorizers("dev", 29.0)


def test_the_context_goes_into_the_event(authorizers: Authorizers) -> None:
    asked = Asked(LET_IN)
    assert authorizers.authorize(incoming("t"), TARGET, asked) == {"identity": "{}", "principalId": "per_1"}
    assert asked.event == {"type": "TOKEN", "authorizationToken": "t", "methodArn": ARN}


def test_an_answer_holds_for_its_token_and_its_time(authorizers: Authorizers, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(LET_IN)
    start = time.monotonic()
    for _ in range(3):
        authorizers.authorize(incoming("one"), TARGET, asked)
    assert asked.times == 1
    authorizers.authorize(incoming("two"), TARGET, asked)
    assert asked.times == 2
    monkeypatch.setattr("runtime.gateway.authorizing.time.monotonic", lambda: start + 31)
    authorizers.authorize(incoming("one"), TARGET, asked)
    assert asked.times == 3


@pytest.mark.parametrize(
    ("ttl_seconds", "after", "asked_again"),
    [(300, 31, True), (None, 31, True), (300, 29, False), (5, 6, True), (5, 4, False)],
)
def test_no_answer_holds_longer_than_half_a_minute(
    authorizers: Authorizers,
    monkeypatch: pytest.MonkeyPatch,
    ttl_seconds: int | None,
    after: int,
    asked_again: bool,
) -> None:
    asked = Asked(LET_IN, ttl_seconds)
    start = time.monotonic()
    monkeypatch.setattr("runtime.gateway.authorizing.time.monotonic", lambda: start)
    authorizers.authorize(incoming("t"), TARGET, asked)
    monkeypatch.setattr("runtime.gateway.authorizing.time.monotonic", lambda: start + after)
    authorizers.authorize(incoming("t"), TARGET, asked)
    assert (asked.times == 2) is asked_again


def test_a_ttl_of_zero_is_no_cache(authorizers: Authorizers) -> None:
    asked = Asked(LET_IN, 0)
    for _ in range(3):
        authorizers.authorize(incoming("t"), TARGET, asked)
    assert asked.times == 3


def test_a_cached_policy_is_still_applied_to_each_request(authorizers: Authorizers) -> None:
    """Why our authorizer allows all routes: a policy for one route, cached, refuses the next."""
    one_route = {**LET_IN, "policyDocument": {"Statement": [statement("Allow", ARN)]}}
    asked = Asked(one_route)
    authorizers.authorize(incoming("t"), TARGET, asked)
    other = Incoming("GET", "/v1/orders/ord_1", "", [("authorization", "t")], b"", "127.0.0.1")
    with pytest.raises(Forbidden):
        authorizers.authorize(other, TARGET, asked)
    assert asked.times == 1


def test_no_token_is_a_401_without_a_question(authorizers: Authorizers) -> None:
    asked = Asked(LET_IN)
    for token in (None, ""):
        with pytest.raises(Unauthorized):
            authorizers.authorize(incoming(token), TARGET, asked)
    assert asked.times == 0


def test_the_one_text_is_a_401_and_everything_else_a_500(authorizers: Authorizers) -> None:
    for _ in range(2):
        with pytest.raises(Unauthorized):
            authorizers.authorize(incoming("t"), TARGET, Asked(Exception("Unauthorized")))
    with pytest.raises(InternalError):
        authorizers.authorize(incoming("t"), TARGET, Asked(RuntimeError("a bug")))


def test_a_policy_that_allows_nothing_is_a_403(authorizers: Authorizers) -> None:
    with pytest.raises(Forbidden):
        authorizers.authorize(incoming("t"), TARGET, Asked({**LET_IN, "policyDocument": {"Statement": []}}))


def test_the_cache_does_not_grow_without_end(authorizers: Authorizers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorizing, "CACHED_TOKENS_MAX", 3)
    asked = Asked(LET_IN)
    for token in ("a", "b", "c", "d"):
        authorizers.authorize(incoming(token), TARGET, asked)
    assert len(authorizers._cached) == 3
    authorizers.authorize(incoming("a"), TARGET, asked)
    assert asked.times == 5
