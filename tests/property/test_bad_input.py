"""Whatever wrong comes into any route is answered by a 4xx problem document that names the field, and changes nothing.

What can be wrong with a body or with parameters is read from the types the routes declare, so that a new route or field
is tried without a word here; it only needs a good request in `tests/saga/writes.py`, or good parameters below.
"""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from shared.http import parsing
from shared.http.mapping import ProblemMapper
from shared.http.operations import Operation
from shared.http.parsing import BODY_BYTES_MAX, NESTING_MAX, BodyReader, ParameterReader
from tests.property.flaws import Flaw, flaws, is_no_object, of_another_type, places, wrong_parameters
from tests.saga.front_door import Asked, Reply, route_of
from tests.saga.stored import stored
from tests.saga.tenants import Town
from tests.saga.writes import Writes

# One of the workers does all of it, because making the house takes its time.
pytestmark = pytest.mark.xdist_group("bad-input")

PARAMETERS = {
    "GET /v1/people/me/identities": {},
    "GET /v1/organisers/{organiser_id}/members": {},
    "GET /v1/organisers/{organiser_id}/api-keys": {},
    "GET /v1/usage": {"organiser_id": "organiser_id"},
    "GET /v1/venues": {"organiser_id": "organiser_id"},
    "GET /v1/series": {"organiser_id": "organiser_id"},
    "GET /v1/events": {"organiser_id": "organiser_id"},
    "GET /v1/events/{event_id}/vouchers": {},
    "GET /v1/orders": {},
    "GET /v1/tickets": {"order_id": "order_id"},
    "GET /v1/gates": {"event_id": "event_id"},
    "GET /v1/admissions": {"event_id": "event_id"},
    "GET /v1/notifications": {"order_id": "order_id"},
    "GET /v1/reports/sales": {"organiser_id": "organiser_id"},
}
WITH_BODY = [
    "POST /v1/people",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "POST /v1/sessions/oidc",
    "POST /v1/people/me/identities",
    "POST /v1/organisers",
    "POST /v1/organisers/{organiser_id}/members",
    "POST /v1/organisers/{organiser_id}/api-keys",
    "POST /v1/organisers/{organiser_id}/api-keys/{api_key_id}/rotation",
    "PATCH /v1/organisers/{organiser_id}/api-keys/{api_key_id}",
    "PUT /v1/organisers/{organiser_id}/plan",
    "POST /v1/access-tokens",
    "POST /v1/venues",
    "POST /v1/seat-maps",
    "POST /v1/series",
    "POST /v1/events",
    "PATCH /v1/events/{event_id}",
    "POST /v1/imports",
    "POST /v1/events/{event_id}/vouchers",
    "PATCH /v1/vouchers/{voucher_id}",
    "PATCH /v1/pools/{pool_id}",
    "POST /v1/events/{event_id}/withholdings",
    "PATCH /v1/events/{event_id}/withholdings/{withholding_id}",
    "POST /v1/holds",
    "PUT /v1/waiting-rooms/{event_id}",
    "PATCH /v1/waiting-rooms/{event_id}",
    "POST /v1/waiting-rooms/{event_id}/numbers",
    "POST /v1/waiting-rooms/{event_id}/passes",
    "POST /v1/waiting-lists/{event_id}/entries",
    "POST /v1/orders",
    "POST /v1/payments",
    "POST /v1/gates",
    "POST /v1/admissions",
]
SOME = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    print_blob=True,
)


