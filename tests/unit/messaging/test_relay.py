"""The relay's decisions: what of a stream is announced, under which id, and where a batch stops."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, ClassVar

import pytest

from shared.messaging import Envelope, Message, PublishFailed, Relay, decode_message
from shared.messaging import relay as relay_module


class ThingMade(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_made.v1"

    name: str
    raw: bytes = b""


class ThingChanged(Message, frozen=True, kw_only=True):
    type_name: ClassVar[str] = "kit.thing_changed.v1"

    name: str


BUILDERS = {
    ThingMade.type_name: lambda image: ThingMade(name=image["name"], raw=image.get("raw", b"")),
    ThingChanged.type_name: lambda image: ThingChanged(name=image["name"]),
}


class Topic:
    """Takes envelopes in place of SNS, but for those whose subject is told to fail."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.failing: set[str] = set()

    def publish_all(self, topic_arn: str, envelopes: list[Envelope]) -> None:
        failed = [place for place, envelope in enumerate(envelopes) if envelope.subject in self.failing]
        self.taken += [envelope for envelope in envelopes if envelope.subject not in self.failing]
        if failed:
            raise PublishFailed(failed, "told to fail")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    monkeypatch.setattr(relay_module, "publish_all", topic.publish_all)
    return topic


@pytest.fixture
def relay() -> Relay:
    return Relay("kit", "arn:topic", BUILDERS)


def image(name: str, version: int, types: Iterable[str] = (ThingMade.type_name,), **extra: Any) -> dict[str, Any]:
    return {
        "pk": {"S": f"thing#{name}"},
        "sk": {"S": "thing"},
        "name": {"S": name},
        "version": {"N": str(version)},
        "updated_at": {"S": "2026-05-01T10:00:00.000Z"},
        "outbox": {
            "M": {
                "version": {"N": str(version)},
                "types": {"L": [{"S": type_name} for type_name in types]},
                "trace": {"S": "1-69000000-0123456789abcdef01234567"},
            }
        },
        **extra,
    }


def record(number: int, new: dict[str, Any] | None, old: dict[str, Any] | None = None) -> dict[str, Any]:
    change: dict[str, Any] = {"SequenceNumber": f"{number:021}", "Keys": {}}
    if new is not None:
        change["NewImage"] = new
    if old is not None:
        change["OldImage"] = old
    name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    return {"eventID": str(number), "eventName": name, "dynamodb": change}


