"""Queues are delivered as Lambda's event source mapping delivers them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from chalice.app import Chalice, SQSEvent

from runtime.deployment import extras
from runtime.triggers import TriggerError, Triggers
from runtime.triggers.queues import QueuePoller
from tests.integration.triggers.conftest import QueueOfATest

Answer = Any


def consuming(queue_name: str, answer: Answer, seen: list[dict[str, Any]], **options: Any) -> Chalice:
    """An app whose `consume` notes the event and does what `answer` does."""
    app = Chalice(app_name="stagedoor-orders")

    @app.on_sqs_message(queue=queue_name, **{"batch_size": 10, **options})
    def consume(event: SQSEvent) -> Any:
        seen.append(event.to_dict())
        return answer(event)

    return app


def failures(*bodies: str) -> Answer:
    """An answer that reports the messages with these bodies as failed."""

    def answer(event: SQSEvent) -> Any:
        records = event.to_dict()["Records"]
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in records if r["body"] in bodies]}

    return answer


def test_a_message_is_handed_over_as_lambda_gives_it_and_deleted(queue: QueueOfATest) -> None:
    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, failures(), seen)})
    queue.send("one")

    assert triggers.drain(5).idle

    [record] = seen[0]["Records"]
    assert record["body"] == "one"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{queue.name}")
    assert record["messageAttributes"]["type"] == {
        "stringValue": "orders.order_paid.v1",
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": "String",
    }
    assert record["messageAttributes"]["bytes"]["binaryValue"] == "AP8="
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"].isdigit()
    assert {"messageId", "receiptHandle", "md5OfBody", "awsRegion"} <= set(record)
    assert queue.count() == 0


def test_only_what_is_reported_as_failed_comes_back_and_ends_in_the_dead_letters(queue: QueueOfATest) -> None:
    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, failures("bad"), seen)}, retry_seconds=0)
    queue.send("good", "bad", "fine")

    delivered = triggers.drain(10)

    bodies = [record["body"] for event in seen for record in event["Records"]]
    assert sorted(bodies) == ["bad", "bad", "bad", "fine", "good"]
    assert (delivered.records, delivered.failed, delivered.idle) == (5, 3, True)
    assert queue.count() == 0
    assert queue.count(queue.dead_letters_url) == 1


def test_a_consumer_that_raises_fails_its_whole_batch(queue: QueueOfATest) -> None:
    def breaks(event: SQSEvent) -> Any:
        raise RuntimeError("the database is away")

    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, breaks, seen)}, retry_seconds=0)
    queue.send("one", "two")

    assert triggers.poll_once("orders.consume") == (2, 2)
    assert queue.count() == 2


def test_a_failed_message_is_invisible_for_the_visibility_timeout_of_its_queue(queue: QueueOfATest) -> None:
    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, failures("bad"), seen)})
    queue.send("bad")

    assert triggers.poll_once("orders.consume") == (1, 1)
    assert triggers.poll_once("orders.consume") == (0, 0)
    time.sleep(2.1)
    assert triggers.poll_once("orders.consume") == (1, 1)
    assert seen[1]["Records"][0]["attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("identifier", ["", None, "of-no-message-of-this-batch"])
def test_an_identifier_that_lambda_cannot_read_fails_the_whole_batch(queue: QueueOfATest, identifier: Any) -> None:
    seen: list[dict[str, Any]] = []
    answer = {"batchItemFailures": [{"itemIdentifier": identifier}]}
    triggers = Triggers({"orders": consuming(queue.name, lambda _: answer, seen)}, retry_seconds=0)
    queue.send("one", "two")

    assert triggers.poll_once("orders.consume") == (2, 2)
    assert queue.count() == 2


def test_without_function_response_types_what_is_reported_as_failed_is_lost_as_in_the_cloud(
    queue: QueueOfATest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.triggers.sources.mapping_settings", lambda *_: extras.MappingSettings())
    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, failures("bad"), seen)}, retry_seconds=0)
    queue.send("bad")

    assert triggers.poll_once("orders.consume") == (1, 0)
    assert queue.count() == 0


def test_a_batch_larger_than_one_receive_is_gathered(queue: QueueOfATest) -> None:
    seen: list[dict[str, Any]] = []
    options = {"batch_size": 25, "maximum_batching_window_in_seconds": 1}
    triggers = Triggers({"orders": consuming(queue.name, failures(), seen, **options)})
    queue.send(*(str(number) for number in range(23)))

    triggers.drain(5)

    assert [len(event["Records"]) for event in seen] == [23]


def test_a_queue_that_does_not_exist_is_refused_by_name(resource_prefix: str) -> None:
    with pytest.raises(TriggerError, match=f"{resource_prefix}-nowhere"):
        Triggers({"orders": consuming(f"{resource_prefix}-nowhere", failures(), [])})


def test_running_delivers_to_two_consumers_at_a_time_and_stops_when_told(queue: QueueOfATest) -> None:
    both = threading.Barrier(2, timeout=10)

    def meets(event: SQSEvent) -> Any:
        both.wait()
        return {}

    seen: list[dict[str, Any]] = []
    triggers = Triggers({"orders": consuming(queue.name, meets, seen, batch_size=1)})
    stop = threading.Event()
    running = threading.Thread(target=triggers.run, args=(stop,))
    running.start()
    try:
        queue.send("one", "two")
        gives_up_at = time.monotonic() + 10
        while queue.count() and time.monotonic() < gives_up_at:
            time.sleep(0.05)
    finally:
        stop.set()
        running.join(10)
    assert not running.is_alive()
    assert queue.count() == 0
    assert [each.records for each in triggers.progress.values()] == [2]


def test_a_handler_that_is_killed_in_the_middle_leaves_its_message_to_the_next(queue: QueueOfATest) -> None:
    class Killed(BaseException):
        """What no handler can catch, in place of a kill."""

    def dies(event: SQSEvent) -> Any:
        raise Killed

    queue.send("one")
    dying = Triggers({"orders": consuming(queue.name, dies, [])}, retry_seconds=0)
    with pytest.raises(Killed):
        dying.drain(5)

    seen: list[dict[str, Any]] = []
    Triggers({"orders": consuming(queue.name, failures(), seen)}, retry_seconds=0).drain(5)
    assert [record["body"] for event in seen for record in event["Records"]] == ["one"]


def test_a_poller_knows_its_arn_and_reports_failures_as_deployed(queue: QueueOfATest) -> None:
    poller = Triggers({"orders": consuming(queue.name, failures(), [])}).poller("orders.consume")
    assert isinstance(poller, QueuePoller)
    assert poller.source.reports_failures
