"""What is tried again, what is not, and when it ends. Attempts are made by a script in place of DynamoDB."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.data import Rejected, Throttled, Unavailable, consumed, deadline, transport, wire

Outcome = dict[str, Any] | Exception


def refusal(code: str, status: int = 400, **answer: Any) -> wire.Refusal:
    return wire.Refusal(status, code, "said so", answer)


def cancelled(*codes: str) -> wire.Refusal:
    return refusal("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(time, "sleep", taken.append)
    return taken


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets the outcomes of the next attempts; the last one repeats. Returns the list of operations attempted."""

    def script(*outcomes: Outcome) -> list[str]:
        attempts: list[str] = []

        def carry(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
            outcome = outcomes[min(len(attempts), len(outcomes) - 1)]
            attempts.append(operation)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(transport, "carry", carry)
        return attempts

    return script


@pytest.mark.parametrize(
    "trouble",
    [
        wire.Lost("time-out"),
        refusal("InternalServerError", 500),
        refusal("Http503", 503),
        refusal("ThrottlingException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("RequestLimitExceeded"),
        refusal("TransactionConflictException"),
        refusal("TransactionInProgressException"),
        cancelled("None", "TransactionConflict"),
        cancelled("ThrottlingError", "TransactionConflict"),
    ],
)
def test_passing_troubles_are_tried_again(
    trouble: Exception, answers: Callable[..., list[str]], pauses: list[float]
) -> None:
    attempts = answers(trouble, trouble, {"Item": {}})
    assert transport.send("GetItem", {"TableName": "t"}) == {"Item": {}}
    assert len(attempts) == 3
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (refusal("ValidationException"), Rejected),
        (refusal("ResourceNotFoundException"), Rejected),
        (refusal("AccessDeniedException"), Rejected),
        (refusal("ConditionalCheckFailedException"), transport.ConditionFailed),
        (cancelled("ConditionalCheckFailed", "None"), transport.Cancelled),
        (cancelled("ConditionalCheckFailed", "TransactionConflict"), transport.Cancelled),
    ],
)
def test_what_would_fail_again_is_not_tried_again(
    trouble: Exception, raised: type[Exception], answers: Callable[..., list[str]], pauses: list[float]
) -> None:
    attempts = answers(trouble)
    with pytest.raises(raised):
        transport.send("PutItem", {"TableName": "t"})
    assert len(attempts) == 1
    assert pauses == []


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (wire.Lost("time-out"), Unavailable),
        (refusal("InternalServerError", 500), Unavailable),
        (cancelled("TransactionConflict"), Unavailable),
        (refusal("ThrottlingException"), Throttled),
        (cancelled("ThrottlingError", "None"), Throttled),
    ],
)
def test_the_deadline_ends_it(trouble: Exception, raised: type[Exception], answers: Callable[..., list[str]]) -> None:
    attempts = answers(trouble)
    began = time.monotonic()
    with deadline.within(0.3), pytest.raises(raised) as caught:
        transport.send("PutItem", {"TableName": "t"})
    assert type(caught.value) is raised
    assert time.monotonic() - began < 0.35
    assert len(attempts) > 2


def test_no_attempt_begins_after_the_deadline(answers: Callable[..., list[str]]) -> None:
    attempts = answers({})
    with deadline.within(0), pytest.raises(Unavailable):
        transport.send("GetItem", {"TableName": "t"})
    assert attempts == []


def test_an_attempt_gets_no_more_than_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def carry(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        given.append(seconds)
        return {}

    monkeypatch.setattr(transport, "carry", carry)
    with deadline.within(2):
        transport.send("GetItem", {"TableName": "t"})
    transport.send("GetItem", {"TableName": "t"})
    assert given[0] <= 2
    assert deadline.REQUEST_SECONDS_MAX - 0.1 < given[1] <= deadline.REQUEST_SECONDS_MAX


def test_pauses_grow_but_stay_within_their_jitter(answers: Callable[..., list[str]], pauses: list[float]) -> None:
    answers(*[wire.Lost("again")] * 12, {})
    transport.send("GetItem", {"TableName": "t"})
    limits = [min(transport.PAUSE_SECONDS_MAX, transport.PAUSE_SECONDS_BASE * 2**n) for n in range(12)]
    assert all(0 <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    # Twelve draws that all come out at their bound, or all at nothing, would be no jitter.
    assert len(set(pauses)) > 6


def test_an_inner_block_gets_no_more_time_than_the_outer_one() -> None:
    with deadline.within(0.5), deadline.within(60):
        assert deadline.ends_at() - time.monotonic() <= 0.5
    with deadline.within(60), deadline.within(0.5):
        assert deadline.ends_at() - time.monotonic() <= 0.5


@pytest.mark.parametrize(
    ("milliseconds", "seconds"), [(3000, 2.5), (60_000, deadline.REQUEST_SECONDS_MAX), (100, 0.05)]
)
def test_an_invocation_keeps_a_margin_under_lambdas_own_limit(milliseconds: int, seconds: float) -> None:
    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return milliseconds

    with deadline.of_invocation(Context()):
        assert deadline.ends_at() - time.monotonic() == pytest.approx(seconds, abs=0.05)


def test_a_transaction_that_tells_its_kind_is_taken_at_its_word(answers: Callable[..., list[str]]) -> None:
    """As the service reports it; DynamoDB Local's report is told apart by saying nothing of the kind."""
    report = {"TableName": "t", "CapacityUnits": 6.0, "WriteCapacityUnits": 4.0, "ReadCapacityUnits": 2.0}
    answers({"ConsumedCapacity": [report]})
    with consumed() as meter:
        transport.send("TransactWriteItems", {"TransactItems": []})
    assert (meter.writes, meter.reads) == (4.0, 2.0)


def test_every_attempt_counts_as_a_request(answers: Callable[..., list[str]], pauses: list[float]) -> None:
    answers(wire.Lost("again"), {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.0}})
    with consumed() as meter:
        transport.send("PutItem", {"TableName": "t", "Item": {}})
    assert (meter.requests, meter.writes, meter.reads) == (2, 1.0, 0.0)
    assert meter.tables["t"].writes == 1.0
