"""Who may give something in an organiser's name."""

from __future__ import annotations

from services.accounts import repository
from shared.auth import Identity
from shared.http import Forbidden


def giver_of(organiser_id: str, identity: Identity) -> repository.MemberRow:
    """Who gives, as of now: the access token's roles may be minutes old. Raises Forbidden."""
    giver = repository.member(organiser_id, identity.person_id)
    if giver is None:
        raise Forbidden("You are no member of this organiser any more.")
    return giver
