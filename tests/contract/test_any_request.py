"""Requests made of the document itself, good ones and bad ones: what comes back is what the document says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks as conformance

from services.catalog import app as catalog
from services.catalog.schemas import AddSeries
from shared import clock
from shared.http import NotFound
from shared.http.parsing import BodyReader
from tests.saga.documented import Undocumented
from tests.saga.front_door import Asked, Caller, FrontDoor
from tests.saga.tenants import Town

# One worker does all of it, because making the house takes its time.
pytestmark = pytest.mark.xdist_group("any-request")

RELEASED = json.loads((Path(__file__).resolve().parents[2] / "docs" / "api" / "openapi.json").read_text())
OPERATIONS = [
    (method.upper(), path) for path, item in RELEASED["paths"].items() for method in item if path.startswith("/v1")
]


def can_be_wrong(method: str, path: str) -> bool:
    """Whether a request of the operation has anything but a header that takes every text."""
    operation = RELEASED["paths"][path][method.lower()]
    names = {one["name"] for one in operation.get("parameters", ())} - {"If-None-Match"}
    return bool(names) or "requestBody" in operation


CHECKS: list[Any] = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
    conformance.negative_data_rejection,
]
# The same few examples in every run: this is a check of the document, not a search.
FEW = settings(
    max_examples=6,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


class House(NamedTuple):
    """The document as the gateway serves it, read by schemathesis; who asks, and what there is to ask for."""

    town: Town
    schema: Any
    owner: Caller
    buyer: Caller
    ids: dict[str, str]
    headers: dict[str, str]

    def try_some(self, method: str, path: str, mode: GenerationMode) -> Counter[int]:
        """Sends some requests of an operation, and holds the answers against the document; counts their statuses."""
        operation = self.schema[path][method]
        caller = self.owner if "Roles: " in operation.definition.raw["description"] else self.buyer
        if path == "/v1/sessions/current":
            # What ends here is refused everywhere, and the buyer is still needed.
            caller = self.town.signed_in(self.buyer.identity.email)
        counted: Counter[int] = Counter()

        @FEW
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            # Two of three requests are about something that is there; the rest of them stays as it was made.
            if mode is GenerationMode.POSITIVE and counted.total() % 3:
                for given_ in (case.path_parameters, case.query, case.body):
                    self._put_known(given_, self.ids)
                self._put_known(case.headers, self.headers)
            signed_in = {"Authorization": f"Bearer {caller.token}"}
            counted[case.call_and_validate(checks=CHECKS, headers=signed_in).status_code] += 1

        send()
        return counted

    def _put_known(self, given_: Any, known: dict[str, str]) -> None:
        if isinstance(given_, MutableMapping):
            given_.update({name: known[name] for name in given_ if name in known})


def as_wsgi(door: FrontDoor) -> Any:
    """The front door as a WSGI application."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        headers = [
            (name.removeprefix("HTTP_").replace("_", "-"), str(value).encode("latin-1").decode("utf-8", "replace"))
            for name, value in environ.items()
            # Answers are looked at as they are; the codings have tests of their own.
            if name.startswith("HTTP_") and name != "HTTP_ACCEPT_ENCODING"
        ]
        if environ.get("CONTENT_TYPE"):
            headers.append(("content-type", environ["CONTENT_TYPE"]))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        # The address as it was sent; PATH_INFO has lost what was percent-encoded in it.
        path = environ["REQUEST_URI"].partition("?")[0]
        query = environ.get("QUERY_STRING")
        address = f"{path}?{query}" if query else path
        asked = Asked(environ["REQUEST_METHOD"], address, None, body or None, tuple(headers))
        reply = door.send(asked)
        start_response(f"{reply.status} -", list(reply.headers.items()))
        return [reply.body]

    return application


@pytest.fixture(scope="module")
def house(town: Town) -> House:
    tenant = town.tenant("Documented Concerts", roles=("scanner",))
    town.plan(tenant, "Documented")
    sold = town.sell(tenant, town.person("Documented Buyer"), 2)
    ids = {name: str(value) for name, value in tenant.ids.items()}
    ids |= {"organiser_id": tenant.organiser_id, "order_id": sold.order["order_id"], "hold_id": sold.hold["hold_id"]}
    ids |= {"payment_id": sold.payment["payment_id"], "ticket_id": sold.tickets[0]["ticket_id"]}
    schema = schemathesis.openapi.from_wsgi("/openapi.json", as_wsgi(town.door))
    headers = {"If-Match": "*", "Hold-Token": sold.hold["hold_token"]}
    return House(town, schema, tenant.people["owner"], sold.buyer, ids, headers)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_good_requests_are_answered_as_documented(house: House, method: str, path: str) -> None:
    assert house.try_some(method, path, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if can_be_wrong(*one)])
def test_bad_requests_are_refused_as_documented(house: House, method: str, path: str) -> None:
    assert house.try_some(method, path, GenerationMode.NEGATIVE)


# The negative controls: each takes one guard away, and the checks have to notice.
def test_a_bad_request_that_is_taken_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    good = AddSeries(organiser_id=house.ids["organiser_id"], name="A Series")
    monkeypatch.setattr(BodyReader, "read", lambda self, raw, content_type: good)
    with pytest.raises(FailureGroup, match="Invalid data should have been rejected"):
        house.try_some("POST", "/v1/series", GenerationMode.NEGATIVE)


def test_an_answer_of_an_undocumented_status_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    document = house.town.door.document.document
    monkeypatch.delitem(document["paths"]["/v1/orders/{order_id}"]["get"]["responses"], "404")
    with pytest.raises(Undocumented, match="a status the document does not have"):
        house.town.door.send(Asked("GET", "/v1/orders/ord_nobodys", house.buyer))


def test_a_refusal_of_an_undocumented_type_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NotFound, "slug", "not-here")
    with pytest.raises(Undocumented, match=r"\$\.type is wrong"):
        house.town.door.send(Asked("GET", "/v1/venues/ven_nobodys"))


def test_an_answer_without_a_promised_field_is_noticed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "series_view", lambda series: {"series_id": series.series_id})
    body = {"organiser_id": house.ids["organiser_id"], "name": "Another Series"}
    with pytest.raises(Undocumented, match="is a required property"):
        house.town.door.send(Asked("POST", "/v1/series", house.owner, body))


def test_a_token_of_an_ended_session_is_refused_as_documented(house: House) -> None:
    """The second token's own policy lets it sign out again and nothing else, and is cached."""
    door = house.town.door
    first = house.town.person("Leaver")
    # Tokens of one session and one second are the same.
    with clock.use(lambda: datetime.now(UTC) + timedelta(seconds=2)):
        renewed = door.expect(Asked("POST", "/v1/sessions/refresh", body={"refresh_token": first.refresh_token}))
    second = first._replace(token=renewed["access_token"])
    for caller in (first, second):
        door.expect(Asked("DELETE", "/v1/sessions/current", caller), 204)
    assert door.send(Asked("GET", "/v1/people/me", second)).status == 403
