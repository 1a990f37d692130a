"""Messages between services, with the test in the place of SNS and SQS: any order, any number of times."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import msgspec
import yaml

from runtime.triggers.pump import Triggers
from runtime.triggers.streams import StreamPoller
from shared import clock
from shared.messaging import Message
from shared.messaging.publishing import enclose
from tests.saga.box_office import BoxOffice

_CATALOG = Path(__file__).resolve().parent.parent.parent / "contracts" / "catalog.yaml"


class Parcel(NamedTuple):
    """One message on its way to one consumer."""

    consumer: str
    type_name: str
    body: str

    def __repr__(self) -> str:
        return f"{self.type_name} to {self.consumer}"


class Mill:
    """Takes what the relays really publish from a queue that hears every topic, and hands it over one by one."""

    def __init__(self, office: BoxOffice) -> None:
        self._office = office
        self._consumers: dict[str, list[str]] = {
            name: entry["consumers"] for name, entry in yaml.safe_load(_CATALOG.read_text())["messages"].items()
        }
        # What earlier tests left in the tables is none of this one's, and half a minute's work to publish again.
        triggers = Triggers(office.apps, from_now=True, retry_seconds=0)
        self._streams = [poller for poller in triggers.pollers if isinstance(poller, StreamPoller)]
        self._sqs = boto3.client("sqs")
        sns = boto3.client("sns")
        self._url = self._sqs.create_queue(QueueName=f"{os.environ['RESOURCE_PREFIX']}-tap")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for publisher in {name.split(".")[0] for name in self._consumers}:
            sns.subscribe(
                TopicArn=office.topic_arn(publisher),
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
            )
        # The first poll decides from where on a stream is read.
        for poller in self._streams:
            poller.poll_once()
        self._sqs.purge_queue(QueueUrl=self._url)

    def collect(self) -> list[Parcel]:
        """Runs the relays until their streams are empty, and takes all that has been published since the last time."""
        quiet = 0
        while quiet < 2:
            records = sum(poller.poll_once()[0] for poller in self._streams)
            quiet = 0 if records else quiet + 1
        parcels: list[Parcel] = []
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            if not messages:
                return parcels
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                type_name = message["MessageAttributes"]["type"]["StringValue"]
                parcels += [
                    Parcel(consumer, type_name, message["Body"]) for consumer in self._consumers.get(type_name, [])
                ]

    def addressed(self, message: Message, source: str, message_id: str) -> list[Parcel]:
        """A message that no relay has sent, to each of its consumers."""
        envelope = enclose(
            source=source, subject=message_id, message=message, message_id=message_id, trace=None, time=clock.now()
        )
        body = msgspec.json.encode(envelope).decode()
        return [Parcel(consumer, message.type_name, body) for consumer in self._consumers[message.type_name]]

    def deliver(self, parcel: Parcel) -> bool:
        """Hands a message to its consumer; False when the consumer reports it failed, so that it must come again."""
        record = {
            "messageId": "1",
            "receiptHandle": "1",
            "body": parcel.body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {"type": {"stringValue": parcel.type_name, "dataType": "String"}},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{parcel.consumer}-messages",
            "awsRegion": "us-east-1",
        }
        module = __import__(f"services.{parcel.consumer}.app", fromlist=["consume"])
        answer: dict[str, Any] = module.consume({"Records": [record]}, None)
        return not answer["batchItemFailures"]
