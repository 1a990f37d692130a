"""API keys: what an organiser's members and its programs ask of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from services.accounts import domain, repository
from services.accounts.domain.api_keys import (
    API_KEYS_MAX,
    ApiKey,
    ApiKeyRefused,
    KeyReused,
    SecretChanged,
    TooManyApiKeys,
    check_scopes,
)
from services.accounts.domain.plans import PlanName, QuotaExhausted, month_of, plan_in, seconds_left
from services.accounts.schemas import AddApiKey, ChangeApiKey
from services.accounts.use_cases.membership import giver_of
from services.accounts.use_cases.usage import is_exhausted
from shared import clock
from shared.auth import AccessToken, Identity, issue_access_token, signing_secrets
from shared.data import AlreadyExists, Page, StaleVersion, TransactionRefused
from shared.http import Conflict, Forbidden, NotFound, PreconditionFailed
from shared.ids import derived_id, new_id

_TRIES_MAX: Final = 4


def add_api_key(
    organiser_id: str, body: AddApiKey, identity: Identity, idempotency_key: str | None, now: datetime
) -> tuple[repository.ApiKeyRow, ApiKey]:
    """Make a key. The same `idempotency_key` again finds it made, and shows it again.

    Raises InvalidName, UnknownScope, RoleNotYours, TooManyApiKeys, KeyReused, SecretChanged, Forbidden.
    """
    giver = giver_of(organiser_id, identity)
    domain.check_role_given(domain.role(giver.role), body.role, None, to_oneself=False)
    name, scopes = domain.tidy_name(body.name), " ".join(check_scopes(body.scopes))
    made_before = repository.api_keys(organiser_id, API_KEYS_MAX, None).items
    if idempotency_key is None:
        api_key_id = new_id("key", now)
    else:
        # The time in it is the organiser's then; what it must be is the same for every try.
        api_key_id = derived_id("key", organiser_id, identity.person_id, idempotency_key)
    if len(made_before) == API_KEYS_MAX and api_key_id not in {row.api_key_id for row in made_before}:
        raise TooManyApiKeys(f"an organiser has {API_KEYS_MAX} API keys at most, revoked ones included")
    row = repository.new_api_key(organiser_id, api_key_id)
    row.name, row.role, row.scopes, row.generation = name, body.role, scopes, 1
    key = _api_key(row)
    row.secret_mark = key.mark
    try:
        repository.add_api_key(row, giver, now)
    except AlreadyExists as exists:
        there = exists.stored
        if not isinstance(there, repository.ApiKeyRow):
            raise
        # A key that was changed meanwhile does not tell any more what the first try asked for.
        if not there.was_changed and (there.name, there.role, there.scopes) != (name, body.role, scopes):
            raise KeyReused("the Idempotency-Key came before with another key's name, role or scopes") from exists
        return there, _shown_again(there, 1)
    except TransactionRefused as refused:
        raise Forbidden("Your role at this organiser has just been changed.") from refused
    return row, key


def list_api_keys(organiser_id: str, limit: int, cursor: str | None) -> Page[repository.ApiKeyRow]:
    """The organiser's keys. Raises BadCursor."""
    return repository.api_keys(organiser_id, limit, cursor)


def change_api_key(
    organiser_id: str, api_key_id: str, body: ChangeApiKey, expected: int | None, identity: Identity, now: datetime
) -> repository.ApiKeyRow:
    """Change a key's name and scopes, of the version that was `expected` (None: of any).

    What is as it should be already is answered as it is, so that a change whose answer was lost can be sent again.
    Tokens that are out keep the scopes they have until they end.
    Raises NotFound, InvalidName, UnknownScope, RoleNotYours, PreconditionFailed, Forbidden.
    """
    giver, row = giver_of(organiser_id, identity), _known_api_key(organiser_id, api_key_id)
    domain.check_role_given(domain.role(giver.role), domain.role(row.role), None, to_oneself=False)
    name = row.name if body.name is msgspec.UNSET else domain.tidy_name(body.name)
    scopes = row.scopes if body.scopes is msgspec.UNSET else " ".join(check_scopes(body.scopes))
    if (name, scopes) == (row.name, row.scopes):
        return row
    if expected not in (None, row.version):
        raise PreconditionFailed("The key has been changed since.")
    row.name, row.scopes = name, scopes
    row.changed_at = clock.to_milliseconds(now)
    try:
        repository.save_api_key(row, giver, now)
    except StaleVersion as stale:
        raise PreconditionFailed("The key has been changed since.") from stale
    except TransactionRefused as refused:
        raise Forbidden("Your role at this organiser has just been changed.") from refused
    return row