def event(*records: dict[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


DONE: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def stopped_at(number: int) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": f"{number:021}"}]}


def test_a_new_row_is_announced_with_all_that_an_envelope_says(relay: Relay, topic: Topic) -> None:
    raw = {"raw": {"B": base64.b64encode(b"\x00\xff").decode()}}
    assert relay.handle(event(record(1, image("a", 1, **raw)))) == DONE
    (envelope,) = topic.taken
    assert envelope.id == "thing#a/thing|1|kit.thing_made.v1"
    assert (envelope.type, envelope.source, envelope.subject) == (ThingMade.type_name, "kit", "thing#a")
    assert envelope.trace == "1-69000000-0123456789abcdef01234567"
    assert envelope.time.isoformat() == "2026-05-01T10:00:00+00:00"
    assert decode_message(envelope, ThingMade) == ThingMade(name="a", raw=b"\x00\xff")


def test_only_a_changed_outbox_version_announces(relay: Relay, topic: Topic) -> None:
    first = image("a", 1)
    silent = {**image("a", 1), "version": {"N": "2"}, "name": {"S": "b"}}
    third = image("a", 3, [ThingChanged.type_name])
    assert relay.handle(event(record(1, first), record(2, silent, first), record(3, third, silent))) == DONE
    assert [envelope.id.split("|")[1:] for envelope in topic.taken] == [
        ["1", ThingMade.type_name],
        ["3", ThingChanged.type_name],
    ]


def test_a_replay_sends_the_same_envelopes(relay: Relay, topic: Topic) -> None:
    batch = event(record(1, image("a", 1)), record(2, image("b", 4, BUILDERS)))
    relay.handle(batch)
    relay.handle(batch)
    assert len(topic.taken) == 6
    assert topic.taken[:3] == topic.taken[3:]
    assert len({envelope.id for envelope in topic.taken}) == 3


def test_what_announces_nothing(relay: Relay, topic: Topic) -> None:
    bare = {"pk": {"S": "x"}, "sk": {"S": "y"}}
    born = {**bare, "outbox": {"M": {"version": {"N": "0"}, "types": {"L": []}}}}
    assert relay.handle(event(record(1, bare), record(2, born), record(3, None, image("a", 1)))) == DONE
    assert topic.taken == []


def test_removals_by_the_time_to_live_announce_nothing_by_whatever_name(relay: Relay, topic: Topic) -> None:
    gone = record(1, None, image("a", 1))
    gone["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    odd = {**record(2, None, image("a", 1)), "eventName": "UNKNOWN_TO_SDK_VERSION"}
    assert relay.handle(event(gone, odd)) == DONE
    assert topic.taken == []


def test_a_first_outbox_on_an_old_row_announces(relay: Relay, topic: Topic) -> None:
    bare = {"pk": {"S": "x"}, "sk": {"S": "y"}}
    assert relay.handle(event(record(1, image("a", 7), bare))) == DONE
    assert len(topic.taken) == 1


def test_a_record_that_cannot_be_built_stops_the_batch_after_what_came_before(relay: Relay, topic: Topic) -> None:
    broken = image("b", 1)
    del broken["name"]
    batch = event(record(1, image("a", 1)), record(2, broken), record(3, image("c", 1)))
    assert relay.handle(batch) == stopped_at(2)
    assert [envelope.subject for envelope in topic.taken] == ["thing#a"]


@pytest.mark.parametrize("types", [["kit.unheard_of.v1"], [ThingMade.type_name, "kit.unheard_of.v1"]])
def test_a_type_without_a_builder_is_a_failure_and_not_forgotten(types: list[str], relay: Relay, topic: Topic) -> None:
    assert relay.handle(event(record(1, image("a", 1, types)))) == stopped_at(1)
    assert topic.taken == []


def test_a_builder_of_another_type_is_a_failure(topic: Topic) -> None:
    relay = Relay("kit", "arn:topic", {ThingMade.type_name: BUILDERS[ThingChanged.type_name]})
    assert relay.handle(event(record(1, image("a", 1)))) == stopped_at(1)


def test_the_first_record_that_sns_refuses_is_named(relay: Relay, topic: Topic) -> None:
    topic.failing = {"thing#b", "thing#d"}
    batch = event(*[record(place, image(name, 1)) for place, name in enumerate("abcde", start=1)])
    assert relay.handle(batch) == stopped_at(2)
    topic.failing = set()
    assert relay.handle(batch) == DONE
    assert {envelope.subject for envelope in topic.taken} == {f"thing#{name}" for name in "abcde"}


def test_a_refusal_before_a_broken_record_comes_first(relay: Relay, topic: Topic) -> None:
    topic.failing = {"thing#a"}
    broken = image("b", 1)
    del broken["name"]
    assert relay.handle(event(record(1, image("a", 1)), record(2, broken))) == stopped_at(1)


def test_announcing_again_reports_the_rows_that_failed_and_sends_the_rest(relay: Relay, topic: Topic) -> None:
    topic.failing = {"thing#b"}
    rows: list[dict[str, Any]] = [
        {"pk": f"thing#{name}", "sk": "thing", "name": name, "outbox": {"version": 2, "types": [ThingMade.type_name]}}
        for name in "abc"
    ]
    rows.append({"pk": "thing#d", "sk": "thing", "outbox": {"version": 2, "types": [ThingMade.type_name]}})
    assert [row["pk"] for row in relay.announce(rows)] == ["thing#b", "thing#d"]
    assert [envelope.id for envelope in topic.taken] == [
        "thing#a/thing|2|kit.thing_made.v1",
        "thing#c/thing|2|kit.thing_made.v1",
    ]


def test_chalices_event_is_taken_as_well_as_lambdas(relay: Relay, topic: Topic) -> None:
    class DynamoDBEvent:
        def to_dict(self) -> dict[str, Any]:
            return event(record(1, image("a", 1)))

    assert relay.handle(DynamoDBEvent()) == DONE
    assert len(topic.taken) == 1
