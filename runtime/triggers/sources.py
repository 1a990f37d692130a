"""Which triggers there are: read from the Chalice apps themselves, with the mapping's settings as they are deployed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import (
    Chalice,
    DynamoDBEventConfig,
    ScheduledEventConfig,
    ScheduleExpression,
    SQSEventConfig,
)

from runtime.deployment.extras import REPORT_BATCH_ITEM_FAILURES, MappingSettings, mapping_settings
from runtime.deployment.stages import FunctionSettings, function_settings

Handler = Callable[[dict[str, Any], Any], Any]


class TriggerError(Exception):
    """A trigger cannot be run: the sentence says which and why."""


@dataclass(frozen=True)
class Function:
    """A function of a service: the Chalice handler, and what Lambda would give it."""

    service: str
    name: str
    handler: Handler
    settings: FunctionSettings

    @property
    def full_name(self) -> str:
        """The name in logs and checkpoints: `orders.relay`."""
        return f"{self.service}.{self.name}"


@dataclass(frozen=True)
class QueueSource:
    """A queue that a function consumes. A batch window of 0 hands over whatever one receive brought."""

    function: Function
    queue_name: str
    batch_size: int
    window_seconds: float
    concurrency_max: int | None
    mapping: MappingSettings

    @property
    def reports_failures(self) -> bool:
        """Whether the answer's batchItemFailures count. Otherwise the batch is deleted whatever the function says."""
        return REPORT_BATCH_ITEM_FAILURES in self.mapping.function_response_types


@dataclass(frozen=True)
class StreamSource:
    """A table's stream that a function reads, shard by shard in order."""

    function: Function
    stream_arn: str
    batch_size: int
    window_seconds: float
    starting_position: str
    mapping: MappingSettings

    @property
    def reports_failures(self) -> bool:
        """Whether the answer's batchItemFailures say from where the batch is tried again."""
        return REPORT_BATCH_ITEM_FAILURES in self.mapping.function_response_types


@dataclass(frozen=True)
class ScheduleSource:
    """A function that runs by the clock; the expression is EventBridge's, `rate(…)` or `cron(…)`."""

    function: Function
    expression: str


Source = QueueSource | StreamSource | ScheduleSource


def load_app(service: str) -> Chalice:
    """The Chalice app of a service. Services are reached by path only: nothing here knows one by import."""
    app = importlib.import_module(f"services.{service}.app").app
    if not isinstance(app, Chalice):
        raise TriggerError(f"services/{service}/app.py has no Chalice app called app")
    return app


def sources_of(apps: Mapping[str, Chalice], stage: str, resource_prefix: str) -> list[Source]:
    """Every trigger of these apps, by service and in the order they are declared.

    Refuses kinds of triggers that have no emulation here (TriggerError), so that none is silently never delivered.
    """
    return [
        _source(service, app, event, stage, resource_prefix) for service, app in apps.items() for event in _events(app)
    ]


def _events(app: Chalice) -> Iterable[Any]:
    # Chalice's own list is private to its type hints but is what `chalice deploy` reads.
    return list(app.event_sources)


def _source(service: str, app: Chalice, event: Any, stage: str, resource_prefix: str) -> Source:
    function = Function(service, event.name, app.handler_map[event.name], function_settings(service, stage, event.name))
    if isinstance(event, SQSEventConfig):
        queue_name = event.queue or (event.queue_arn or "").rsplit(":", 1)[-1]
        if not queue_name:
            raise TriggerError(f"{function.full_name} listens to a queue without a name")
        return QueueSource(
            function,
            queue_name,
            event.batch_size,
            float(event.maximum_batching_window_in_seconds or 0),
            event.maximum_concurrency,
            mapping_settings(service, event.name, "queue", stage, resource_prefix),
        )
    if isinstance(event, DynamoDBEventConfig):
        if not event.stream_arn:
            raise TriggerError(f"{function.full_name} reads a stream without an ARN")
        return StreamSource(
            function,
            event.stream_arn,
            event.batch_size,
            float(event.maximum_batching_window_in_seconds or 0),
            event.starting_position,
            mapping_settings(service, event.name, "stream", stage, resource_prefix),
        )
    if isinstance(event, ScheduledEventConfig):
        expression = event.schedule_expression
        text = expression.to_string() if isinstance(expression, ScheduleExpression) else str(expression)
        return ScheduleSource(function, text)
    raise TriggerError(f"{function.full_name} is triggered by a {type(event).__name__}, which is not delivered here")
