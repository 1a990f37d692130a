"""What the kit does for every route, tried on every route there is."""

from __future__ import annotations

import pytest

from tests.property.test_bad_input import House, check
from tests.saga.front_door import route_of
from tests.saga.tenants import Town
from tests.saga.writes import Writes

# The town is made once for both modules.
pytestmark = pytest.mark.xdist_group("bad-input")


@pytest.fixture(scope="module")
def house(town: Town) -> House:
    """Good requests of an organiser and a buyer of this module's own."""
    tenant = town.tenant("Partial Concerts", roles=("scanner",))
    town.plan(tenant, "Partial")
    sold = town.sell(tenant, town.person("Partial Buyer"), 6)
    return House(Writes(town, tenant, sold), {route_of(one): one for one in town.door.operations()})


def test_every_answer_can_be_asked_for_in_part(house: House) -> None:
    """Every GET with a JSON answer takes `fields`, and names the parameter for a field that it never has."""
    tried = 0
    for route, operation in house.operations.items():
        if operation.method != "GET" or operation.answers is None or operation.path == "/health":
            continue
        good = house.good(route)
        mark = "&" if "?" in good.path else "?"
        whole = house.send(good)
        # Some good requests are a buyer's, for whom organisers' answers are not.
        assert whole.status in (200, 403, 404), whole
        for fields in ("surprise", "", "surprise.inner", "a" * 300):
            reply = house.send(good._replace(path=f"{good.path}{mark}fields={fields}"))
            check(reply, f"{route} with fields={fields[:30]}", "fields")
        check(house.send(good._replace(path=f"{good.path}{mark}expand=surprise")), route, "expand")
        if whole.status == 200:
            listed = whole.json["items"] if isinstance(whole.json.get("items"), list) else [whole.json]
            name = next(iter(listed[0])) if listed else None
            if name is not None:
                some = house.send(good._replace(path=f"{good.path}{mark}fields={name}"))
                assert some.status == 200, (route, some)
                within = some.json["items"][0] if "items" in some.json else some.json
                assert set(within) == {name}, (route, some.json)
                tried += 1
    assert tried > 12


def test_a_heavy_header_is_named(house: House) -> None:
    for route, operation in house.operations.items():
        if operation.path == "/health":
            # The gateway answers it by itself, whatever comes with it.
            continue
        reply = house.send(house.good(route).with_header("X-Weight", "x" * 20_000))
        check(reply, f"{route} with a heavy header", "x-weight")
        assert reply.status == 431
