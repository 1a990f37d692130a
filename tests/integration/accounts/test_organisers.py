"""Organisers and their members over the routes: who sees and changes what, also at the same moment."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from contracts.accounts import OrganiserRegistered
from services.accounts import domain, repository, use_cases
from services.accounts.app import relay
from services.accounts.schemas import AddMember, RegisterOrganiser
from shared import clock
from shared.auth import Identity, verify_access_token
from shared.data import Check, consumed, fetch, plain
from shared.data import transact as transact_all
from shared.http import Conflict, Forbidden
from shared.ids import new_id
from shared.messaging import Envelope
from shared.messaging import relay as relaying


def add(send: Any, organiser: Any, account: Any, role: str, by: Any = None) -> Any:
    token = (by or organiser.owner).access_token
    body = {"email": account.email, "role": role}
    return send("POST", f"/v1/organisers/{organiser.organiser_id}/members", body, token)


def test_who_registers_an_organiser_owns_it(send: Any, organiser: Any) -> None:
    claims = verify_access_token(organiser.owner.access_token)
    assert claims.roles == {organiser.organiser_id: "owner"}
    me = send("GET", "/v1/people/me", token=organiser.owner.access_token).json
    assert me["memberships"] == [
        {"organiser_id": organiser.organiser_id, "organiser_name": "Hall of Tests", "role": "owner"}
    ]
    shown = send("GET", f"/v1/organisers/{organiser.organiser_id}", token=organiser.owner.access_token)
    assert (shown.status_code, shown.json["name"]) == (200, "Hall of Tests")


def test_a_repeated_registration_with_its_key_is_one(send: Any, join: Any) -> None:
    account = join()
    answers = [
        send("POST", "/v1/organisers", {"name": "Once"}, account.access_token, Idempotency_Key="k") for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert len(send("GET", "/v1/people/me", token=account.access_token).json["memberships"]) == 1


def test_a_try_that_crashed_after_its_write_is_completed_by_the_next(join: Any) -> None:
    """The operation's id is the same for every try under a key, and so is the organiser's."""
    account = join()
    identity = Identity(account.person_id, account.email, "Ann", account.session_id)
    body = RegisterOrganiser(name="Once")
    operation_id = new_id("op")
    now = clock.now()
    first = use_cases.register_organiser(body, identity, operation_id, now)
    again = use_cases.register_organiser(body, identity, operation_id, now)
    assert first.organiser_id == again.organiser_id
    person = repository.person_by_id(account.person_id)
    assert person is not None
    assert len(person.memberships) == 1


def test_an_organiser_is_announced_once(organiser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[Envelope] = []
    monkeypatch.setattr(relaying, "publish_all", lambda topic, envelopes: published.extend(envelopes))
    row = repository.organiser(organiser.organiser_id)
    assert row is not None
    image = (
        boto3.client("dynamodb")
        .get_item(TableName=type(row).table_name(), Key={"pk": {"S": row.pk}, "sk": {"S": row.sk}})
        .get("Item")
    )
    record = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": image}}
    assert relay({"Records": [record]}, None) == {"batchItemFailures": []}
    touched = {**record, "eventName": "MODIFY", "dynamodb": {**record["dynamodb"], "OldImage": image}}  # type: ignore[dict-item]
    assert relay({"Records": [touched]}, None) == {"batchItemFailures": []}
    assert [envelope.type for envelope in published] == [OrganiserRegistered.type_name]
    message = use_cases.registered_message(plain.from_item(image or {}))
    assert (message.organiser_id, message.name, message.version) == (organiser.organiser_id, "Hall of Tests", 1)
    assert message.registered_at == row.created_at


def test_members_are_added_by_address_and_listed(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    scanner, manager = join(), join()
    assert add(send, organiser, scanner, "scanner").status_code == 201
    assert add(send, organiser, manager, "manager").status_code == 201
    path = f"/v1/organisers/{organiser.organiser_id}/members"
    page = send("GET", f"{path}?limit=2", token=organiser.owner.access_token)
    rest = send("GET", f"{path}?limit=2&cursor={page.json['next']}", token=renewed(manager).access_token)
    roles = {one["email"]: one["role"] for one in page.json["items"] + rest.json["items"]}
    assert roles == {organiser.owner.email: "owner", scanner.email: "scanner", manager.email: "manager"}
    assert rest.json["next"] is None
    assert send("GET", path, token=renewed(scanner).access_token).status_code == 403
    assert verify_access_token(sign_in_again(send, scanner)).roles == {organiser.organiser_id: "scanner"}


def sign_in_again(send: Any, account: Any) -> str:
    answer = send("POST", "/v1/sessions", {"email": account.email, "password": "correct horse battery"})
    return str(answer.json["access_token"])


def test_the_same_again_changes_nothing_and_another_role_changes_it(send: Any, organiser: Any, join: Any) -> None:
    account = join()
    first = add(send, organiser, account, "scanner")
    assert add(send, organiser, account, "scanner").json == first.json
    assert add(send, organiser, account, "box_office").json["role"] == "box_office"
    person = repository.person_by_email(account.email)
    assert person is not None
    assert person.roles == {organiser.organiser_id: "box_office"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody@example.org", "role": "scanner"}, "$.email"),
        ({"email": "nobody", "role": "scanner"}, "$.email"),
        ({"email": "nobody@example.org", "role": "director"}, "$.role"),
    ],
)
def test_who_cannot_be_added_is_named(send: Any, organiser: Any, body: dict[str, str], field: str) -> None:
    path = f"/v1/organisers/{organiser.organiser_id}/members"
    answer = send("POST", path, body, organiser.owner.access_token)
    assert (answer.status_code, answer.json["field"]) == (422, field)


def test_managers_give_small_roles_only(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    manager, other = join(), join()
    add(send, organiser, manager, "manager")
    manager = renewed(manager)
    assert add(send, organiser, other, "scanner", by=manager).status_code == 201
    assert add(send, organiser, other, "manager", by=manager).status_code == 403
    assert add(send, organiser, manager, "owner", by=manager).status_code == 403
    assert add(send, organiser, organiser.owner, "scanner", by=manager).status_code == 403


def test_nobody_sees_or_changes_another_organiser(send: Any, organiser: Any, stranger: Any, join: Any) -> None:
    home = f"/v1/organisers/{organiser.organiser_id}"
    token = stranger.owner.access_token
    for answer in (
        send("GET", home, token=token),
        send("GET", f"{home}/members", token=token),
        send("POST", f"{home}/members", {"email": stranger.owner.email, "role": "owner"}, token),
    ):
        assert answer.status_code == 404
        assert "Hall of Tests" not in answer.body
    assert len(repository.members(organiser.organiser_id, 50, None).items) == 1
    mine = send("GET", f"{home}/members?limit=1", token=organiser.owner.access_token)
    assert mine.json["next"] is None


def test_a_cursor_is_of_no_use_for_another_list(send: Any, organiser: Any, stranger: Any, join: Any) -> None:
    add(send, organiser, join(), "scanner")
    path = f"/v1/organisers/{organiser.organiser_id}/members"
    cursor = send("GET", f"{path}?limit=1", token=organiser.owner.access_token).json["next"]
    assert cursor
    other = f"/v1/organisers/{stranger.organiser_id}/members?cursor={cursor}"
    assert send("GET", other, token=stranger.owner.access_token).status_code == 400


def test_a_role_that_was_taken_away_gives_nothing_though_the_token_still_has_it(
    send: Any, organiser: Any, join: Any, renewed: Any
) -> None:
    manager, friend = join(), join()
    add(send, organiser, manager, "manager")
    manager = renewed(manager)
    add(send, organiser, manager, "scanner")
    assert verify_access_token(manager.access_token).roles[organiser.organiser_id] == "manager"
    assert add(send, organiser, friend, "scanner", by=manager).status_code == 403
    assert fetch(repository.MemberRow, f"organiser#{organiser.organiser_id}", f"member#{friend.person_id}") is None


@pytest.mark.parametrize("guarded", [True, False])
def test_two_owners_cannot_depose_each_other_at_once(
    send: Any, organiser: Any, join: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the check of the giver's role in the same transaction (the control), nobody is left to own it."""
    other = join()
    add(send, organiser, other, "owner")
    if not guarded:
        take_guard_away(monkeypatch)
    barrier, looked = threading.Barrier(2), repository.organiser

    def both_have_looked(organiser_id: str) -> Any:
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(5)
        return looked(organiser_id)

    monkeypatch.setattr(repository, "organiser", both_have_looked)

    def depose(pair: tuple[Any, Any]) -> str:
        giver, deposed = pair
        identity = Identity(giver.person_id, giver.email, "Ann", giver.session_id)
        body = AddMember(email=deposed.email, role="scanner")
        try:
            use_cases.add_member(organiser.organiser_id, body, identity, clock.now())
        except (domain.RoleNotYours, Conflict, Forbidden):
            barrier.abort()
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(depose, [(organiser.owner, other), (other, organiser.owner)]))
    roles = [row.role for row in repository.members(organiser.organiser_id, 50, None).items]
    if guarded:
        assert sorted(outcomes) == ["done", "refused"]
        assert sorted(roles) == ["owner", "scanner"]
    else:
        assert (outcomes, roles) == (["done", "done"], ["scanner", "scanner"])


