"""Identities are seen and unlinked: by whom, with what effect, and never the last way in."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.accounts import domain, repository, use_cases
from services.accounts.domain import identities as rules
from services.accounts.repository import identities as stored
from services.accounts.repository.people import PersonRow
from services.accounts.schemas import ForeignToken
from services.accounts.use_cases import identities as asking
from shared import clock
from shared.auth import Identity, revocation_feed, verify_access_token
from shared.auth.revocations import RevocationFeed, Revocations
from shared.data import Update, consumed
from shared.data import transact as transact_all
from shared.ids import is_id
from tests.integration.accounts.conftest import both_look_first
from tests.integration.accounts.test_other_issuers import exchange
from tests.saga.issuer import LocalIssuer

PATH = "/v1/people/me/identities"


def link(send: Any, issuer: LocalIssuer, access_token: str, **claims: Any) -> Any:
    return send("POST", PATH, {"id_token": issuer.token(**claims)}, access_token)


def linked(send: Any, issuer: LocalIssuer, access_token: str, **claims: Any) -> str:
    answer = link(send, issuer, access_token, **claims)
    assert answer.status_code == 201, answer.body
    return str(answer.json["identity_id"])


def unlink(send: Any, access_token: str, identity_id: str) -> Any:
    return send("DELETE", f"{PATH}/{identity_id}", token=access_token)


def listed(send: Any, access_token: str) -> list[Any]:
    answer = send("GET", PATH, token=access_token)
    assert answer.status_code == 200, answer.body
    return list(answer.json["items"])


def asker(access_token: str) -> Identity:
    return verify_access_token(access_token).identity


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["type"].rpartition(":")[2]


def without_the_persons_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of the person any more: neither of the count, nor of the session."""

    def careless(write: Any) -> Any:
        is_person = isinstance(write, Update) and write.model_cls is PersonRow
        return replace(write, condition=None) if is_person else write

    monkeypatch.setattr(stored, "transact", lambda *writes, now: transact_all(*map(careless, writes), now=now))


def test_what_is_linked_is_listed_and_what_is_unlinked_opens_nothing(send: Any, issuer: LocalIssuer, join: Any) -> None:
    account = join()
    assert listed(send, account.access_token) == []
    token = issuer.token(sub="mine", email=account.email)
    made = send("POST", PATH, {"id_token": token}, account.access_token).json
    assert is_id("idn", made["identity_id"])
    assert listed(send, account.access_token) == [made]
    assert exchange(send, token).status_code == 201
    assert unlink(send, account.access_token, made["identity_id"]).status_code == 204
    assert listed(send, account.access_token) == []
    assert problem(exchange(send, token)) == (409, "account-not-linked")


def test_linking_again_after_unlinking_works_for_the_same_account_and_for_another(
    send: Any, issuer: LocalIssuer, join: Any
) -> None:
    first, second = join(), join()
    token = issuer.token()
    made = [send("POST", PATH, {"id_token": token}, first.access_token).json["identity_id"]]
    unlink(send, first.access_token, made[0])
    made.append(send("POST", PATH, {"id_token": token}, first.access_token).json["identity_id"])
    assert made[0] == made[1]
    assert [one["identity_id"] for one in listed(send, first.access_token)] == made[:1]
    assert exchange(send, token).json["person_id"] == first.person_id
    unlink(send, first.access_token, made[1])
    theirs = send("POST", PATH, {"id_token": token}, second.access_token)
    assert theirs.status_code == 201
    assert theirs.json["identity_id"] != made[0]
    # What was theirs to unlink is so still, and another's now.
    assert unlink(send, first.access_token, made[0]).status_code == 204
    assert exchange(send, token).json["person_id"] == second.person_id


def test_a_long_list_comes_in_pages(send: Any, issuer: LocalIssuer, join: Any) -> None:
    account = join()
    made = {linked(send, issuer, account.access_token) for _ in range(4)}
    gone = made.pop()
    unlink(send, account.access_token, gone)
    seen, path = [], f"{PATH}?limit=2"
    while path:
        page = send("GET", path, token=account.access_token).json
        seen += [one["identity_id"] for one in page["items"]]
        path = f"{PATH}?limit=2&cursor={page['next']}" if page["next"] else ""
    assert sorted(seen) == sorted(made)


def test_unlinking_again_is_harmless(send: Any, issuer: LocalIssuer, join: Any) -> None:
    account = join()
    identity_id, other = (linked(send, issuer, account.access_token) for _ in range(2))
    for _ in range(3):
        assert unlink(send, account.access_token, identity_id).status_code == 204
    assert [one["identity_id"] for one in listed(send, account.access_token)] == [other]


