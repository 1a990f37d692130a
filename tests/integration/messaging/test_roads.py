"""From a row to a handler over the real parts: stream, relay, SNS, SQS, S3, consumer, and back from dead letters."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest
from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from shared.data import BareRow, IntegerAttribute, Row, TransactionRefused, Update, fetch, insert, replace, transact
from shared.messaging import (
    Consumer,
    Envelope,
    Message,
    Relay,
    Republished,
    already_received,
    claims,
    decode_envelope,
    decode_message,
    inbox_row,
    publish,
    redrive,
    republish,
)
from shared.messaging.clients import client
from tests.integration.messaging.conftest import Road, receive, stream_records

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class ThingMade(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_made.v1"

    name: str
    raw: bytes


class ThingChanged(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_changed.v1"

    name: str


class ThingPainted(Message, frozen=True, kw_only=True):
    """Nobody's filter lets it through."""

    type_name: ClassVar[str] = "kit.thing_painted.v1"


class Thing(Row):
    class Meta:
        table_variable = "KIT_TABLE_NAME"

    name = UnicodeAttribute()
    raw = BinaryAttribute(null=True, legacy_encoding=False)
    number = IntegerAttribute(default=0)


class Other(BareRow):
    class Meta:
        table_variable = "KIT_TABLE_NAME"


def relay_to(road: Road) -> Relay:
    return Relay(
        "kit",
        road.topic_arn,
        {
            ThingMade.type_name: lambda image: ThingMade(name=image["name"], raw=image.get("raw", b"")),
            ThingChanged.type_name: lambda image: ThingChanged(name=image["name"]),
            ThingPainted.type_name: lambda image: ThingPainted(),
        },
    )


def test_a_row_becomes_one_message_for_each_outbox_version(road: Road, table: str) -> None:
    thing = Thing("thing#1", "thing", name="a", raw=b"\x00\xff")
    insert(thing, now=NOW, announce=[ThingMade.type_name, ThingPainted.type_name])
    thing.number = 1
    replace(thing, now=NOW)
    thing.name = "b"
    replace(thing, now=NOW, announce=[ThingChanged.type_name])
    insert(Other("bare", "bare"), now=NOW)
    records = stream_records(table, 4)
    assert len(records) == 4
    assert relay_to(road).handle({"Records": records}) == {"batchItemFailures": []}

    seen: list[tuple[Message, str, str | None]] = []

    def handle(message: Message, envelope: Envelope) -> None:
        seen.append((message, envelope.id, envelope.trace))

    arrived = road.receive(2)
    assert Consumer("kit", {ThingMade: handle, ThingChanged: handle}).handle({"Records": arrived}) == {
        "batchItemFailures": []
    }
    assert thing.outbox is not None
    assert sorted(seen, key=lambda entry: entry[1]) == [
        (ThingMade(name="a", raw=b"\x00\xff"), "thing#1/thing|1|kit.thing_made.v1", thing.outbox["trace"]),
        (ThingChanged(name="b"), "thing#1/thing|3|kit.thing_changed.v1", thing.outbox["trace"]),
    ]
    # What is painted was published too, but the queue's filter looks at the attribute and keeps it out.
    assert road.receive(1, seconds=1.5) == []


def test_a_stream_read_twice_sends_the_same_ids(road: Road, table: str) -> None:
    for number in range(3):
        insert(Thing(f"thing#{number}", "thing", name="a"), now=NOW, announce=[ThingMade.type_name])
    records = stream_records(table, 3)
    for _ in range(2):
        assert relay_to(road).handle({"Records": records}) == {"batchItemFailures": []}
    ids = [decode_envelope(record["body"]).id for record in road.receive(6)]
    assert len(ids) == 6
    assert len(set(ids)) == 3


def test_a_topic_that_is_gone_stops_the_batch_at_its_first_record(road: Road, table: str) -> None:
    insert(Thing("thing#1", "thing", name="a"), now=NOW, announce=[ThingMade.type_name])
    records = stream_records(table, 1)
    relay = relay_to(road._replace(topic_arn=road.topic_arn + "-gone"))
    failures = relay.handle({"Records": records})["batchItemFailures"]
    assert failures == [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]


