"""Batches of SNS: ten at most, 250 KB at most, and what was not taken is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest
from botocore.exceptions import ConnectTimeoutError

from shared.messaging import Envelope, Message, PublishFailed, claims, publish, publishing
from shared.telemetry import traced

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


class ThingMade(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_made.v1"

    text: str


class Sns:
    """Keeps batches; refuses entries whose text is told, or everything with an exception."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.refused: set[str] = set()
        self.trouble: Exception | None = None

    def publish_batch(self, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        if self.trouble is not None:
            raise self.trouble
        self.batches.append(PublishBatchRequestEntries)
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False}
            for entry in PublishBatchRequestEntries
            if msgspec.json.decode(entry["Message"])["data"]["text"] in self.refused
        ]
        return {"Successful": [], "Failed": failed}


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Sns:
    sns = Sns()
    monkeypatch.setattr(publishing, "client", lambda service: sns)
    return sns


def envelopes(*texts: str) -> list[Envelope]:
    return [
        publishing.enclose(
            source="kit",
            subject=str(place),
            message=ThingMade(text=text),
            message_id=f"{place}|1|t",
            trace=None,
            time=NOW,
        )
        for place, text in enumerate(texts)
    ]


def test_ten_to_a_batch_with_the_type_as_attribute(sns: Sns) -> None:
    publishing.publish_all("arn", envelopes(*"abcdefghijklmnopqrstuvw"))
    assert [len(batch) for batch in sns.batches] == [10, 10, 3]
    texts = [msgspec.json.decode(entry["Message"])["data"]["text"] for batch in sns.batches for entry in batch]
    assert texts == list("abcdefghijklmnopqrstuvw")
    attribute = {"DataType": "String", "StringValue": ThingMade.type_name}
    assert all(entry["MessageAttributes"] == {"type": attribute} for batch in sns.batches for entry in batch)


def test_a_batch_keeps_under_the_size_sns_takes(sns: Sns) -> None:
    publishing.publish_all("arn", envelopes("a" * 120_000, "b" * 120_000, "c" * 120_000, "d"))
    assert [len(batch) for batch in sns.batches] == [2, 2]
    for batch in sns.batches:
        assert sum(len(entry["Message"].encode()) for entry in batch) <= publishing.BATCH_BYTES_MAX


def test_refused_entries_are_named_and_what_follows_their_batch_waits(sns: Sns) -> None:
    sns.refused = {"b", "d"}
    with pytest.raises(PublishFailed) as caught:
        publishing.publish_all("arn", envelopes(*"abcdefghijkl"))
    assert caught.value.failed == [1, 3, 10, 11]
    assert len(sns.batches) == 1


def test_a_topic_that_does_not_answer_took_nothing(sns: Sns) -> None:
    sns.trouble = ConnectTimeoutError(endpoint_url="http://sns")
    with pytest.raises(PublishFailed) as caught:
        publishing.publish_all("arn", envelopes("a", "b"))
    assert caught.value.failed == [0, 1]


def test_nothing_to_publish_asks_nobody(sns: Sns) -> None:
    publishing.publish_all("arn", [])
    assert sns.batches == []


def test_a_message_without_a_row_goes_out_under_the_id_given(sns: Sns) -> None:
    trace = "1-69000000-0123456789abcdef01234567"
    with traced(trace):
        publish("arn", "kit", "hold_1", ThingMade(text="x"), "hold#hold_1|1|kit.thing_made.v1", time=NOW)
    envelope = msgspec.json.decode(sns.batches[0][0]["Message"], type=Envelope)
    assert (envelope.id, envelope.subject, envelope.trace) == ("hold#hold_1|1|kit.thing_made.v1", "hold_1", trace)
    assert envelope.time == NOW


def test_data_too_big_to_travel_without_a_bucket_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(claims.BUCKET_VARIABLE, raising=False)
    with pytest.raises(LookupError, match=claims.BUCKET_VARIABLE):
        envelopes("x" * (claims.DATA_BYTES_MAX + 1))
