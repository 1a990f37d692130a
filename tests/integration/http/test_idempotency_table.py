"""Idempotency-Key in a real table: one effect and one answer, whatever happens in between."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.data import consumed, fetch
from shared.http import App
from shared.http.idempotency_table import SORT_KEY, TableStore
from tests.integration.http.keyed_app import TABLE, Work, build, event, notes


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def app(work: Work) -> App:
    return build(work)


@pytest.fixture
def key() -> str:
    return f"key-{secrets.token_hex(6)}"


def post(app: App, key: str | None, text: str = "hello", then: str = "answer", ip: str = "192.0.2.1") -> dict[str, Any]:
    answer: dict[str, Any] = app(event(key, json.dumps({"text": text, "then": then}), ip), None)
    return answer


def row_of(key: str, ip: str = "192.0.2.1") -> Any:
    return fetch(TableStore(TABLE).row_class, f"idempotency#ip:{ip}#POST /v1/notes#{key}", SORT_KEY)


def test_a_repeated_request_has_one_effect_and_the_same_answer(app: App, work: Work, key: str) -> None:
    first = post(app, key, key)
    again = [post(app, key, key) for _ in range(3)]
    assert first["statusCode"] == 201
    assert all((answer["statusCode"], answer["body"]) == (201, first["body"]) for answer in again)
    assert "Idempotency-Replayed" not in first["headers"]
    assert all(answer["headers"]["Idempotency-Replayed"] == "true" for answer in again)
    assert work.runs == 1
    assert len(notes(key)) == 1


def test_another_key_is_another_request(app: App, work: Work, key: str) -> None:
    """The negative control: without the same key the work is done each time."""
    answers = {post(app, f"{key}-{n}", key)["body"] for n in range(3)}
    assert len(answers) == 3
    assert work.runs == 3
    assert len(notes(key)) == 3


def test_a_key_belongs_to_its_caller(app: App, work: Work, key: str) -> None:
    post(app, key, ip="192.0.2.1")
    assert "Idempotency-Replayed" not in post(app, key, ip="192.0.2.2")["headers"]
    assert work.runs == 2


def test_the_key_with_another_body_is_refused(app: App, work: Work, key: str) -> None:
    post(app, key, "one")
    answer = post(app, key, "two")
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["type"] == "urn:stagedoor:problem:idempotency-key-reused"
    assert work.runs == 1


def test_a_refusal_is_an_answer_and_is_kept(app: App, work: Work, key: str) -> None:
    assert post(app, key, then="conflict")["statusCode"] == 409
    again = post(app, key, then="conflict")
    assert (again["statusCode"], json.loads(again["body"])["type"]) == (409, "urn:stagedoor:problem:busy")
    assert again["headers"]["Content-Type"] == "application/problem+json"
    assert work.runs == 1


def test_after_a_passing_failure_the_next_try_works_at_once(app: App, work: Work, key: str) -> None:
    assert post(app, key, key, then="unavailable")["statusCode"] == 503
    assert post(app, key, key, then="unavailable")["statusCode"] == 201
    assert work.runs == 2
    assert len(notes(key)) == 1


def test_bad_input_takes_no_key(app: App, work: Work, key: str) -> None:
    bad = app(event(key, '{"text": 1}'), None)
    assert bad["statusCode"] == 422
    assert row_of(key) is None
    assert post(app, key)["statusCode"] == 201


def test_while_the_first_is_in_flight_the_second_is_told_to_come_back(app: App, work: Work, key: str) -> None:
    work.gate.clear()
    answers: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: answers.append(post(app, key)))
    first.start()
    assert work.entered.wait(10)
    second = post(app, key)
    work.gate.set()
    first.join()
    assert second["statusCode"] == 409
    assert json.loads(second["body"])["type"] == "urn:stagedoor:problem:idempotency-in-flight"
    assert int(second["headers"]["Retry-After"]) >= 1
    assert answers[0]["statusCode"] == 201
    assert post(app, key)["body"] == answers[0]["body"]
    assert work.runs == 1


def test_of_many_at_once_one_works(app: App, work: Work, key: str) -> None:
    barrier = threading.Barrier(12)
    answers: list[dict[str, Any]] = []

    def send() -> None:
        barrier.wait()
        answers.append(post(app, key, key))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer["statusCode"] for answer in answers} <= {201, 409}
    assert len({answer["body"] for answer in answers if answer["statusCode"] == 201}) == 1
    assert work.runs == 1
    assert len(notes(key)) == 1


def test_a_repetition_is_recognised_across_a_rotation_of_the_secrets(
    app: App, work: Work, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_SECRETS", '{"old": "an old secret"}')
    first = post(app, key)
    monkeypatch.setenv("TOKEN_SECRETS", '{"new": "a new secret", "old": "an old secret"}')
    assert post(app, key)["body"] == first["body"]
    assert post(app, key, "other")["statusCode"] == 422
    assert work.runs == 1


class TestCrash:
    @pytest.fixture
    def crashed(self, key: str) -> str:
        """A key whose first try was killed between its work and its stored answer."""
        body = json.dumps({"text": key, "then": "crash"})
        run = subprocess.run(
            [sys.executable, "-m", "tests.integration.http.keyed_app", key, body], env=dict(os.environ), check=False
        )
        assert run.returncode == 9
        assert len(notes(key)) == 1
        return key

    def test_until_the_lease_is_over_it_counts_as_in_flight(self, app: App, work: Work, crashed: str) -> None:
        answer = app(event(crashed, json.dumps({"text": crashed, "then": "crash"})), None)
        assert answer["statusCode"] == 409
        assert work.runs == 0

    def test_then_the_retry_works_again_under_the_same_operation(
        self, app: App, work: Work, crashed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (note_id,) = notes(crashed)
        monkeypatch.setattr(os, "_exit", lambda code: None)
        body = json.dumps({"text": crashed, "then": "crash"})
        with clock.fixed(clock.now() + timedelta(seconds=31)):
            answer = app(event(crashed, body), None)
            again = app(event(crashed, body), None)
        assert answer["statusCode"] == 201
        assert json.loads(answer["body"])["note_id"] == note_id
        assert again["body"] == answer["body"]
        assert work.runs == 1
        # The work of the crashed try and of the retry are one and the same.
        assert notes(crashed) == [note_id]

    def test_of_many_that_notice_one_takes_over(
        self, app: App, work: Work, crashed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "_exit", lambda code: None)
        body = json.dumps({"text": crashed, "then": "crash"})
        barrier = threading.Barrier(8)
        statuses: list[int] = []

        def send() -> None:
            barrier.wait()
            statuses.append(app(event(crashed, body), None)["statusCode"])

        with clock.fixed(clock.now() + timedelta(seconds=31)):
            threads = [threading.Thread(target=send) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert set(statuses) <= {201, 409}
        assert 201 in statuses
        assert work.runs == 1
        assert len(notes(crashed)) == 1


def test_a_try_that_lost_its_lease_does_not_overwrite_the_answer_of_the_one_that_took_it(key: str) -> None:
    from shared.http.idempotency import Lease, StoredAnswer

    store = TableStore(TABLE)
    now = clock.now()
    slow = store.begin(key, b"h", now)
    later = now + timedelta(seconds=31)
    quick = store.begin(key, b"h", later)
    assert isinstance(slow, Lease)
    assert isinstance(quick, Lease)
    assert slow.operation_id == quick.operation_id
    store.finish(quick, StoredAnswer(201, b"quick", {}), later)
    store.finish(slow, StoredAnswer(201, b"slow", {}), later)
    store.release(slow, later)
    kept = store.begin(key, b"h", later)
    assert isinstance(kept, StoredAnswer)
    assert kept.content == b"quick"


def test_after_24_hours_a_key_is_new_again(app: App, work: Work, key: str) -> None:
    post(app, key)
    row = row_of(key)
    assert row.expires_at - clock.epoch_seconds(clock.now()) in range(24 * 3600 - 60, 24 * 3600 + 2)
    with clock.fixed(clock.now() + timedelta(hours=24, minutes=1)):
        answer = post(app, key)
    assert "Idempotency-Replayed" not in answer["headers"]
    assert work.runs == 2


def test_the_requests_line_says_what_it_took(app: App, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    post(app, key, key)
    (line,) = (json.loads(text) for text in capsys.readouterr().out.splitlines())
    assert (line["consumed_writes"], line["consumed_reads"], line["table_requests"]) == (3, 0, 3)


def test_requests_to_the_table_keep_to_the_time_the_function_has(app: App, key: str) -> None:
    from shared.data import deadline

    class Context:
        aws_request_id = "id"

        def get_remaining_time_in_millis(self) -> int:
            return 2_000

    left: list[float] = []

    @app.middleware("http")
    def look(request: Any, go_on: Any) -> Any:
        left.append(deadline.ends_at() - time.monotonic())
        return go_on(request)

    app(event(key, json.dumps({"text": key})), Context())
    app(event(f"{key}-2", json.dumps({"text": key})), None)
    # Half a second is left for the answer; without Lambda's word, the default holds.
    assert 1.0 < left[0] < 1.6
    assert left[1] == pytest.approx(deadline.REQUEST_SECONDS_MAX, abs=0.5)


def test_it_costs_two_writes_and_a_replay_costs_one(app: App, key: str) -> None:
    with consumed() as first:
        post(app, key, key)
    with consumed() as replay:
        post(app, key, key)
    # One for the note itself.
    assert first.writes == 3
    assert (replay.writes, replay.reads) == (1, 0)
