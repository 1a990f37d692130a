"""People: who can sign in, whose address it is, and which organisers they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from pynamodb.attributes import UnicodeAttribute

from shared.data import (
    BareRow,
    ConditionRefused,
    Insert,
    IntegerAttribute,
    MomentAttribute,
    Row,
    TransactionRefused,
    fetch,
    query_all,
    transact,
    update,
)
from shared.ids import made_at


class PersonRow(Row):
    """A person who can sign in. Without a password it is by an identity at another issuer alone, so that one must stay.

    All sessions that began until `sessions_ended_until` are over, but for `session_kept`.
    """

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    person_id = UnicodeAttribute()
    email = UnicodeAttribute()
    name = UnicodeAttribute()
    password_hash = UnicodeAttribute(null=True)
    identity_count = IntegerAttribute(null=True)
    sessions_ended_until = MomentAttribute(null=True)
    session_kept = UnicodeAttribute(null=True)


class EmailRow(BareRow):
    """Whose address it is."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    person_id = UnicodeAttribute()


class MembershipRow(Row):
    """The same, found by the person."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    organiser_id = UnicodeAttribute()
    organiser_name = UnicodeAttribute()
    role = UnicodeAttribute()


class _PersonOrMembershipRow(PersonRow, MembershipRow):
    """Either kind of row in a person's partition, told apart by the sort key."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    person_id = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    organiser_id = UnicodeAttribute(null=True)
    organiser_name = UnicodeAttribute(null=True)
    role = UnicodeAttribute(null=True)


class Membership(NamedTuple):
    """An organiser a person belongs to."""

    organiser_id: str
    organiser_name: str
    role: str


class Person(NamedTuple):
    """A person with all memberships."""

    person_id: str
    email: str
    name: str
    password_hash: str | None
    memberships: tuple[Membership, ...]
    signed_up_at: datetime
    sessions_ended_until: datetime | None = None
    session_kept: str | None = None

    @property
    def roles(self) -> dict[str, str]:
        """Role by organiser, as access tokens carry it."""
        return {membership.organiser_id: membership.role for membership in self.memberships}

    def has_ended(self, session_id: str) -> bool:
        """Whether that session of the person's ended with all others."""
        until = self.sessions_ended_until
        return until is not None and session_id != self.session_kept and made_at(session_id) <= until


def add_person(person_id: str, email: str, name: str, password_hash: str, now: datetime) -> str | None:
    """Put a person and the address in one transaction. Returns None, or whose address it was before."""
    taken = Insert(EmailRow(f"email#{email}", "email", person_id=person_id))
    person = PersonRow(
        f"person#{person_id}", "person", person_id=person_id, email=email, name=name, password_hash=password_hash
    )
    try:
        transact(taken, Insert(person), now=now)
    except TransactionRefused as refused:
        reason = refused.blames(taken)
        if reason is None or not isinstance(reason.old, EmailRow):
            raise
        return reason.old.person_id
    return None


def person_by_email(email: str) -> Person | None:
    """The person with that address: one read for the address, one query for the person."""
    row = fetch(EmailRow, f"email#{email}", "email")
    return None if row is None else person_by_id(row.person_id)


def person_by_id(person_id: str) -> Person | None:
    """The person and all memberships, in one query."""
    person: _PersonOrMembershipRow | None = None
    memberships: list[Membership] = []
    # Identities lie before the memberships, and no sign-in is to pay for reading them.
    between = ("membership#", "person")
    for row in query_all(_PersonOrMembershipRow, f"person#{person_id}", sk_between=between, consistent=True):
        if row.sk == "person":
            person = row
        elif row.sk.startswith("membership#"):
            memberships.append(Membership(row.organiser_id, row.organiser_name, row.role))
    if person is None or person.created_at is None:
        return None
    return Person(
        person.person_id,
        person.email,
        person.name,
        person.password_hash,
        tuple(memberships),
        person.created_at,
        person.sessions_ended_until,
        person.session_kept,
    )


def renew_password_hash(person: Person, password_hash: str, now: datetime) -> None:
    """Keep a hash made with today's parameters in place of the one that was read; another change wins over it."""
    try:
        update(
            PersonRow,
            f"person#{person.person_id}",
            "person",
            actions=[PersonRow.password_hash.set(password_hash)],
            condition=PersonRow.password_hash == person.password_hash,
            now=now,
        )
    except ConditionRefused:
        return
