"""One request: signed as botocore would, decoded with its binary values, and lost when it cannot be read."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from shared.data import wire


class Reply:
    def __init__(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.data = data
        self.headers = headers or {}


class Pool:
    """Answers in place of a connection, and keeps what was sent."""

    def __init__(self, reply: Reply | Exception) -> None:
        self.reply = reply
        self.sent: dict[str, Any] = {}

    def urlopen(self, method: str, url: str, **options: Any) -> Reply:
        self.sent = options
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def through(monkeypatch: pytest.MonkeyPatch, reply: Reply | Exception) -> Pool:
    pool = Pool(reply)
    endpoint = wire._current_endpoint()
    monkeypatch.setattr(endpoint, "pool", pool)
    monkeypatch.setattr(wire, "_current_endpoint", lambda: endpoint)
    return pool


@pytest.mark.parametrize("token", [None, "session-token"])
def test_the_signature_is_botocores(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    monkeypatch.setattr(wire, "_frozen_credentials", lambda: ReadOnlyCredentials("AKID", "secret/+", token))
    endpoint = wire._current_endpoint()
    body = b'{"TableName":"t"}'
    headers = wire._signed_headers(endpoint, "DynamoDB_20120810.GetItem", body)
    ours = headers["authorization"]
    unsigned = {
        name: value
        for name, value in headers.items()
        if name not in ("authorization", "accept-encoding", "host", "x-amz-date", "x-amz-security-token")
    }
    request: Any = AWSRequest(method="POST", url=endpoint.address + "/", data=body, headers=unsigned)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKID", "secret/+", token), "dynamodb", endpoint.region)
    request.headers["X-Amz-Date"] = headers["x-amz-date"]
    if token:
        request.headers["X-Amz-Security-Token"] = token
    theirs = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert ours.rpartition("Signature=")[2] == theirs


def test_binary_values_come_back_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # An attribute may itself be called B, and may hold a text that looks like one.
    data = b'{"Item":{"B":{"B":"AAE="},"s":{"BS":["AQ=="]},"t":{"S":"AAE="},"m":{"M":{"B":{"S":"x"}}}}}'
    through(monkeypatch, Reply(200, data, {"x-amz-crc32": str(zlib.crc32(data))}))
    assert wire.call("GetItem", {}, 1)["Item"] == {
        "B": {"B": b"\x00\x01"},
        "s": {"BS": [b"\x01"]},
        "t": {"S": "AAE="},
        "m": {"M": {"B": {"S": "x"}}},
    }


def test_binary_values_go_out_in_base_64(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = through(monkeypatch, Reply(200, b"{}"))
    wire.call("PutItem", {"Item": {"b": {"B": b"\x00\x01"}}}, 1)
    assert pool.sent["body"] == b'{"Item":{"b":{"B":"AAE="}}}'


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
        Reply(200, b'{"a":1}', {"x-amz-crc32": "1"}),
        urllib3.exceptions.ProtocolError("connection broken"),
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
    through(monkeypatch, Reply(400, body))
    with pytest.raises(wire.Refusal) as caught:
        wire.call("PutItem", {}, 1)
    assert (caught.value.status, caught.value.code, caught.value.message) == (
        400,
        "ConditionalCheckFailedException",
        "no",
    )
    assert caught.value.item == {"b": {"B": b"\x00\x01"}}


def test_a_proxys_page_is_an_error_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    through(monkeypatch, Reply(503, b"<html>busy</html>"))
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
