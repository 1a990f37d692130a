"""Routes, through pytest-chalice's client."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from chalice.local import NotAuthorizedError

from shared.auth import Identity
from shared.http import App
from tests.unit.http.conftest import ANNA, SignIn

JSON = {"Content-Type": "application/json"}
ORDER = json.dumps({"lines": [{"quantity": 2}, {"quantity": 1}]})


def problem(answer: Any) -> dict[str, Any]:
    """The problem document of an answer, found whole."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json
    assert document["status"] == answer.status_code
    assert document["type"].startswith("urn:stagedoor:problem:")
    assert document["title"]
    assert document["trace_id"] == answer.headers["Trace-Id"]
    assert answer.headers["Cache-Control"] == "no-store"
    return document


class TestAnswers:
    def test_a_body_is_read_and_the_answer_has_the_routes_status(self, client: Any, anna: dict[str, str]) -> None:
        answer = client.post("/v1/orders", headers=anna, body=ORDER)
        assert answer.status_code == 201
        assert answer.json == {"person_id": "per_anna", "quantity": 3}
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"

    def test_times_are_utc_with_a_z(self, client: Any) -> None:
        assert client.get("/v1/plain/x").json["at"] == "2026-05-01T19:30:00Z"

    def test_security_headers_are_on_every_answer(self, client: Any) -> None:
        for path in ("/v1/plain/x", "/v1/failures/unexpected", "/health"):
            headers = client.get(path).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "max-age" in headers["Strict-Transport-Security"]

    def test_nothing_to_say_is_a_204_without_a_body(self, client: Any, anna: dict[str, str]) -> None:
        answer = client.delete("/v1/orders/7", headers=anna)
        assert (answer.status_code, answer.body) == (204, "")
        assert "Content-Type" not in answer.headers

    def test_bytes_and_text_are_sent_as_they_are_whatever_the_client_accepts(self, client: Any) -> None:
        for accept in ({}, {"Accept": "text/html"}, {"Accept": "application/pdf"}):
            document = client.get("/v1/document", headers=accept)
            assert document.headers["Content-Type"] == "application/pdf"
            assert document.is_base64_encoded is True
            assert base64.b64decode(document.body) == b"%PDF-1.7\xff\x00"
        table = client.get("/v1/table")
        assert (table.headers["Content-Type"], table.body) == ("text/csv; charset=utf-8", "a,b\n1,2\n")

    def test_deprecation_is_announced_on_answers(self, client: Any) -> None:
        headers = client.get("/v1/table").headers
        assert headers["Deprecation"] == "@1767225600"
        assert headers["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"

    def test_cors_lets_pages_elsewhere_read_what_they_need(self, client: Any) -> None:
        headers = client.get("/v1/plain/x").headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in headers
        assert {"ETag", "Trace-Id", "Link"} <= set(headers["Access-Control-Expose-Headers"].split(","))


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"lines": [{"quantity": 1}, {"quantity": "2"}]}, "$.lines[1].quantity"),
            ({"lines": [{"quantity": 11}]}, "$.lines[0].quantity"),
            ({"lines": [{"quantity": 1.5}]}, "$.lines[0].quantity"),
            ({"lines": [{"quantity": True}]}, "$.lines[0].quantity"),
            ({"lines": [{"quantity": None}]}, "$.lines[0].quantity"),
            ({"lines": [{}]}, "$.lines[0].quantity"),
            ({"lines": [{"quantity": 1, "prise": 0}]}, "$.lines[0].prise"),
            ({"lines": []}, "$.lines"),
            ({}, "$.lines"),
            ({"lines": [{"quantity": 1}], "extra": 1}, "$.extra"),
            ({"lines": [{"quantity": 1}], "at": "tomorrow"}, "$.at"),
            ([], "$"),
            (None, "$"),
            ("text", "$"),
        ],
    )
    def test_what_is_wrong_is_named_by_its_path(self, client: Any, anna: dict[str, str], body: Any, field: str) -> None:
        answer = client.post("/v1/orders", headers=anna, body=json.dumps(body))
        document = problem(answer)
        assert (answer.status_code, document["field"]) == (422, field)
        assert document["detail"]
        assert "`" not in document["detail"]

    @pytest.mark.parametrize("body", ["", "{", '{"lines": [}', "nonsense", '{"lines": NaN}', "\x00", ORDER + "{}"])
    def test_what_is_no_json_cannot_be_read(self, client: Any, anna: dict[str, str], body: str) -> None:
        answer = client.post("/v1/orders", headers=anna, body=body)
        assert (answer.status_code, problem(answer)["type"]) == (400, "urn:stagedoor:problem:malformed-json")

    def test_bytes_that_are_no_text_cannot_be_read(self, client: Any, anna: dict[str, str]) -> None:
        answer = client.post("/v1/orders", headers=anna, body=b'{"lines": [{"quantity": 1, "label": "\xff"}]}')
        assert answer.status_code == 400

    def test_deep_nesting_is_refused_and_wide_bodies_are_not(self, client: Any, anna: dict[str, str]) -> None:
        deep = '{"lines": [{"quantity": 1}], "notes": {"a": ' + "[" * 100_000 + "]" * 100_000 + "}}"
        answer = client.post("/v1/orders", headers=anna, body=deep)
        assert (answer.status_code, problem(answer)["type"]) == (400, "urn:stagedoor:problem:malformed-json")
        just_too_deep = '{"lines": [{"quantity": 1}], "notes": {"a": ' + "[" * 31 + "]" * 31 + "}}"
        assert client.post("/v1/orders", headers=anna, body=just_too_deep).status_code == 400
        wide = json.dumps({"lines": [{"quantity": 1, "label": '[[[{{{\\"[[['}] * 50, "notes": {"a": [[]] * 50}})
        assert client.post("/v1/orders", headers=anna, body=wide).status_code == 201

    def test_bodies_beyond_the_limit_are_refused(self, client: Any, anna: dict[str, str]) -> None:
        large = json.dumps({"lines": [{"quantity": 1, "label": "x" * 262_144}]})
        answer = client.post("/v1/orders", headers=anna, body=large)
        assert (answer.status_code, problem(answer)["bytes_max"]) == (413, 262_144)
        assert client.post("/v1/raw", headers=JSON, body="1234567890").json == {"bytes": 10}
        assert client.post("/v1/raw", headers=JSON, body="12345678901").status_code == 413

    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ";"])
    def test_other_types_are_not_read(self, client: Any, anna: dict[str, str], media_type: str) -> None:
        answer = client.post("/v1/orders", headers={**anna, "Content-Type": media_type}, body=ORDER)
        assert (answer.status_code, problem(answer)["type"]) == (415, "urn:stagedoor:problem:unsupported-media-type")

    @pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
    def test_json_may_say_so_in_several_ways(self, client: Any, anna: dict[str, str], media_type: str) -> None:
        assert client.post("/v1/orders", headers={**anna, "Content-Type": media_type}, body=ORDER).status_code == 201


