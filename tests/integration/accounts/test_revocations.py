"""What ends in accounts ends in every process of every service, within a minute of the clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.accounts import repository, use_cases
from services.accounts.repository.sessions import REMEMBERED_SECONDS
from shared import clock
from shared.auth import AUTHORIZER_SECONDS, heard_revocations, revocation_feed
from shared.auth.revocations import LOOK_SECONDS, RevocationFeed
from shared.data import query_all

ROOT = Path(__file__).resolve().parents[3]
LetIn = Callable[[str, datetime], bool]


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[LetIn]:
    """Whether reservations, in a process of its own, lets a token in at a time."""
    import json

    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.accounts.another_process"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(token: str, now: datetime) -> bool:
        stdin.write(json.dumps({"now": clock.iso(now), "token": token}) + "\n")
        stdin.flush()
        answer = stdout.readline().strip()
        while answer.startswith("{"):
            answer = stdout.readline().strip()
        assert answer in ("let in", "refused"), answer
        return answer == "let in"

    yield ask
    stdin.close()
    process.wait(30)
    stdout.close()


def later(at: datetime, seconds: float) -> datetime:
    return at + timedelta(seconds=seconds)


def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write to the feed is lost."""
    monkeypatch.setattr(RevocationFeed, "tell", lambda self, texts: None)


def sign_out(send: Any, account: Any) -> None:
    assert send("DELETE", "/v1/sessions/current", token=account.access_token).status_code == 204


def test_a_sign_out_reaches_another_service_when_it_looks_next(send: Any, join: Any, elsewhere: LetIn) -> None:
    account, bystander = join(), join()
    now = later(clock.now(), LOOK_SECONDS)
    assert elsewhere(account.access_token, now)
    sign_out(send, account)
    assert elsewhere(account.access_token, later(now, LOOK_SECONDS - 0.1))
    assert not elsewhere(account.access_token, later(now, LOOK_SECONDS))
    assert elsewhere(bystander.access_token, later(now, LOOK_SECONDS))