def test_what_is_too_big_to_travel_is_fetched_from_s3(road: Road, bucket: str) -> None:
    message = ThingMade(name="a", raw=b"x" * 300_000)
    for _ in range(2):
        publish(road.topic_arn, "kit", "thing#1", message, "thing#1|1|t", time=NOW)
    records = road.receive(2)
    assert len(records) == 2
    envelopes = [decode_envelope(record["body"]) for record in records]
    assert envelopes[0] == envelopes[1]
    assert len(records[0]["body"]) < 1000
    claim = envelopes[0].claim
    assert claim is not None
    assert (claim.bucket, claim.size_bytes) == (bucket, len(msgspec.json.encode(message)))
    assert decode_message(envelopes[0], ThingMade) == message
    # Stored under its hash: the second time it is the same object.
    assert len(client("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 1


@pytest.mark.parametrize("harm", ["altered", "removed"])
def test_a_claim_that_is_broken_fails_its_message(road: Road, bucket: str, harm: str) -> None:
    publish(road.topic_arn, "kit", "thing#1", ThingMade(name="a", raw=b"x" * 300_000), "thing#1|1|t", time=NOW)
    (record,) = road.receive(1)
    claim = decode_envelope(record["body"]).claim
    assert claim is not None
    if harm == "altered":
        client("s3").put_object(Bucket=bucket, Key=claim.key, Body=b'{"name":"b","raw":""}')
    else:
        client("s3").delete_object(Bucket=bucket, Key=claim.key)
    seen: list[Message] = []
    consumer = Consumer("kit", {ThingMade: lambda message, envelope: seen.append(message)})
    assert consumer.handle({"Records": [record]}) == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert seen == []
    with pytest.raises(claims.ClaimBroken):
        claims.check_out(claim)


def test_republish_sends_the_current_state_of_every_row_under_the_same_ids(road: Road, table: str) -> None:
    for number in range(5):
        insert(Thing(f"thing#{number}", "thing", name=f"{number}"), now=NOW, announce=[ThingMade.type_name])
    insert(Thing("silent", "thing", name="silent"), now=NOW)
    insert(Other("bare", "bare"), now=NOW)
    relay_to(road).handle({"Records": stream_records(table, 7)})
    first = {decode_envelope(record["body"]).id for record in road.receive(5)}
    assert len(first) == 5

    heard: list[Republished] = []
    done = republish(Thing, relay_to(road), progress=heard.append)
    assert (done.scanned, done.sent, done.failed, done.resume) == (7, 5, (), None)
    assert heard[-1] == done
    assert {decode_envelope(record["body"]).id for record in road.receive(5)} == first

    chosen = republish(table, relay_to(road), accept=lambda image: image["name"] == "3")
    assert chosen.sent == 1
    assert [decode_envelope(record["body"]).subject for record in road.receive(1)] == ["thing#3"]


def test_republish_goes_on_where_it_was_stopped_and_in_parallel(
    road: Road, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.replay._SCAN_ITEMS", 3)
    for number in range(10):
        insert(Thing(f"thing#{number}", "thing", name=f"{number}"), now=NOW, announce=[ThingMade.type_name])
    relay = relay_to(road)

    class StoppedError(Exception):
        pass

    heard: list[Republished] = []

    def stop_after_two(state: Republished) -> None:
        heard.append(state)
        if len(heard) == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        republish(table, relay, progress=stop_after_two)
    assert heard[-1].sent == 6
    rest = republish(table, relay, resume=heard[-1].resume)
    assert rest.sent == 4
    assert len({decode_envelope(record["body"]).id for record in road.receive(10)}) == 10

    results: list[Republished] = []
    threads = [
        threading.Thread(
            target=lambda segment: results.append(republish(table, relay, segment=segment, segments=4)),
            args=(segment,),
        )
        for segment in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(result.sent for result in results) == 10
    assert len({decode_envelope(record["body"]).id for record in road.receive(10)}) == 10


def test_republish_keeps_to_its_rate(road: Road, table: str) -> None:
    for number in range(6):
        insert(Thing(f"thing#{number}", "thing", name=f"{number}"), now=NOW, announce=[ThingMade.type_name])
    began = time.monotonic()
    assert republish(table, relay_to(road), 4).sent == 6
    # Four in the first second, the other two in the next.
    assert time.monotonic() - began >= 0.9


def test_a_row_that_cannot_be_sent_does_not_stop_the_rest(road: Road, table: str) -> None:
    insert(Thing("thing#1", "thing", name="a"), now=NOW, announce=[ThingMade.type_name])
    insert(Thing("thing#2", "thing", name="b"), now=NOW, announce=["kit.unheard_of.v1"])
    insert(Thing("thing#3", "thing", name="c"), now=NOW, announce=[ThingMade.type_name])
    done = republish(table, relay_to(road))
    assert (done.sent, done.failed) == (2, ("thing#2/thing",))
    assert len(road.receive(2)) == 2


def test_dead_letters_go_back_to_their_queue(road: Road) -> None:
    for number in range(12):
        publish(road.topic_arn, "kit", f"{number}", ThingChanged(name=f"{number}"), f"{number}|1|t", time=NOW)
    _let_all_die(road, 12)
    done = redrive(road.dead_letters_name, road.queue_name)
    assert (done.moved, done.failed) == (12, 0)
    assert receive(road.dead_letters_url, 1, seconds=1.5) == []
    back = road.receive(12)
    assert {decode_envelope(record["body"]).id for record in back} == {f"{number}|1|t" for number in range(12)}
    # The attribute that filters look at survives the round trip.
    assert back[0]["messageAttributes"]["type"]["StringValue"] == ThingChanged.type_name


def test_redrive_stops_at_its_limit_and_takes_urls(road: Road) -> None:
    sqs = client("sqs")
    for number in range(5):
        sqs.send_message(QueueUrl=road.dead_letters_url, MessageBody=f"{number}")
    assert redrive(road.dead_letters_url, road.queue_url, limit=3).moved == 3
    assert redrive(road.dead_letters_url, road.queue_url).moved == 2
    assert redrive(road.dead_letters_url, road.queue_url).moved == 0
    assert {record["body"] for record in road.receive(5)} == {"0", "1", "2", "3", "4"}


def _let_all_die(road: Road, count: int) -> None:
    """Receives without deleting until every message has moved to the dead letters."""
    sqs, ends_at = client("sqs"), time.monotonic() + 30
    while time.monotonic() < ends_at:
        sqs.receive_message(QueueUrl=road.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        answer = sqs.get_queue_attributes(
            QueueUrl=road.dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        if int(answer["Attributes"]["ApproximateNumberOfMessages"]) == count:
            return
        time.sleep(0.2)
    pytest.fail("the messages did not become dead letters")


def counted(name: str, message_id: str, with_inbox: bool) -> bool:
    """Adds one under the message's inbox row; whether it was new."""
    addition = Update(Thing, name, "thing", [Thing.number.add(1)])
    inbox = inbox_row(Thing, message_id, NOW)
    try:
        transact(addition, *([inbox] if with_inbox else []), now=NOW)
    except TransactionRefused as refused:
        if already_received(refused, inbox):
            return False
        raise
    return True


def _number(name: str) -> int:
    row = fetch(Thing, name, "thing")
    assert row is not None
    return row.number


def test_an_inbox_row_makes_a_replay_harmless(table: str) -> None:
    insert(Thing("counter", "thing", name="c"), now=NOW)
    assert [counted("counter", "m|1|t", with_inbox=True) for _ in range(3)] == [True, False, False]
    assert counted("counter", "m|2|t", with_inbox=True)
    assert _number("counter") == 2


def test_without_its_inbox_row_a_replay_counts_again(table: str) -> None:
    """The negative control."""
    insert(Thing("counter", "thing", name="c"), now=NOW)
    for _ in range(3):
        counted("counter", "m|1|t", with_inbox=False)
    assert _number("counter") == 3


def test_an_inbox_row_is_kept_as_long_as_a_queue_may_bring_its_message(table: str) -> None:
    insert(Thing("counter", "thing", name="c"), now=NOW)
    counted("counter", "m|1|t", with_inbox=True)
    row = fetch(Other, "inbox#m|1|t", "inbox")
    assert row is not None
    assert row.expires_at == int(NOW.timestamp()) + 14 * 24 * 3600


def test_a_refusal_for_another_reason_is_not_taken_for_a_replay(table: str) -> None:
    addition: Any = Update(Thing, "nobody", "thing", [Thing.number.add(1)], Thing.pk.exists())
    inbox = inbox_row(Thing, "m|1|t", NOW)
    with pytest.raises(TransactionRefused) as refused:
        transact(addition, inbox, now=NOW)
    assert not already_received(refused.value, inbox)
    assert fetch(Other, "inbox#m|1|t", "inbox") is None
