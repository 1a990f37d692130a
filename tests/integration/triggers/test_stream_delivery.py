"""Streams are delivered in order, from the checkpoint on, and a poison record does not hold up its shard."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice.app import Chalice, DynamoDBEvent

from runtime.deployment.extras import MappingSettings
from runtime.triggers import Triggers
from tests.integration.triggers.conftest import TableOfATest

REPORTS = ("ReportBatchItemFailures",)


def relaying(stream_arn: str, handler: Callable[[list[dict[str, Any]]], Any], batch_size: int = 100) -> Chalice:
    """An app whose `relay` does what `handler` does with the raw records."""
    app = Chalice(app_name="stagedoor-orders")

    @app.on_dynamodb_record(stream_arn=stream_arn, batch_size=batch_size, starting_position="TRIM_HORIZON")
    def relay(event: DynamoDBEvent) -> Any:
        return handler(event.to_dict()["Records"])

    return app


def keys(records: list[dict[str, Any]]) -> list[str]:
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in records]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Callable[[MappingSettings], None]:
    """Replaces the mapping's settings as deployed."""

    def replace(wanted: MappingSettings) -> None:
        monkeypatch.setattr("runtime.triggers.sources.mapping_settings", lambda *_: wanted)

    return replace


@pytest.fixture
def failures_queue(resource_prefix: str) -> Iterator[str]:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=f"{resource_prefix}-{secrets.token_hex(3)}-failures")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_a_function_is_not_invoked_for_what_its_filter_leaves_out(
    table: TableOfATest, settings: Callable[[MappingSettings], None]
) -> None:
    settings(MappingSettings(REPORTS, filters=('{"dynamodb": {"NewImage": {"kind": {"S": ["loud"]}}}}',)))
    batches: list[list[str]] = []
    failing = {"b"}

    def handle(records: list[dict[str, Any]]) -> dict[str, Any]:
        batches.append(keys(records))
        failed = [record for record in records if record["dynamodb"]["Keys"]["pk"]["S"] in failing]
        failing.clear()
        return {"batchItemFailures": [{"itemIdentifier": one["dynamodb"]["SequenceNumber"]} for one in failed]}

    for pk, kind in (("a", "loud"), ("-", "silent"), ("b", "loud"), ("-", "silent"), ("c", "loud")):
        table.put(pk, kind={"S": kind})
    triggers = Triggers({"orders": relaying(table.stream_arn, handle)})
    triggers.drain(10)
    assert batches == [["a", "b", "c"], ["b", "c"]]
    table.put("-", kind={"S": "silent"})
    triggers.drain(10)
    assert len(batches) == 2


