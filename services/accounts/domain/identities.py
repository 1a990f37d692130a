"""Identities at other issuers: what may come of them here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.accounts.domain import InvalidName, tidy_name
from shared.ids import derived_id, made_at

IDENTITIES_MAX: Final = 20
# Whoever read an identity just before it was unlinked begins a session a moment later: a request's whole time.
BEGUN_MEANWHILE: Final = timedelta(seconds=30)
# A session that was stolen is seldom as young as that, and a thief begins no other.
SIGNED_IN_LATELY: Final = timedelta(minutes=15)
# So long it is known that an identity was unlinked, and unlinking it again is no error.
UNLINKED_KNOWN: Final = timedelta(days=1)


class AccountNotLinked(Exception):
    """The e-mail address has an account here that the identity is not linked to."""


class AddressNotVerified(Exception):
    """A person is made of an address that its issuer has verified, and of no other."""


class IdentityTaken(Exception):
    """The identity opens somebody else's account."""


class TooManyIdentities(Exception):
    """As many identities open the account as may open one."""


class LastWayIn(Exception):
    """Nothing else opens the account: it has no password, and no other identity."""


class SignInNotRecent(Exception):
    """What opens an account is changed by those alone who have just proved that they may open it."""


def check_signed_in_lately(session_id: str, now: datetime) -> None:
    """Raises SignInNotRecent unless the session began in the last quarter of an hour."""
    if now - made_at(session_id) > SIGNED_IN_LATELY:
        raise SignInNotRecent("sign in again, and do it within a quarter of an hour")


def identity_id(person_id: str, issuer: str, subject: str) -> str:
    """What an identity is called among a person's own. Nobody learns by it whether a subject is known to others."""
    return derived_id("idn", person_id, issuer, subject)


def name_of(said: str | None, email: str) -> str:
    """What to call a person: the name the issuer says, if it is one, else what stands before the address's `@`."""
    for name in (said or "", email.partition("@")[0]):
        try:
            return tidy_name(name)
        except InvalidName:
            continue
    return "N. N."
