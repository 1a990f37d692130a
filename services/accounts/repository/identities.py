"""Identities: who somebody is at another issuer, and which person that is here."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import NamedTuple

from pynamodb.attributes import UnicodeAttribute

from services.accounts.repository.people import EmailRow, PersonRow
from shared.auth.issuers import ForeignIdentity
from shared.data import AlreadyExists, BareRow, Insert, TransactionRefused, fetch, insert, transact


class IdentityRow(BareRow):
    """One subject of one issuer: unique, because both are its key."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    issuer = UnicodeAttribute()
    subject = UnicodeAttribute()
    person_id = UnicodeAttribute()


class Added(NamedTuple):
    """Whose the identity is now; None where nothing was added because the address has an account."""

    person_id: str | None


def person_of_identity(foreign: ForeignIdentity) -> str | None:
    """The id of the person that an identity belongs to."""
    row = fetch(IdentityRow, _key(foreign), "identity")
    return None if row is None else row.person_id


def add_person_of_identity(
    person_id: str, email: str, name: str, password_hash: str, foreign: ForeignIdentity, now: datetime
) -> Added:
    """Put a person, the address and the identity in one transaction; another's identity, or address, stays theirs."""
    identity, taken = Insert(_row(foreign, person_id)), Insert(EmailRow(f"email#{email}", "email", person_id=person_id))
    person = PersonRow(
        f"person#{person_id}", "person", person_id=person_id, email=email, name=name, password_hash=password_hash
    )
    try:
        transact(identity, taken, Insert(person), now=now)
    except TransactionRefused as refused:
        known, reason = refused.blames(identity), refused.blames(taken)
        if known is not None and isinstance(known.old, IdentityRow):
            return Added(known.old.person_id)
        if reason is None or not isinstance(reason.old, EmailRow):
            raise
        return Added(None)
    return Added(person_id)


def link_identity(person_id: str, foreign: ForeignIdentity, now: datetime) -> str:
    """Put an identity of a person's; returns whose it is, which may have been another's before."""
    try:
        insert(_row(foreign, person_id), now=now)
    except AlreadyExists as exists:
        if not isinstance(exists.stored, IdentityRow):
            raise
        return exists.stored.person_id
    return person_id


def _row(foreign: ForeignIdentity, person_id: str) -> IdentityRow:
    return IdentityRow(_key(foreign), "identity", issuer=foreign.issuer, subject=foreign.subject, person_id=person_id)


def _key(foreign: ForeignIdentity) -> str:
    # Subjects are 255 characters of any kind, and a key of them would say who is who.
    return "identity#" + hashlib.sha256(f"{foreign.issuer}\n{foreign.subject}".encode()).hexdigest()
