"""GET /health: whether a service has what it needs."""

from collections.abc import Callable
from typing import Any

import msgspec

from shared import telemetry
from shared.http.answer import Answer

READY = "ready"
DEGRADED = "degraded"


class HealthView(msgspec.Struct):
    """`ready`, or `degraded` with the checks that do not hold."""

    service: str
    status: str
    checks: dict[str, str]


class Health:
    """The checks of one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._checks: dict[str, Callable[[], Any]] = {}
        self._vital: set[str] = set()

    def add(self, name: str, check: Callable[[], Any], *, vital: bool = True) -> None:
        """Adds a check; it does not hold when it answers False or raises.

        One that is not vital is told of, and its service goes on being sent requests.
        """
        self._checks[name] = check
        if vital:
            self._vital.add(name)

    def look(self) -> HealthView:
        """Runs every check. What a failing one says goes to the log, not to the caller."""
        results: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                results[name] = DEGRADED if check() is False else READY
            except Exception as error:  # a check may fail in any way, and failing is its answer
                telemetry.log("health_check_failed", level="WARNING", check=name, error=error)
                results[name] = DEGRADED
        ready = all(result == READY for result in results.values())
        return HealthView(self.service, READY if ready else DEGRADED, results)

    def answer(self) -> Answer:
        """200 when every vital check holds, else 503."""
        view = self.look()
        well = all(result == READY for name, result in view.checks.items() if name in self._vital)
        return Answer(view, status=200 if well else 503)
