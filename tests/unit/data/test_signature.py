"""Requests are signed as botocore's own client would sign them: the same bytes, whatever is in them and whenever."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.data import wire

LETTERS = string.ascii_letters + string.digits
SECRETS = st.text(LETTERS + "/+=", min_size=16, max_size=64)
ADDRESSES = st.sampled_from(
    [
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "https://dynamodb.eu-central-1.amazonaws.com",
        "https://dynamodb.cn-north-1.amazonaws.com.cn",
        "https://vpce-0123.dynamodb.us-east-1.vpce.amazonaws.com:443",
    ]
)
REGIONS = st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1", "local"])
OPERATIONS = st.sampled_from(["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactWriteItems"])
VALUES = st.recursive(
    st.text(max_size=20).map(lambda text: {"S": text}) | st.integers().map(lambda number: {"N": str(number)}),
    lambda inner: st.lists(inner, max_size=3).map(lambda entries: {"L": entries}),
    max_leaves=5,
)
REQUESTS = st.fixed_dictionaries(
    {"TableName": st.text(LETTERS + "-_.", min_size=3, max_size=40)},
    optional={"Item": st.dictionaries(st.text(min_size=1, max_size=10), VALUES, max_size=4)},
)
# The times a signature can be of: with one digit and two, at the turn of days and years.
MOMENTS = st.integers(1_577_836_800, 2_208_988_799).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def by_botocore(head: dict[str, str], body: bytes, address: str, region: str, credentials: Credentials) -> str:
    """What botocore's signer, its request and its headers make of the request that was sent."""
    fixed = {name: head[name] for name in ("Content-Type", "X-Amz-Target")}
    request: Any = AWSRequest(method="POST", url=address + "/", data=body, headers=fixed)
    SigV4Auth(credentials, "dynamodb", region).add_auth(request)
    assert request.headers["X-Amz-Date"] == head["X-Amz-Date"]
    return str(request.headers["Authorization"])


def read(raw: bytes) -> dict[str, str]:
    """The headers of a head, as they were sent."""
    first, *lines = raw.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert first == "POST / HTTP/1.1"
    pairs = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return dict(pairs)


@settings(max_examples=60, deadline=None)
@given(
    address=ADDRESSES,
    region=REGIONS,
    key=st.text(LETTERS, min_size=4, max_size=20),
    secret=SECRETS,
    token=st.none() | st.text(LETTERS + "/+=", min_size=1, max_size=600),
    operation=OPERATIONS,
    content=REQUESTS,
    at=MOMENTS,
)
def test_every_request_is_signed_as_botocore_signs_it(
    address: str, region: str, key: str, secret: str, token: str | None, operation: str, content: Any, at: datetime
) -> None:
    body = msgspec.json.encode(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", address)
        patch.setenv("AWS_REGION", region)
        patch.setattr(wire, "_frozen_credentials", lambda: ReadOnlyCredentials(key, secret, token))
        patch.setattr(botocore.auth, "get_current_datetime", lambda: at)
        head = read(wire._signed_head(wire._Endpoint(), f"DynamoDB_20120810.{operation}", body))
        assert head["Authorization"] == by_botocore(head, body, address, region, Credentials(key, secret, token))
    assert head["X-Amz-Target"] == f"DynamoDB_20120810.{operation}"
    assert head["Content-Length"] == str(len(body))
    assert head.get("X-Amz-Security-Token") == token


def test_the_time_is_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not shared.clock's, which a test or a bench may set: the server compares it with its own."""
    monkeypatch.setattr(wire, "_frozen_credentials", lambda: ReadOnlyCredentials("AKID", "secret", None))
    stamp = read(wire._signed_head(wire._current_endpoint(), "DynamoDB_20120810.GetItem", b"{}"))["X-Amz-Date"]
    signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed_at).total_seconds()) < 60
