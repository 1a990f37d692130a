"""Stand-ins for services."""

from __future__ import annotations

from typing import Any


class Entry:
    """A method of a route, as Chalice keeps it."""

    def __init__(self) -> None:
        self.cors = None
        self.authorizer = None


class Api:
    """What the gateway looks at of an app's API."""

    binary_types: tuple[str, ...] = ("*/*",)


class StandIn:
    """An app that has routes and nothing behind them."""

    def __init__(self, *paths: str) -> None:
        self.app_name = "stand-in"
        self.api = Api()
        self.routes: dict[str, dict[str, Any]] = {path: {"GET": Entry()} for path in paths}
