"""What is watched is what is written: alarms and dashboard ask for metrics as the log lines of requests bring them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runtime.deployment.extras import extras
from runtime.deployment.monitoring import NAMESPACE, Alarm, Signal, Signals, alarms, dashboard, declared
from runtime.deployment.stages import SERVICES
from shared.telemetry import invocation, requests

ROOT = Path(__file__).resolve().parents[2]
Written = set[tuple[str, str, tuple[tuple[str, str], ...]]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Written:
    """Namespace, metric and dimensions of all that a request to orders can count."""
    monkeypatch.setenv("METRICS", "embedded")
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setattr(requests, "_has_answered", False)
    with invocation("orders", "http") as working:
        for name in (requests.CACHE_HITS, requests.CACHE_MISSES):
            working.metrics().add(name, 1, "Count")
        working.note(route="/v1/orders", method="POST", status=429)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    return {
        (directive["Namespace"], one["Name"], tuple((name, line[name]) for name in dimensions))
        for directive in line["_aws"]["CloudWatchMetrics"]
        for dimensions in directive["Dimensions"]
        for one in directive["Metrics"]
    }


def in_prod(text: str) -> str:
    return text.replace("${Stage}", "prod")


def asked(resources: dict[str, Any]) -> Written:
    """What the alarms look at."""
    return {
        (
            in_prod(alarm["Properties"]["Namespace"]["Fn::Sub"]),
            alarm["Properties"]["MetricName"],
            tuple((one["Name"], one["Value"]) for one in alarm["Properties"]["Dimensions"]),
        )
        for alarm in resources.values()
    }


def test_every_alarm_looks_at_a_metric_that_requests_write(written: Written) -> None:
    assert asked(alarms("orders")["Resources"]) <= written
    assert len(alarms("orders")["Resources"]) >= 3


def test_an_alarm_on_a_metric_that_nobody_writes_is_found_out(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm = Alarm("Gone", "Nothing.", "Sum", 1, 1, 1, "api-errors")
    monkeypatch.setattr(
        "runtime.deployment.monitoring.declared", lambda: Signals((Signal("Gone", "Gone", ("Sum",), alarm),), ())
    )
    assert not asked(alarms("orders")["Resources"]) <= written


def test_the_dashboard_shows_every_metric_of_every_service(written: Written) -> None:
    body = json.loads(dashboard(SERVICES)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    lines = [line for widget in body["widgets"] for line in widget["properties"]["metrics"] if len(line) > 1]
    shown = {(in_prod(line[0]), line[1], ((line[2], line[3]),)) for line in lines if line[3] == "orders"}
    by_service = {one for one in written if len(one[2]) == 1}
    assert shown == by_service
    assert {line[3] for line in lines} == set(SERVICES)


def test_the_dashboard_searches_the_operations_by_the_dimensions_they_have(written: Written) -> None:
    body = dashboard(SERVICES)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for signal in declared().by_operation:
        assert re.search(rf"{re.escape(NAMESPACE)},operation,service}} MetricName=\\\\?.{signal.metric}", body)
        names = {
            tuple(sorted(name for name, _ in dimensions)) for _, metric, dimensions in written if len(dimensions) > 1
        }
        assert names == {("operation", "service")}
        assert signal.metric in requests.BY_OPERATION


def test_every_alarm_of_every_service_has_a_runbook() -> None:
    index = (ROOT / "docs" / "runbooks" / "README.md").read_text()
    for signal in declared().signals:
        if signal.alarm is not None:
            assert (ROOT / "docs" / "runbooks" / f"{signal.alarm.runbook}.md").exists()
            assert f"({signal.alarm.runbook}.md)" in index


@pytest.mark.parametrize("service", SERVICES)
def test_the_alarms_come_with_every_service(service: str) -> None:
    resources = extras(service, frozenset())["Resources"]
    assert alarms(service)["Resources"].items() <= resources.items()
