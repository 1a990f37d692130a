"""The relay: what rows announced in their outbox becomes messages on the service's topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared import clock
from shared.data import plain
from shared.messaging.message import Envelope, Message, message_id
from shared.messaging.publishing import PublishFailed, enclose, publish_all
from shared.telemetry import log

Image = dict[str, Any]
Builder = Callable[[Image], Message]

# Below SNS's batch times a few: what is published twice after a failure stays small.
_CHUNK: Final = 50


class UnknownType(Exception):
    """A row announced a type the relay has no builder for, or a builder made a message of another type."""


@dataclass(frozen=True)
class _Pending:
    """An envelope to be sent, and the place of the stream record it comes from."""

    record: int
    envelope: Envelope


class Relay:
    """Builds messages from the rows of one table and publishes them.

    `source` is the service, `builders` make each type's message from the row's image in plain Python (the attributes'
    names as stored). It acts only where a write changed the outbox's version, so writes that announce nothing and
    removals cost nothing, and a record that is read again sends the same ids again. `retold` names, for a type, the
    earlier facts that `republish` tells along with it, where somebody may still wait for what follows from those alone.
    """

    def __init__(
        self,
        source: str,
        topic_arn: str,
        builders: Mapping[str, Builder],
        *,
        retold: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.source = source
        self.topic_arn = topic_arn
        self.builders = dict(builders)
        self._retold = dict(retold or {})

    def handle(self, event: Any) -> dict[str, list[dict[str, str]]]:
        """Publish what a batch of stream records announces, in their order.

        Takes Chalice's DynamoDBEvent or Lambda's own dict; answers a partial batch response. A stream goes on from
        the first failure, so that one alone is named: the records after it come again, and send the same ids.
        """
        records = _records(event)
        pending: list[_Pending] = []
        broken: int | None = None
        for place, record in enumerate(records):
            try:
                pending += [_Pending(place, envelope) for envelope in self._announced(record)]
            except Exception as trouble:
                log("relay_record_failed", level="ERROR", source=self.source, record=_number(record), error=trouble)
                broken = place
                break
        broken = _earliest(self._publish(pending), broken)
        if broken is None:
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": _number(records[broken])}]}

    def announce(self, images: list[Image]) -> list[Image]:
        """Publish again what rows announced last, as `republish` does; returns the images that could not be sent."""
        pending: list[_Pending] = []
        failed: set[int] = set()
        for place, image in enumerate(images):
            try:
                pending += [_Pending(place, envelope) for envelope in self._envelopes(self._with_retold(image))]
            except Exception as trouble:
                log("relay_row_failed", level="ERROR", source=self.source, row=table_key(image), error=trouble)
                failed.add(place)
        try:
            publish_all(self.topic_arn, [entry.envelope for entry in pending])
        except PublishFailed as trouble:
            log("relay_publish_failed", level="ERROR", source=self.source, error=trouble)
            failed |= {pending[place].record for place in trouble.failed}
        return [images[place] for place in sorted(failed)]

    def _with_retold(self, image: Image) -> Image:
        """The image as if its row announced the earlier facts too, which go first."""
        outbox = image.get("outbox") or {}
        types = list(outbox.get("types", []))
        earlier = [one for type_name in types for one in self._retold.get(type_name, ())]
        return {**image, "outbox": {**outbox, "types": [*earlier, *types]}} if earlier else image

    def _publish(self, pending: list[_Pending]) -> int | None:
        """Send everything; the place of the first record that was not sent whole, None when all were."""
        for start in range(0, len(pending), _CHUNK):
            chunk = pending[start : start + _CHUNK]
            try:
                publish_all(self.topic_arn, [entry.envelope for entry in chunk])
            except PublishFailed as trouble:
                log("relay_publish_failed", level="ERROR", source=self.source, error=trouble)
                return min(chunk[place].record for place in trouble.failed)
        return None

    def _announced(self, record: Mapping[str, Any]) -> Iterator[Envelope]:
        change = record.get("dynamodb", {})
        # A removal has no new image, by whatever name it goes: an emulator calls those of the time to live otherwise.
        if record.get("eventName") == "REMOVE" or not change.get("NewImage"):
            return
        new_outbox = plain.from_typed(change["NewImage"].get("outbox", {"NULL": True}))
        if not new_outbox or not new_outbox.get("types"):
            return
        old_outbox = plain.from_typed(change.get("OldImage", {}).get("outbox", {"NULL": True}))
        if old_outbox and old_outbox.get("version") == new_outbox.get("version"):
            return
        yield from self._envelopes(plain.from_item(change["NewImage"]))

    def _envelopes(self, image: Image) -> Iterator[Envelope]:
        outbox = image.get("outbox") or {}
        for type_name in outbox.get("types", []):
            builder = self.builders.get(type_name)
            if builder is None:
                raise UnknownType(f"{self.source} has no builder for {type_name}")
            message = builder(image)
            if type(message).type_name != type_name:
                raise UnknownType(f"the builder for {type_name} made a {type(message).type_name}")
            yield enclose(
                source=self.source,
                subject=str(image["pk"]),
                message=message,
                message_id=message_id(table_key(image), int(outbox["version"]), type_name),
                trace=outbox.get("trace"),
                time=_time(image),
            )


def table_key(image: Mapping[str, Any]) -> str:
    """A row's key in one text, as message ids carry it."""
    return f"{image['pk']}/{image['sk']}"


def _time(image: Image) -> datetime:
    changed = image.get("updated_at")
    return clock.from_iso(changed) if isinstance(changed, str) else clock.now()


def _records(event: Any) -> list[Mapping[str, Any]]:
    content = event.to_dict() if hasattr(event, "to_dict") else event
    return list(content.get("Records", []))


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _earliest(first: int | None, second: int | None) -> int | None:
    places = [place for place in (first, second) if place is not None]
    return min(places, default=None)
