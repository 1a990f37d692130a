"""Members are taken out: by whom, with what effect, and never the last owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from services.accounts import domain, repository, use_cases
from shared import clock
from shared.auth import Identity
from shared.data import Check, consumed
from shared.data import transact as transact_all
from shared.http import Conflict, Forbidden
from tests.integration.accounts.conftest import both_look_first


def add(send: Any, organiser: Any, account: Any, role: str) -> None:
    body = {"email": account.email, "role": role}
    path = f"/v1/organisers/{organiser.organiser_id}/members"
    assert send("POST", path, body, organiser.owner.access_token).status_code == 201


def remove(send: Any, organiser: Any, account: Any, by: Any = None) -> Any:
    path = f"/v1/organisers/{organiser.organiser_id}/members/{account.person_id}"
    return send("DELETE", path, token=(by or organiser.owner).access_token)


def roles_at(organiser: Any) -> list[str]:
    return sorted(row.role for row in repository.members(organiser.organiser_id, 50, None).items)


def test_a_member_is_gone_from_both_lists_and_can_come_back(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    member = join()
    add(send, organiser, member, "box_office")
    member = renewed(member)
    for _ in range(2):
        assert remove(send, organiser, member).status_code == 204
    assert roles_at(organiser) == ["owner"]
    me = send("GET", "/v1/people/me", token=renewed(member).access_token)
    assert me.json["memberships"] == []
    add(send, organiser, member, "scanner")
    assert roles_at(organiser) == ["owner", "scanner"]


def test_managers_take_out_small_roles_only(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    manager, other, scanner = join(), join(), join()
    for account, role in ((manager, "manager"), (other, "manager"), (scanner, "scanner")):
        add(send, organiser, account, role)
    manager = renewed(manager)
    for account in (other, organiser.owner, manager):
        refused = remove(send, organiser, account, by=manager)
        assert (refused.status_code, refused.json["type"]) == (403, "urn:stagedoor:problem:role-not-yours")
    assert remove(send, organiser, scanner, by=manager).status_code == 204
    assert roles_at(organiser) == ["manager", "manager", "owner"]


def test_the_last_owner_stays(send: Any, organiser: Any) -> None:
    assert remove(send, organiser, organiser.owner).status_code == 403
    assert roles_at(organiser) == ["owner"]


def test_nobody_takes_out_another_organisers_members(send: Any, organiser: Any, stranger: Any) -> None:
    assert remove(send, organiser, organiser.owner, by=stranger.owner).status_code == 404
    assert roles_at(organiser) == ["owner"]


@pytest.mark.parametrize("guarded", [True, False])
def test_two_owners_cannot_take_each_other_out_at_once(
    send: Any, organiser: Any, join: Any, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """Without the check of the remover's role in the same transaction (the control), nobody is left to own it."""
    from services.accounts.repository import organisers

    other = join()
    add(send, organiser, other, "owner")
    if not guarded:
        monkeypatch.setattr(
            organisers,
            "transact",
            lambda *writes, now: transact_all(*(one for one in writes if not isinstance(one, Check)), now=now),
        )
    barrier = both_look_first(monkeypatch, "remove_member")

    def depose(pair: tuple[Any, Any]) -> str:
        remover, removed = pair
        identity = Identity(remover.person_id, remover.email, "Ann", remover.session_id)
        try:
            use_cases.remove_member(organiser.organiser_id, removed.person_id, identity, clock.now())
        except (domain.RoleNotYours, Conflict, Forbidden):
            barrier.abort()
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(depose, [(organiser.owner, other), (other, organiser.owner)]))
    if guarded:
        assert (sorted(outcomes), roles_at(organiser)) == (["done", "refused"], ["owner"])
    else:
        assert (outcomes, roles_at(organiser)) == (["done", "done"], [])


def test_what_ending_things_costs(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    member = join()
    add(send, organiser, member, "scanner")
    with consumed() as removing:
        remove(send, organiser, member)
    with consumed() as signing_out:
        send("DELETE", "/v1/sessions/current", token=member.access_token)
    # The check, two removals and the revocation's row, twice; the remover and the member.
    assert (removing.writes, removing.reads) == (8, 2)
    # The session and the revocation's row, twice.
    assert (signing_out.writes, signing_out.reads) == (4, 0)