def test_the_same_unlinked_by_several_at_once_is_counted_once(send: Any, issuer: LocalIssuer) -> None:
    token = exchange(send, issuer.token()).json["access_token"]
    identity_id = linked(send, issuer, token)
    row = repository.linked_identity(asker(token).person_id, identity_id)
    assert row is not None
    barrier = threading.Barrier(4)

    def take_off(_: int) -> None:
        barrier.wait(10)
        repository.unlink_identity(asker(token).person_id, asker(token).session_id, row, clock.now())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(take_off, range(4)))
    # The first one is the last way in now; one count too few, and it would not be.
    [last] = listed(send, token)
    assert problem(unlink(send, token, last["identity_id"])) == (409, "last-way-in")
    assert linked(send, issuer, token)
    assert unlink(send, token, last["identity_id"]).status_code == 204


def test_anothers_identity_is_as_unknown_as_one_that_never_was(send: Any, issuer: LocalIssuer, join: Any) -> None:
    account, other = join(), join()
    token = issuer.token()
    theirs = send("POST", PATH, {"id_token": token}, other.access_token).json["identity_id"]
    never = rules.identity_id(account.person_id, issuer.issuer, "nobody")
    refusals = [unlink(send, account.access_token, one).json for one in (theirs, never, "idn_x")]
    assert {(one["status"], one["type"], one["detail"]) for one in refusals} == {
        (404, refusals[0]["type"], "No such identity opens this account.")
    }
    assert exchange(send, token).json["person_id"] == other.person_id
    assert len(listed(send, other.access_token)) == 1


def test_the_last_way_into_an_account_without_a_password_stays(send: Any, issuer: LocalIssuer) -> None:
    token = exchange(send, issuer.token(sub="first")).json["access_token"]
    [first] = listed(send, token)
    assert (first["issuer"], first["subject"]) == (issuer.issuer, "first")
    assert problem(unlink(send, token, first["identity_id"])) == (409, "last-way-in")
    assert listed(send, token) == [first]
    second = linked(send, issuer, token)
    assert unlink(send, token, first["identity_id"]).status_code == 204
    assert problem(unlink(send, token, second)) == (409, "last-way-in")


@pytest.mark.parametrize("guarded", [True, False])
def test_two_unlinked_at_once_are_never_both_the_last_but_one(
    send: Any, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the condition of the person in the same transaction (the control), nothing opens the account any more."""
    token = exchange(send, issuer.token()).json["access_token"]
    linked(send, issuer, token)
    if not guarded:
        without_the_persons_condition(monkeypatch)
    both_look_first(monkeypatch, "unlink_identity")

    def take_off(identity_id: str) -> str:
        try:
            asking.unlink_identity(identity_id, asker(token), clock.now())
        except rules.LastWayIn:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(take_off, [one["identity_id"] for one in listed(send, token)]))
    left = len(listed(send, token))
    assert (outcomes, left) == ((["done", "refused"], 1) if guarded else (["done", "done"], 0))


@pytest.mark.parametrize("guarded", [True, False])
def test_more_identities_than_twenty_open_no_account(
    send: Any, issuer: LocalIssuer, join: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Also when two are linked at once. Without the condition (the control) both are."""
    account = join()
    one, *_ = [linked(send, issuer, account.access_token, sub=f"s{number}") for number in range(19)]
    if not guarded:
        without_the_persons_condition(monkeypatch)
    barrier, bodies = threading.Barrier(2), [ForeignToken(id_token=issuer.token()) for _ in range(2)]

    def put(body: ForeignToken) -> str:
        barrier.wait(10)
        try:
            asking.link_identity(body, asker(account.access_token), clock.now())
        except rules.TooManyIdentities:
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(put, bodies))
    assert outcomes == (["done", "refused"] if guarded else ["done", "done"])
    if guarded:
        assert problem(link(send, issuer, account.access_token)) == (409, "too-many-identities")
        assert link(send, issuer, account.access_token, sub="s0").json["identity_id"] == one
        assert unlink(send, account.access_token, one).status_code == 204
        linked(send, issuer, account.access_token)


