"""Whatever goes wrong becomes a problem document, and the stack stays in the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.http import App


def test_an_exception_of_the_domain_becomes_its_problem(client: Any) -> None:
    answer = client.get("/v1/failures/sold-out")
    assert answer.status_code == 409
    assert answer.json["type"] == "urn:stagedoor:problem:sold-out"
    assert answer.json["title"] == "Sold out"
    assert answer.json["detail"] == "Nothing is left of the balcony."
    assert answer.json["field"] == "$.lines[0].ticket_type_id"
    assert answer.json["left"] == 0
    assert answer.headers["Retry-After"] == "7"


def test_a_special_case_follows_its_base(client: Any) -> None:
    assert client.get("/v1/failures/special").json["type"] == "urn:stagedoor:problem:sold-out"


def test_what_nobody_foresaw_is_logged_with_its_stack_and_shown_to_nobody(
    client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = client.get("/v1/failures/unexpected")
    assert answer.status_code == 500
    assert set(answer.json) == {"type", "title", "status", "trace_id"}
    assert "swordfish" not in answer.body
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in logged if line["event"] == "unhandled_error")
    assert (line["level"], line["error"], line["trace_id"]) == ("ERROR", "RuntimeError", answer.json["trace_id"])
    assert "in fail" in line["stack"]


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [
        ("conflict", 409, "busy"),
        ("too-many", 429, "too-many-requests"),
        ("throttled", 503, "unavailable"),
        ("rejected", 500, "internal"),
        ("cursor", 400, "bad-cursor"),
        ("stale", 412, "precondition-failed"),
        ("unencodable", 500, "internal"),
    ],
)
def test_errors_of_the_kit_have_their_problems(client: Any, kind: str, status: int, slug: str) -> None:
    answer = client.get(f"/v1/failures/{kind}")
    assert (answer.status_code, answer.json["type"]) == (status, f"urn:stagedoor:problem:{slug}")
    assert "table secrets" not in answer.body


def test_those_that_pass_say_when_to_come_back(client: Any) -> None:
    assert client.get("/v1/failures/too-many").headers["Retry-After"] == "3"
    assert client.get("/v1/failures/throttled").headers["Retry-After"] == "1"


def test_extra_members_are_part_of_the_document(client: Any) -> None:
    assert client.get("/v1/failures/conflict").json["holder"] == "somebody"


def test_an_answer_that_cannot_be_written_is_our_mistake(client: Any) -> None:
    answer = client.get("/v1/unencodable")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:stagedoor:problem:internal")


def test_a_method_that_is_not_there_is_a_problem_too(client: Any) -> None:
    answer = client.put("/v1/document")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json["type"] == "urn:stagedoor:problem:method-not-allowed"


def test_a_route_that_is_not_there_is_a_problem_too(app: App) -> None:
    event = {
        "headers": {},
        "pathParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "requestContext": {"resourcePath": "/v1/nowhere", "httpMethod": "GET"},
    }
    answer = app(event, None)
    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"


def test_a_middleware_that_fails_is_a_problem_too(app: App, client: Any) -> None:
    @app.middleware("http")
    def break_it(event: Any, get_response: Any) -> Any:
        raise RuntimeError("the middleware's secret")

    answer = client.get("/v1/document")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.body


def test_chalices_own_errors_are_problems_too(client: Any) -> None:
    """The negative control: what stock Chalice answers, and what it shows in debug mode."""
    from chalice.app import Chalice
    from chalice.test import Client

    stock = Chalice("stock", configure_logs=False)

    @stock.route("/x")
    def fail() -> None:
        raise RuntimeError("swordfish")

    with Client(stock) as stock_client:
        answer = stock_client.http.get("/x")
    assert answer.json_body == {"Code": "InternalServerError", "Message": "An internal server error occurred."}


def test_the_trace_of_the_caller_is_taken_up(client: Any) -> None:
    trace = "1-5759e988-bd862e3fe1be46a994272793"
    answer = client.get("/v1/failures/conflict", headers={"X-Amzn-Trace-Id": f"Root={trace}"})
    assert answer.json["trace_id"] == answer.headers["Trace-Id"] == trace


def test_health_names_what_is_missing(app: App, client: Any) -> None:
    app.health.add("revocations", lambda: True)
    assert client.get("/health").json == {"service": "sample", "status": "ready", "checks": {"revocations": "ready"}}
    app.health_check("table", lambda: True)
    app.health_check("redis", lambda: False)

    def broken() -> bool:
        raise ConnectionError("at secret-host:6379")

    app.health_check("queue", broken)
    answer = client.get("/health")
    assert answer.status_code == 503
    degraded = {"redis": "degraded", "queue": "degraded"}
    assert answer.json["checks"] == {"revocations": "ready", "table": "ready", **degraded}
    assert "secret-host" not in answer.body


def test_health_without_revocations_says_so_and_goes_on_being_asked(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis access tokens end by themselves, and a balancer must not take the service out for that."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json == {"service": "sample", "status": "degraded", "checks": {"revocations": "degraded"}}


def test_one_line_tells_of_each_request(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client.get("/v1/failures/conflict")
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["event"], line["service"], line["invocation"]) == ("invocation", "sample", "http")
    assert (line["route"], line["method"], line["status"], line["problem"]) == (
        "/v1/failures/{kind}",
        "GET",
        409,
        "busy",
    )
