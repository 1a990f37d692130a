"""What is counted of every HTTP request, as CloudWatch would read it from the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.telemetry import count, invocation, requests

pytestmark = pytest.mark.usefixtures("counted_in_prod")


@pytest.fixture
def counted_in_prod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS", "embedded")
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setattr(requests, "_has_answered", True)


def line_of(
    capsys: pytest.CaptureFixture[str], status: int, route: str | None = "/v1/orders/{order_id}", method: str = "GET"
) -> Any:
    """The line of a request that was answered with that status."""
    with invocation("orders", "http") as working:
        working.note(route=route, method=method, status=status)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    return line


@pytest.mark.parametrize(
    ("status", "server", "client", "throttled"),
    [(200, 0, 0, None), (304, 0, 0, None), (404, 0, 1, None), (429, 0, 1, 1), (500, 1, 0, None), (503, 1, 0, None)],
)
def test_a_request_counts_by_its_status(
    capsys: pytest.CaptureFixture[str], status: int, server: int, client: int, throttled: int | None
) -> None:
    line = line_of(capsys, status)
    assert (line["ServerErrors"], line["ClientErrors"], line.get("Throttled")) == (server, client, throttled)
    assert line["Latency"] > 0


def test_latency_and_errors_stand_by_operation_too_and_nothing_else_does(capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of(capsys, 200)
    assert (line["service"], line["operation"]) == ("orders", "GET /v1/orders/{order_id}")
    by_service, by_operation = line["_aws"]["CloudWatchMetrics"]
    assert by_service["Dimensions"] == [["service"]]
    assert by_operation["Dimensions"] == [["service", "operation"]]
    assert {one["Name"] for one in by_service["Metrics"]} == {"Latency", "ServerErrors", "ClientErrors"}
    assert {one["Name"]: one["Unit"] for one in by_operation["Metrics"]} == {
        "Latency": "Milliseconds",
        "ServerErrors": "Count",
    }
    assert {one["Namespace"] for one in (by_service, by_operation)} == {"Stagedoor/prod"}


def test_the_head_of_an_answer_is_the_same_operation(capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of(capsys, 200, method="HEAD")
    assert (line["method"], line["operation"]) == ("HEAD", "GET /v1/orders/{order_id}")


def test_what_no_route_takes_is_no_operation(capsys: pytest.CaptureFixture[str]) -> None:
    line = line_of(capsys, 404, route=None)
    assert len(line["_aws"]["CloudWatchMetrics"]) == 1
    assert "operation" not in line


def test_the_first_request_of_a_process_is_its_cold_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_has_answered", False)
    assert [line_of(capsys, 200).get("ColdStarts") for _ in range(3)] == [1, None, None]


def test_what_is_counted_meanwhile_stands_by_service(capsys: pytest.CaptureFixture[str]) -> None:
    with invocation("catalog", "http") as working:
        for _ in range(3):
            count(requests.CACHE_HITS)
        working.note(route="/v1/events", method="GET", status=200)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert line["CacheHits"] == [1, 1, 1]
    by_service, by_operation = line["_aws"]["CloudWatchMetrics"]
    assert "CacheHits" in {one["Name"] for one in by_service["Metrics"]}
    assert "CacheHits" not in {one["Name"] for one in by_operation["Metrics"]}


def test_it_is_counted_where_lines_are_not_wanted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    assert line_of(capsys, 200)["ServerErrors"] == 0


def test_a_laptop_that_nobody_reads_metrics_of_writes_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("METRICS")
    with invocation("orders", "http") as working:
        count(requests.CACHE_HITS)
        working.note(route="/v1/orders", method="GET", status=200)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "_aws" not in line
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "stagedoor-prod-orders")
    assert "_aws" in line_of(capsys, 200)


def test_messages_are_no_requests(capsys: pytest.CaptureFixture[str]) -> None:
    with invocation("orders", "queue"):
        pass
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert "_aws" not in line
