"""The stages, and what each service's `.chalice/<service>/config.json` says of its functions in one of them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("dev", "test", "prod")
SERVICES = ("accounts", "catalog", "reservations", "orders", "payments", "tickets", "notifications", "reporting")

# What Chalice itself falls back to.
_TIMEOUT_SECONDS = 60
_MEMORY_MEGABYTES = 128


class DeploymentError(Exception):
    """Deployment cannot go on: the sentence says what is wrong and what would mend it."""


@dataclass(frozen=True)
class FunctionSettings:
    """What Lambda gives a function: how long it may run, and memory in megabytes."""

    timeout_seconds: int
    memory_megabytes: int


def checked_stage(stage: str) -> str:
    """The stage. Refuses what is none (DeploymentError)."""
    if stage not in STAGES:
        raise DeploymentError(f"there is no stage {stage!r}: the stages are {', '.join(STAGES)}")
    return stage


def checked_services(names: list[str]) -> list[str]:
    """The services by name, in the house's order; none given means all. Refuses what is none (DeploymentError)."""
    strangers = [name for name in names if name not in SERVICES]
    if strangers:
        raise DeploymentError(f"there is no service {strangers[0]!r}: the services are {', '.join(SERVICES)}")
    return [service for service in SERVICES if not names or service in names]


@functools.cache
def service_config(service: str) -> dict[str, Any]:
    """The config.json of a service; an app without one has no settings of its own."""
    path = ROOT / ".chalice" / service / "config.json"
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def function_settings(service: str, stage: str, function: str) -> FunctionSettings:
    """The settings of a function in a stage, looked up as Chalice does: function in stage, stage, function, app."""
    config = service_config(service)
    in_stage = config.get("stages", {}).get(stage, {})
    places = (
        in_stage.get("lambda_functions", {}).get(function, {}),
        in_stage,
        config.get("lambda_functions", {}).get(function, {}),
        config,
    )

    def first(key: str, fallback: int) -> int:
        return next((int(place[key]) for place in places if key in place), fallback)

    return FunctionSettings(first("lambda_timeout", _TIMEOUT_SECONDS), first("lambda_memory_size", _MEMORY_MEGABYTES))