class House(NamedTuple):
    """Good requests, and what they are about."""

    writes: Writes
    operations: dict[str, Operation]

    def good(self, route: str) -> Asked:
        """A request that nothing is wrong with."""
        if route in self.writes.table:
            return self.writes.table[route]()
        tenant, sold = self.writes.tenant, self.writes.sold
        ids = {**tenant.ids, "organiser_id": tenant.organiser_id, "order_id": sold.order["order_id"]}
        ids |= {"payment_id": sold.payment["payment_id"], "ticket_id": sold.tickets[0]["ticket_id"]}
        ids |= {"hold_id": sold.hold["hold_id"], "month": "2026-11"}
        query = urlencode({name: ids[key] for name, key in PARAMETERS.get(route, {}).items()})
        path = route.split()[1].format(**ids)
        kinds = (
            "organisers",
            "usage",
            "venues",
            "series",
            "gates",
            "admissions",
            "reports",
            "vouchers",
            "pools",
            "withholdings",
        )
        of_organiser = any(word in path for word in kinds)
        caller = tenant.people["owner"] if of_organiser else sold.buyer
        headers = (("Hold-Token", sold.hold["hold_token"]),) if "holds" in path else ()
        return Asked("GET", f"{path}?{query}" if query else path, caller, headers=headers)

    def send(self, asked: Asked) -> Reply:
        """The answer to a request."""
        return self.writes.town.door.send(asked)


@pytest.fixture(scope="module")
def house(town: Town) -> House:
    tenant = town.tenant("Careful Concerts", roles=("scanner",))
    town.plan(tenant, "Careful")
    sold = town.sell(tenant, town.person("Careful Buyer"), 6)
    return House(Writes(town, tenant, sold), {route_of(one): one for one in town.door.operations()})


def check(reply: Reply, what: str, field: str | None = None) -> None:
    """Refuses (AssertionError) whatever is no problem document with a 4xx that names that field, or a part of it."""
    about = f"{what}: {reply.status} {reply.body[:400]!r}"
    assert 400 <= reply.status < 500, about
    assert reply.headers["content-type"] == "application/problem+json", about
    problem = reply.json
    assert problem["type"].startswith("urn:stagedoor:problem:"), about
    assert problem["title"], about
    assert problem["status"] == reply.status, about
    assert problem["trace_id"], about
    if field is not None:
        named = str(problem.get("field"))
        assert named == field or named.startswith((f"{field}.", f"{field}[")), f"not named {field}, {about}"


def with_new_key(asked: Asked) -> Asked:
    """The request as one that was never sent before."""
    others = tuple(pair for pair in asked.headers if pair[0] != "Idempotency-Key")
    if others == asked.headers:
        return asked
    return asked._replace(headers=(*others, ("Idempotency-Key", secrets.token_hex(12))))


def encoded(body: Any) -> bytes:
    """A body as bytes; lone surrogates go as the escapes a careless client writes."""
    return json.dumps(body).encode()


def try_every_flaw(house: House, route: str) -> int:
    """Sends a good body with every single flaw; answers how many there were."""
    good, kind = house.good(route), inspect.type_info(house.operations[route].body)
    before = stored()
    count = 0
    for flaw in flaws(kind, good.body):
        reply = house.send(with_new_key(good)._replace(body=encoded(flaw.spoil(good.body))))
        check(reply, f"{route} with {flaw.what} {str(flaw.value)[:60]!r} at {flaw.field}", flaw.field)
        count += 1
    assert stored() == before, "what was refused has changed something"
    reply = house.send(with_new_key(good))
    assert 200 <= reply.status < 300, f"without the flaws it is no good request either: {reply}"
    return count


def test_no_route_is_left_out(house: House) -> None:
    assert {route for route, one in house.operations.items() if one.body is not None} == set(WITH_BODY)
    assert {route for route, one in house.operations.items() if one.query is not None} == set(PARAMETERS)


@pytest.mark.parametrize("route", WITH_BODY)
def test_every_flaw_of_a_body_is_named(house: House, route: str) -> None:
    assert try_every_flaw(house, route) >= 5


@pytest.mark.parametrize("route", WITH_BODY)
def test_values_of_other_types_are_named(house: House, route: str) -> None:
    good, kind = house.good(route), inspect.type_info(house.operations[route].body)
    known = list(places(kind, good.body))
    before = stored()

    @SOME
    @given(st.data())
    def try_some(data: st.DataObject) -> None:
        where, options = data.draw(st.sampled_from(known))
        flaw = Flaw(where, "wrong", data.draw(of_another_type(options)))
        reply = house.send(with_new_key(good)._replace(body=encoded(flaw.spoil(good.body))))
        check(reply, f"{route} with {flaw.value!r} at {flaw.field}", flaw.field)

    try_some()
    assert stored() == before


