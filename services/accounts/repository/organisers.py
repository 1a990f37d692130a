"""Organisers and their members."""

from __future__ import annotations

from datetime import datetime

from pynamodb.attributes import UnicodeAttribute

from contracts.accounts import OrganiserRegistered
from services.accounts.repository.people import MembershipRow, Person
from services.accounts.repository.revocations import revocation_write, tell_revocations
from shared import clock
from shared.auth import RoleLost
from shared.data import (
    AlreadyExists,
    Check,
    Delete,
    Insert,
    Page,
    Replace,
    Row,
    TransactionRefused,
    Update,
    fetch,
    query_page,
    transact,
)


class OrganiserRow(Row):
    """A tenant."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    organiser_id = UnicodeAttribute()
    name = UnicodeAttribute()


class MemberRow(Row):
    """A person's place in an organiser, found by the organiser."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    person_id = UnicodeAttribute()
    email = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()


def add_organiser(organiser_id: str, name: str, owner: Person, now: datetime) -> OrganiserRow:
    """Put an organiser, its first owner and the announcement, in one transaction.

    Raises AlreadyExists with the organiser that has this id.
    """
    row = OrganiserRow(f"organiser#{organiser_id}", "organiser", organiser_id=organiser_id, name=name)
    write = Insert(row, announce=[OrganiserRegistered.type_name])
    member_row, membership_row = _member_rows(organiser_id, name, owner, "owner")
    try:
        transact(write, Insert(member_row), Insert(membership_row), now=now)
    except TransactionRefused as refused:
        reason = refused.blames(write)
        if reason is None or not isinstance(reason.old, OrganiserRow):
            raise
        raise AlreadyExists(reason.old) from refused
    return row


def organiser(organiser_id: str) -> OrganiserRow | None:
    """The organiser with that id."""
    return fetch(OrganiserRow, f"organiser#{organiser_id}", "organiser")


def member(organiser_id: str, person_id: str) -> MemberRow | None:
    """That person's place in the organiser."""
    return fetch(MemberRow, f"organiser#{organiser_id}", f"member#{person_id}")


def members(organiser_id: str, limit: int, cursor: str | None) -> Page[MemberRow]:
    """A page of an organiser's members, those who signed up first in front. Raises BadCursor."""
    return query_page(
        MemberRow, f"organiser#{organiser_id}", sk_prefix="member#", limit=limit, cursor=cursor, consistent=True
    )


def put_member(
    organiser_row: OrganiserRow, person: Person, held: MemberRow | None, role: str, giver: MemberRow, now: datetime
) -> MemberRow:
    """Make a person a member, or give a member (as `held`) another role: both its rows in one transaction.

    Raises TransactionRefused when the giver no longer has the role the decision stood on, or the member changed since.
    """
    organiser_id = organiser_row.organiser_id
    # Nobody changes the own role, so this is never one of the rows that are written.
    still = Check(MemberRow, giver.pk, giver.sk, condition=MemberRow.role == giver.role)
    if held is None:
        member_row, membership_row = _member_rows(organiser_id, organiser_row.name, person, role)
        transact(still, Insert(member_row), Insert(membership_row), now=now)
        return member_row
    membership = Update(
        MembershipRow,
        f"person#{person.person_id}",
        f"membership#{organiser_id}",
        actions=[MembershipRow.role.set(role)],
        condition=MembershipRow.organiser_id.exists(),
    )
    lost = _lost(held, organiser_id, now)
    held.role = role
    transact(still, Replace(held), membership, revocation_write(lost, now), now=now)
    tell_revocations(lost)
    return held


def remove_member(organiser_id: str, held: MemberRow, remover: MemberRow, now: datetime) -> None:
    """Take a member out: both its rows in one transaction, and every token that names the role.

    Raises TransactionRefused when the remover no longer has the role the decision stood on, or the member changed.
    """
    lost = _lost(held, organiser_id, now)
    transact(
        Check(MemberRow, remover.pk, remover.sk, condition=MemberRow.role == remover.role),
        Delete(MemberRow, held.pk, held.sk, condition=MemberRow.version == held.version),
        Delete(MembershipRow, f"person#{held.person_id}", f"membership#{organiser_id}"),
        revocation_write(lost, now),
        now=now,
    )
    tell_revocations(lost)


def _lost(held: MemberRow, organiser_id: str, now: datetime) -> RoleLost:
    return RoleLost(held.person_id, organiser_id, held.role, clock.epoch_milliseconds(now))


def _member_rows(organiser_id: str, organiser_name: str, person: Person, role: str) -> tuple[MemberRow, MembershipRow]:
    member_row = MemberRow(
        f"organiser#{organiser_id}",
        f"member#{person.person_id}",
        person_id=person.person_id,
        email=person.email,
        name=person.name,
        role=role,
    )
    membership_row = MembershipRow(
        f"person#{person.person_id}",
        f"membership#{organiser_id}",
        organiser_id=organiser_id,
        organiser_name=organiser_name,
        role=role,
    )
    return member_row, membership_row
