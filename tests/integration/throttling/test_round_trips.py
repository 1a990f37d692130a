"""What throttling adds to a request: one round trip to Redis, and none where the answer takes none."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from runtime.parts import Part
from shared.cache import Cache
from shared.http import EXEMPT, PUBLIC, App, Call, costing

ADDRESS = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def build() -> App:
    app = App("round_trips")
    for path, options in {
        "/v1/plain": {},
        "/v1/cached": {"cache": "public, max-age=1"},
        "/v1/exempt": {"throttle": EXEMPT},
        "/v1/dear": {"throttle": costing(200)},
    }.items():

        def answer(call: Call) -> list[int]:
            return []

        app.route(path, access=PUBLIC, **options)(answer)  # type: ignore[arg-type]
    return app


def get(app: App, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = app(
        {
            "headers": {},
            "pathParameters": None,
            "multiValueQueryStringParameters": None,
            "stageVariables": None,
            "body": None,
            "requestContext": {"httpMethod": "GET", "resourcePath": path, "identity": {"sourceIp": ADDRESS}},
        },
        None,
    )
    return answer


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Filled with one entry for each call to Redis."""
    monkeypatch.setenv("THROTTLING_ENABLED", "1")
    calls = list[str]()
    real = Cache.execute

    def counted(cache: Cache, call: Callable[[Any], Any]) -> Any:
        calls.append("call")
        return real(cache, call)

    monkeypatch.setattr(Cache, "execute", counted)
    return calls


@pytest.mark.parametrize(("path", "number"), [("/v1/plain", 1), ("/v1/cached", 0), ("/v1/exempt", 0)])
def test_a_request_costs_one_round_trip_and_a_cached_read_none(path: str, number: int, round_trips: list[str]) -> None:
    assert get(build(), path)["statusCode"] == 200
    assert len(round_trips) == number


def test_apps_share_a_callers_bucket(round_trips: list[str]) -> None:
    left = [int(get(build(), "/v1/dear")["headers"]["RateLimit"].split("r=")[1].split(";")[0]) for _ in range(2)]
    assert left[1] < left[0], "a bucket of its own would give the second app as much as the first"
    assert len(round_trips) == 2


def test_with_redis_gone_requests_are_answered_and_counted(
    round_trips: list[str], redis_of_its_own: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_of_its_own.variables["REDIS_URL"])
    redis_of_its_own.process.kill()
    redis_of_its_own.process.stop()
    answers = [get(build(), "/v1/plain") for _ in range(20)]
    assert {answer["statusCode"] for answer in answers} == {200}
    assert all("RateLimit" in answer["headers"] for answer in answers)