@pytest.mark.parametrize("route", WITH_BODY)
def test_what_is_no_json_is_refused(house: House, route: str) -> None:
    good = house.good(route)
    raw = encoded(good.body)
    before = stored()
    deep = NESTING_MAX + 1
    bodies = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1e999",
        b"NaN",
        b'"text"',
        b"\xff\xfe{}",
        b"\xef\xbb\xbf" + raw,
        raw + b"}",
        raw.replace(b'"', b"'"),
        raw[:-1] + b',"a":"\xed\xa0\x80"}',
        raw[:-1] + b',"a":"\\ud800"}',
        raw[:-1] + b',"a":"\x00"}',
        raw[:-1] + b',"a":NaN}',
        raw[:-1] + b',"' + b"n" * 300 + b'":1}',
        raw[:-1] + b"," + raw[1:] if raw[1:2] != b"}" else b"",
        b"[" * deep + b"]" * deep,
        b'{"a":' * deep + b"1" + b"}" * deep,
        b"[" * 100_000,
        raw[:-1] + b" " * BODY_BYTES_MAX + b"}",
    ]
    for body in bodies:
        check(house.send(good._replace(body=body)), f"{route} with {body[:60]!r}")
    for media_type in ("text/xml", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        check(house.send(good.with_header("Content-Type", media_type)), f"{route} as {media_type!r}")

    @SOME
    @given(cut=st.integers(0, len(raw) - 1), noise=st.binary(max_size=20).filter(is_no_object))
    def try_some(cut: int, noise: bytes) -> None:
        check(house.send(good._replace(body=raw[:cut])), f"{route} cut off at {cut}")
        check(house.send(good._replace(body=noise)), f"{route} with {noise!r}")

    try_some()
    assert stored() == before


@pytest.mark.parametrize("route", PARAMETERS)
def test_wrong_parameters_are_named(house: House, route: str) -> None:
    good = house.good(route)
    path, _, query = good.path.partition("?")
    kind = house.operations[route].query
    assert kind is not None
    reply = house.send(good)
    assert reply.status == 200, reply
    given_ = dict(part.split("=", 1) for part in query.split("&") if part)
    before = stored()
    for name, text in wrong_parameters(kind):
        spoilt = {**given_, name: quote(text, safe="", errors="surrogatepass")}
        reply = house.send(good._replace(path=f"{path}?" + "&".join(f"{key}={value}" for key, value in spoilt.items())))
        if name in given_ and reply.status == 404:
            # Somebody else's, or nobody's: then it is not said which of both.
            check(reply, f"{route} with {name}={text[:40]!r}")
        else:
            check(reply, f"{route} with {name}={text[:40]!r}", name)
    for name in given_:
        twice = good._replace(path=f"{good.path}&{name}={given_[name]}")
        check(house.send(twice), f"{route} with {name} twice", name)
        without = "&".join(f"{key}={value}" for key, value in given_.items() if key != name)
        if next(field for field in msgspec.structs.fields(kind) if field.encode_name == name).required:
            check(house.send(good._replace(path=f"{path}?{without}")), f"{route} without {name}", name)
    check(house.send(good._replace(path=f"{path}?{'&'.join('a=1' for _ in range(200))}")), f"{route} with too many")
    check(house.send(good._replace(path=f"{path}?limit={'9' * 9000}")), f"{route} with too much")
    assert stored() == before


NO_IDS = (
    "x",
    "%00",
    "%ED%A0%80",
    "%FF",
    "a" * 300,
    "..%2F..%2Fetc",
    "%0A",
    "%20",
    "%C3%A9",
    "evt_01",
    "'%20OR%201=1",
    "#",
)


def test_paths_that_name_nothing_are_answered_as_such(house: House) -> None:
    tried = 0
    for route, operation in house.operations.items():
        if "{" not in operation.path:
            continue
        good = house.good(route)
        # What a good request is about was made just now, so that the table is looked at once for each.
        before = stored(operation.service) if operation.method != "GET" else {}
        first, _, _ = operation.path.partition("{")
        rest = operation.path.partition("}")[2]
        for wrong in NO_IDS:
            check(house.send(good._replace(path=f"{first}{quote(wrong, safe='%')}{rest}")), f"{route} for {wrong!r}")
            tried += 1
        assert not before or stored(operation.service) == before
    assert tried > 200


def test_wrong_headers_are_named(house: House) -> None:
    for route, operation in house.operations.items():
        if operation.idempotency is not None:
            good = house.good(route)
            good = good._replace(headers=tuple(pair for pair in good.headers if pair[0] != "Idempotency-Key"))
            for key in ("x" * 129, "a#b", "é", "a\tb"):
                reply = house.send(good.with_header("Idempotency-Key", key))
                check(reply, f"{route} with the key {key[:20]!r}", "Idempotency-Key")
            if operation.idempotency.required:
                check(house.send(good), f"{route} without a key", "Idempotency-Key")
    change = house.good("PATCH /v1/events/{event_id}")._replace(headers=())
    assert house.send(change).status == 428
    for etag in ("1", '"0"', '"one"', 'W/"1"', '"' + "9" * 50 + '"'):
        reply = house.send(change.with_header("If-Match", etag))
        check(reply, f"If-Match: {etag}")
        assert reply.status == 412
    for route in ("GET /v1/holds/{hold_id}", "DELETE /v1/holds/{hold_id}"):
        for token in ("", "x", "a.b.c", "é", "x" * 13_000):
            good = house.good(route)._replace(headers=(("Hold-Token", token),))
            check(house.send(good), f"{route} with the token {token[:20]!r}", "Hold-Token")
    for authorization in ("", "Bearer", "Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer " + "x" * 5000):
        nobody = Asked("GET", "/v1/orders", headers=(("Authorization", authorization),))
        reply = house.send(nobody)
        check(reply, f"Authorization: {authorization[:20]}")
        assert reply.status == 401


@SOME
@given(body=st.binary(max_size=60) | st.dictionaries(st.text(max_size=8), st.integers(), max_size=4).map(encoded))
def test_webhooks_that_are_signed_and_make_no_sense_are_refused(house: House, body: bytes) -> None:
    """Whoever holds the secret may still send what nobody can read; only what is of no interest is taken with a 2xx."""
    reply = house.send(house.writes.town.webhook_request(body))
    if reply.status != 202:
        check(reply, f"the webhook {body!r}")


# The negative controls: each takes one guard away, and the checks have to notice.
def test_without_types_a_flaw_gets_through(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    class Loose(dict[str, Any]):
        def __getattr__(self, name: str) -> Any:
            return self.get(name)

    monkeypatch.setattr(
        BodyReader, "read", lambda self, raw, content_type: json.loads(raw, object_hook=lambda one: Loose(one))
    )
    with pytest.raises(AssertionError, match=r"500|201"):
        try_every_flaw(house, "POST /v1/series")


def test_without_the_names_of_fields_the_checks_fail(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "_split", lambda text: (text, "$"))
    with pytest.raises(AssertionError, match="not named"):
        try_every_flaw(house, "POST /v1/venues")


def test_without_the_look_at_texts_what_is_wrong_with_them_is_not_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "clean", lambda value, kind, field: value)
    with pytest.raises(AssertionError, match=r"not named|201"):
        try_every_flaw(house, "POST /v1/venues")


def test_without_the_map_of_errors_a_wrong_cursor_is_a_500(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.http import mapping

    monkeypatch.setattr(mapping, "_of_the_kit", lambda error: None)
    with pytest.raises(AssertionError, match="500"):
        test_wrong_parameters_are_named(house, "GET /v1/venues")
    assert ProblemMapper({}).problem_for(ValueError()).status == 500


def test_without_the_reader_of_parameters_the_checks_fail(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read = ParameterReader.read
    monkeypatch.setattr(
        ParameterReader, "read", lambda self, given_: read(self, {k: v for k, v in given_.items() if k != "surprise"})
    )
    with pytest.raises(AssertionError, match="surprise"):
        test_wrong_parameters_are_named(house, "GET /v1/venues")
