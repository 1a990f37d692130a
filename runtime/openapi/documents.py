"""The documents of the API as the apps are now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from runtime.gateway.events import QUERY_FIELDS_MAX
from runtime.gateway.routing import HEALTH
from runtime.openapi.examples import illustrate, released
from shared.http import App
from shared.http.openapi import Route, document

VERSION: Final = "v1"
WHOLE: Final = "openapi"
TITLE: Final = "Stagedoor"
ABOUT: Final = f"""\
A box office over REST and JSON. Money is an amount in minor units with its currency, times are UTC, ids are text.

**Signing in.** `POST /v1/sessions` answers an access token, sent as `Authorization: Bearer …`, and a refresh token for
the next.

**Writing.** A write with an `Idempotency-Key` can be sent again, and is answered as it was the first time. A change is
meant for a version: `If-Match` takes the `ETag` of what was read.

**Lists** are pages of `items`; `next`, and the header `Link`, lead to the next one.

**Refusals** are problem documents (RFC 9457). Decide by their `type`, which never changes.

**Rates.** Whoever is signed in is counted as that person or API key, by the plan they have; everybody else by their
address, as `anonymous`. `x-rate-plans` has the plans: `rate` requests a second, `burst` at once after a rest, `quota`
a calendar month. `x-rate-limit` of an operation says what a request of it costs, and by whom it is counted. Answers
tell of the bucket in `RateLimit-Policy` and of what is left in it in `RateLimit`; whoever asks too much gets a 429 with
`Retry-After`.

**In front.** Before a request reaches an operation, it may be refused with a problem document of its own: a body that
is too large (413, `body-too-large`) or does not arrive in time (408, `request-timeout`), one that ends early, a query
that cannot be read or has more than {QUERY_FIELDS_MAX} parameters (400, `bad-request`), a method that the path does not
have (405, with `Allow`), a path or a version that there is not (404), more requests at once than can be held (503).

**Growth.** Within v1, answers may get new members, new values of enumerations and new types of problems: pass over
what you do not know. Requests may get new optional members and parameters. Whatever else would change is a v2.
"""
# Types of one name in two services: the module's path tells them apart, of which the service's name is enough.
_QUALIFIED: Final = re.compile(r'(?<=["/])services\.(\w+)\.(?:\w+\.)*(\w+)(?=")')


class ServiceHealth(msgspec.Struct):
    """`ready`, or `degraded` with the checks that do not hold."""

    status: str
    checks: dict[str, str]


class WholeHealth(msgspec.Struct):
    """`ready` when every service is; `degraded` names what is not."""

    status: str
    degraded: list[str]
    services: dict[str, ServiceHealth]


def of_service(app: App) -> dict[str, Any]:
    """The document of one service, as it answers without a gateway in front."""
    made = document(f"{TITLE}: {app.service}", ABOUT, VERSION, _routes(app))
    illustrate(made, released())
    return made


def of_whole(apps: Mapping[str, App]) -> dict[str, Any]:
    """The document of all services behind one address. Raises ValueError for two operations of one name."""
    routes = [route for app in apps.values() for route in _routes(app) if route[0].path != HEALTH]
    made = document(TITLE, ABOUT, VERSION, routes)
    named: dict[str, Any]
    [schema], named = msgspec.json.schema_components([WholeHealth], ref_template="#/components/schemas/{name}")
    made["components"]["schemas"] |= named
    content = {"application/json": {"schema": schema}}
    made["paths"][HEALTH] = {
        "get": {
            "operationId": "health",
            "summary": "Whether every service is ready",
            "description": "Asks each service for its own health; the answer is kept for a second.",
            "tags": ["health"],
            "security": [],
            "x-rate-limit": {"cost": 0},
            "responses": {
                "200": {"description": "Every service is ready.", "content": content},
                "503": {"description": "Something is not; `degraded` says what.", "content": content},
            },
        }
    }
    made["tags"].append({"name": "health"})
    shorter = _shortened(made)
    illustrate(shorter, released())
    return shorter


def of_all(apps: Mapping[str, App]) -> dict[str, dict[str, Any]]:
    """Every document by the name of its file: one for each service, and `openapi` for the whole."""
    return {**{name: of_service(app) for name, app in sorted(apps.items())}, WHOLE: of_whole(apps)}


def text(made: Mapping[str, Any]) -> str:
    """A document as it is written down: the same bytes for the same routes."""
    return msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"


def _routes(app: App) -> list[Route]:
    return [(operation, app.mapper) for operation in app.operations]


def _shortened(made: dict[str, Any]) -> dict[str, Any]:
    shorter: dict[str, Any] = msgspec.json.decode(_QUALIFIED.sub(r"\1.\2", msgspec.json.encode(made).decode()))
    schemas = shorter["components"]["schemas"]
    shorter["components"]["schemas"] = dict(sorted(schemas.items()))
    return shorter
