"""A copy of a table in this process, scanned once and kept up to date by the table's stream."""

from __future__ import annotations

import secrets
from typing import Any, Final

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

Key = tuple[str, str]
Item = dict[str, Any]

_MARK: Final = "mirror-mark#"
# The iterator was left alone for too long, or the stream has moved on without it.
_LOST: Final = {"ExpiredIteratorException", "TrimmedDataAccessException"}


class _Lost(Exception):
    """The stream cannot be read on from where the copy is."""


class Mirror:
    """The items of a table, by key. A look costs what has changed since the last one, however much there is."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._dynamodb = boto3.client("dynamodb")
        self._streams = boto3.client("dynamodbstreams")
        self._plain = TypeDeserializer().deserialize
        self._iterators: list[str] = []
        self._items: dict[Key, Item] = {}

    def look(self) -> dict[Key, Item]:
        """The items as they are now. What was written before is in it: a mark is written, and read again."""
        try:
            self._catch_up()
        except _Lost:
            self._begin()
            self._catch_up()
        return self._items

    def _begin(self) -> None:
        arn = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        # Before the scan: what is changed meanwhile comes by the stream again.
        self._iterators = [
            self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST")[
                "ShardIterator"
            ]
            for shard in self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        ]
        self._items = {}
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            for image in page["Items"]:
                self._put(image)

    def _catch_up(self) -> None:
        if not self._iterators:
            raise _Lost
        mark = {"pk": {"S": f"{_MARK}{secrets.token_hex(6)}"}, "sk": {"S": "-"}}
        self._dynamodb.put_item(TableName=self._table, Item=mark)
        while not self._read_until(mark["pk"]["S"]):
            pass
        self._dynamodb.delete_item(TableName=self._table, Key=mark)

    def _read_until(self, mark: str) -> bool:
        found = False
        for number, iterator in enumerate(self._iterators):
            try:
                answer = self._streams.get_records(ShardIterator=iterator, Limit=1000)
            except ClientError as error:
                if error.response["Error"]["Code"] in _LOST:
                    raise _Lost from error
                raise
            if "NextShardIterator" not in answer:
                raise _Lost
            self._iterators[number] = answer["NextShardIterator"]
            for record in answer["Records"]:
                change = record["dynamodb"]
                if change["Keys"]["pk"]["S"].startswith(_MARK):
                    found = found or change["Keys"]["pk"]["S"] == mark
                elif "NewImage" in change:
                    self._put(change["NewImage"])
                else:
                    self._items.pop((change["Keys"]["pk"]["S"], change["Keys"]["sk"]["S"]), None)
        return found

    def _put(self, image: dict[str, Any]) -> None:
        # A new object each time, and the same one for as long as nothing changes: that makes looks quick to compare.
        item = {name: _bare(self._plain(value)) for name, value in image.items()}
        self._items[item["pk"], item["sk"]] = item


def _bare(value: Any) -> Any:
    # boto3's own wrapper of binary values compares, and is no bytes.
    return getattr(value, "value", value)
