"""Sending envelopes to a service's topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from shared import clock
from shared.messaging import claims
from shared.messaging.clients import client
from shared.messaging.message import Envelope, Message
from shared.telemetry import current_trace

BATCH_MAX: Final = 10
# SNS counts a batch as a whole against its 256 KB.
BATCH_BYTES_MAX: Final = 250_000

_encode = msgspec.json.Encoder().encode


class PublishFailed(Exception):
    """SNS did not take some of the envelopes; `failed` are their positions."""

    def __init__(self, failed: Sequence[int], why: str) -> None:
        super().__init__(f"{len(failed)} of the messages were not published: {why}")
        self.failed = sorted(failed)


def publish(
    topic_arn: str,
    source: str,
    subject: str,
    message: Message,
    message_id: str,
    trace: str | None = None,
    *,
    time: datetime | None = None,
) -> None:
    """Publish one message that no row announces, under an id that must be the same for every replay.

    `trace` defaults to the trace of the work at hand, `time` to now. Raises PublishFailed; whoever called then fails
    as a whole and is brought again by its own queue.
    """
    envelope = enclose(
        source=source,
        subject=subject,
        message=message,
        message_id=message_id,
        trace=trace or current_trace(),
        time=time or clock.now(),
    )
    publish_all(topic_arn, [envelope])


def enclose(
    *, source: str, subject: str, message: Message, message_id: str, trace: str | None, time: datetime
) -> Envelope:
    """The envelope of a message; data over 200 KB goes to S3 on the way."""
    data = _encode(message)
    claim = None
    if len(data) > claims.DATA_BYTES_MAX:
        claim, data = claims.check_in(data), b"null"
    return Envelope(
        id=message_id,
        type=type(message).type_name,
        time=time,
        source=source,
        subject=subject,
        trace=trace,
        data=msgspec.Raw(data),
        claim=claim,
    )


def publish_all(topic_arn: str, envelopes: Sequence[Envelope]) -> None:
    """Publish envelopes in order, ten to a request. Raises PublishFailed with the positions that were not taken.

    It stops after the first request with a failure, and counts what came after it as failed too: those follow it.
    """
    bodies = [_encode(envelope).decode() for envelope in envelopes]
    start = 0
    while start < len(bodies):
        end, size = start, 0
        while end < len(bodies) and end - start < BATCH_MAX:
            size += len(bodies[end].encode())
            if end > start and size > BATCH_BYTES_MAX:
                break
            end += 1
        failed, why = _publish_batch(topic_arn, envelopes[start:end], bodies[start:end])
        if failed:
            raise PublishFailed([start + place for place in failed] + list(range(end, len(bodies))), why)
        start = end


def _publish_batch(topic_arn: str, envelopes: Sequence[Envelope], bodies: Sequence[str]) -> tuple[list[int], str]:
    """Send one batch; the places that were not taken, and why."""
    from botocore.exceptions import BotoCoreError, ClientError

    entries: list[dict[str, Any]] = [
        {
            "Id": str(place),
            "Message": body,
            # The queues' filters look at this alone.
            "MessageAttributes": {"type": {"DataType": "String", "StringValue": envelope.type}},
        }
        for place, (envelope, body) in enumerate(zip(envelopes, bodies, strict=True))
    ]
    try:
        answer = client("sns").publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
    except (BotoCoreError, ClientError) as trouble:
        return list(range(len(bodies))), str(trouble)
    failed = answer.get("Failed", [])
    return [int(entry["Id"]) for entry in failed], "; ".join(sorted({str(entry.get("Code")) for entry in failed}))