class TestParameters:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=many", "limit"),
            ("limit=1&limit=2", "limit"),
            ("limt=1", "limt"),
            ("paid=perhaps", "paid"),
            ("cursor=", "cursor"),
        ],
    )
    def test_what_is_wrong_with_a_query_is_named(self, client: Any, query: str, field: str) -> None:
        answer = client.get(f"/v1/orders?{query}")
        document = problem(answer)
        assert (answer.status_code, document["field"], document["in"]) == (422, field, "query")

    def test_lists_take_a_parameter_several_times(self, client: Any) -> None:
        items = client.get("/v1/orders?state=paid&state=pending&paid=true").json["items"]
        assert items[0]["state"] == ["paid", "pending"]

    def test_path_parameters_are_read_into_their_types(self, client: Any) -> None:
        assert client.patch("/v1/orders/12", headers={**JSON, "If-Match": "*"}, body=ORDER).json == {"number": 12}
        answer = client.patch("/v1/orders/twelve", headers={**JSON, "If-Match": "*"}, body=ORDER)
        document = problem(answer)
        assert (answer.status_code, document["field"], document["in"]) == (422, "number", "path")

    def test_a_path_that_can_name_nothing_is_not_found(self, client: Any) -> None:
        assert client.get("/v1/plain/" + "x" * 201).status_code == 404
        assert client.get("/v1/plain/" + "x" * 200).status_code == 200

    @pytest.mark.parametrize("path", ["/v1/plain/1", "/health"])
    def test_a_route_without_parameters_refuses_those_nobody_reads(self, client: Any, path: str) -> None:
        assert client.get(path).status_code == 200
        answer = client.get(f"{path}?page=2&size=5")
        document = problem(answer)
        assert (answer.status_code, document["field"], document["in"]) == (422, "page", "query")

    def test_a_very_long_query_is_refused(self, client: Any) -> None:
        assert client.get("/v1/orders?state=" + "x" * 5000).status_code == 400


