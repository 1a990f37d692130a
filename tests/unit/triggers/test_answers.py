"""What an answer means for its batch, and how a record of a stream looks to a function."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.app import Chalice, S3Event

from runtime.deployment.stages import FunctionSettings
from runtime.triggers import TriggerError
from runtime.triggers.invocation import Context, InvocationFailed, failed_identifiers, invoke
from runtime.triggers.shards import Batch, as_lambda_gives_it, split
from runtime.triggers.sources import Function, sources_of

BATCH = ["a", "b", "c"]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, ""])
def test_no_failures_mean_success(answer: Any) -> None:
    assert failed_identifiers(answer, BATCH) == set()


def test_the_failures_named_are_the_failures() -> None:
    assert failed_identifiers({"batchItemFailures": [{"itemIdentifier": "b"}]}, BATCH) == {"b"}


@pytest.mark.parametrize(
    "answer",
    [
        "not an object",
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"identifier": "b"}]},
        {"batchItemFailures": ["b"]},
        {"batchItemFailures": 3},
        {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "z"}]},
    ],
)
def test_an_answer_that_cannot_be_read_fails_everything(answer: Any) -> None:
    assert failed_identifiers(answer, BATCH) == set(BATCH)


def function(handler: Any, timeout_seconds: int = 3) -> Function:
    return Function("orders", "consume", handler, FunctionSettings(timeout_seconds, 256))


def test_a_function_sees_its_remaining_time_and_its_names() -> None:
    seen: list[Context] = []
    invoke(function(lambda _, context: seen.append(context)), {}, "us-east-1")
    [context] = seen
    assert 0 < context.get_remaining_time_in_millis() <= 3000
    assert context.memory_limit_in_mb == "256"
    assert context.invoked_function_arn.endswith(":function:stagedoor-orders-consume")


def test_what_a_function_raises_fails_the_invocation() -> None:
    def breaks(event: Any, context: Any) -> None:
        raise KeyError("order_id")

    with pytest.raises(InvocationFailed, match="order_id"):
        invoke(function(breaks), {}, "us-east-1")


def test_an_answer_after_the_time_out_is_thrown_away() -> None:
    def dawdles(event: Any, context: Any) -> dict[str, Any]:
        time.sleep(0.01)
        return {"batchItemFailures": []}

    with pytest.raises(InvocationFailed, match="time-out"):
        invoke(function(dawdles, timeout_seconds=0), {}, "us-east-1")


def test_a_removal_by_time_to_live_is_dynamodbs_own() -> None:
    """As DynamoDB Local writes it, beside what DynamoDB makes of it."""
    record = {
        "eventID": "1",
        "eventName": "UNKNOWN_TO_SDK_VERSION",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 11, 24, 10, tzinfo=UTC),
            "Keys": {"pk": {"S": "hold#1"}},
            "OldImage": {"digest": {"B": b"\x00\xff"}, "slots": {"L": [{"B": b"\x01"}]}, "tags": {"BS": [b"\x02"]}},
            "SequenceNumber": "7",
        },
    }
    given = as_lambda_gives_it(record, "arn:stream", "us-east-1")
    assert given["eventName"] == "REMOVE"
    assert given["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert given["dynamodb"]["ApproximateCreationDateTime"] == 1795514400
    assert given["dynamodb"]["OldImage"] == {
        "digest": {"B": "AP8="},
        "slots": {"L": [{"B": "AQ=="}]},
        "tags": {"BS": ["Ag=="]},
    }


def test_a_removal_by_time_to_live_of_dynamodb_itself_keeps_its_identity() -> None:
    record = {
        "eventName": "REMOVE",
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"Keys": {}, "SequenceNumber": "7"},
    }
    given = as_lambda_gives_it(record, "arn:stream", "us-east-1")
    assert given["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_a_split_keeps_the_order_and_the_tries() -> None:
    first, second = split(Batch([{"n": 1}, {"n": 2}, {"n": 3}], attempts=2))
    assert [record["n"] for record in (*first.records, *second.records)] == [1, 2, 3]
    assert (len(first.records), len(second.records), first.attempts, second.attempts) == (1, 2, 2, 2)


def test_a_trigger_that_is_not_delivered_here_is_refused_by_name() -> None:
    app = Chalice(app_name="stagedoor-orders")

    @app.on_s3_event(bucket="uploads")
    def imported(event: S3Event) -> None: ...

    with pytest.raises(TriggerError, match=r"orders\.imported"):
        sources_of({"orders": app}, "dev", "stagedoor-dev")
