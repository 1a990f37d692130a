"""The short way to a route answers what Chalice's own dispatch answers, and stands back where it would not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from chalice.app import CORSConfig

from shared.http import App, Routes
from shared.http.access import PUBLIC
from tests.unit.http.conftest import build

TRACE = "1-5759e988-bd862e3fe1be46a994272793"


def event(method: str, path: str, resource: str, body: str | None = None, **parameters: str) -> dict[str, Any]:
    """A request as API Gateway brings it."""
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", "X-Amzn-Trace-Id": f"Root={TRACE}", "Idempotency-Key": "k"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {"resourcePath": resource, "httpMethod": method, "identity": {"sourceIp": "192.0.2.7"}},
        "body": body,
        "isBase64Encoded": False,
    }


EVENTS = [
    event("GET", "/v1/plain/x", "/v1/plain/{name}", name="x"),
    event("GET", "/v1/orders", "/v1/orders"),
    event("POST", "/v1/orders", "/v1/orders", "{}"),
    event("POST", "/v1/keyed", "/v1/keyed"),
    event("POST", "/v1/raw", "/v1/raw", "x" * 11),
    event("PATCH", "/v1/orders/7", "/v1/orders/{number}", "{}", number="seven"),
    event("GET", "/v1/document", "/v1/document"),
    event("GET", "/v1/table", "/v1/table"),
    event("GET", "/v1/unencodable", "/v1/unencodable"),
    *(
        event("GET", f"/v1/failures/{kind}", "/v1/failures/{kind}", kind=kind)
        for kind in ("sold-out", "unexpected", "too-many", "unencodable", "nothing")
    ),
    event("GET", "/health", "/health"),
    event("HEAD", "/v1/document", "/v1/document"),
    event("HEAD", "/v1/failures/sold-out", "/v1/failures/{kind}", kind="sold-out"),
]


@pytest.mark.parametrize("path", ["/v1/document", "/v1/table", "/health"])
def test_a_head_is_that_of_the_answer(path: str) -> None:
    app = build()
    answer, head = (app(event(method, path, path), None) for method in ("GET", "HEAD"))
    raw = base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()
    assert head["body"] == ""
    assert head["headers"] == {**answer["headers"], "Content-Length": str(len(raw))}
    assert len(raw) > 0


@pytest.mark.parametrize("request_event", EVENTS, ids=lambda one: f"{one['httpMethod']} {one['path']}")
def test_both_ways_answer_alike(request_event: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    app = build()
    direct = app(request_event, None)
    monkeypatch.setattr(App, "_answer_directly", lambda self, event, context: None)
    assert app(request_event, None) == direct


@pytest.mark.parametrize("cors", [None, CORSConfig(allow_origin="https://a.example", allow_credentials=True)])
def test_an_app_of_other_cors_has_its_own_headers(cors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("other", cors=cors)
    direct = app(event("GET", "/health", "/health"), None)
    assert direct["headers"].get("Access-Control-Allow-Origin") == (cors and "https://a.example")
    monkeypatch.setattr(App, "_answer_directly", lambda self, event, context: None)
    assert app(event("GET", "/health", "/health"), None) == direct


@pytest.mark.parametrize("kind", ["http", "all"])
def test_a_middleware_is_never_passed_by(kind: str) -> None:
    app = build()
    seen: list[str] = []

    def look(request: Any, get_response: Any) -> Any:
        seen.append(request.path)
        return get_response(request)

    app.register_middleware(look, kind)
    assert app(EVENTS[0], None)["statusCode"] == 200
    assert seen == ["/v1/plain/{name}"]


def test_one_for_triggers_alone_does_not_stand_in_a_requests_way() -> None:
    app = build()

    def refuse(event: Any, get_response: Any) -> Any:
        raise AssertionError("no request concerns it")

    app.register_middleware(refuse, "sqs")
    assert app(EVENTS[0], None)["statusCode"] == 200


def test_a_view_that_breaks_is_run_once_and_is_our_mistake() -> None:
    """Not even a KeyError, which the event itself may cause, sends the work through a second time."""
    app, runs = App("broken"), list[str]()
    routes = Routes()
    routes.route("/v1/once", access=PUBLIC)(lambda call: None)
    routes.add_to(app)

    def broken(**path: str) -> Any:
        runs.append("once")
        raise KeyError("pathParameters")

    app.routes["/v1/once"]["GET"].view_function = broken
    answer = app(event("GET", "/v1/once", "/v1/once"), None)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (500, "application/problem+json")
    assert runs == ["once"]


@pytest.mark.parametrize("missing", ["headers", "stageVariables", "body"])
def test_what_is_no_event_is_no_success(missing: str) -> None:
    app = build()
    broken = {name: value for name, value in EVENTS[0].items() if name != missing}
    with pytest.raises(KeyError):
        app(broken, None)


def test_a_path_without_its_parameters_is_our_mistake() -> None:
    answer = build()({**EVENTS[0], "pathParameters": None}, None)
    assert answer["statusCode"] == 500
