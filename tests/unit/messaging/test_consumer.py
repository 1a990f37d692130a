"""The consumer: each record on its own, failures named, what is not ours let go."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
import pytest

from shared.messaging import Consumer, Envelope, Message
from shared.telemetry import current_trace

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
TRACE = "1-69000000-0123456789abcdef01234567"


class ThingMade(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_made.v1"

    name: str


class ThingChanged(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_changed.v1"

    name: str


def body(name: Any, type_name: str = ThingMade.type_name, **extra: Any) -> str:
    envelope = Envelope(
        id=f"thing#{name}/thing|1|{type_name}",
        type=type_name,
        time=NOW,
        source="kit",
        subject=f"thing#{name}",
        trace=TRACE,
        data=msgspec.Raw(json.dumps({"name": name, **extra}).encode()),
    )
    return msgspec.json.encode(envelope).decode()


def record(number: int, text: str) -> dict[str, Any]:
    return {"messageId": f"m{number}", "body": text, "attributes": {"ApproximateReceiveCount": "2"}}


def handled_by(handler: Callable[[Any, Envelope], None], *texts: str) -> list[str]:
    consumer = Consumer("kit", {ThingMade: handler})
    answer = consumer.handle({"Records": [record(number, text) for number, text in enumerate(texts)]})
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_each_message_goes_to_the_handler_of_its_type() -> None:
    made: list[tuple[ThingMade, str]] = []
    changed: list[ThingChanged] = []
    consumer = Consumer(
        "kit",
        {
            ThingMade: lambda message, envelope: made.append((message, envelope.id)),
            ThingChanged: lambda message, envelope: changed.append(message),
        },
    )
    records = [record(0, body("a")), record(1, body("b", ThingChanged.type_name))]
    assert consumer.handle({"Records": records}) == {"batchItemFailures": []}
    assert made == [(ThingMade(name="a"), "thing#a/thing|1|kit.thing_made.v1")]
    assert changed == [ThingChanged(name="b")]
    assert consumer.types == [ThingChanged.type_name, ThingMade.type_name]


def test_a_poison_message_fails_for_itself_alone() -> None:
    seen: list[str] = []

    def handle(message: ThingMade, envelope: Envelope) -> None:
        if message.name == "poison":
            raise RuntimeError("cannot")
        seen.append(message.name)

    assert handled_by(handle, body("a"), body("poison"), body("b"), body("poison"), body("c")) == ["m1", "m3"]
    assert seen == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        body(17),
        json.dumps({"id": "x", "type": ThingMade.type_name, "time": "yesterday", "source": "k", "subject": "s"}),
        json.dumps(
            {"id": "x", "type": ThingMade.type_name, "time": "2026-05-01T10:00:00Z", "source": "k", "subject": "s"}
        ),
    ],
)
def test_what_cannot_be_decoded_ends_among_the_dead_letters(text: str) -> None:
    seen: list[str] = []
    failed = handled_by(lambda message, envelope: seen.append(message.name), body("a"), text, body("b"))
    assert failed == ["m1"]
    assert seen == ["a", "b"]


def test_an_unknown_type_is_let_go_with_a_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert handled_by(lambda message, envelope: None, body("a", "kit.unheard_of.v9")) == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (ignored,) = [line for line in lines if line["event"] == "message_ignored"]
    assert (ignored["type"], ignored["trace_id"]) == ("kit.unheard_of.v9", TRACE)


def test_a_field_that_a_later_release_added_is_ignored() -> None:
    seen: list[ThingMade] = []
    assert handled_by(lambda message, envelope: seen.append(message), body("a", colour="red")) == []
    assert seen == [ThingMade(name="a")]


def test_handlers_and_their_log_lines_work_under_the_messages_trace(capsys: pytest.CaptureFixture[str]) -> None:
    traces: list[str] = []

    def handle(message: ThingMade, envelope: Envelope) -> None:
        traces.append(current_trace())
        raise RuntimeError("cannot")

    assert handled_by(handle, body("a")) == ["m0"]
    assert traces == [TRACE]
    (failed,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (failed["event"], failed["trace_id"], failed["received"]) == ("message_failed", TRACE, "2")
    assert failed["message_id"] == "thing#a/thing|1|kit.thing_made.v1"
    assert current_trace() != TRACE


def test_chalices_event_is_taken_as_well_as_lambdas() -> None:
    class SQSEvent:
        def to_dict(self) -> dict[str, Any]:
            return {"Records": [record(0, body("a"))]}

    seen: list[ThingMade] = []
    consumer = Consumer("kit", {ThingMade: lambda message, envelope: seen.append(message)})
    assert consumer.handle(SQSEvent()) == {"batchItemFailures": []}
    assert len(seen) == 1


def test_contracts_load_neither_tables_nor_aws() -> None:
    """In a process of its own, because here everything is loaded already."""
    import subprocess
    import sys

    program = (
        "import sys, contracts.orders\n"
        "print([name for name in ('pynamodb', 'botocore', 'boto3', 'urllib3') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