class TestPages:
    def test_a_page_names_the_next_one(self, client: Any) -> None:
        first = client.get("/v1/orders?state=paid&limit=2&paid=false")
        assert first.json["next"] == "cursor+2"
        link = '</v1/orders?state=paid&paid=false&limit=2&cursor=cursor%2B2>; rel="next"'
        assert first.headers["Link"] == link
        last = client.get("/v1/orders?cursor=cursor%2B2")
        assert last.json == {"items": [{"number": 3, "state": []}], "next": None}
        assert "Link" not in last.headers


class TestConditions:
    def test_an_etag_from_the_version_and_a_304_for_those_who_have_it(self, client: Any) -> None:
        answer = client.get("/v1/orders/1")
        assert answer.headers["ETag"] == '"7"'
        for known in ('"7"', 'W/"7"', '"6", "7"', "*"):
            again = client.get("/v1/orders/1", headers={"If-None-Match": known})
            assert (again.status_code, again.body, again.headers["ETag"]) == (304, "", '"7"')
        assert client.get("/v1/orders/1", headers={"If-None-Match": '"6"'}).status_code == 200

    def test_without_a_version_the_etag_is_the_bodys(self, client: Any) -> None:
        one, two = client.get("/v1/plain/a"), client.get("/v1/plain/b")
        assert one.headers["ETag"] != two.headers["ETag"]
        assert one.headers["ETag"] == client.get("/v1/plain/a").headers["ETag"]
        assert client.get("/v1/plain/a", headers={"If-None-Match": one.headers["ETag"]}).status_code == 304

    def test_caches_are_told_the_truth(self, client: Any) -> None:
        assert client.get("/v1/orders").headers["Cache-Control"] == "public, max-age=30"
        assert client.get("/v1/plain/a").headers["Cache-Control"] == "private, no-cache"
        assert client.get("/health").headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        ("if_match", "status"),
        [(None, 428), ("", 428), ('"7"', 200), ("*", 200), ('"6"', 412), ("7", 412), ('W/"7"', 412), ('"²"', 412)],
    )
    def test_a_change_must_name_the_version_it_is_meant_for(
        self, client: Any, if_match: str | None, status: int
    ) -> None:
        headers = JSON if if_match is None else {**JSON, "If-Match": if_match}
        answer = client.patch("/v1/orders/1", headers=headers, body=ORDER)
        assert answer.status_code == status
        if status != 200:
            problem(answer)