def take_guard_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.accounts.repository import organisers

    def without_checks(*writes: Any, now: Any) -> None:
        transact_all(*(write for write in writes if not isinstance(write, Check)), now=now)

    monkeypatch.setattr(organisers, "transact", without_checks)


def test_nobody_belongs_to_more_organisers_than_a_token_can_name(
    send: Any, organiser: Any, join: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MEMBERSHIPS_MAX", 1)
    assert send("POST", "/v1/organisers", {"name": "Second"}, organiser.owner.access_token).status_code == 422
    other = join()
    assert send("POST", "/v1/organisers", {"name": "First"}, other.access_token).status_code == 201
    refused = add(send, organiser, other, "scanner")
    assert (refused.status_code, refused.json["field"]) == (422, "$.email")


def test_what_organisers_and_members_cost(send: Any, join: Any, renewed: Any) -> None:
    account, friend = join(), join()
    with consumed() as registering:
        answer = send("POST", "/v1/organisers", {"name": "Hall"}, account.access_token)
    owner = renewed(account)
    body = {"email": friend.email, "role": "scanner"}
    with consumed() as adding:
        send("POST", f"/v1/organisers/{answer.json['organiser_id']}/members", body, owner.access_token)
    # Three rows in one transaction, which costs twice; the person is read.
    assert (registering.writes, registering.reads) == (6, 1)
    # The check of the giver's role and two rows, twice; the giver, the address, the person, the member, the organiser.
    assert (adding.writes, adding.reads) == (6, 5)
