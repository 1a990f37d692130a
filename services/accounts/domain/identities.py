"""Identities at other issuers: what may come of them here."""

from __future__ import annotations

from services.accounts.domain import InvalidName, tidy_name


class AccountNotLinked(Exception):
    """The e-mail address has an account here that the identity is not linked to."""


class AddressNotVerified(Exception):
    """A person is made of an address that its issuer has verified, and of no other."""


class IdentityTaken(Exception):
    """The identity opens somebody else's account."""


def name_of(said: str | None, email: str) -> str:
    """What to call a person: the name the issuer says, if it is one, else what stands before the address's `@`."""
    for name in (said or "", email.partition("@")[0]):
        try:
            return tidy_name(name)
        except InvalidName:
            continue
    return "N. N."
