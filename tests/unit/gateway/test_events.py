"""Events as API Gateway builds them, and answers as it takes them."""

from __future__ import annotations

import base64
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.gateway.events import Incoming, LambdaContext, MalformedQuery, build_event, new_request_id
from runtime.gateway.outgoing import MalformedAnswer, from_lambda
from runtime.gateway.routing import Target
from tests.unit.gateway.conftest import StandIn


def target(binary_types: tuple[str, ...] = ("*/*",)) -> Target:
    app = StandIn("/v1/things/{thing_id}")
    app.api.binary_types = binary_types
    return Target("things", app, "/v1/things/{thing_id}", {}, {"thing_id": "a b"})


def incoming(query: str = "", body: bytes = b"", *headers: tuple[str, str]) -> Incoming:
    return Incoming("POST", "/v1/things/a%20b", query, list(headers), body, "192.0.2.7")


def test_an_event_has_all_that_api_gateway_sends() -> None:
    event = build_event(
        incoming("a=1&a=2&b=&c=x%20y", b"{}", ("accept", "x"), ("accept", "y"), ("host", "h")), target(), "dev", "id-1"
    )
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/v1/things/{thing_id}",
        "/v1/things/a%20b",
        "POST",
    )
    assert event["headers"] == {"accept": "y", "host": "h"}
    assert event["multiValueHeaders"] == {"accept": ["x", "y"], "host": ["h"]}
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": "x y"}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""], "c": ["x y"]}
    assert event["pathParameters"] == {"thing_id": "a b"}
    context = event["requestContext"]
    assert (context["requestId"], context["stage"], context["resourcePath"]) == ("id-1", "dev", "/v1/things/{thing_id}")
    assert context["identity"]["sourceIp"] == "192.0.2.7"
    assert context["path"] == "/dev/v1/things/a%20b"
    assert base64.b64decode(event["body"]) == b"{}"
    assert event["isBase64Encoded"] is True


def test_what_is_not_there_is_null() -> None:
    event = build_event(incoming(), target(), "dev", "id")
    names = ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables", "body")
    assert [event[name] for name in names] == [None] * 4
    assert event["isBase64Encoded"] is False


def test_only_binary_types_are_encoded_where_a_list_names_them() -> None:
    text = build_event(incoming("", b"{}", ("content-type", "application/json")), target(("image/png",)), "dev", "id")
    assert (text["body"], text["isBase64Encoded"]) == ("{}", False)
    picture = build_event(incoming("", b"x", ("content-type", "image/png")), target(("image/png",)), "dev", "id")
    assert (picture["body"], picture["isBase64Encoded"]) == ("eA==", True)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_every_body_reaches_the_function_byte_for_byte(body: bytes) -> None:
    for types in (("*/*",), ()):
        event = build_event(incoming("", body), target(types), "dev", "id")
        raw = event["body"] or ""
        assert (base64.b64decode(raw) if event["isBase64Encoded"] else raw.encode()) == body


def test_a_query_without_end_is_refused() -> None:
    with pytest.raises(MalformedQuery):
        build_event(incoming("&".join(f"a{n}=1" for n in range(101))), target(), "dev", "id")


def test_the_context_tells_how_long_is_left() -> None:
    context = LambdaContext("f", "id", 29.0)
    assert 28_000 < context.get_remaining_time_in_millis() <= 29_000
    assert LambdaContext("f", "id", -1.0).get_remaining_time_in_millis() == 0


class TestAnswers:
    def test_headers_of_both_kinds_and_base_64_are_taken(self) -> None:
        outgoing = from_lambda(
            {
                "statusCode": 201,
                "headers": {"A": "1"},
                "multiValueHeaders": {"Set-Cookie": ["x", "y"]},
                "body": "/w==",
                "isBase64Encoded": True,
            }
        )
        assert (outgoing.status, outgoing.body) == (201, b"\xff")
        assert outgoing.headers[:3] == [("A", "1"), ("Set-Cookie", "x"), ("Set-Cookie", "y")]

    @pytest.mark.parametrize(
        "answer", [None, "text", {}, {"statusCode": "many"}, {"statusCode": 200, "body": "%", "isBase64Encoded": True}]
    )
    def test_what_is_no_answer_is_malformed(self, answer: object) -> None:
        with pytest.raises(MalformedAnswer):
            from_lambda(answer)


def test_a_request_id_is_a_random_uuid_and_never_the_same() -> None:
    made = [new_request_id() for _ in range(200)]
    assert len(set(made)) == 200
    for text in made:
        parsed = uuid.UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, uuid.RFC_4122)