@pytest.mark.parametrize("guarded", [True, False])
def test_who_signed_in_long_ago_changes_nothing(
    send: Any,
    issuer: LocalIssuer,
    join: Any,
    sign_in: Any,
    renewed: Any,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """However new the access token is. Without the guard (the control) a session of any age will do."""
    account = join()
    first, second = (linked(send, issuer, account.access_token) for _ in range(2))
    if not guarded:
        monkeypatch.setattr(rules, "check_signed_in_lately", lambda session_id, now: None)
    with clock.fixed(clock.now() + rules.SIGNED_IN_LATELY + timedelta(seconds=1)):
        account = renewed(account)
        answers = [link(send, issuer, account.access_token), unlink(send, account.access_token, first)]
        if not guarded:
            assert [one.status_code for one in answers] == [201, 204]
            return
        assert [problem(one) for one in answers] == [(403, "sign-in-not-recent")] * 2
        assert {one["identity_id"] for one in listed(send, account.access_token)} == {first, second}
        anew = sign_in(account.email)
        linked(send, issuer, anew.access_token)
        assert unlink(send, anew.access_token, first).status_code == 204


class TestSessions:
    """Unlinking ends every session of the person but the one it is asked for in."""

    def test_all_others_end_and_those_of_other_people_go_on(
        self, send: Any, issuer: LocalIssuer, join: Any, sign_in: Callable[..., Any]
    ) -> None:
        mine, bystander = join(), join()
        other = sign_in(mine.email)
        identity_id = linked(send, issuer, mine.access_token, sub="thief")
        theirs = exchange(send, issuer.token(sub="thief")).json
        heard = Revocations(revocation_feed())
        tokens = (other.access_token, theirs["access_token"], mine.access_token, bystander.access_token)
        claims = [verify_access_token(token) for token in tokens]
        assert not any(heard.refuse(one, clock.now()) for one in claims)
        assert unlink(send, mine.access_token, identity_id).status_code == 204
        heard = Revocations(revocation_feed())
        assert [heard.refuse(one, clock.now()) for one in claims] == [True, True, False, False]
        for over in (other.refresh_token, theirs["refresh_token"]):
            answer = send("POST", "/v1/sessions/refresh", {"refresh_token": over})
            assert problem(answer) == (401, "session-over")
        for goes_on in (mine, bystander):
            answer = send("POST", "/v1/sessions/refresh", {"refresh_token": goes_on.refresh_token})
            assert answer.status_code == 200

    def test_a_feed_that_did_not_hear_of_it_is_mended(
        self, send: Any, issuer: LocalIssuer, join: Any, sign_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = join()
        other = verify_access_token(sign_in(mine.email).access_token)
        identity_id = linked(send, issuer, mine.access_token)
        monkeypatch.setattr(RevocationFeed, "tell", lambda self, texts: None)
        unlink(send, mine.access_token, identity_id)
        assert not Revocations(revocation_feed()).refuse(other, clock.now())
        monkeypatch.undo()
        use_cases.mend_revocations(clock.now())
        assert Revocations(revocation_feed()).refuse(other, clock.now())

    @pytest.mark.parametrize("guarded", [True, False])
    def test_a_session_that_ended_so_links_and_unlinks_nothing_though_its_token_is_still_out(
        self,
        send: Any,
        issuer: LocalIssuer,
        join: Any,
        sign_in: Callable[..., Any],
        monkeypatch: pytest.MonkeyPatch,
        guarded: bool,
    ) -> None:
        """Without the condition (the control), the thief links the next one before anybody hears of the end."""
        mine = join()
        thief = asker(sign_in(mine.email).access_token)
        identity_id, kept = (linked(send, issuer, mine.access_token) for _ in range(2))
        unlink(send, mine.access_token, identity_id)
        if not guarded:
            without_the_persons_condition(monkeypatch)
        refusal = pytest.raises(domain.SessionOver) if guarded else contextlib.nullcontext()
        with refusal:
            asking.link_identity(ForeignToken(id_token=issuer.token()), thief, clock.now())
        with refusal:
            asking.unlink_identity(kept, thief, clock.now())
        assert guarded == ([one["identity_id"] for one in listed(send, mine.access_token)] == [kept])

    @pytest.mark.parametrize("guarded", [True, False])
    def test_a_sign_in_under_way_meanwhile_is_over_too(
        self, send: Any, issuer: LocalIssuer, join: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
    ) -> None:
        """It had read whose the identity is before that ended. Without the margin (the control) its session goes on."""
        mine = join()
        identity_id = linked(send, issuer, mine.access_token)
        person = repository.person_by_id(mine.person_id)
        assert person is not None
        if not guarded:
            monkeypatch.setattr(rules, "BEGUN_MEANWHILE", timedelta(0))
        now = clock.now()
        asking.unlink_identity(identity_id, asker(mine.access_token), now)
        late = use_cases.begin_session(person, now + timedelta(seconds=29))
        body = {"refresh_token": late.refresh.text}
        later = use_cases.begin_session(person, now + timedelta(seconds=31))
        with clock.fixed(now + timedelta(seconds=32)):
            assert send("POST", "/v1/sessions/refresh", body).status_code == (401 if guarded else 200)
            assert send("POST", "/v1/sessions/refresh", {"refresh_token": later.refresh.text}).status_code == 200


def test_what_identities_cost(send: Any, issuer: LocalIssuer, join: Any, sign_in: Callable[..., Any]) -> None:
    account = join()
    with consumed() as linking:
        identity_id = linked(send, issuer, account.access_token)
    for number in range(12):
        linked(send, issuer, account.access_token, sub=f"{'x' * 200}{number}")
    with consumed() as listing:
        listed(send, account.access_token)
    with consumed() as unlinking:
        unlink(send, account.access_token, identity_id)
    with consumed() as signing_in:
        sign_in(account.email)
    # The identity, the row that lists it and the person, twice.
    assert (linking.writes, linking.reads) == (6, 0)
    # The same and the revocation's row, twice; the row that lists it.
    assert (unlinking.writes, unlinking.reads) == (8, 1)
    # Between 4 and 8 KB.
    assert (listing.writes, listing.reads) == (0, 2)
    # The address, and the person without those KB.
    assert (signing_in.writes, signing_in.reads) == (1, 2)
