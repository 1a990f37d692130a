"""What a program with an API key gets from every route: nothing that its scopes do not name, whatever its role."""

from __future__ import annotations

import pytest

from services.accounts.domain.api_keys import SCOPES
from shared.auth import Identity
from tests.integration.sale.test_tenancy import rows
from tests.saga.front_door import Asked, route_of
from tests.saga.stored import effect, stored
from tests.saga.streets import Streets
from tests.saga.tenants import Town
from tests.saga.writes import Writes

pytestmark = pytest.mark.xdist_group("tenancy")


# What every key may ask, because it is about that key alone.
OPEN = {"GET /v1/usage"}


@pytest.fixture(scope="module")
def streets(town: Town) -> Streets:
    aurora, rival = town.tenant("Scoped Concerts"), town.tenant("Unscoped Concerts", roles=())
    town.plan(aurora, "Scoped")
    town.plan(rival, "Unscoped")
    sold = town.sell(aurora, town.person("Sue Buyer"), 2)
    return Streets(town, aurora, rival, sold, {}, Writes(town, aurora, sold))


def walk(streets: Streets) -> list[str]:
    """Every protected route, asked by a program without its scope; answers those that were not refused for it."""
    scopes = {
        route_of(one): one.scope
        for one in streets.town.door.operations()
        if one.access.needs_sign_in and route_of(one) not in OPEN
    }
    asked = {row.route: streets.request(row.route, row.name) for row in rows() if row.route in scopes and not row.case}
    programs = {
        scope: streets.writes.programs.caller("manager", *(one for one in SCOPES if one != scope))
        for scope in sorted({*scopes.values()})
    }
    before, let_in = stored(), []
    for route, request in asked.items():
        reply = streets.town.door.send(request.by(programs[scopes[route]]))
        named = reply.status == 403 and reply.json.get("scope") == scopes[route]
        if not named:
            let_in.append(f"{route}: {reply.status}")
    assert len(asked) > 50
    assert effect(before, stored()) == {}
    return let_in


def test_without_its_scope_a_route_refuses_a_program_and_names_the_scope(streets: Streets) -> None:
    assert walk(streets) == []


def test_without_the_guard_the_walk_finds_it_out(streets: Streets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Identity, "has_scope", lambda self, scope: True)
    with pytest.raises(AssertionError):
        assert walk(streets) == []


def test_with_the_scope_it_gets_what_its_role_may(streets: Streets) -> None:
    program = streets.writes.programs.caller("box_office", "reporting:read", "catalog:write")
    organiser = streets.aurora.organiser_id
    door = streets.town.door
    sales = streets.request("GET /v1/reports/sales", "GET /v1/reports/sales")
    assert door.send(sales.by(program)).status == 200
    series = streets.request("POST /v1/series", "POST /v1/series")
    assert door.send(series.by(program)).status == 403
    assert "scope" not in door.send(series.by(program)).json
    assert set(program.identity.roles) == {organiser}


def test_no_other_routes_are_open_to_every_key(streets: Streets) -> None:
    assert {route_of(one) for one in streets.town.door.operations() if not one.needs_scope} == OPEN
    program = streets.writes.programs.caller("scanner", "tickets:read")
    assert streets.town.door.send(Asked("GET", "/v1/usage", program)).status == 200
