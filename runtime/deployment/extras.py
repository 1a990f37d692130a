"""What Chalice cannot express: the extras that are merged into the template it packages.

`infrastructure/service/` holds what every service has (its API), and what comes with each stream or queue that triggers
one of its functions, `infrastructure/signals.yaml` the alarms of every API; a service adds its own in
`.chalice/<service>/extras.yaml`. The triggers of the laptop read their mappings' settings from here, so a setting that
is missing in the cloud is missing on the laptop too.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.deployment.limits import limits
from runtime.deployment.monitoring import alarms
from runtime.template import Evaluation, parse_template, read_document

ROOT = Path(__file__).resolve().parents[2]
REPORT_BATCH_ITEM_FAILURES = "ReportBatchItemFailures"
ACCOUNT_PLACEHOLDER = "000000000000"

_EVENT_SOURCE_NAMES = {"queue": "SqsEventSource", "stream": "DynamodbEventSource"}


@dataclass(frozen=True)
class MappingSettings:
    """The settings of one event source mapping. -1 is for ever, as at Lambda."""

    function_response_types: tuple[str, ...] = ()
    bisects: bool = False
    retries_max: int = -1
    record_age_seconds_max: int = -1
    on_failure_arn: str | None = None
    concurrency_max: int | None = None
    filters: tuple[str, ...] = ()


def logical_id(name: str) -> str:
    """The name a Chalice resource gets in a template: `on_message` becomes OnMessage."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def merged(base: Any, over: Any) -> Any:
    """Two documents as one: mappings merge by key, everything else is taken from the second."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return over


@functools.cache
def extras(service: str, triggers: frozenset[tuple[str, str]]) -> dict[str, Any]:
    """The extras of a service, as one document in CloudFormation's long form.

    The limits of its API come from the plans. `triggers` are the functions that read a stream or consume a queue, each
    with "stream" or "queue".
    """
    folder = ROOT / "infrastructure" / "service"
    document = merged(_filled_in(read_document(folder / "api.yaml"), {"service": service}), limits(service))
    for function, kind in sorted(triggers):
        words = {"service": service, "Function": logical_id(function)}
        document = merged(document, _filled_in(read_document(folder / f"{kind}.yaml"), words))
    document = merged(document, alarms(service))
    own = ROOT / ".chalice" / service / "extras.yaml"
    if own.exists():
        document = merged(document, read_document(own))
    found: dict[str, Any] = document
    return found


def _filled_in(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {_filled_in(key, words): _filled_in(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled_in(inner, words) for inner in value]
    if isinstance(value, str):
        for word, meant in words.items():
            value = value.replace(f"{{{word}}}", meant)
    return value


def mapping_settings(
    service: str,
    function: str,
    kind: str,
    stage: str,
    resource_prefix: str,
    *,
    region: str = "us-east-1",
    account: str = ACCOUNT_PLACEHOLDER,
) -> MappingSettings:
    """The settings that a trigger of a service is deployed with; `kind` is "queue" or "stream"."""
    document = extras(service, frozenset({(function, kind)}))
    resource = document.get("Resources", {}).get(logical_id(function), {})
    name = logical_id(function) + _EVENT_SOURCE_NAMES[kind]
    properties = resource.get("Properties", {}).get("Events", {}).get(name, {}).get("Properties", {})
    evaluation = Evaluation(
        parse_template({**document, "Resources": {}}, "extras"),
        {"Stage": stage, "ResourcePrefix": resource_prefix, "AlarmsTopicArn": ""},
        {"AWS::Region": region, "AWS::AccountId": account, "AWS::Partition": "aws"},
    )
    properties = evaluation.value(properties)
    return MappingSettings(
        function_response_types=tuple(properties.get("FunctionResponseTypes", ())),
        bisects=bool(properties.get("BisectBatchOnFunctionError", False)),
        retries_max=int(properties.get("MaximumRetryAttempts", -1)),
        record_age_seconds_max=int(properties.get("MaximumRecordAgeInSeconds", -1)),
        on_failure_arn=properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"),
        concurrency_max=properties.get("ScalingConfig", {}).get("MaximumConcurrency"),
        filters=tuple(each["Pattern"] for each in properties.get("FilterCriteria", {}).get("Filters", ())),
    )
