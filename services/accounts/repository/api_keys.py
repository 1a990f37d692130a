"""API keys: where programs prove in whose name they come. The secret is never stored, its fingerprint is."""

from __future__ import annotations

import hmac
from datetime import datetime

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from services.accounts.repository.organisers import MemberRow
from services.accounts.repository.revocations import end
from shared import clock
from shared.auth import SessionEnded
from shared.data import (
    AlreadyExists,
    Check,
    Insert,
    MomentAttribute,
    Page,
    Replace,
    Row,
    StaleVersion,
    TransactionRefused,
    Update,
    fetch,
    query_page,
    transact,
)


class ApiKeyRow(Row):
    """One key of an organiser. `asked` is the fingerprint of the Idempotency-Key that made this generation of it.

    The mark before the last rotation is good until `previous_until`; scopes stand in one text, with spaces between.
    """

    class Meta:
        table_variable = "ACCOUNTS_TABLE_NAME"

    organiser_id = UnicodeAttribute()
    api_key_id = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    scopes = UnicodeAttribute()
    generation = NumberAttribute()
    secret_mark = BinaryAttribute(legacy_encoding=False)
    previous_mark = BinaryAttribute(null=True, legacy_encoding=False)
    previous_until = MomentAttribute(null=True)
    asked = BinaryAttribute(null=True, legacy_encoding=False)
    revoked_at = MomentAttribute(null=True)

    @property
    def is_revoked(self) -> bool:
        """Whether it has ended."""
        revoked_at: datetime | None = self.revoked_at
        return revoked_at is not None

    def accepts(self, mark: bytes, now: datetime) -> bool:
        """Whether a secret with that fingerprint opens it: the newest, or for a while the one before."""
        if self.is_revoked:
            return False
        previous: bytes | None = self.previous_mark
        until: datetime | None = self.previous_until
        good = [self.secret_mark, *([previous] if previous is not None and until is not None and now < until else [])]
        return any(hmac.compare_digest(one, mark) for one in good)


def new_api_key(organiser_id: str, api_key_id: str) -> ApiKeyRow:
    """A row that is not written yet."""
    return ApiKeyRow(*_key(organiser_id, api_key_id), organiser_id=organiser_id, api_key_id=api_key_id)


def add_api_key(row: ApiKeyRow, giver: MemberRow, now: datetime) -> None:
    """Put a key, if its giver still has the role the decision stood on.

    Raises AlreadyExists with the key that has this id, TransactionRefused when the role changed.
    """
    write = Insert(row)
    try:
        transact(_still(giver), write, now=now)
    except TransactionRefused as refused:
        reason = refused.blames(write)
        if reason is None or not isinstance(reason.old, ApiKeyRow):
            raise
        raise AlreadyExists(reason.old) from refused


def save_api_key(row: ApiKeyRow, giver: MemberRow, now: datetime) -> None:
    """Put a changed key over the version that was read. Raises StaleVersion, TransactionRefused as `add_api_key`."""
    write = Replace(row)
    try:
        transact(_still(giver), write, now=now)
    except TransactionRefused as refused:
        reason = refused.blames(write)
        if reason is None:
            raise
        raise StaleVersion(reason.old) from refused


def api_key(organiser_id: str, api_key_id: str) -> ApiKeyRow | None:
    """The key as the table has it now."""
    return fetch(ApiKeyRow, *_key(organiser_id, api_key_id))


def api_keys(organiser_id: str, limit: int, cursor: str | None) -> Page[ApiKeyRow]:
    """A page of an organiser's keys, revoked ones too. Raises BadCursor."""
    return query_page(
        ApiKeyRow, f"organiser#{organiser_id}", sk_prefix="api_key#", limit=limit, cursor=cursor, consistent=True
    )


def revoke_api_key(organiser_id: str, api_key_id: str, now: datetime) -> None:
    """End a key and every token of it, for good. One that has ended, or never was, is left as it is."""
    change = Update(
        ApiKeyRow,
        *_key(organiser_id, api_key_id),
        actions=[ApiKeyRow.revoked_at.set(clock.to_milliseconds(now))],
        condition=ApiKeyRow.api_key_id.exists() & ApiKeyRow.revoked_at.does_not_exist(),
    )
    # A key's tokens have its id where a person's have the session's.
    end(change, SessionEnded(api_key_id, clock.epoch_milliseconds(now)), now)


def _still(giver: MemberRow) -> Check:
    return Check(MemberRow, giver.pk, giver.sk, condition=MemberRow.role == giver.role)


def _key(organiser_id: str, api_key_id: str) -> tuple[str, str]:
    return f"organiser#{organiser_id}", f"api_key#{api_key_id}"
