"""An API key is counted by itself, with its organiser's plan's rate, and its requests are metered; people's are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from chalice.app import AuthRequest, AuthResponse

from shared import clock
from shared.auth import Identity, authorize_access_token, issue_access_token, public_jwks
from shared.cache import Cache
from shared.http import EXEMPT, IN_PROCESS, App, Call, throttle
from shared.http.openapi import document
from shared.throttling import Buckets, BucketsHere, plans
from tests.unit.http.conftest import SIGNING
from tests.unit.throttling.test_buckets_here import Time

KEY = Identity(
    "key_1", "", "Website", "key_1", {"org_1": "manager"}, scopes=("keyed:read",), api_key_id="key_1", plan="pro"
)
PERSON = Identity("per_1", "ann@example.com", "Ann", "ses_1", {"org_1": "owner"})
TODAY = date(2026, 11, 28)


class Counter(Buckets):
    """Buckets of this process alone, on a clock that stands, which remember who was metered."""

    def __init__(self, time: Time) -> None:
        super().__init__(Cache(None, prefix="t"), BucketsHere(monotonic=time))
        self.metered: list[Any] = []

    def take(self, buckets: Any, cost: int = 1, metered: Any = None) -> Any:
        self.metered.append(metered)
        return super().take(buckets, cost, metered)

    def take_here(self, buckets: Any, cost: int = 1, metered: Any = None) -> Any:
        self.metered.append(metered)
        return super().take_here(buckets, cost, metered)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch, time: Time) -> Counter:
    made = Counter(time)
    monkeypatch.setattr(throttle, "_buckets", lambda url, prefix: made)
    monkeypatch.setenv("THROTTLING_ENABLED", "1")
    monkeypatch.setenv("ACCESS_TOKEN_JWKS", json.dumps(public_jwks(SIGNING)))
    return made


@pytest.fixture
def app(counter: Counter) -> App:
    app = App("keyed")

    @app.authorizer(name="authorize", ttl_seconds=60)
    def authorize(request: AuthRequest) -> AuthResponse:
        return authorize_access_token(request)

    for path, options in {
        "/v1/plain": {},
        "/v1/warm": {"throttle": IN_PROCESS},
        "/v1/exempt": {"throttle": EXEMPT},
        "/v1/open": {"needs_scope": False},
    }.items():

        def answer(call: Call) -> list[int]:
            return []

        app.route(path, name=path.rpartition("/")[2], **options)(answer)  # type: ignore[arg-type]
    return app


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with clock.use(lambda: datetime(2026, 11, 28, 23, 59, tzinfo=UTC)):
        yield


def bearer(identity: Identity) -> dict[str, str]:
    token = issue_access_token(identity, now=clock.now(), secrets=SIGNING).token
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("plan", ["free", "pro", "partner"])
def test_a_key_gets_the_burst_and_the_rate_of_its_plan_and_no_more(client: Any, time: Time, plan: str) -> None:
    headers, terms = bearer(msgspec.structs.replace(KEY, plan=plan)), plans().offered[plan]
    statuses = [client.get("/v1/plain", headers=headers).status_code for _ in range(terms.burst + 1)]
    assert statuses == [200] * terms.burst + [429]
    time.seconds += 1.0
    statuses = [client.get("/v1/plain", headers=headers).status_code for _ in range(int(terms.rate) + 1)]
    assert statuses == [200] * int(terms.rate) + [429]
    told = client.get("/v1/plain", headers=headers).headers["RateLimit-Policy"]
    assert told.startswith(f'"{plan}";q={terms.burst};')


def test_a_plan_that_is_no_more_is_the_free_one(client: Any) -> None:
    told = client.get("/v1/plain", headers=bearer(msgspec.structs.replace(KEY, plan="gold"))).headers
    assert told["RateLimit-Policy"].startswith('"free";')


def test_two_keys_and_a_person_have_a_bucket_each(client: Any) -> None:
    answers = [
        client.get("/v1/plain", headers=bearer(one)).headers["RateLimit"]
        for one in (KEY, msgspec.structs.replace(KEY, api_key_id="key_2"), PERSON)
    ]
    assert [each.split(";")[1] for each in answers] == ["r=499", "r=499", "r=199"]


def test_every_request_of_a_key_is_metered_for_its_day_and_a_persons_is_not(client: Any, counter: Counter) -> None:
    for path in ("/v1/plain", "/v1/warm"):
        client.get(path, headers=bearer(KEY))
    client.get("/v1/plain", headers=bearer(PERSON))
    assert [one and (one.owner, one.key, one.day) for one in counter.metered] == [("org_1", "key_1", TODAY)] * 2 + [
        None
    ]


def test_what_must_always_be_answered_is_free(client: Any, counter: Counter) -> None:
    assert client.get("/v1/exempt", headers=bearer(KEY)).status_code == 200
    assert counter.metered == []


def test_a_request_that_is_refused_for_its_scope_is_metered_like_any_other(client: Any, counter: Counter) -> None:
    without = msgspec.structs.replace(KEY, scopes=("other:read",))
    assert client.get("/v1/plain", headers=bearer(without)).status_code == 403
    assert client.get("/v1/open", headers=bearer(without)).status_code == 200
    assert len(counter.metered) == 2


def test_the_document_names_the_scope_of_a_route_and_none_where_every_key_may_ask(app: App) -> None:
    paths = document("Keyed", "", "v1", [(one, app.mapper) for one in app.operations])["paths"]
    told = {path: item["get"]["security"] for path, item in paths.items() if path.startswith("/v1")}
    assert told["/v1/plain"] == [{"bearer": ["keyed:read"]}]
    assert told["/v1/open"] == [{"bearer": []}]
