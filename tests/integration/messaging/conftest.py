"""A topic, a queue with its dead letters, a bucket and a table, made for these tests in the real parts."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from shared.data import wire
from shared.messaging.clients import client


class Road(NamedTuple):
    """From a topic to a queue that takes two types of messages and gives up after two tries."""

    topic_arn: str
    queue_url: str
    queue_name: str
    dead_letters_url: str
    dead_letters_name: str

    def receive(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """So many messages of the queue, as records of Lambda's, deleted on receipt; fewer when the time is up."""
        return receive(self.queue_url, count, seconds)


def receive(queue_url: str, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
    """Takes messages off a queue until there are `count` of them or the time is up."""
    sqs, ends_at = client("sqs"), time.monotonic() + seconds
    records: list[dict[str, Any]] = []
    while len(records) < count and time.monotonic() < ends_at:
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            records.append(
                {
                    "messageId": message["MessageId"],
                    "body": message["Body"],
                    "messageAttributes": message.get("MessageAttributes", {}),
                }
            )
    return records


@pytest.fixture
def road() -> Iterator[Road]:
    name = f"kit-{secrets.token_hex(5)}"
    sns, sqs = client("sns"), client("sqs")

    def queue(queue_name: str, **attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=queue_name, Attributes=attributes)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, answer["Attributes"]["QueueArn"]

    topic_arn = sns.create_topic(Name=name)["TopicArn"]
    dead_url, dead_arn = queue(f"{name}-dead-letters")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    url, arn = queue(f"{name}-messages", RedrivePolicy=redrive, VisibilityTimeout="1")
    sns.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"type": ["kit.thing_made.v1", "kit.thing_changed.v1"]}),
        },
    )
    yield Road(topic_arn, url, f"{name}-messages", dead_url, f"{name}-dead-letters")
    sns.delete_topic(TopicArn=topic_arn)
    for queue_url in (url, dead_url):
        sqs.delete_queue(QueueUrl=queue_url)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"kit-{secrets.token_hex(6)}"
    client("s3").create_bucket(Bucket=name)
    monkeypatch.setenv("DOCUMENTS_BUCKET_NAME", name)
    return name


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"kit-{secrets.token_hex(6)}"
    wire.call(
        "CreateTable",
        {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        },
        10,
    )
    monkeypatch.setenv("KIT_TABLE_NAME", name)
    yield name
    wire.call("DeleteTable", {"TableName": name}, 10)


def stream_records(table: str, count: int, seconds: float = 15.0) -> list[dict[str, Any]]:
    """The first records of a table's stream, as DynamoDB Streams gives them."""
    import boto3

    streams = boto3.client("dynamodbstreams")
    arn = wire.call("DescribeTable", {"TableName": table}, 10)["Table"]["LatestStreamArn"]
    ends_at = time.monotonic() + seconds
    records: list[dict[str, Any]] = []
    while len(records) < count and time.monotonic() < ends_at:
        records = []
        for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            records += [dict(record) for record in streams.get_records(ShardIterator=iterator)["Records"]]
    return records
