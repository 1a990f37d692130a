"""A queue with dead letters, and a table with a stream, for one test each."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class QueueOfATest:
    """A queue whose messages are dead letters after three deliveries."""

    sqs: SQSClient
    name: str
    url: str
    dead_letters_url: str

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                MessageAttributes={
                    "type": {"DataType": "String", "StringValue": "orders.order_paid.v1"},
                    "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
                },
            )

    def count(self, url: str | None = None) -> int:
        """Messages that are there, whether visible or being worked on."""
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def queue(resource_prefix: str) -> Iterator[QueueOfATest]:
    sqs = boto3.client("sqs")
    name = f"{resource_prefix}-{secrets.token_hex(3)}"
    dead_letters_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    dead_arn = f"arn:aws:sqs:us-east-1:000000000000:{name}-dead"
    url = sqs.create_queue(
        QueueName=name,
        Attributes={
            "VisibilityTimeout": "2",
            "RedrivePolicy": f'{{"deadLetterTargetArn": "{dead_arn}", "maxReceiveCount": "3"}}',
        },
    )["QueueUrl"]
    yield QueueOfATest(sqs, name, url, dead_letters_url)
    sqs.delete_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=dead_letters_url)


@dataclass(frozen=True)
class TableOfATest:
    """A table with a stream of new and old images."""

    dynamodb: DynamoDBClient
    name: str
    stream_arn: str

    def put(self, pk: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=self.name, Item={"pk": {"S": pk}, "sk": {"S": "-"}, **attributes})

    def delete(self, pk: str) -> None:
        self.dynamodb.delete_item(TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": "-"}})


@pytest.fixture
def table(resource_prefix: str) -> Iterator[TableOfATest]:
    dynamodb = boto3.client("dynamodb")
    name = f"{resource_prefix}-{secrets.token_hex(3)}"
    made = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    yield TableOfATest(dynamodb, name, made["TableDescription"]["LatestStreamArn"])
    dynamodb.delete_table(TableName=name)
