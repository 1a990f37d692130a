"""Provisioning makes what the template says, and a second time finds it made."""

from __future__ import annotations

import os
import secrets

import boto3
import pytest

from runtime.provisioning import PLATFORM_TEMPLATE, Provisioned, planned, provision
from runtime.template import TemplateError


@pytest.fixture(scope="module")
def prefix() -> str:
    return f"{os.environ['RESOURCE_PREFIX']}-again-{secrets.token_hex(2)}"


@pytest.fixture(scope="module")
def first(prefix: str) -> Provisioned:
    return provision("test", prefix)


def test_everything_is_created_once_and_then_left_alone(first: Provisioned, prefix: str) -> None:
    assert first.count("created") == len(first.changes) > 0
    second = provision("test", prefix)
    assert second.count("unchanged") == len(second.changes) == len(first.changes)
    assert second.environment == first.environment
    assert set(planned("test", prefix)) == set(first.environment)


def test_every_service_is_told_its_table_and_stream(first: Provisioned) -> None:
    services = [path.name.upper() for path in (PLATFORM_TEMPLATE.parent.parent / "services").glob("[a-z]*")]
    assert services
    for service in services:
        description = boto3.client("dynamodb").describe_table(TableName=first.environment[f"{service}_TABLE_NAME"])
        table = description["Table"]
        assert table["LatestStreamArn"] == first.environment[f"{service}_TABLE_STREAM_ARN"]
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_expired_items_go(first: Provisioned) -> None:
    described = boto3.client("dynamodb").describe_time_to_live(TableName=first.environment["ORDERS_TABLE_NAME"])
    assert described["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_a_queue_drifted_from_the_template_is_brought_back(first: Provisioned, prefix: str) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=first.environment["ORDERS_QUEUE_NAME"])["QueueUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    assert provision("test", prefix).changes["OrdersMessages"] == "changed"
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] == before


def test_a_message_reaches_only_the_queues_whose_filter_lets_it_through(first: Provisioned) -> None:
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    told = first.environment
    for kind, body in (("orders.order_paid.v1", "wanted"), ("orders.nobody_asked.v1", "unwanted")):
        sns.publish(
            TopicArn=told["ORDERS_TOPIC_ARN"],
            Message=body,
            MessageAttributes={"type": {"DataType": "String", "StringValue": kind}},
        )
    url = sqs.get_queue_url(QueueName=told["RESERVATIONS_QUEUE_NAME"])["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in got] == ["wanted"], "raw delivery: the body is what was published"
    other = sqs.get_queue_url(QueueName=told["NOTIFICATIONS_QUEUE_NAME"])["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=other, WaitTimeSeconds=0)


def test_mails_may_come_from_the_address_given(prefix: str) -> None:
    address = f"{prefix}@stagedoor.example"
    ses = boto3.client("ses")

    def send() -> None:
        ses.send_email(
            Source=address,
            Destination={"ToAddresses": ["somebody@example.com"]},
            Message={"Subject": {"Data": "One"}, "Body": {"Text": {"Data": "Two"}}},
        )

    with pytest.raises(ses.exceptions.MessageRejected):
        send()
    assert provision("test", prefix, mail_from=address).changes["MailSender"] == "created"
    send()
    assert provision("test", prefix, mail_from=address).changes["MailSender"] == "unchanged"


def test_without_an_endpoint_nothing_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(TemplateError, match="AWS_ENDPOINT_URL is not set"):
        provision("test", "nowhere")
