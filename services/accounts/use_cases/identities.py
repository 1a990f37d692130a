"""Signing in by what another issuer says, and linking that to an account."""

from __future__ import annotations

from datetime import datetime

from services.accounts import domain, repository
from services.accounts.domain import identities
from services.accounts.schemas import ForeignToken
from services.accounts.use_cases import SignedIn, begin_session
from shared.auth import Identity
from shared.auth.issuers import ForeignIdentity, trusted_issuers
from shared.data import Page
from shared.http import NotFound, Unauthorized
from shared.ids import new_id


def sign_in_from_elsewhere(body: ForeignToken, now: datetime) -> SignedIn:
    """Begin a session for the person whose identity an ID token shows; the first time, make the person.

    An address that has an account is never taken over: addresses are not proved here, so that whoever made it need not
    be the one whom the issuer knows by it.
    Raises ForeignTokenRefused, IssuerUnavailable, AccountNotLinked, AddressNotVerified, InvalidEmail.
    """
    foreign = trusted_issuers().verify(body.id_token, nonce=body.nonce, now=now)
    person_id = repository.person_of_identity(foreign) or _first_time(foreign, now)
    person = repository.person_by_id(person_id)
    if person is None:
        raise Unauthorized("The account is gone.")
    return begin_session(person, now)


def link_identity(body: ForeignToken, identity: Identity, now: datetime) -> repository.IdentityRow:
    """Let an identity elsewhere open the account of who asks; the same again changes nothing.

    Raises ForeignTokenRefused, IssuerUnavailable, TooManyIdentities, SessionOver, SignInNotRecent, and IdentityTaken
    when it opens another's.
    """
    identities.check_signed_in_lately(identity.session_id, now)
    foreign = trusted_issuers().verify(body.id_token, nonce=body.nonce, now=now)
    return repository.link_identity(identity.person_id, identity.session_id, foreign, now)


def list_identities(identity: Identity, limit: int, cursor: str | None) -> Page[repository.LinkedIdentityRow]:
    """The identities that open the account of who asks. Raises BadCursor."""
    return repository.linked_identities(identity.person_id, limit, cursor)


def unlink_identity(identity_id: str, identity: Identity, now: datetime) -> None:
    """Take an identity off the account of who asks, and end all other sessions of it; harmless when repeated for a day.

    All, because whoever linked it did so in a session that may still go on, and of which nobody knows which it is.
    Raises NotFound, also for another's, LastWayIn for the last one of somebody without a password, SessionOver,
    SignInNotRecent.
    """
    row = repository.linked_identity(identity.person_id, identity_id)
    if row is None:
        raise NotFound("No such identity opens this account.")
    if not row.is_unlinked:
        identities.check_signed_in_lately(identity.session_id, now)
        repository.unlink_identity(identity.person_id, identity.session_id, row, now)


def _first_time(foreign: ForeignIdentity, now: datetime) -> str:
    if foreign.email is None:
        raise identities.AddressNotVerified("the issuer has not verified an e-mail address of this person")
    email = domain.normalised_email(foreign.email)
    name = identities.name_of(foreign.name, email)
    # Without a password; one is set by whoever proves the address, once that can be done.
    added = repository.add_person_of_identity(new_id("per", now), email, name, foreign, now)
    if added.person_id is None:
        raise identities.AccountNotLinked(
            "there is an account with this e-mail address: sign in to it as before, by its password or another"
            " identity, and link this one by POST /v1/people/me/identities"
        )
    return added.person_id
