"""What the tests take for the contents of a table is what a scan finds there."""

from __future__ import annotations

import os
from typing import Any

import boto3
import pytest

from shared.ids import new_id
from tests.saga.mirror import Mirror

TABLE = "ORDERS_TABLE_NAME"


def scanned() -> dict[tuple[str, str], Any]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=os.environ[TABLE], ConsistentRead=True)
    return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}


@pytest.mark.parametrize("lost", [False, True])
def test_what_came_changed_and_went_is_seen(lost: bool) -> None:
    table, pk = boto3.resource("dynamodb").Table(os.environ[TABLE]), new_id("tst")
    for number in range(3):
        table.put_item(Item={"pk": pk, "sk": str(number), "raw": b"\x00\xff", "count": 1})
    mirror = Mirror(os.environ[TABLE])
    before = dict(mirror.look())
    assert {key for key in before if key[0] == pk} == {(pk, "0"), (pk, "1"), (pk, "2")}
    assert before[pk, "0"]["raw"] == b"\x00\xff"
    assert dict(mirror.look()) == before, "a look changes nothing"
    if lost:
        mirror._iterators.clear()
    table.delete_item(Key={"pk": pk, "sk": "0"})
    table.put_item(Item={"pk": pk, "sk": "3"})
    table.update_item(
        Key={"pk": pk, "sk": "1"},
        UpdateExpression="SET #count = :two",
        ExpressionAttributeNames={"#count": "count"},
        ExpressionAttributeValues={":two": 2},
    )
    # What is put back as it was is no change.
    table.put_item(Item={"pk": pk, "sk": "2", "raw": b"\x00\xff", "count": 1})
    after = dict(mirror.look())
    assert {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)} == {
        (pk, "0"),
        (pk, "1"),
        (pk, "3"),
    }
    assert after[pk, "1"]["count"] == 2
    assert after.keys() == scanned().keys()
