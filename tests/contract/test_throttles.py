"""Which routes are not throttled like the rest: each is named here, so that none slips out by accident."""

from __future__ import annotations

import importlib

from shared.http import App, Operation
from shared.http.throttle import undeclared
from tests.test_house import SERVICES

EXEMPT_ROUTES = {
    "GET /health",
    "GET /v1/waiting-rooms/{event_id}/status",
    "POST /v1/webhooks/test",
}
# They are answered from memory, or are kept by every cache.
IN_PROCESS_ROUTES = {
    "GET /.well-known/jwks.json",
    "GET /v1/availability/{event_id}",
    "GET /v1/events",
    "GET /v1/events/{event_id}",
    "GET /v1/seat-maps/{seat_map_id}",
    "GET /v1/ticket-keys",
}


def operations() -> list[Operation]:
    apps: list[App] = [importlib.import_module(f"services.{service}.app").app for service in SERVICES]
    return [operation for app in apps for operation in app.operations]


def counted(how: str) -> set[str]:
    found = set()
    for each in operations():
        public = not each.access.needs_sign_in
        throttle = each.throttle or undeclared(public=public, method=each.method, cache=each.cache)
        if throttle.counted == how:
            found.add(f"{each.method} {each.path}")
    return found


def test_no_other_routes_are_exempt() -> None:
    assert counted("nowhere") == EXEMPT_ROUTES


def test_no_other_routes_are_counted_in_process_alone() -> None:
    assert counted("in-process") == IN_PROCESS_ROUTES


def test_writes_are_counted_by_all_processes_together() -> None:
    together = counted("together")
    assert {"POST /v1/holds", "POST /v1/orders", "POST /v1/sessions", "POST /v1/people"} <= together


def test_whoever_is_known_is_counted_where_what_keys_use_is_counted_too() -> None:
    """So every request of an API key is metered by its own round trip; what is answered from memory knows nobody."""
    known = {f"{each.method} {each.path}" for each in operations() if each.access.needs_sign_in}
    assert known <= counted("together")
