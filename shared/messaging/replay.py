"""Sending again: what rows announced, and what ended among the dead letters."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from shared.data import BareRow, plain, transport
from shared.messaging.clients import client
from shared.messaging.relay import Relay, table_key

_SCAN_ITEMS: Final = 200
# SQS's own limit for one receive and one batch.
_REDRIVE_BATCH: Final = 10
_REDRIVE_BATCH_BYTES: Final = 250_000
# Long enough to send the batch on and delete it before anybody else sees it.
_REDRIVE_VISIBILITY_SECONDS: Final = 60


@dataclass(frozen=True)
class Republished:
    """How far a republish has come: rows looked at, rows sent, keys of rows that could not be sent, where to go on."""

    scanned: int = 0
    sent: int = 0
    failed: tuple[str, ...] = ()
    resume: str | None = None


@dataclass(frozen=True)
class Redriven:
    """How many dead letters were put back, and how many the queue did not take."""

    moved: int = 0
    failed: int = 0


def republish(
    table: type[BareRow] | str,
    relay: Relay,
    limit_per_second: float | None = None,
    progress: Callable[[Republished], None] | None = None,
    *,
    segment: int = 0,
    segments: int = 1,
    resume: str | None = None,
    accept: Callable[[dict[str, Any]], bool] | None = None,
) -> Republished:
    """Send again what every row of a table announced last, under the same message ids; returns the sum at the end.

    Several may run at once, each with its `segment` of `segments`. `progress` hears of every page; its `resume` given
    to a later call with the same segments goes on after that page. `accept` chooses rows by their image;
    `limit_per_second` bounds the rows sent. Rows that cannot be sent are counted and do not stop the rest.
    """
    name = table if isinstance(table, str) else table.table_name()
    request: dict[str, Any] = {
        "TableName": name,
        "Limit": _SCAN_ITEMS if limit_per_second is None else max(1, min(_SCAN_ITEMS, int(limit_per_second))),
        "ConsistentRead": True,
        "FilterExpression": "size(#outbox.#types) > :none",
        "ExpressionAttributeNames": {"#outbox": "outbox", "#types": "types"},
        "ExpressionAttributeValues": {":none": {"N": "0"}},
    }
    if segments > 1:
        request |= {"Segment": segment, "TotalSegments": segments}
    state = Republished(resume=resume)
    while True:
        if state.resume is not None:
            request["ExclusiveStartKey"] = _key(state.resume)
        began = time.monotonic()
        answer = transport.send("Scan", request)
        images = [plain.from_item(item) for item in answer.get("Items", [])]
        chosen = [image for image in images if accept is None or accept(image)]
        unsent = relay.announce(chosen) if chosen else []
        last = answer.get("LastEvaluatedKey")
        state = replace(
            state,
            scanned=state.scanned + int(answer.get("ScannedCount", len(images))),
            sent=state.sent + len(chosen) - len(unsent),
            failed=state.failed + tuple(table_key(image) for image in unsent),
            resume=_token(last) if last else None,
        )
        if progress is not None:
            progress(state)
        if last is None:
            return state
        if limit_per_second is not None:
            time.sleep(max(0.0, len(chosen) / limit_per_second - (time.monotonic() - began)))


def redrive(
    dead_letter_queue: str,
    queue: str,
    *,
    limit: int | None = None,
    progress: Callable[[Redriven], None] | None = None,
) -> Redriven:
    """Put dead letters back into their queue, oldest first as far as SQS knows, until there are none or `limit` is met.

    Queues are given by name or URL. A letter is deleted only after the queue has taken it, so a crash in between
    leaves it twice, never lost. Stops when a batch is refused whole, to spare a queue that is not well.
    """
    source, target = _url(dead_letter_queue), _url(queue)
    sqs = client("sqs")
    state = Redriven()
    while limit is None or state.moved < limit:
        wanted = _REDRIVE_BATCH if limit is None else min(_REDRIVE_BATCH, limit - state.moved)
        letters = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=wanted,
            VisibilityTimeout=_REDRIVE_VISIBILITY_SECONDS,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not letters:
            break
        moved = _move(sqs, source, target, letters)
        state = Redriven(state.moved + moved, state.failed + len(letters) - moved)
        if progress is not None:
            progress(state)
        if not moved:
            break
    return state


def _move(sqs: Any, source: str, target: str, letters: list[dict[str, Any]]) -> int:
    """Send letters on and delete those that were taken; how many were."""
    moved = 0
    while letters:
        part, size = [letters[0]], len(letters[0]["Body"].encode())
        for letter in letters[1:]:
            size += len(letter["Body"].encode())
            if size > _REDRIVE_BATCH_BYTES:
                break
            part.append(letter)
        letters = letters[len(part) :]
        entries = []
        for place, letter in enumerate(part):
            entry = {"Id": str(place), "MessageBody": letter["Body"]}
            if letter.get("MessageAttributes"):
                entry["MessageAttributes"] = letter["MessageAttributes"]
            entries.append(entry)
        taken = sqs.send_message_batch(QueueUrl=target, Entries=entries).get("Successful", [])
        done = [{"Id": entry["Id"], "ReceiptHandle": part[int(entry["Id"])]["ReceiptHandle"]} for entry in taken]
        if done:
            sqs.delete_message_batch(QueueUrl=source, Entries=done)
        moved += len(done)
    return moved


def _url(queue: str) -> str:
    if "://" in queue:
        return queue
    url: str = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    return url


def _token(key: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode()


def _key(token: str) -> dict[str, Any]:
    return msgspec.json.decode(base64.urlsafe_b64decode(token), type=dict[str, Any])
