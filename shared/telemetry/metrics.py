"""Metrics in CloudWatch's embedded format: log lines that CloudWatch counts, without a call and without a price a call.

What is counted during an invocation travels on that invocation's own line.
"""

import os
import time
from collections.abc import Collection, Mapping
from typing import Any, Literal

from shared.telemetry import logs
from shared.telemetry.trace import current_trace

_NAMESPACE = "Stagedoor"

Unit = Literal["Count", "Milliseconds", "Seconds", "Bytes", "Percent", "None"]


class Metrics:
    """The metrics of one line: values by name, all under the same dimensions."""

    __slots__ = ("units", "values")

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.units: dict[str, Unit] = {}

    def add(self, name: str, value: float, unit: Unit) -> None:
        """Adds one value; several values of one name make a distribution (CloudWatch takes 100 of them a line)."""
        kept = self.values.setdefault(name, [])
        if len(kept) < 100:
            kept.append(value)
        else:
            # A line holds no more; a count stays right if what is left over goes into the last one.
            kept[-1] += value if unit == "Count" else 0.0
        self.units[name] = unit

    def embedded(
        self, dimensions: Mapping[str, str], finer: Mapping[str, str] | None = None, finer_names: Collection[str] = ()
    ) -> dict[str, Any]:
        """The members of a log line that make CloudWatch count these metrics.

        Those of `finer_names` count a second time, by the `finer` dimensions beside the others.
        """
        directives = [self._directive(dimensions, self.values)]
        if finer and finer_names:
            directives.append(
                self._directive([*dimensions, *finer], [name for name in finer_names if name in self.values])
            )
        return {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives},
            **dimensions,
            **(finer or {}),
            **{name: values[0] if len(values) == 1 else values for name, values in self.values.items()},
        }

    def _directive(self, dimensions: Collection[str], names: Collection[str]) -> dict[str, Any]:
        return {
            "Namespace": namespace(),
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": self.units[name]} for name in names],
        }


def namespace() -> str:
    """Where the metrics of this stage are: an account may have several stages, and their alarms must not mix."""
    stage = os.environ.get("STAGE")
    return f"{_NAMESPACE}/{stage}" if stage else _NAMESPACE


def write_metric(name: str, value: float, unit: Unit, dimensions: dict[str, str]) -> None:
    """Writes one metric as a line of its own."""
    metrics = Metrics()
    metrics.add(name, value, unit)
    logs.write_line({"event": "metric", "trace_id": current_trace(), **metrics.embedded(dimensions)})
