"""The bare clients: processes that do recorded writes on a real table, each order once, and tell of trouble."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from bench.clients import Clients, Way, Write
from bench.crowd import CrowdFailed
from shared.data import wire


@pytest.fixture(scope="module")
def table() -> Iterator[str]:
    name = f"bench-clients-{secrets.token_hex(6)}"
    keys = ("pk", "sk")
    wire.call(
        "CreateTable",
        {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)
            ],
        },
        10,
    )
    yield name
    wire.call("DeleteTable", {"TableName": name}, 10)


def order(table: str, number: int) -> list[Write]:
    """Two writes of one order, as a recording has them: binary values in base 64."""
    key = {"pk": {"S": f"p{number}"}, "sk": {"S": "s"}}
    put = {"TableName": table, "Item": {**key, "bytes_of": {"B": "AAE="}}}
    update = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "ADD seen :one",
        "ConditionExpression": "bytes_of = :raw",
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":raw": {"B": "AAE="}},
    }
    return [("PutItem", put), ("UpdateItem", update)]


def item(table: str, number: int) -> Any:
    key = {"pk": {"S": f"p{number}"}, "sk": {"S": "s"}}
    return wire.call("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}, 10)["Item"]


@pytest.mark.parametrize("way", ["lean", "botocore"])
def test_every_order_is_done_once_by_processes_that_take_task_after_task(way: Way, table: str) -> None:
    clients = Clients(way, 2)
    try:
        for at_once, first in ((1, 0), (3, 10)):
            done = clients.run(at_once, [order(table, number) for number in range(first, first + 7)])
            assert len(done) == min(at_once, 2)
            assert sum(len(each.times) for each in done) == 7
            assert all(each.began < each.ended and each.cpu_seconds > 0 for each in done)
            for number in range(first, first + 7):
                found = item(table, number)
                assert (found["bytes_of"], found["seen"]) == ({"B": b"\x00\x01"}, {"N": "1"})
    finally:
        clients.stop()


@pytest.mark.parametrize("way", ["lean", "botocore"])
def test_a_refused_write_is_no_measurement(way: Way, table: str) -> None:
    clients = Clients(way, 1)
    try:
        with pytest.raises(CrowdFailed, match="ConditionalCheckFailed"):
            clients.run(1, [order(table, 99)[1:]])
    finally:
        clients.stop()
