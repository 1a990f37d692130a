"""Streams: each shard in order, from its checkpoint; what fails is tried again, halved, and in the end set aside."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from runtime.triggers.checkpoints import Checkpoint, Checkpoints
from runtime.triggers.filters import matcher
from runtime.triggers.invocation import InvocationFailed, failed_identifiers, invoke
from runtime.triggers.queues import url_of
from runtime.triggers.shards import Batch, Shard, arrived_at, as_lambda_gives_it, sequence_number, split
from runtime.triggers.sources import StreamSource, TriggerError
from shared.telemetry import log

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient
    from mypy_boto3_sqs import SQSClient

_SHARDS_SEEN_SECONDS = 10.0
_RETRY_SECONDS_MAX = 10.0
_FOR_EVER = -1
# The last is DynamoDB Local's word for a sequence number it never gave out.
_START_AGAIN = {
    "TrimmedDataAccessException",
    "ValidationException",
    "ResourceNotFoundException",
    "InternalFailure",
}


def streams_client() -> DynamoDBStreamsClient:
    """A client that several threads may share."""
    return boto3.client(
        "dynamodbstreams",
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        config=Config(read_timeout=10, connect_timeout=3, max_pool_connections=32, retries={"max_attempts": 2}),
    )


class StreamPoller:
    """Delivers one stream to its function. One thread at a time may use it: order within a shard is the whole point.

    `retry_seconds` replaces the pause between tries, which otherwise grows from 0.1 to 10 seconds.
    """

    def __init__(
        self,
        source: StreamSource,
        streams: DynamoDBStreamsClient,
        sqs: SQSClient,
        checkpoints: Checkpoints,
        region: str,
        retry_seconds: float | None = None,
    ) -> None:
        self.source = source
        self.name = f"{source.function.full_name} < stream of {source.stream_arn.split('/')[1]}"
        self._streams = streams
        self._sqs = sqs
        self._checkpoints = checkpoints
        self._region = region
        self._retry_seconds = retry_seconds
        self._concerns = matcher(source.mapping.filters)
        self._shards: dict[str, Shard] = {}
        self._seen_at = float("-inf")

    @property
    def unfinished(self) -> bool:
        """Whether records were read that are not done with: they failed, and will be tried again."""
        return any(shard.batches for shard in self._shards.values())

    def poll_once(self) -> tuple[int, int]:
        """Reads and delivers one batch of every shard: how many records were handed over, and how many failed."""
        self._see_shards()
        delivered = failed = 0
        for shard in list(self._shards.values()):
            if shard.finished or self._parent_is_open(shard) or shard.waits():
                continue
            if not shard.batches:
                self._read(shard)
            if shard.batches:
                some_delivered, some_failed = self._deliver(shard)
                delivered += some_delivered
                failed += some_failed
            if shard.closed and not shard.batches:
                self._finish(shard)
        return delivered, failed

    def _see_shards(self) -> None:
        if self._shards and time.monotonic() - self._seen_at < _SHARDS_SEEN_SECONDS:
            return
        found: dict[str, str | None] = {}
        last: dict[str, Any] = {}
        while True:
            try:
                answer = self._streams.describe_stream(StreamArn=self.source.stream_arn, **last)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ResourceNotFoundException":
                    raise TriggerError(f"{self.name}: the stream {self.source.stream_arn} does not exist") from error
                raise
            description = answer["StreamDescription"]
            for each in description.get("Shards", []):
                found[each["ShardId"]] = each.get("ParentShardId")
            if "LastEvaluatedShardId" not in description:
                break
            last = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}
        known = self._checkpoints.read(self.source.function.full_name, self.source.stream_arn)
        for shard_id, parent_id in found.items():
            if shard_id not in self._shards:
                finished = shard_id in known and known[shard_id].finished
                self._shards[shard_id] = Shard(shard_id, parent_id, finished=finished)
        for shard_id in set(self._shards) - set(found):
            if not self._shards[shard_id].batches:
                del self._shards[shard_id]
        self._checkpoints.keep_only(self.source.function.full_name, self.source.stream_arn, self._shards)
        self._seen_at = time.monotonic()

    def _parent_is_open(self, shard: Shard) -> bool:
        parent = self._shards.get(shard.parent_id or "")
        return parent is not None and not parent.finished

    def _finish(self, shard: Shard) -> None:
        shard.finished = True
        self._remember(shard, shard.last_read)
        self._seen_at = float("-inf")

    def _remember(self, shard: Shard, last: str | None) -> None:
        checkpoint = Checkpoint(last, shard.finished)
        self._checkpoints.write(self.source.function.full_name, self.source.stream_arn, shard.shard_id, checkpoint)

    def _read(self, shard: Shard) -> None:
        records: list[dict[str, Any]] = []
        closes_at = time.monotonic() + self.source.window_seconds
        while len(records) < self.source.batch_size and not shard.closed:
            more = self._read_some(shard, self.source.batch_size - len(records))
            records += more
            if not records or time.monotonic() >= closes_at:
                break
            if not more:
                time.sleep(0.05)
        if records:
            shard.batches.append(Batch(records))

    def _read_some(self, shard: Shard, count: int) -> list[dict[str, Any]]:
        try:
            iterator = shard.iterator or self._iterator(shard)
            answer = self._streams.get_records(ShardIterator=iterator, Limit=count)
        except ClientError as error:
            shard.iterator = None
            code = error.response["Error"]["Code"]
            if code == "ExpiredIteratorException":
                return []
            if code not in _START_AGAIN:
                raise
            # The checkpoint is older than what the stream still has, or of a table that was made anew.
            log("trigger_stream_trimmed", level="WARNING", source=self.name, shard=shard.shard_id, code=code)
            self._start_again(shard)
            return []
        shard.iterator = answer.get("NextShardIterator")
        shard.closed = shard.iterator is None
        records = [as_lambda_gives_it(each, self.source.stream_arn, self._region) for each in answer["Records"]]
        if records:
            shard.last_read = sequence_number(records[-1])
        return records

    def _iterator(self, shard: Shard) -> str:
        known = self._checkpoints.read(self.source.function.full_name, self.source.stream_arn)
        after = shard.last_read
        if after is None and shard.shard_id in known:
            after = known[shard.shard_id].sequence_number
        start: dict[str, Any]
        if after is not None:
            start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        elif self.source.starting_position == "LATEST" and shard.parent_id is None and not known:
            start = {"ShardIteratorType": "LATEST"}
        else:
            start = {"ShardIteratorType": "TRIM_HORIZON"}
        arn = self.source.stream_arn
        return self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard.shard_id, **start)["ShardIterator"]

    def _start_again(self, shard: Shard) -> None:
        self._seen_at = float("-inf")
        shard.last_read = None
        shard.iterator = self._streams.get_shard_iterator(
            StreamArn=self.source.stream_arn, ShardId=shard.shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

    def _deliver(self, shard: Shard) -> tuple[int, int]:
        batch = shard.batches[0]
        if self._too_old(batch):
            return 0, self._set_aside(shard, "RecordAgeExceeded")
        done = self._hand_over(batch)
        failed = len(batch.records) - done
        if done:
            self._remember(shard, sequence_number(batch.records[done - 1]))
        if not failed:
            shard.batches.popleft()
        elif done:
            # What remains is another batch, with tries of its own.
            shard.batches[0] = Batch(batch.records[done:], 0, self._retry_at(0))
        elif self.source.mapping.bisects and len(batch.records) > 1:
            shard.batches.popleft()
            shard.batches.extendleft(reversed(split(batch)))
        else:
            batch.attempts += 1
            batch.retry_at = self._retry_at(batch.attempts)
            if self.source.mapping.retries_max != _FOR_EVER and batch.attempts > self.source.mapping.retries_max:
                self._set_aside(shard, "RetryAttemptsExhausted")
        return done + failed, failed

    def _retry_at(self, attempts: int) -> float:
        pause = min(0.1 * 2**attempts, _RETRY_SECONDS_MAX) if self._retry_seconds is None else self._retry_seconds
        return time.monotonic() + pause

    def _too_old(self, batch: Batch) -> bool:
        limit = self.source.mapping.record_age_seconds_max
        return limit != _FOR_EVER and time.time() - arrived_at(batch.records[0]) > limit

    def _hand_over(self, batch: Batch) -> int:
        """How many records, from the first on, are done. Those the function's filter leaves out are, without it."""
        concerned = [record for record in batch.records if self._concerns(record)]
        if not concerned:
            return len(batch.records)
        try:
            answer = invoke(self.source.function, {"Records": concerned}, self._region)
        except InvocationFailed:
            return 0
        if not self.source.reports_failures:
            return len(batch.records)
        numbers = [sequence_number(record) for record in batch.records]
        failed = failed_identifiers(answer, [sequence_number(record) for record in concerned])
        # All from the first failure on is tried again, also what came after it and succeeded: order goes first.
        return next((index for index, number in enumerate(numbers) if number in failed), len(numbers))

    def _set_aside(self, shard: Shard, condition: str) -> int:
        batch = shard.batches[0]
        first, last = batch.records[0], batch.records[-1]
        log(
            "trigger_records_set_aside",
            level="ERROR",
            source=self.name,
            condition=condition,
            records=len(batch.records),
            first=sequence_number(first),
        )
        if self.source.mapping.on_failure_arn is not None:
            note = {
                "requestContext": {
                    "requestId": str(uuid.uuid4()),
                    "functionArn": self.source.function.full_name,
                    "condition": condition,
                    "approximateInvokeCount": batch.attempts,
                },
                "version": "1.0",
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "DDBStreamBatchInfo": {
                    "shardId": shard.shard_id,
                    "startSequenceNumber": sequence_number(first),
                    "endSequenceNumber": sequence_number(last),
                    "approximateArrivalOfFirstRecord": _iso(first),
                    "approximateArrivalOfLastRecord": _iso(last),
                    "batchSize": len(batch.records),
                    "streamArn": self.source.stream_arn,
                },
            }
            queue_url = url_of(self._sqs, self.source.mapping.on_failure_arn.rsplit(":", 1)[-1])
            self._sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(note))
        self._remember(shard, sequence_number(last))
        shard.batches.popleft()
        return len(batch.records)


def _iso(record: dict[str, Any]) -> str:
    return datetime.fromtimestamp(arrived_at(record), UTC).isoformat().replace("+00:00", "Z")
