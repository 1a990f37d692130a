"""Refresh tokens on real parts: rotation, repetition, theft, races, lost answers, and Redis that goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from services.accounts import domain, repository, use_cases
from services.accounts.repository import sessions
from shared import clock
from shared.auth import Identity
from shared.cache import Cache
from shared.data import consumed, fetch, transport, wire

Join = Callable[[], Any]


def person_in(session_id: str) -> Identity:
    """Whoever an access token of that session speaks of."""
    return Identity(person_id="per_x", email="p@example.org", name="P", session_id=session_id)


@pytest.fixture(params=["with Redis", "without Redis", "with a dead Redis"])
def redis(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with Redis there, not there, and configured but dead."""
    if request.param == "without Redis":
        monkeypatch.delenv("REDIS_URL")
    if request.param == "with a dead Redis":
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    return str(request.param)


@pytest.fixture
def lose_answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The first answer of each kind of operation named in the list is lost, though DynamoDB did the work."""
    carry, to_lose = transport.carry, list[str]()

    def lose(operation: str, request: Any, seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if operation in to_lose:
            to_lose.remove(operation)
            raise wire.Lost("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "carry", lose)
    yield to_lose
    assert to_lose == [], "the test never came to the answer it wanted to lose"


def test_every_refresh_gives_the_next_token(redis: str, join: Join) -> None:
    token, seen = join().refresh_token, set[str]()
    for step in range(4):
        now = clock.now() + timedelta(minutes=step)
        answer = use_cases.refresh(token, now)
        assert answer.refresh.text not in {token, *seen}
        seen.add(token)
        token = answer.refresh.text


def test_a_repetition_within_thirty_seconds_gets_the_same_token(redis: str, join: Join) -> None:
    account, now = join(), clock.now()
    first = use_cases.refresh(account.refresh_token, now)
    again = use_cases.refresh(account.refresh_token, now + timedelta(seconds=29))
    assert again.refresh == first.refresh
    assert again.session.session_id == first.session.session_id
    assert use_cases.refresh(again.refresh.text, now + timedelta(seconds=40)).refresh != first.refresh


def test_a_token_used_twice_ends_the_session(redis: str, join: Join) -> None:
    account, now = join(), clock.now()
    thief = use_cases.refresh(account.refresh_token, now)
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(account.refresh_token, now + timedelta(seconds=31))
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(thief.refresh.text, now + timedelta(seconds=32))
    assert not use_cases.access_is_live(person_in(account.session_id), now + timedelta(seconds=33))
    ended = fetch(sessions.SessionRow, f"session#{account.session_id}", "session")
    assert ended is not None
    assert ended.ended_because == "theft"


def test_theft_ends_that_session_and_no_other(join: Join, sign_in: Callable[..., Any]) -> None:
    account, now = join(), clock.now()
    other = sign_in(account.email)
    use_cases.refresh(account.refresh_token, now)
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(account.refresh_token, now + timedelta(minutes=1))
    assert use_cases.refresh(other.refresh_token, now + timedelta(minutes=1))


def test_a_guess_with_a_known_session_id_ends_nothing(join: Join) -> None:
    account = join()
    guess = domain.RefreshToken.first(account.session_id, bytes(48))
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(guess.text, clock.now())
    assert use_cases.refresh(account.refresh_token, clock.now())


def test_many_refreshes_at_once_agree_on_one_token(redis: str, join: Join) -> None:
    """Browser tabs do this. All get the same token, and the session goes on."""
    token, barrier = join().refresh_token, threading.Barrier(6)

    def refresh(_: int) -> str:
        barrier.wait()
        return use_cases.refresh(token, clock.now()).refresh.text

    with ThreadPoolExecutor(6) as threads:
        answers = set(threads.map(refresh, range(6)))
    assert len(answers) == 1
    assert use_cases.refresh(answers.pop(), clock.now())


def test_a_refresh_whose_write_lost_its_answer_is_one_rotation(redis: str, join: Join, lose_answers: list[str]) -> None:
    account = join()
    lose_answers.append("UpdateItem")
    answer = use_cases.refresh(account.refresh_token, clock.now())
    session = repository.session(account.session_id)
    assert session is not None
    assert session.secret_mark == domain.fingerprint(answer.refresh.secret)
    assert use_cases.refresh(answer.refresh.text, clock.now())


def test_losing_redis_signs_nobody_out(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    account = join()
    first = use_cases.refresh(account.refresh_token, clock.now())
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    second = use_cases.refresh(first.refresh.text, clock.now())
    assert use_cases.access_is_live(person_in(account.session_id), clock.now())
    monkeypatch.undo()
    # What Redis kept from before is outdated now, and the table knows better.
    assert use_cases.refresh(second.refresh.text, clock.now())


def test_what_redis_remembers_of_another_time_neither_ends_nor_opens_anything(join: Join) -> None:
    account, now = join(), clock.now()
    before = repository.session(account.session_id)
    assert before is not None
    second = use_cases.refresh(account.refresh_token, now)
    sessions._remember(before)
    third = use_cases.refresh(second.refresh.text, now + timedelta(minutes=1))
    sessions._remember(before)
    # To the copy in Redis, this is still the newest token; the condition of the write says otherwise.
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(account.refresh_token, now + timedelta(minutes=2))
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(third.refresh.text, now + timedelta(minutes=2))


def test_rubbish_in_redis_is_passed_over(join: Join) -> None:
    account = join()
    cache: Cache = sessions._cache()
    cache.put(sessions._key(account.session_id), b"\xc1 rubbish", 60)
    assert use_cases.refresh(account.refresh_token, clock.now())


def test_with_redis_a_refresh_reads_the_session_from_there(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    token = use_cases.refresh(join().refresh_token, clock.now()).refresh.text
    with consumed() as with_redis:
        token = use_cases.refresh(token, clock.now()).refresh.text
    monkeypatch.delenv("REDIS_URL")
    with consumed() as without:
        use_cases.refresh(token, clock.now())
    assert (with_redis.writes, with_redis.reads) == (1, 1)
    assert (without.writes, without.reads) == (1, 2)


def test_a_session_runs_out_by_itself(join: Join) -> None:
    account = join()
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(account.refresh_token, clock.now() + timedelta(days=31))
    assert not use_cases.access_is_live(person_in(account.session_id), clock.now() + timedelta(days=31))


def test_a_session_that_never_was_is_over(join: Join) -> None:
    account = join()
    nowhere = account.refresh_token.replace(account.session_id, "ses_" + "0" * 26)
    with pytest.raises(domain.SessionOver):
        use_cases.refresh(nowhere, clock.now())
    assert not use_cases.access_is_live(person_in("ses_" + "0" * 26), clock.now())


def test_over_the_routes_a_bad_token_is_a_problem_document(send: Any) -> None:
    answer = send("POST", "/v1/sessions/refresh", {"refresh_token": "nonsense"})
    assert answer.status_code == 401
    assert answer.json["type"] == "urn:stagedoor:problem:session-over"
