"""Routes declared apart from their app, so that one service's routes can stand in several modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.http.app import App
from shared.http.operations import Handler


class Routes:
    """A module's routes, declared as on an app and added to it later: `app.py` alone knows all of them."""

    def __init__(self) -> None:
        self._declared: list[tuple[str, dict[str, Any], Handler]] = []

    def route(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Notes a route; the options are those of `App.route`, which checks them when the route is added."""

        def declare(handler: Handler) -> Handler:
            self._declared.append((path, options, handler))
            return handler

        return declare

    def add_to(self, app: App) -> None:
        """Declares every route on the app, in the order in which they were noted."""
        for path, options, handler in self._declared:
            app.route(path, **options)(handler)