def test_a_revocation_that_the_feed_did_not_hear_of_is_mended_from_the_table(
    send: Any, join: Any, elsewhere: LetIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above, too: it is the feed alone that brings it."""
    account = join()
    untold(monkeypatch)
    now = later(clock.now(), 3 * LOOK_SECONDS)
    sign_out(send, account)
    assert elsewhere(account.access_token, now)
    assert elsewhere(account.access_token, later(now, LOOK_SECONDS))
    monkeypatch.undo()
    use_cases.mend_revocations(clock.now())
    assert not elsewhere(account.access_token, later(now, 2 * LOOK_SECONDS))


def test_a_session_that_ends_for_theft_takes_its_access_token_along(send: Any, join: Any, elsewhere: LetIn) -> None:
    account = join()
    now = clock.now()
    for _ in range(2):
        refreshed = send("POST", "/v1/sessions/refresh", {"refresh_token": account.refresh_token})
    assert refreshed.status_code == 200
    with clock.fixed(later(now, 60)):
        assert send("POST", "/v1/sessions/refresh", {"refresh_token": account.refresh_token}).status_code == 401
    assert not elsewhere(account.access_token, later(now, 8 * LOOK_SECONDS))


def member_with_token(send: Any, organiser: Any, account: Any, renewed: Any, role: str) -> Any:
    body = {"email": account.email, "role": role}
    path = f"/v1/organisers/{organiser.organiser_id}/members"
    assert send("POST", path, body, organiser.owner.access_token).status_code == 201
    return renewed(account)


def test_a_role_that_changed_is_refused_elsewhere_and_the_new_one_is_not(
    send: Any, organiser: Any, join: Any, renewed: Any, elsewhere: LetIn
) -> None:
    """Though both tokens are of one session and may be of one second: the role tells them apart."""
    before = member_with_token(send, organiser, join(), renewed, "manager")
    after = member_with_token(send, organiser, before, renewed, "scanner")
    now = later(clock.now(), 12 * LOOK_SECONDS)
    assert not elsewhere(before.access_token, now)
    assert elsewhere(after.access_token, now)


def test_who_was_removed_is_refused_elsewhere_until_the_token_is_refreshed(
    send: Any, organiser: Any, join: Any, renewed: Any, elsewhere: LetIn
) -> None:
    member = member_with_token(send, organiser, join(), renewed, "box_office")
    path = f"/v1/organisers/{organiser.organiser_id}/members/{member.person_id}"
    assert send("DELETE", path, token=organiser.owner.access_token).status_code == 204
    now = later(clock.now(), 14 * LOOK_SECONDS)
    assert not elsewhere(member.access_token, now)
    assert elsewhere(renewed(member).access_token, now)


def test_who_gets_a_role_back_is_let_in_again(
    send: Any, organiser: Any, join: Any, renewed: Any, elsewhere: LetIn
) -> None:
    member = member_with_token(send, organiser, join(), renewed, "box_office")
    path = f"/v1/organisers/{organiser.organiser_id}/members/{member.person_id}"
    with clock.fixed(later(clock.now(), -120)):
        use_cases.remove_member(organiser.organiser_id, member.person_id, owner_of(organiser), clock.now())
    again = member_with_token(send, organiser, member, renewed, "box_office")
    assert send("DELETE", f"{path}x", token=organiser.owner.access_token).status_code == 204
    assert elsewhere(again.access_token, later(clock.now(), 16 * LOOK_SECONDS))


def owner_of(organiser: Any) -> Any:
    from shared.auth import verify_access_token

    return verify_access_token(organiser.owner.access_token).identity


def test_a_revoked_key_is_refused_elsewhere(send: Any, organiser: Any, elsewhere: LetIn) -> None:
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys"
    body = {"name": "Website", "role": "scanner", "scopes": ["reservations:read"]}
    made = send("POST", path, body, organiser.owner.access_token).json
    token = send("POST", "/v1/access-tokens", {"api_key": made["api_key"]}).json["access_token"]
    now = later(clock.now(), 18 * LOOK_SECONDS)
    assert elsewhere(token, now)
    gone = send("DELETE", f"{path}/{made['api_key_id']}", token=organiser.owner.access_token)
    assert gone.status_code == 204
    assert not elsewhere(token, later(now, LOOK_SECONDS))


def test_the_sum_of_all_delays_is_less_than_a_minute() -> None:
    from tests.test_house import SERVICES

    ages = []
    for service in SERVICES:
        module = __import__(f"services.{service}.app", fromlist=["app"])
        ages += [handler.ttl_seconds for handler in [module.authorize.config]]
    assert ages == [AUTHORIZER_SECONDS] * len(SERVICES)
    assert LOOK_SECONDS + AUTHORIZER_SECONDS <= 55
    assert REMEMBERED_SECONDS + AUTHORIZER_SECONDS <= 60


def test_the_feed_can_be_rebuilt_from_the_table_when_redis_came_back_empty(send: Any, join: Any) -> None:
    accounts = [join() for _ in range(3)]
    for account in accounts:
        sign_out(send, account)
    feed = revocation_feed()
    feed._cache.execute(lambda client: client.delete(feed._cache.full_key("revocations")))
    assert feed.taken_in() is None
    assert not heard_revocations().are_heard(later(clock.now(), 3600))
    now = clock.now()
    assert repository.mend_feed(now) >= 3
    whole, entries = feed.page(10**14)
    assert whole
    assert {account.session_id for account in accounts} <= {text.split('"')[3] for text, _ in entries}
    # Once it is whole, the next mending reads two minutes, not all twelve.
    assert feed.taken_in() == now
    assert heard_revocations().are_heard(later(clock.now(), 7200))


def test_the_rows_of_revocations_are_removed_by_themselves(send: Any, join: Any) -> None:
    account = join()
    now = clock.now()
    with clock.fixed(now):
        sign_out(send, account)
    rows = query_all(repository.RevocationRow, f"revocations#{clock.iso(now)[:16]}", consistent=True)
    [row] = [row for row in rows if account.session_id in row.sk]
    assert now + timedelta(minutes=12) < datetime.fromtimestamp(row.expires_at, now.tzinfo) < now + timedelta(hours=1)
