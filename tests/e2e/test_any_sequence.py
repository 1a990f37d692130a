"""Requests that follow one another along the links of the document, sent over HTTP to a whole Stagedoor.

schemathesis reads the document that the gateway serves, makes things, and goes on with what it was answered: whatever
it does, what comes back is what the document says. `test_any_request` has the single requests of every operation.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.stateful.state_machine import normalize_name

from tests.e2e.house import House, free_port, within

pytestmark = [pytest.mark.xdist_group("whole-machine"), pytest.mark.timeout(400)]

# All checks of schemathesis are on as they are, but for these.
CHECKS = {
    # The methods that a path does not have, and required headers left out, are a phase of schemathesis' own program.
    "unsupported_method": {"enabled": False},
    "missing_required_header": {"enabled": False},
    # A schema says less than the rules do: a cursor is one of this list's, `fields` are names of members, a change is
    # for a version that there still is.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "422"]},
}
# What is ended can still be looked at, in its new state: nothing of a sale is ever forgotten.
SHOWN_WHEN_ENDED = ("show_hold",)
# The same requests in every run, and as many as take some seconds: this is a check of the document, not a search.
BOUNDED = settings(
    max_examples=15,
    stateful_step_count=8,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
PASSWORD = "any any any sequence 7"


# What walks begin with, all of which has a good body; links lead them on.
BEGINNINGS = {
    "a sale": ("place_hold",),
    "a season": ("plan_event", "add_venue", "add_series"),
    "an organiser": ("register_organiser", "sign_in"),
}
# What no text that is made up fits, and what may be left out.
LEFT_OUT = ("fields", "expand", "cursor", "If-None-Match", "Replaces", "Pass")


@dataclass
class Office:
    """A Stagedoor with an organiser who has an event on sale; `bodies` are good ones, by operation."""

    house: House
    email: str
    token: str
    bodies: dict[str, dict[str, Any]]


def called(house: House, method: str, path: str, token: str | None = None, body: Any = None) -> Any:
    """The JSON of a good answer. Refuses any other (AssertionError)."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.request(method, house.address + path, json=body, headers=headers, timeout=30.0)
    assert answer.status_code < 300, (method, path, answer.text)
    return answer.json()


def signed_in(house: House, email: str) -> str:
    return str(called(house, "POST", "/v1/sessions", body={"email": email, "password": PASSWORD})["access_token"])


