"""Which route a path is for."""

from __future__ import annotations

import pytest

from runtime.gateway.routing import Router
from runtime.gateway.services import ServicesClash
from tests.unit.gateway.conftest import StandIn

ROUTER = Router(
    {
        "catalog": StandIn("/v1/events", "/v1/events/{event_id}", "/v1/events/latest", "/v1/{kind}/all", "/health"),
        "orders": StandIn("/v1/orders/{order_id}/lines/{line_id}", "/v1/files/{path+}", "/health"),
    }
)


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/v1/events", "/v1/events", {}),
        ("/v1/events/", "/v1/events", {}),
        ("/v1/events/evt_1", "/v1/events/{event_id}", {"event_id": "evt_1"}),
        ("/v1/events/latest", "/v1/events/latest", {}),
        ("/v1/events/a%20b%2Fc", "/v1/events/{event_id}", {"event_id": "a b/c"}),
        ("/v1/events/%7Bx%7D", "/v1/events/{event_id}", {"event_id": "{x}"}),
        ("/v1/events/all", "/v1/events/{event_id}", {"event_id": "all"}),
        ("/v1/venues/all", "/v1/{kind}/all", {"kind": "venues"}),
        ("/v1/orders/o/lines/l", "/v1/orders/{order_id}/lines/{line_id}", {"order_id": "o", "line_id": "l"}),
        ("/v1/files/a/b/c.txt", "/v1/files/{path+}", {"path": "a/b/c.txt"}),
    ],
)
def test_paths_find_their_route(path: str, resource: str, parameters: dict[str, str]) -> None:
    target = ROUTER.find(path)
    assert target is not None
    assert (target.resource, target.parameters) == (resource, parameters)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v1",
        "/v1/",
        "/v1//",
        "/v1/events//",
        "/v1/events/a/b",
        "/v2/events",
        "/V1/events",
        "/v1/files",
        "/health",
    ],
)
def test_other_paths_find_none(path: str) -> None:
    assert ROUTER.find(path) is None


def test_two_services_cannot_have_one_route() -> None:
    with pytest.raises(ServicesClash, match="/v1/x"):
        Router({"a": StandIn("/v1/x"), "b": StandIn("/v1/x")})