def test_records_come_in_order_as_lambda_gives_them(table: TableOfATest) -> None:
    seen: list[dict[str, Any]] = []
    table.put("a", digest={"B": b"\x00\xff"}, count={"N": "1"})
    table.put("a", count={"N": "2"})
    table.delete("a")

    assert Triggers({"orders": relaying(table.stream_arn, seen.extend)}).drain(10).records == 3

    assert [record["eventName"] for record in seen] == ["INSERT", "MODIFY", "REMOVE"]
    first, second, _ = seen
    assert first["dynamodb"]["NewImage"]["digest"] == {"B": "AP8="}
    assert second["dynamodb"]["OldImage"]["count"] == {"N": "1"}
    assert second["dynamodb"]["NewImage"]["count"] == {"N": "2"}
    assert first["dynamodb"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert isinstance(first["dynamodb"]["ApproximateCreationDateTime"], int)
    assert first["eventSource"] == "aws:dynamodb"
    assert first["eventSourceARN"] == table.stream_arn
    json.dumps(seen)


def test_a_new_start_goes_on_after_the_checkpoint(table: TableOfATest, tmp_path: Path) -> None:
    checkpoints = tmp_path / "checkpoints.sqlite"
    before: list[dict[str, Any]] = []
    after: list[dict[str, Any]] = []
    table.put("a")
    first = Triggers({"orders": relaying(table.stream_arn, before.extend)}, checkpoints=checkpoints)
    first.drain(10)
    first.close()
    table.put("b")
    Triggers({"orders": relaying(table.stream_arn, after.extend)}, checkpoints=checkpoints).drain(10)

    assert (keys(before), keys(after)) == (["a"], ["b"])


def test_a_crash_before_the_checkpoint_delivers_again(table: TableOfATest, tmp_path: Path) -> None:
    class Killed(BaseException):
        """What no handler can catch, in place of a kill."""

    def dies(records: list[dict[str, Any]]) -> None:
        raise Killed

    checkpoints = tmp_path / "checkpoints.sqlite"
    table.put("a")
    with pytest.raises(Killed):
        Triggers({"orders": relaying(table.stream_arn, dies)}, checkpoints=checkpoints).drain(10)
    seen: list[dict[str, Any]] = []
    Triggers({"orders": relaying(table.stream_arn, seen.extend)}, checkpoints=checkpoints).drain(10)
    assert keys(seen) == ["a"]


def test_a_checkpoint_of_another_life_of_the_table_starts_from_the_beginning(
    table: TableOfATest, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints.sqlite"
    table.put("a")
    first = Triggers({"orders": relaying(table.stream_arn, lambda _: None)}, checkpoints=checkpoints)
    first.drain(10)
    first._checkpoints._database.execute("UPDATE checkpoints SET sequence_number = '999999999999999999999999999'")
    first.close()
    seen: list[dict[str, Any]] = []
    table.put("b")
    Triggers({"orders": relaying(table.stream_arn, seen.extend)}, checkpoints=checkpoints).drain(10)
    assert "b" in keys(seen)


def test_what_failed_is_tried_again_from_there_on_and_what_came_before_is_not(
    table: TableOfATest, settings: Callable[[MappingSettings], None]
) -> None:
    settings(MappingSettings(REPORTS))
    batches: list[list[str]] = []

    def fails_once_at_c(records: list[dict[str, Any]]) -> Any:
        batches.append(keys(records))
        if len(batches) > 1:
            return {"batchItemFailures": []}
        [number] = [r["dynamodb"]["SequenceNumber"] for r in records if r["dynamodb"]["Keys"]["pk"]["S"] == "c"]
        return {"batchItemFailures": [{"itemIdentifier": number}]}

    for pk in "abcde":
        table.put(pk)
    Triggers({"orders": relaying(table.stream_arn, fails_once_at_c)}, retry_seconds=0).drain(10)
    assert batches == [["a", "b", "c", "d", "e"], ["c", "d", "e"]]


def test_a_poison_record_is_isolated_and_set_aside_and_the_rest_goes_through(
    table: TableOfATest, settings: Callable[[MappingSettings], None], failures_queue: str
) -> None:
    arn = f"arn:aws:sqs:us-east-1:000000000000:{failures_queue.rsplit('/', 1)[-1]}"
    settings(MappingSettings(REPORTS, bisects=True, retries_max=2, on_failure_arn=arn))
    done: list[str] = []

    def breaks_at_poison(records: list[dict[str, Any]]) -> Any:
        if "poison" in keys(records):
            raise RuntimeError("cannot build this message")
        done.extend(keys(records))

    for pk in ("a", "b", "poison", "c", "d"):
        table.put(pk)
    delivered = Triggers({"orders": relaying(table.stream_arn, breaks_at_poison)}, retry_seconds=0).drain(10)

    assert delivered.idle
    assert done == ["a", "b", "c", "d"]
    sqs = boto3.client("sqs")
    [note] = sqs.receive_message(QueueUrl=failures_queue, MaxNumberOfMessages=10)["Messages"]
    body = json.loads(note["Body"])
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert body["requestContext"]["approximateInvokeCount"] == 3
    assert body["DDBStreamBatchInfo"]["batchSize"] == 1
    assert body["DDBStreamBatchInfo"]["streamArn"] == table.stream_arn


def test_without_an_end_to_retries_the_shard_waits_for_the_record(
    table: TableOfATest, settings: Callable[[MappingSettings], None]
) -> None:
    settings(MappingSettings(REPORTS))
    table.put("poison")
    table.put("a")

    def breaks(records: list[dict[str, Any]]) -> Any:
        raise RuntimeError("cannot build this message")

    triggers = Triggers({"orders": relaying(table.stream_arn, breaks, batch_size=1)}, retry_seconds=0)
    delivered = triggers.drain(1)
    assert not delivered.idle
    assert delivered.failed == delivered.records > 3


def test_records_past_their_age_are_set_aside_without_a_try(
    table: TableOfATest, settings: Callable[[MappingSettings], None]
) -> None:
    settings(MappingSettings(REPORTS, record_age_seconds_max=0))
    table.put("a")
    time.sleep(1.1)
    seen: list[dict[str, Any]] = []
    delivered = Triggers({"orders": relaying(table.stream_arn, seen.extend)}).drain(10)
    assert (seen, delivered.failed, delivered.idle) == ([], 1, True)


def test_an_expired_iterator_is_fetched_anew_without_losing_or_repeating(table: TableOfATest) -> None:
    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": relaying(table.stream_arn, seen.extend)})
    table.put("a")
    triggers.drain(10)
    poller = triggers.poller("orders.relay")
    for shard in poller._shards.values():  # type: ignore[union-attr]
        shard.iterator = None
    table.put("b")
    triggers.drain(10)
    assert keys(seen) == ["a", "b"]


def test_from_now_on_leaves_out_what_was_there_and_keeps_to_checkpoints(table: TableOfATest, tmp_path: Path) -> None:
    table.put("before")
    seen: list[dict[str, Any]] = []
    apps = {"orders": relaying(table.stream_arn, seen.extend)}
    checkpoints = tmp_path / "checkpoints.sqlite"
    first = Triggers(apps, checkpoints=checkpoints, from_now=True)
    assert first.poll_once("orders.relay") == (0, 0)
    table.put("after")
    first.drain(10)
    assert keys(seen) == ["after"]
    table.put("later")
    Triggers(apps, checkpoints=checkpoints, from_now=True).drain(10)
    assert keys(seen) == ["after", "later"]
