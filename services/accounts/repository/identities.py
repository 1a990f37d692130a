"""Identities: who somebody is at another issuer, and which person that is here.

An identity lies at its own key, which makes it unique, and with its person, who can see it; both are always written in
one transaction with the person, whose row counts them and says which sessions may still change them.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, NamedTuple

from pynamodb.attributes import UnicodeAttribute
from pynamodb.expressions.condition import Condition

from services.accounts.domain import SessionOver, identities
from services.accounts.repository.people import EmailRow, PersonRow
from services.accounts.repository.revocations import revocation_write, tell_revocations
from shared import clock
from shared.auth import SessionsEnded
from shared.auth.issuers import ForeignIdentity
from shared.data import (
    BareRow,
    Delete,
    Insert,
    MomentAttribute,
    Page,
    TransactionRefused,
    Update,
    fetch,
    query_page,
    transact,
)
from shared.ids import made_at

_COUNT: Final = PersonRow.identity_count
_TOO_MANY: Final = f"{identities.IDENTITIES_MAX} identities open this account; unlink one first"
_LAST_WAY_IN: Final = "this account has no password and no other identity: link another one first"


class IdentityRow(BareRow):
    """One subject of one issuer: unique, because both are its key."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    issuer = UnicodeAttribute()
    subject = UnicodeAttribute()
    person_id = UnicodeAttribute()
    linked_at = MomentAttribute()


class LinkedIdentityRow(IdentityRow):
    """The same, found by the person. Unlinked, it is kept for a day: so that to unlink it again is no error."""

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    unlinked_at = MomentAttribute(null=True)

    @property
    def is_unlinked(self) -> bool:
        """Whether it opens the account no more."""
        unlinked_at: datetime | None = self.unlinked_at
        return unlinked_at is not None


class Added(NamedTuple):
    """Whose the identity is now; None where nothing was added because the address has an account."""

    person_id: str | None


def person_of_identity(foreign: ForeignIdentity) -> str | None:
    """The id of the person that an identity belongs to."""
    row = fetch(IdentityRow, _key(foreign.issuer, foreign.subject), "identity")
    return None if row is None else row.person_id


def add_person_of_identity(person_id: str, email: str, name: str, foreign: ForeignIdentity, now: datetime) -> Added:
    """Put a person without a password, the address and the identity in one transaction.

    Another's identity, or address, stays theirs.
    """
    row = _row(foreign, person_id, now)
    identity, taken = Insert(row), Insert(EmailRow(f"email#{email}", "email", person_id=person_id))
    person = PersonRow(f"person#{person_id}", "person", person_id=person_id, email=email, name=name, identity_count=1)
    try:
        transact(identity, taken, Insert(person), _list(row), now=now)
    except TransactionRefused as refused:
        known, reason = refused.blames(identity), refused.blames(taken)
        if known is not None and isinstance(known.old, IdentityRow):
            return Added(known.old.person_id)
        if reason is None or not isinstance(reason.old, EmailRow):
            raise
        return Added(None)
    return Added(person_id)


def link_identity(person_id: str, session_id: str, foreign: ForeignIdentity, now: datetime) -> IdentityRow:
    """Put an identity of a person's, asked for in a session of the person's; returns it as it is linked.

    Raises IdentityTaken when it is another's, TooManyIdentities, and SessionOver when the session has ended.
    """
    row = _row(foreign, person_id, now)
    identity = Insert(row)
    person = Update(
        PersonRow,
        f"person#{person_id}",
        "person",
        actions=[_COUNT.set((_COUNT | 0) + 1)],
        condition=_may_change(session_id) & (_COUNT.does_not_exist() | (_COUNT < identities.IDENTITIES_MAX)),
    )
    try:
        transact(identity, _list(row), person, now=now)
    except TransactionRefused as refused:
        reason = refused.blames(identity)
        if reason is None or not isinstance(reason.old, IdentityRow):
            raise _why(refused, person, session_id, identities.TooManyIdentities(_TOO_MANY)) from refused
        if reason.old.person_id != person_id:
            raise identities.IdentityTaken("this identity opens another account") from refused
        return reason.old
    return row


def linked_identity(person_id: str, identity_id: str) -> LinkedIdentityRow | None:
    """The identity that is called so among a person's own, also one unlinked less than a day ago."""
    return fetch(LinkedIdentityRow, *_listed_key(person_id, identity_id))


