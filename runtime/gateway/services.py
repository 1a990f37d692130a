"""The services: every folder of the services package that has an app.py."""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from shared import telemetry


class ServicesClash(Exception):
    """Two services claim the same route."""


class Loaded:
    """The apps that could be imported, by service, and the names of those that could not."""

    def __init__(self, apps: dict[str, Any], broken: list[str]) -> None:
        self.apps = apps
        self.broken = broken


def find_services(package: str) -> list[str]:
    """The names of the services in a package, sorted; none when there is no such package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return []
    return sorted(
        {app.parent.name for folder in spec.submodule_search_locations for app in Path(folder).glob("*/app.py")}
    )


def load_services(package: str) -> Loaded:
    """Imports every service. One that cannot be imported is logged and named; the others work all the same."""
    apps: dict[str, Any] = {}
    broken: list[str] = []
    for name in find_services(package):
        try:
            apps[name] = importlib.import_module(f"{package}.{name}.app").app
        except Exception as error:  # whatever a module does wrong on import, it is that service's trouble
            telemetry.log("service_not_loaded", level="ERROR", error=error, broken_service=name)
            broken.append(name)
    return Loaded(apps, broken)