class TestAccess:
    def test_nobody_is_let_in_without_a_token_that_holds(self, client: Any, anna: dict[str, str]) -> None:
        with pytest.raises(NotAuthorizedError):
            client.post("/v1/orders", headers=JSON, body=ORDER)
        changed = anna["Authorization"][:-3] + "AAA"
        with pytest.raises(NotAuthorizedError) as refused:
            client.post("/v1/orders", headers={**anna, "Authorization": changed}, body=ORDER)
        assert json.loads(refused.value.body or b"")["type"] == "urn:stagedoor:problem:unauthorized"

    def test_without_an_authorizers_word_a_route_refuses_by_itself(self, app: App) -> None:
        """Should a template ever forget the authorizer, the route is closed and not open."""
        event: dict[str, Any] = {
            "headers": JSON,
            "pathParameters": None,
            "multiValueQueryStringParameters": None,
            "stageVariables": None,
            "body": "not even read",
            "requestContext": {"httpMethod": "POST", "resourcePath": "/v1/orders"},
        }
        answer = app(event, None)
        assert answer["statusCode"] == 401
        assert answer["headers"]["WWW-Authenticate"] == "Bearer"
        event["requestContext"]["authorizer"] = {"identity": "no identity"}
        assert app(event, None)["statusCode"] == 401

    def test_members_get_in_by_role_and_strangers_learn_nothing(self, client: Any, sign_in: SignIn) -> None:
        path = "/v1/organisers/{}/things"
        headers = sign_in(ANNA)
        assert client.get(path.format("org_1"), headers=headers).status_code == 200
        assert client.get(path.format("org_2"), headers=headers).status_code == 403
        assert client.get(path.format("org_3"), headers=headers).status_code == 404

    def test_the_organiser_may_stand_in_the_body(self, client: Any, anna: dict[str, str]) -> None:
        for organiser, status in (("org_1", 200), ("org_2", 403), ("org_9", 404)):
            body = json.dumps({"lines": [{"quantity": 1}], "organiser_id": organiser})
            assert client.post("/v1/owned", headers=anna, body=body).status_code == status

    def test_where_none_is_named_some_such_role_is_needed(self, client: Any, sign_in: SignIn) -> None:
        stranger = Identity("per_2", "b@example.com", "B", "ses_2")
        assert client.post("/v1/owned", headers=sign_in(ANNA), body=ORDER).status_code == 200
        assert client.post("/v1/owned", headers=sign_in(stranger), body=ORDER).status_code == 403

    def test_a_route_for_the_signed_in_needs_an_authorizer_first(self) -> None:
        with pytest.raises(ValueError, match="authorizer"):
            App("early").route("/v1/things")


class TestIdempotencyKey:
    def test_a_required_key_must_be_there_and_fit(self, client: Any) -> None:
        answer = client.post("/v1/keyed", headers=JSON)
        assert (answer.status_code, problem(answer)["type"][-23:]) == (400, "idempotency-key-missing")
        for key in ("x" * 129, "with#hash", "ünfit", "line\tbreak"):
            answer = client.post("/v1/keyed", headers={**JSON, "Idempotency-Key": key})
            assert (answer.status_code, problem(answer)["field"]) == (400, "Idempotency-Key")

    def test_quoted_and_bare_are_the_same_key(self, client: Any) -> None:
        for key in ("abc-1", '"abc-1"'):
            assert client.post("/v1/keyed", headers={**JSON, "Idempotency-Key": key}).json == {"key": "abc-1"}


def test_operations_say_all_that_a_description_needs(app: App) -> None:
    placed = next(one for one in app.operations if one.name == "place_order")
    assert (placed.service, placed.method, placed.path, placed.status) == ("sample", "POST", "/v1/orders", 201)
    assert placed.summary == "Places an order."
    assert placed.access.needs_sign_in
    assert placed.body.__name__ == "PlaceOrder"
    assert [error.__name__ for error in placed.errors] == ["SoldOut"]
    declared = {(one.path, one.method) for one in app.operations}
    declared |= {(path, "HEAD") for path, method in declared if method == "GET"}
    assert declared == {(path, method) for path, methods in app.routes.items() for method in methods}