def linked_identities(person_id: str, limit: int, cursor: str | None) -> Page[LinkedIdentityRow]:
    """A page of the identities that open a person's account. Raises BadCursor."""
    return query_page(
        LinkedIdentityRow,
        f"person#{person_id}",
        sk_prefix="identity#",
        where=LinkedIdentityRow.unlinked_at.does_not_exist(),
        limit=limit,
        cursor=cursor,
        consistent=True,
    )


def unlink_identity(person_id: str, session_id: str, row: LinkedIdentityRow, now: datetime) -> None:
    """Take an identity off a person, and end all sessions of the person but the one it is asked for in.

    One transaction: two unlinked at once cannot both be the last but one. What was unlinked before is left as it is.
    Raises LastWayIn, and SessionOver when the session has ended.
    """
    until = now + identities.BEGUN_MEANWHILE
    ended = SessionsEnded(person_id, session_id, clock.epoch_milliseconds(until))
    listed = Update(
        LinkedIdentityRow,
        row.pk,
        row.sk,
        actions=[
            LinkedIdentityRow.unlinked_at.set(clock.to_milliseconds(now)),
            LinkedIdentityRow.expires_at.set(clock.epoch_seconds(now + identities.UNLINKED_KNOWN)),
        ],
        condition=LinkedIdentityRow.issuer.exists() & LinkedIdentityRow.unlinked_at.does_not_exist(),
    )
    person = Update(
        PersonRow,
        f"person#{person_id}",
        "person",
        actions=[
            _COUNT.set(_COUNT - 1),
            PersonRow.sessions_ended_until.set(clock.to_milliseconds(until)),
            PersonRow.session_kept.set(session_id),
        ],
        condition=_may_change(session_id) & _another_way_in(),
    )
    identity = Delete(
        IdentityRow, _key(row.issuer, row.subject), "identity", condition=IdentityRow.person_id == person_id
    )
    try:
        transact(listed, identity, person, revocation_write(ended, now), now=now)
    except TransactionRefused as refused:
        if refused.blames(listed) is not None:
            return
        raise _why(refused, person, session_id, identities.LastWayIn(_LAST_WAY_IN)) from refused
    tell_revocations(ended)


def _another_way_in() -> Condition:
    another: Condition = PersonRow.password_hash.exists() | (_COUNT > 1)
    return another


def _may_change(session_id: str) -> Condition:
    """That a session has not ended with all others: its tokens may be out for some time after."""
    until = PersonRow.sessions_ended_until
    goes_on = until.does_not_exist() | (until < made_at(session_id)) | (PersonRow.session_kept == session_id)
    may: Condition = PersonRow.person_id.exists() & goes_on
    return may


def _why(refused: TransactionRefused, person: Update, session_id: str, otherwise: Exception) -> Exception:
    """What to say of a transaction that was refused: by the person's row for its session, or for what is `otherwise`.

    Raises the refusal itself where it was for something else.
    """
    reason = refused.blames(person)
    if reason is None or reason.code != "ConditionalCheckFailed":
        raise refused
    old = reason.old
    if not isinstance(old, PersonRow):
        return SessionOver("the account is gone")
    until: datetime | None = old.sessions_ended_until
    kept: str | None = old.session_kept
    if until is not None and kept != session_id and made_at(session_id) <= until:
        return SessionOver("it ended with all other sessions of this person; sign in again")
    return otherwise


def _row(foreign: ForeignIdentity, person_id: str, now: datetime) -> IdentityRow:
    return IdentityRow(
        _key(foreign.issuer, foreign.subject),
        "identity",
        issuer=foreign.issuer,
        subject=foreign.subject,
        person_id=person_id,
        linked_at=clock.to_milliseconds(now),
    )


def _list(row: IdentityRow) -> Update:
    """Puts the row with the person, over one that is unlinked; the other, beside it, says that nobody has it."""
    identity_id = identities.identity_id(row.person_id, row.issuer, row.subject)
    return Update(
        LinkedIdentityRow,
        *_listed_key(row.person_id, identity_id),
        actions=[
            LinkedIdentityRow.issuer.set(row.issuer),
            LinkedIdentityRow.subject.set(row.subject),
            LinkedIdentityRow.person_id.set(row.person_id),
            LinkedIdentityRow.linked_at.set(row.linked_at),
            LinkedIdentityRow.unlinked_at.remove(),
            LinkedIdentityRow.expires_at.remove(),
        ],
    )


def _listed_key(person_id: str, identity_id: str) -> tuple[str, str]:
    return f"person#{person_id}", f"identity#{identity_id}"


def _key(issuer: str, subject: str) -> str:
    # Subjects are 255 characters of any kind, and a key of them would say who is who.
    return "identity#" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
