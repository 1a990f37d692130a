"""The examples in the API's document: every one is what a request of this test was answered, and fits its schema."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runtime.deployment.stages import SERVICES
from runtime.openapi import documents, examples
from runtime.openapi.__main__ import FOLDER
from shared.http.operations import Operation
from tests.saga.examples import Steadied
from tests.saga.front_door import Asked, Reply, route_of
from tests.saga.streets import Streets
from tests.saga.tenants import Town, scan_request
from tests.saga.writes import Writes

pytestmark = pytest.mark.xdist_group("examples")


@pytest.fixture(scope="module")
def streets(town: Town) -> Streets:
    aurora, rival = town.tenant("Aurora Concerts"), town.tenant("Rival Concerts", roles=())
    town.plan(aurora, "Aurora")
    town.plan(rival, "Rival")
    sold = town.sell(aurora, town.person("Ada Buyer"), 3)
    town.door.expect(scan_request(aurora, sold.tickets[-1], aurora.people["scanner"]), 201)
    return Streets(town, aurora, rival, sold, {}, Writes(town, aurora, sold))


def answered(streets: Streets, operation: Operation) -> tuple[Asked, Reply]:
    """A good request of an operation with its answer."""
    route = route_of(operation)
    cases = {"GET /v1/events": "GET /v1/events (Aurora's)"}
    asked = streets.request(route, cases.get(route, route))
    # Some requests are for the one who asks to be put in, and some for members alone.
    for caller in (asked.caller, streets.sold.buyer, streets.aurora.people["owner"]):
        reply = streets.town.door.send(asked.by(caller))
        if reply.status < 300:
            return asked, reply
    raise AssertionError((route, reply.status, reply.body))


@pytest.fixture(scope="module")
def recorded(streets: Streets) -> examples.Examples:
    found: examples.Examples = {}
    # All services have /health, which the gateway answers for them, and which needs no example.
    operations = [one for one in streets.town.door.operations() if one.name != "health"]
    for operation in sorted(operations, key=route_of):
        asked, reply = answered(streets, operation)
        steadied = Steadied()
        example: dict[str, Any] = {"status": reply.status}
        if asked.body is not None:
            body = json.loads(asked.body) if isinstance(asked.body, bytes) else asked.body
            example["request"] = steadied.value(body)
        if reply.headers.get("content-type") == "application/json":
            example["answer"] = steadied.value(reply.json)
        found.setdefault(operation.service, {})[operation.name] = example
    if os.environ.get("RECORD_EXAMPLES") == "1":
        examples.FOLDER.mkdir(parents=True, exist_ok=True)
        for service, of_service in found.items():
            (examples.FOLDER / f"{service}.json").write_text(examples.text(of_service), encoding="utf-8")
    return found


def missing(document: dict[str, Any]) -> list[str]:
    """The operations whose JSON, asked or answered, has no example beside it."""
    found = []
    for item in document["paths"].values():
        for operation in item.values():
            good = [one for status, one in operation["responses"].items() if status < "300"]
            for place in (operation.get("requestBody", {}), *good):
                content = place.get("content", {}).get("application/json")
                if content is not None and "examples" not in content:
                    found.append(operation["operationId"])
    return found


def misfits(document: dict[str, Any]) -> list[str]:
    """What is wrong with the examples of a document, as their schemas say."""
    found = []
    for item in document["paths"].values():
        for operation in item.values():
            for place in (operation.get("requestBody", {}), *operation["responses"].values()):
                content = place.get("content", {}).get("application/json", {})
                schema = {**content.get("schema", {}), "components": document["components"]}
                validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
                for example in content.get("examples", {}).values():
                    errors = validator.iter_errors(example["value"])
                    found += [f"{operation['operationId']} {one.json_path}: {one.message[:200]}" for one in errors]
    return found


def test_the_released_examples_are_what_requests_are_answered(recorded: examples.Examples) -> None:
    written = examples.released()
    for service in recorded.keys() | written.keys():
        now, then = recorded.get(service, {}), written.get(service, {})
        differing = {name: now.get(name) for name in now.keys() | then.keys() if now.get(name) != then.get(name)}
        assert differing == {}, f"{service}: run `make examples`"


@pytest.mark.parametrize("name", [*SERVICES, documents.WHOLE])
def test_every_operation_has_examples_that_fit_their_schemas(name: str) -> None:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert set(missing(document)) <= {"health"}
    assert misfits(document) == []


def test_an_example_that_is_missing_or_does_not_fit_is_noticed() -> None:
    """The negative control: one example taken away, and another from which a member is taken away."""
    document = json.loads((FOLDER / "orders.json").read_text(encoding="utf-8"))
    placed = document["paths"]["/v1/orders"]["post"]
    del placed["requestBody"]["content"]["application/json"]["examples"]
    del placed["responses"]["201"]["content"]["application/json"]["examples"]["example"]["value"]["order_token"]
    assert "place_order" in missing(document)
    [misfit] = misfits(document)
    assert misfit.startswith("place_order $: 'order_token' is a required property")


def test_two_runs_make_the_same_example() -> None:
    def example(*ids: str) -> Any:
        hold = {"hold_id": ids[0], "event_id": ids[1], "expires_at": "2027-01-01T10:00:00Z", "block": len(ids)}
        return Steadied().value([hold, {**hold, "hold_id": ids[-1], "hold_token": ids[0] * 3}])

    first, second = (f"hld_01m8hk0k4nf6m6rnhdab6jaq6{one}" for one in "78")
    event = "evt_01m8hk0gbvfhehddjnbjanextq"
    assert example(first, event, second) == example(second, event, first)
    assert example(first, event, second) != example(first, event, first)
