"""One request: decoded with its binary values, and lost when it cannot be read; see test_signature for the rest."""

from __future__ import annotations

import zlib

import msgspec
import pytest

from shared.data import wire
from shared.data.connections import Malformed, Reply


class Line:
    """Answers in place of a connection, and keeps what was sent."""

    def __init__(self, reply: Reply | Exception) -> None:
        self.reply = reply
        self.sent = b""

    def exchange(self, request: bytes, connect_seconds: float, read_seconds: float) -> Reply:
        self.sent = request
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def through(monkeypatch: pytest.MonkeyPatch, reply: Reply | Exception) -> Line:
    line = Line(reply)
    endpoint = wire._current_endpoint()
    monkeypatch.setattr(endpoint, "connections", line)
    monkeypatch.setattr(wire, "_current_endpoint", lambda: endpoint)
    return line


def answered(status: int, data: bytes, checksum: int | None = None) -> Reply:
    return Reply(status, {} if checksum is None else {b"x-amz-crc32": b"%d" % checksum}, data)


def test_binary_values_come_back_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # An attribute may itself be called B, and may hold a text that looks like one.
    data = b'{"Item":{"B":{"B":"AAE="},"s":{"BS":["AQ=="]},"t":{"S":"AAE="},"m":{"M":{"B":{"S":"x"}}}}}'
    through(monkeypatch, answered(200, data, zlib.crc32(data)))
    assert wire.call("GetItem", {}, 1)["Item"] == {
        "B": {"B": b"\x00\x01"},
        "s": {"BS": [b"\x01"]},
        "t": {"S": "AAE="},
        "m": {"M": {"B": {"S": "x"}}},
    }


def test_binary_values_go_out_in_base_64(monkeypatch: pytest.MonkeyPatch) -> None:
    line = through(monkeypatch, answered(200, b"{}"))
    wire.call("PutItem", {"Item": {"b": {"B": b"\x00\x01"}}}, 1)
    assert line.sent.endswith(b'\r\n\r\n{"Item":{"b":{"B":"AAE="}}}')


@pytest.mark.parametrize(
    "reply",
    [
        answered(200, b"<html>"),
        answered(200, b"[]"),
        answered(200, b'{"a":1}', 1),
        Reply(200, {b"x-amz-crc32": b"none"}, b"{}"),
        Malformed("the connection ended before the answer did"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_what_cannot_be_read_is_lost(monkeypatch: pytest.MonkeyPatch, reply: Reply | Exception) -> None:
    through(monkeypatch, reply)
    with pytest.raises(wire.Lost):
        wire.call("GetItem", {}, 1)


def test_an_error_answer_tells_its_code_item_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        b'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no",'
        b'"Item":{"b":{"B":"AAE="}}}'
    )
    through(monkeypatch, answered(400, body))
    with pytest.raises(wire.Refusal) as caught:
        wire.call("PutItem", {}, 1)
    assert (caught.value.status, caught.value.code, caught.value.message) == (
        400,
        "ConditionalCheckFailedException",
        "no",
    )
    assert caught.value.item == {"b": {"B": b"\x00\x01"}}


def test_a_proxys_page_is_an_error_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    through(monkeypatch, answered(503, b"<html>busy</html>"))
    with pytest.raises(wire.Refusal) as caught:
        wire.call("PutItem", {}, 1)
    assert (caught.value.status, caught.value.code) == (503, "Http503")


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("eu-central-1", "https://dynamodb.eu-central-1.amazonaws.com"),
        ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_without_a_chosen_address_it_is_amazons(monkeypatch: pytest.MonkeyPatch, region: str, address: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert wire._address(region) == address


def test_a_new_address_takes_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1/")
    assert wire._current_endpoint().address == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:2")
    assert wire._current_endpoint().host == "127.0.0.1:2"


def test_a_long_list_of_values_of_every_kind_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"L": [{"B": "AAE="}, {"M": {"BS": {"L": [{"BS": ["AQ==", "Ag=="]}, {"S": "B"}]}}}, {"BOOL": True}]}
    data = msgspec.json.encode({"Attributes": {"all": item}})
    through(monkeypatch, answered(200, data))
    assert wire.call("UpdateItem", {}, 1)["Attributes"]["all"] == {
        "L": [{"B": b"\x00\x01"}, {"M": {"BS": {"L": [{"BS": [b"\x01", b"\x02"]}, {"S": "B"}]}}}, {"BOOL": True}]
    }
