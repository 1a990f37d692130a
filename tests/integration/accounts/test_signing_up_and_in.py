"""Signing up, in and out over the routes, and what an outsider can learn from the answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.accounts import domain, repository, use_cases
from services.accounts.repository.people import PersonRow
from services.accounts.schemas import SignUp
from shared import clock
from shared.auth import verify_access_token, verify_password
from shared.data import consumed, fetch, transport, wire

PASSWORD = "correct horse battery"


def test_a_person_signs_up_and_in(send: Any, new_email: Callable[[], str]) -> None:
    email = new_email()
    joined = send("POST", "/v1/people", {"email": f" {email.upper()} ", "password": PASSWORD, "name": " Ann  Lee "})
    assert joined.status_code == 201
    assert joined.json["email"] == email
    assert joined.json["name"] == "Ann Lee"
    session = send("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
    assert session.status_code == 201
    assert session.headers["Cache-Control"] == "no-store"
    claims = verify_access_token(session.json["access_token"])
    assert (claims.sub, claims.email, claims.name, claims.roles) == (joined.json["person_id"], email, "Ann Lee", {})
    assert claims.sid == session.json["session_id"]
    assert claims.exp - claims.iat == 600
    me = send("GET", "/v1/people/me", token=session.json["access_token"])
    assert me.status_code == 200
    assert me.json["memberships"] == []


def test_the_keys_verify_what_is_issued(send: Any, join: Any) -> None:
    keys = send("GET", "/.well-known/jwks.json")
    assert keys.status_code == 200
    assert "max-age" in keys.headers["Cache-Control"]
    assert all("d" not in key for key in keys.json["keys"]), "a private part was published"
    token = join().access_token
    header = token.split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["kid"] == keys.json["keys"][0]["kid"]
    assert verify_access_token(token, jwks=keys.body)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "$.email"),
        ({"password": "short"}, "$.password"),
        ({"name": "\x07"}, "$.name"),
        ({"name": ""}, "$.name"),
        ({"email": 7}, "$.email"),
        ({"admin": True}, "$.admin"),
    ],
)
def test_what_cannot_be_names_its_field(
    send: Any, new_email: Callable[[], str], changes: dict[str, Any], field: str
) -> None:
    email = new_email()
    answer = send("POST", "/v1/people", {"email": email, "password": PASSWORD, "name": "Ann", **changes})
    assert answer.status_code == 422
    assert answer.json["field"] == field
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert repository.person_by_email(email) is None


def test_an_address_belongs_to_one_account(send: Any, new_email: Callable[[], str]) -> None:
    email = new_email()
    first = send("POST", "/v1/people", {"email": email, "password": PASSWORD, "name": "Ann"})
    taken = send("POST", "/v1/people", {"email": email.upper(), "password": "another password", "name": "Eve"})
    assert taken.status_code == 409
    assert taken.json["type"] == "urn:stagedoor:problem:email-taken"
    assert first.json["person_id"] not in taken.body
    again = send("POST", "/v1/people", {"email": email, "password": PASSWORD, "name": "Ann"})
    assert (again.status_code, again.json) == (201, first.json)
    person = repository.person_by_email(email)
    assert person is not None
    assert person.name == "Ann"


def test_a_repeated_sign_up_with_its_key_is_one(send: Any, new_email: Callable[[], str]) -> None:
    body = {"email": new_email(), "password": PASSWORD, "name": "Ann"}
    answers = [send("POST", "/v1/people", body, Idempotency_Key="one") for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotency-Replayed"] == "true"


def test_of_many_at_once_one_gets_the_address(new_email: Callable[[], str]) -> None:
    email = new_email()

    def sign_up(number: int) -> str:
        try:
            body = SignUp(email=email, password=f"my own password {number}", name=f"Ann {number}")
            return use_cases.sign_up(body, None, clock.now()).person_id
        except domain.EmailTaken:
            return "taken"

    with ThreadPoolExecutor(6) as threads:
        got = list(threads.map(sign_up, range(6)))
    assert got.count("taken") == 5
    person = repository.person_by_email(email)
    assert person is not None
    assert person.person_id in got


def test_a_sign_up_whose_answer_was_lost_has_happened_once(
    new_email: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    email, carry, lost = new_email(), transport.carry, list[str]()

    def lose_the_first(operation: str, request: Any, seconds: float) -> Any:
        answer = carry(operation, request, seconds)
        if operation == "TransactWriteItems" and not lost:
            lost.append(operation)
            raise wire.Lost("the answer was lost")
        return answer

    monkeypatch.setattr(transport, "carry", lose_the_first)
    person = use_cases.sign_up(SignUp(email=email, password=PASSWORD, name="Ann"), None, clock.now())
    assert lost == ["TransactWriteItems"]
    assert fetch(PersonRow, f"person#{person.person_id}", "person") is not None
    found = repository.person_by_email(email)
    assert found is not None
    assert found.person_id == person.person_id


def test_a_refused_sign_in_does_not_tell_who_has_an_account(send: Any, join: Any, new_email: Any) -> None:
    known = send("POST", "/v1/sessions", {"email": join().email, "password": "not the password"})
    unknown = send("POST", "/v1/sessions", {"email": new_email(), "password": "not the password"})
    no_address = send("POST", "/v1/sessions", {"email": "nobody", "password": "not the password"})
    too_long = send("POST", "/v1/sessions", {"email": join().email, "password": "x" * 300})
    answers = [{**answer.json, "trace_id": ""} for answer in (known, unknown, no_address, too_long)]
    assert [answer["status"] for answer in answers] == [401] * 4
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert "field" not in answers[0]


def test_a_refused_sign_in_takes_the_same_work_for_everybody(
    send: Any, join: Any, new_email: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted rather than timed: one hash is verified whether there is an account or not."""
    account, verified = join(), []

    def counted(stored: str | None, password: str) -> bool:
        verified.append(stored is not None)
        return verify_password(stored, password)

    monkeypatch.setattr(use_cases, "verify_password", counted)
    send("POST", "/v1/sessions", {"email": account.email, "password": "not the password"})
    send("POST", "/v1/sessions", {"email": new_email(), "password": "not the password"})
    assert verified == [True, False]


