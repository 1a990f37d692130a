"""Queues: received by long poll, handed over in batches, deleted only as far as they succeeded."""

from __future__ import annotations

import base64
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runtime.triggers.invocation import InvocationFailed, failed_identifiers, invoke
from runtime.triggers.sources import QueueSource, TriggerError
from shared.telemetry import log

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# One receive brings ten messages at most; a larger batch is gathered from several.
RECEIVE_MAX = 10


def sqs_client() -> SQSClient:
    """A client whose long polls have time, and that several threads may share."""
    return boto3.client(
        "sqs",
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        config=Config(read_timeout=40, connect_timeout=3, max_pool_connections=64, retries={"max_attempts": 2}),
    )


def url_of(sqs: SQSClient, queue_name: str) -> str:
    """The address of a queue. Refuses one that does not exist (TriggerError)."""
    try:
        return sqs.get_queue_url(QueueName=queue_name)["QueueUrl"]
    except ClientError as error:
        raise TriggerError(f"there is no queue {queue_name}: the platform template makes it") from error


class QueuePoller:
    """Delivers one queue to its function.

    `retry_seconds` replaces the queue's visibility time-out, for tests that cannot wait for it; None leaves the queue's
    own. What a killed process had received comes back after a second at the least. `poll_once` may be called by several
    threads at a time, which is how a queue gets its concurrency.
    """

    def __init__(self, source: QueueSource, sqs: SQSClient, region: str, retry_seconds: int | None = None) -> None:
        self.source = source
        self.name = f"{source.function.full_name} < {source.queue_name}"
        self._sqs = sqs
        self._region = region
        self._retry_seconds = retry_seconds
        self._url = url_of(sqs, source.queue_name)
        self._arn = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def poll_once(self, wait_seconds: int = 0) -> tuple[int, int]:
        """Receives one batch and delivers it: how many messages were received, and how many of them failed.

        Waits at most `wait_seconds` for the first message, then the source's batch window for the batch to fill.
        """
        messages = self.receive(wait_seconds)
        return (len(messages), self.deliver(messages)) if messages else (0, 0)

    def receive(self, wait_seconds: int) -> list[MessageTypeDef]:
        """One batch, perhaps empty. What is received is invisible to others for the visibility time-out."""
        messages = self._receive(min(self.source.batch_size, RECEIVE_MAX), wait_seconds)
        closes_at = time.monotonic() + self.source.window_seconds
        while messages and len(messages) < self.source.batch_size and time.monotonic() < closes_at:
            more = self._receive(min(self.source.batch_size - len(messages), RECEIVE_MAX), 0)
            messages += more
            if not more:
                time.sleep(0.05)
        return messages

    def _receive(self, count: int, wait_seconds: int) -> list[MessageTypeDef]:
        own: dict[str, Any] = {}
        if self._retry_seconds is not None:
            # Never 0: what was just received would come again while the batch is still being filled.
            own["VisibilityTimeout"] = max(self._retry_seconds, int(self.source.window_seconds) + 1)
        return self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=count,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            **own,
        ).get("Messages", [])

    def deliver(self, messages: list[MessageTypeDef]) -> int:
        """Hands a batch over and deletes what succeeded; the rest comes back. Answers how many failed."""
        event = {"Records": [self._record(message) for message in messages]}
        try:
            answer = invoke(self.source.function, event, self._region)
        except InvocationFailed:
            self._come_back(messages)
            return len(messages)
        failed: set[str] = set()
        if self.source.reports_failures:
            failed = failed_identifiers(answer, [message["MessageId"] for message in messages])
        self._delete([message for message in messages if message["MessageId"] not in failed])
        come_back = [message for message in messages if message["MessageId"] in failed]
        self._come_back(come_back)
        return len(come_back)

    def count(self) -> int:
        """Messages in the queue, whether visible or being worked on; an approximation at AWS, exact at the emulator."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(map(int, attributes.values()))

    def _come_back(self, messages: list[MessageTypeDef]) -> None:
        """Lambda leaves what failed to the queue's visibility time-out, and so is it here but with `retry_seconds`."""
        if self._retry_seconds is None:
            return
        for message in messages:
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=self._retry_seconds
            )

    def _delete(self, messages: list[MessageTypeDef]) -> None:
        for start in range(0, len(messages), RECEIVE_MAX):
            chunk = messages[start : start + RECEIVE_MAX]
            try:
                answer = self._sqs.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(chunk)
                    ],
                )
            except (ClientError, BotoCoreError) as error:
                # They come back after the visibility time-out; consumers are effective once.
                log("trigger_delete_failed", level="WARNING", error=error, source=self.name, messages=len(chunk))
                continue
            for refused in answer.get("Failed", []):
                log("trigger_delete_failed", level="WARNING", source=self.name, messages=1, code=refused.get("Code"))

    def _record(self, message: MessageTypeDef) -> dict[str, Any]:
        record: dict[str, Any] = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": dict(message.get("Attributes", {})),
            "messageAttributes": {
                name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._region,
        }
        if "MD5OfMessageAttributes" in message:
            record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
        return record


def _attribute(value: Any) -> dict[str, Any]:
    written: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        written["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        written["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return written
