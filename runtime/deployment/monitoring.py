"""Alarms of each service and the dashboard of a stage, both made from infrastructure/signals.yaml."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT = Path(__file__).resolve().parents[2]
SIGNALS: Final = ROOT / "infrastructure" / "signals.yaml"
# As `shared.telemetry.metrics.namespace` names it where the stage is known.
NAMESPACE: Final = "Stagedoor/${Stage}"
_PERIOD_SECONDS: Final = 60
_WIDTH, _HEIGHT, _COLUMNS = 12, 6, 2


class Alarm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a signal rings: `datapoints` of the last `of` minutes at the threshold or above it."""

    name: str
    description: str
    statistic: str
    threshold: float
    datapoints: int
    of: int
    runbook: str


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric of every service, as the dashboard shows it, and perhaps its alarm."""

    title: str
    metric: str
    statistics: tuple[str, ...]
    alarm: Alarm | None = None


class OperationSignal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that there is of each operation."""

    title: str
    metric: str
    statistic: str


class Signals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is declared."""

    signals: tuple[Signal, ...]
    by_operation: tuple[OperationSignal, ...]


@functools.cache
def declared() -> Signals:
    """The declaration. Refuses (msgspec.ValidationError) what it does not know."""
    return msgspec.yaml.decode(SIGNALS.read_bytes(), type=Signals)


def alarms(service: str) -> dict[str, Any]:
    """The alarms of a service, as extras of its template: they ring in every stage but dev."""
    rings = [(signal.metric, signal.alarm) for signal in declared().signals if signal.alarm is not None]
    return {"Resources": {f"{alarm.name}Alarm": _alarm(service, metric, alarm) for metric, alarm in rings}}


def _alarm(service: str, metric: str, alarm: Alarm) -> dict[str, Any]:
    percentile = alarm.statistic.startswith("p")
    properties = {
        "AlarmDescription": f"{alarm.description} docs/runbooks/{alarm.runbook}.md",
        "Namespace": {"Fn::Sub": NAMESPACE},
        "MetricName": metric,
        "Dimensions": [{"Name": "service", "Value": service}],
        "ExtendedStatistic" if percentile else "Statistic": alarm.statistic,
        "Period": _PERIOD_SECONDS,
        "EvaluationPeriods": alarm.of,
        "DatapointsToAlarm": alarm.datapoints,
        "Threshold": alarm.threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [{"Ref": "AlarmsTopicArn"}],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Condition": "Watched", "Properties": properties}


def dashboard(services: Iterable[str]) -> dict[str, Any]:
    """The stage's dashboard, as an addition to the platform's template: a line for each service in each picture."""
    names = list(services)
    pictures = [_of_services(signal, names) for signal in declared().signals]
    pictures += [_of_operations(signal) for signal in declared().by_operation]
    body = json.dumps({"widgets": _placed(pictures)}, separators=(",", ":"))
    properties = {"DashboardName": {"Fn::Sub": "${ResourcePrefix}"}, "DashboardBody": {"Fn::Sub": body}}
    return {"Resources": {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}}


def _of_services(signal: Signal, services: Sequence[str]) -> dict[str, Any]:
    lines = [
        [NAMESPACE, signal.metric, "service", service, {"stat": statistic, "label": _label(service, statistic, signal)}]
        for service in services
        for statistic in signal.statistics
    ]
    return {"title": signal.title, "metrics": lines}


def _label(service: str, statistic: str, signal: Signal) -> str:
    return service if len(signal.statistics) == 1 else f"{service} {statistic}"


def _of_operations(signal: OperationSignal) -> dict[str, Any]:
    # Operations come and go with the code, so the dashboard searches for those there are.
    found = f"SEARCH('{{{NAMESPACE},operation,service}} MetricName=\"{signal.metric}\"', '{signal.statistic}', 300)"
    return {"title": signal.title, "metrics": [[{"expression": found, "id": "each"}]]}


def _placed(pictures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "type": "metric",
            "x": _WIDTH * (number % _COLUMNS),
            "y": _HEIGHT * (number // _COLUMNS),
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {"view": "timeSeries", "region": "${AWS::Region}", "period": _PERIOD_SECONDS, **picture},
        }
        for number, picture in enumerate(pictures)
    ]
