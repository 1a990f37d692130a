"""The consumer: a queue's records become calls of the service's handlers, each on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.messaging import claims
from shared.messaging.message import Envelope, Message
from shared.telemetry import log, traced

Handler = Callable[[Any, Envelope], None]

_decode_envelope = msgspec.json.Decoder(Envelope).decode


class Undecodable(Exception):
    """A record that is no envelope, or whose data is not the message it claims to be."""


class Consumer:
    """Hands every message of a queue to the handler of its type.

    A handler is called at least once for each message, in any order, and must be harmless when called again. When it
    raises, that record alone is brought again and ends among the dead letters; the rest of the batch is done with.
    """

    def __init__(self, name: str, handlers: Mapping[type[Message], Handler]) -> None:
        self.name = name
        self._handlers = {message_type.type_name: (message_type, handler) for message_type, handler in handlers.items()}

    @property
    def types(self) -> list[str]:
        """The message types it handles, sorted: what the queue's filter lets through."""
        return sorted(self._handlers)

    def handle(self, event: Any) -> dict[str, list[dict[str, str]]]:
        """Handle a batch from SQS, Chalice's SQSEvent or Lambda's own dict; answers a partial batch response."""
        content = event.to_dict() if hasattr(event, "to_dict") else event
        failures = []
        for record in content.get("Records", []):
            if not self._accepted(record):
                failures.append({"itemIdentifier": str(record["messageId"])})
        return {"batchItemFailures": failures}

    def _accepted(self, record: Mapping[str, Any]) -> bool:
        """Handle one record; False when it must come again."""
        try:
            envelope = decode_envelope(record["body"])
        except Exception as trouble:
            log("message_undecodable", level="ERROR", consumer=self.name, record=record.get("messageId"), error=trouble)
            return False
        with traced(envelope.trace):
            return self._handled(record, envelope)

    def _handled(self, record: Mapping[str, Any], envelope: Envelope) -> bool:
        known = self._handlers.get(envelope.type)
        about: dict[str, Any] = {"consumer": self.name, "message_id": envelope.id, "type": envelope.type}
        if known is None:
            # Ours by mistake, or by a filter wider than this release: bringing it again would change nothing.
            log("message_ignored", level="WARNING", **about)
            return True
        message_type, handler = known
        try:
            handler(decode_message(envelope, message_type), envelope)
        except Exception as trouble:
            received = record.get("attributes", {}).get("ApproximateReceiveCount")
            log("message_failed", level="ERROR", received=received, error=trouble, **about)
            return False
        return True


def decode_envelope(body: str) -> Envelope:
    """The envelope in a queue record's body. Raises Undecodable."""
    try:
        return _decode_envelope(body)
    except msgspec.MsgspecError as trouble:
        raise Undecodable(f"the body is no envelope: {trouble}") from trouble


def decode_message(envelope: Envelope, message_type: type[Message]) -> Message:
    """The message in an envelope, fetched from S3 where it was too big to travel. Raises Undecodable, ClaimBroken."""
    data: bytes | msgspec.Raw = envelope.data if envelope.claim is None else claims.check_out(envelope.claim)
    try:
        return msgspec.json.decode(data, type=message_type)
    except msgspec.MsgspecError as trouble:
        raise Undecodable(f"the data is no {envelope.type}: {trouble}") from trouble