def test_passwords_and_tokens_are_nowhere_in_the_table(join: Any) -> None:
    account = join()
    row = fetch(PersonRow, f"person#{account.person_id}", "person")
    session = repository.session(account.session_id)
    assert row is not None
    assert session is not None
    kept = repr(row.serialize()) + repr(session)
    assert PASSWORD not in kept
    assert row.password_hash.startswith("$argon2id$")
    token = domain.RefreshToken.read(account.refresh_token)
    assert repr(token.secret) not in kept
    assert account.refresh_token.rsplit(".", 1)[1] not in kept


def test_an_old_hash_is_renewed_at_the_next_sign_in(join: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    account = join()
    before = fetch(PersonRow, f"person#{account.person_id}", "person")
    monkeypatch.setattr(use_cases, "needs_rehash", lambda stored: before is not None and stored == before.password_hash)
    sign_in(account.email)
    after = fetch(PersonRow, f"person#{account.person_id}", "person")
    assert before is not None
    assert after is not None
    assert after.password_hash != before.password_hash
    assert sign_in(account.email).person_id == account.person_id


def test_what_signing_up_and_in_costs(send: Any, new_email: Any) -> None:
    email = new_email()
    with consumed() as joining:
        send("POST", "/v1/people", {"email": email, "password": PASSWORD, "name": "Ann"})
    with consumed() as signing:
        send("POST", "/v1/sessions", {"email": email, "password": PASSWORD})
    assert (joining.writes, joining.reads) == (4, 0)
    assert (signing.writes, signing.reads) == (1, 2)


def test_signing_out_ends_the_access_token_here_and_the_session_for_good(send: Any, join: Any) -> None:
    account = join()
    assert send("GET", "/v1/people/me", token=account.access_token).status_code == 200
    gone = send("DELETE", "/v1/sessions/current", token=account.access_token)
    assert (gone.status_code, gone.body) == (204, "")
    assert send("GET", "/v1/people/me", token=account.access_token).status_code == 401
    assert send("POST", "/v1/sessions/refresh", {"refresh_token": account.refresh_token}).status_code == 401
    again = send("DELETE", "/v1/sessions/current", token=account.access_token)
    assert (again.status_code, again.body) == (204, "")
    assert send("GET", "/v1/people/me", token=account.access_token).status_code == 401


def test_signing_out_leaves_the_other_sessions_alone(send: Any, join: Any, sign_in: Any) -> None:
    first = join()
    second = sign_in(first.email)
    send("DELETE", "/v1/sessions/current", token=first.access_token)
    assert send("GET", "/v1/people/me", token=second.access_token).status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_without_a_token_of_ours_nobody_is_somebody(send: Any, token: str) -> None:
    assert send("GET", "/v1/people/me", token=token).status_code == 401
