"""Routes are throttled without declaring anything: before the request is looked at, after it is known whose it is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from chalice.app import AuthRequest, AuthResponse

from shared.auth import Identity, authorize_access_token, public_jwks
from shared.http import EXEMPT, IN_PROCESS, PUBLIC, Answer, App, Call, RequestBody, costing, throttle
from shared.throttling import network_of, plans
from tests.unit.http.conftest import SIGNING, SignIn

BEN = Identity("per_ben", "ben@example.com", "Ben", "ses_2")
BURST, ADDRESS_BURST = 4, 6


class Write(RequestBody, frozen=True):
    text: str


def build() -> App:
    app = App("throttled")

    @app.authorizer(name="authorize", ttl_seconds=60)
    def authorize(request: AuthRequest) -> AuthResponse:
        return authorize_access_token(request)

    @app.route("/v1/notes", methods=["POST"], body=Write, status=201)
    def write(call: Call) -> dict[str, str]:
        return {"text": call.body.text}

    @app.route("/v1/words/{word}", access=PUBLIC)
    def word(call: Call) -> dict[str, str]:
        return {"word": call.path["word"]}

    @app.route("/v1/dear", access=PUBLIC, throttle=costing(3))
    def dear(call: Call) -> list[int]:
        return []

    @app.route("/v1/hot", access=PUBLIC, cache="public, max-age=1")
    def hot(call: Call) -> list[int]:
        return []

    @app.route("/v1/warm", access=PUBLIC, throttle=IN_PROCESS)
    def warm(call: Call) -> Answer:
        return Answer([], headers={"Cache-Control": "public, max-age=30"})

    @app.route("/v1/free", access=PUBLIC, throttle=EXEMPT)
    def free(call: Call) -> list[int]:
        return []

    return app


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> App:
    """An app with small plans, on buckets nobody has taken from; there is no Redis in unit tests."""
    small = msgspec.structs.replace
    chosen = plans()
    free = small(chosen.plans.free, rate=0.01, burst=BURST)
    anonymous = small(chosen.plans.anonymous, rate=0.01, burst=ADDRESS_BURST)
    chosen = small(chosen, plans=small(chosen.plans, free=free, anonymous=anonymous))
    monkeypatch.setattr(throttle, "plans", lambda: chosen)
    monkeypatch.setenv("THROTTLING_ENABLED", "1")
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("ACCESS_TOKEN_JWKS", json.dumps(public_jwks(SIGNING)))
    throttle._buckets.cache_clear()
    throttle._here.cache_clear()
    return build()


def statuses(client: Any, path: str, number: int, headers: dict[str, str] | None = None) -> list[int]:
    return [client.get(path, headers=headers or {}).status_code for _ in range(number)]


def test_a_burst_passes_and_the_next_is_told_when_to_come_back(client: Any, anna: dict[str, str]) -> None:
    body = json.dumps({"text": "x"})
    answers = [client.post("/v1/notes", headers=anna, body=body) for _ in range(BURST + 1)]
    assert [each.status_code for each in answers] == [201] * BURST + [429]
    assert answers[0].headers["RateLimit-Policy"] == '"free";q=4;w=400'
    assert answers[0].headers["RateLimit"] == '"free";r=3;t=100'
    refused = answers[-1]
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json["type"] == "urn:stagedoor:problem:too-many-requests"
    assert 99 <= int(refused.headers["Retry-After"]) <= 100
    assert refused.headers["RateLimit"] == '"free";r=0;t=400'
    assert refused.headers["RateLimit-Policy"] == answers[0].headers["RateLimit-Policy"]
    assert refused.headers["Cache-Control"] == "no-store"
    exposed = refused.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(","))


def test_turned_off_it_lets_everything_through(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of every test here, and what the tests of other things run with."""
    monkeypatch.setenv("THROTTLING_ENABLED", "0")
    assert statuses(client, "/v1/words/x", 50) == [200] * 50
    assert "RateLimit" not in client.get("/v1/words/x").headers


def test_it_is_on_unless_somebody_turns_it_off(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THROTTLING_ENABLED")
    assert statuses(client, "/v1/words/x", ADDRESS_BURST + 1)[-1] == 429


def test_it_comes_before_any_look_at_the_request(client: Any, anna: dict[str, str]) -> None:
    answers = [client.post("/v1/notes", headers=anna, body="{") for _ in range(BURST + 1)]
    assert [each.status_code for each in answers] == [400] * BURST + [429]
    assert answers[0].headers["RateLimit"] == '"free";r=3;t=100', "refusals tell how many requests are left, too"


def test_people_at_one_address_are_counted_apart(client: Any, anna: dict[str, str], sign_in: SignIn) -> None:
    body = json.dumps({"text": "x"})
    for _ in range(BURST + 1):
        last = client.post("/v1/notes", headers=anna, body=body)
    assert last.status_code == 429
    assert client.post("/v1/notes", headers=sign_in(BEN), body=body).status_code == 201
    assert client.get("/v1/words/x").status_code == 200


def test_those_who_are_not_signed_in_are_counted_by_address(client: Any) -> None:
    assert statuses(client, "/v1/words/x", ADDRESS_BURST + 1) == [200] * ADDRESS_BURST + [429]
    assert client.get("/v1/words/x").headers["RateLimit-Policy"] == '"anonymous";q=6;w=600'


def test_a_request_costs_what_its_route_declares(client: Any) -> None:
    assert statuses(client, "/v1/dear", 3) == [200, 200, 429]


def test_a_cost_that_nobody_could_pay_is_refused_when_the_route_is_declared(app: App) -> None:
    for cost in (0, -1, BURST + 1):
        with pytest.raises(ValueError, match="costs 1 to 4 tokens"):
            app.route(f"/v1/dearer/{cost}", access=PUBLIC, throttle=costing(cost))(lambda call: None)


@pytest.mark.parametrize("path", ["/v1/free", "/health"])
def test_what_is_exempt_is_always_answered(client: Any, path: str) -> None:
    assert statuses(client, path, 50) == [200] * 50
    assert "RateLimit-Policy" not in client.get(path).headers


@pytest.mark.parametrize("path", ["/v1/hot", "/v1/warm"])
def test_what_caches_give_to_others_does_not_say_what_is_left(client: Any, path: str) -> None:
    first = client.get(path)
    assert first.headers["Cache-Control"].startswith("public")
    assert first.headers["RateLimit-Policy"] == '"anonymous";q=6;w=600'
    assert "RateLimit" not in first.headers
    kept = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (kept.status_code, "RateLimit" in kept.headers) == (304, False)
    refused = [client.get(path) for _ in range(ADDRESS_BURST)][-1]
    assert (refused.status_code, "RateLimit" in refused.headers) == (429, True)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:DB8:1:2::", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("no:address", "no:address"),
    ],
)
def test_a_customers_whole_network_counts_as_one(address: str, counted_as: str) -> None:
    assert network_of(address) == counted_as