def rotate_api_key(
    organiser_id: str, api_key_id: str, overlap_seconds: int, identity: Identity, idempotency_key: str, now: datetime
) -> tuple[repository.ApiKeyRow, ApiKey]:
    """Give a key another secret; the one before is good for `overlap_seconds` more.

    The same `idempotency_key` again shows the same secret again.
    Raises NotFound, RoleNotYours, SecretChanged, Forbidden, Conflict.
    """
    asked = domain.fingerprint(f"{identity.person_id} {idempotency_key}".encode())
    for _ in range(_TRIES_MAX):
        giver, row = giver_of(organiser_id, identity), _known_api_key(organiser_id, api_key_id)
        domain.check_role_given(domain.role(giver.role), domain.role(row.role), None, to_oneself=False)
        if row.asked == asked:
            return row, _shown_again(row, int(row.generation))
        row.asked, row.previous_mark = asked, row.secret_mark
        row.previous_until = clock.to_milliseconds(now + timedelta(seconds=overlap_seconds))
        row.generation = int(row.generation) + 1
        key = _api_key(row)
        row.secret_mark = key.mark
        try:
            repository.save_api_key(row, giver, now)
        except (StaleVersion, TransactionRefused):
            continue
        return row, key
    raise Conflict("The key is being changed by others at this moment.")


def revoke_api_key(organiser_id: str, api_key_id: str, identity: Identity, now: datetime) -> None:
    """End a key for good; harmless when repeated. Raises RoleNotYours, Forbidden."""
    row = repository.api_key(organiser_id, api_key_id)
    if row is not None:
        giver = giver_of(organiser_id, identity)
        domain.check_role_given(domain.role(giver.role), domain.role(row.role), None, to_oneself=False)
        repository.revoke_api_key(organiser_id, api_key_id, now)


def exchange_api_key(text: str, now: datetime) -> tuple[repository.ApiKeyRow, PlanName, AccessToken]:
    """Give an access token with the key's role and scopes, and its organiser's plan.

    Raises ApiKeyRefused, which never says why, and QuotaExhausted until the month ends or the plan grows.
    """
    key = ApiKey.read(text)
    row = repository.api_key(key.organiser_id, key.api_key_id)
    if row is None or not row.accepts(key.mark, now):
        raise ApiKeyRefused("the API key is unknown, outdated or revoked")
    plan = plan_in(repository.plan(row.organiser_id).changes, month_of(now))
    if is_exhausted(row.organiser_id, plan, now):
        raise QuotaExhausted(seconds_left(now))
    identity = Identity(
        person_id=row.api_key_id,
        email="",
        name=row.name,
        session_id=row.api_key_id,
        roles={row.organiser_id: row.role},
        scopes=tuple(row.scopes.split()),
        api_key_id=row.api_key_id,
        plan=plan,
    )
    return row, plan, issue_access_token(identity, now=now)


def _api_key(row: repository.ApiKeyRow) -> ApiKey:
    master = next(iter(signing_secrets().values()))
    return ApiKey.of(row.organiser_id, row.api_key_id, int(row.generation), master)


def _shown_again(row: repository.ApiKeyRow, generation: int) -> ApiKey:
    """The text that the first try showed. Raises SecretChanged."""
    key = _api_key(row)
    if row.generation != generation or row.is_revoked or key.mark != row.secret_mark:
        raise SecretChanged("what this request made has been changed since; rotate the key for another secret")
    return key


def _known_api_key(organiser_id: str, api_key_id: str) -> repository.ApiKeyRow:
    row = repository.api_key(organiser_id, api_key_id)
    if row is None or row.is_revoked:
        raise NotFound("There is no such API key, or it was revoked.")
    return row