def opened(house: House) -> Office:
    """An owner who has planned an event, put it on sale, and may buy like everybody else."""
    email = f"owner.{secrets.token_hex(5)}@example.com"
    called(house, "POST", "/v1/people", body={"email": email, "password": PASSWORD, "name": "Any Owner"})
    organiser_id = called(house, "POST", "/v1/organisers", signed_in(house, email), {"name": "Any"})["organiser_id"]
    token = signed_in(house, email)
    venue = {"organiser_id": organiser_id, "name": "Any Hall", "city": "New York", "time_zone": "America/New_York"}
    venue_id = called(house, "POST", "/v1/venues", token, venue)["venue_id"]
    event = {
        "organiser_id": organiser_id,
        "venue_id": venue_id,
        "name": "Any Evening",
        "starts_at": (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "currency": "USD",
        "pools": [{"name": "Floor", "kind": "general", "capacity": 500}],
        "ticket_types": [{"name": "Standing", "pool": "Floor", "price": {"amount": 4500, "currency": "USD"}}],
    }
    planned = called(house, "POST", "/v1/events", token, event)
    event_id = planned["event_id"]
    # Catalog hears of the organiser by a message, and until then asks a publisher to come again.
    publication, headers = f"{house.address}/v1/events/{event_id}/publication", {"Authorization": f"Bearer {token}"}
    assert within(30.0, lambda: httpx.post(publication, headers=headers, timeout=30.0).status_code == 200)
    on_sale = f"{house.address}/v1/availability/{event_id}"
    assert within(30.0, lambda: httpx.get(on_sale, timeout=30.0).status_code == 200)
    line = {"ticket_type_id": planned["ticket_types"][0]["ticket_type_id"], "quantity": 1}
    bodies = {
        "add_api_key": {"name": "Website", "role": "box_office", "scopes": ["catalog:read"]},
        "add_gate": {"event_id": event_id, "name": "Any Door"},
        "add_series": {"organiser_id": organiser_id, "name": "Any Series"},
        "add_venue": venue,
        "add_withholding": {"pool_id": planned["pools"][0]["pool_id"], "name": "Any Guests", "quantity": 1},
        "make_vouchers": {"count": 1, "uses_max": 1, "percent_off": 10},
        "place_hold": {"event_id": event_id, "lines": [line]},
        "plan_event": event,
        "register_organiser": {"name": "Another"},
        "sign_in": {"email": email, "password": PASSWORD},
    }
    return Office(house, email, token, bodies)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    house = House(tmp_path_factory.mktemp("house") / "state", free_port())
    # What a person may ask for in a second is less than this sends.
    house.environment["THROTTLING_ENABLED"] = "0"
    try:
        house.start()
        yield opened(house)
    finally:
        house.clear_up()


def walk(office: Office, document: dict[str, Any], beginnings: Sequence[str]) -> Counter[tuple[str, int]]:
    """Follows the links of a document, holding each answer against it; counts answers by operation and status."""
    config = SchemathesisConfig.from_dict(
        {
            "base-url": office.house.address,
            "checks": CHECKS,
            # The token comes with every request; `ignored_auth` asks without one, and with a wrong one.
            "generation": {"with-security-parameters": False},
            "operations": [
                {"include-operation-id": name, "checks": {"use_after_free": {"enabled": False}}}
                for name in SHOWN_WHEN_ENDED
            ],
        }
    )
    # Whether all is well is the first question of every walk, and from there it goes to the beginnings.
    healthy = document["paths"]["/health"]["get"]["responses"]["200"]
    healthy["links"] = {name: {"operationId": name, "requestBody": office.bodies[name]} for name in beginnings}
    schema = schemathesis.openapi.from_dict(document, config=config)
    counted: Counter[tuple[str, int]] = Counter()
    workflow: Any = schema.as_state_machine()

    class Walk(workflow):  # type: ignore[misc]
        def before_call(self, case: Any) -> None:
            """What is meant to be good is about what is there; what is meant to be wrong stays as it was made."""
            if case.meta.generation.mode is not GenerationMode.POSITIVE:
                return
            body = office.bodies.get(name_of(case))
            if body is not None:
                case.body = dict(body)
            for given in (case.query, case.headers):
                for name in LEFT_OUT if isinstance(given, MutableMapping) else ():
                    given.pop(name, None)
            if "If-Match" in case.headers:
                case.headers["If-Match"] = "*"

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {office.token}"}}

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            # A request line of more than 64 KB is refused by the HTTP server, which has no words for it.
            if (response.status_code, response.content) != (431, b""):
                super().validate_response(response, case, **options)

        def after_call(self, response: Any, case: Any) -> None:
            counted[name_of(case), response.status_code] += 1
            super().after_call(response, case)
            if name_of(case) == "register_organiser" and response.status_code == 201:
                # A token knows the organisers of the moment it was made.
                office.token = signed_in(office.house, office.email)

    for rule in workflow.root_rules - {normalize_name("RANDOM -> GET /health")}:
        setattr(Walk, rule, None)
    Walk.run(settings=BOUNDED)
    return counted


def name_of(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def served(office: Office) -> dict[str, Any]:
    """The document as the gateway serves it."""
    return dict(httpx.get(f"{office.house.address}/openapi.json", timeout=30.0).json())


@pytest.mark.parametrize("beginnings", BEGINNINGS.values(), ids=list(BEGINNINGS))
def test_whatever_is_done_along_the_links_is_answered_as_documented(
    office: Office, beginnings: tuple[str, ...]
) -> None:
    good = {name for name, status in walk(office, served(office), beginnings) if status < 300}
    assert good >= {"health", *beginnings}
    # A walk that never got beyond its beginning would have shown nothing.
    assert len(good) >= len(beginnings) + 3, good


# The negative controls: documents that promise what is not so.
def test_an_answer_off_its_schema_is_noticed(office: Office) -> None:
    document = served(office)
    document["components"]["schemas"]["HoldView"]["required"].append("colour")
    with pytest.raises(FailureGroup, match="colour"):
        walk(office, document, BEGINNINGS["a sale"])


def test_an_answer_of_an_undocumented_status_is_noticed(office: Office) -> None:
    document = served(office)
    del document["paths"]["/v1/holds"]["post"]["responses"]["201"]
    with pytest.raises(FailureGroup, match="Undocumented status code"):
        walk(office, document, BEGINNINGS["a sale"])
