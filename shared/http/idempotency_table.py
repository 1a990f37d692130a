"""Idempotency keys in a service's own table."""

import os
from datetime import datetime, timedelta

import msgspec
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from shared import clock, ids
from shared.data import AlreadyExists, BareRow, ConditionRefused, insert, update
from shared.http.idempotency import KEPT_SECONDS, LEASE_SECONDS, InFlight, KeyReused, Lease, StoredAnswer

SORT_KEY = "idempotency"
OPERATION_PREFIX = "op"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredAnswer)


class IdempotencyRow(BareRow):
    """One key: the hash of its request, who works on it until when (milliseconds since 1970), and the answer."""

    request_hash = BinaryAttribute(legacy_encoding=False)
    operation_id = UnicodeAttribute()
    lease_id = UnicodeAttribute()
    lease_until = NumberAttribute()
    answer = BinaryAttribute(legacy_encoding=False, null=True)


class TableStore:
    """Keeps keys in the table that an environment variable names; every step is one conditional write."""

    def __init__(self, table_variable: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self.table_variable = table_variable
        self.lease_seconds = lease_seconds
        # One model for each table, because a model knows its table by its class.
        meta = type("Meta", (), {"table_variable": table_variable})
        self.row_class: type[IdempotencyRow] = type("IdempotencyRow", (IdempotencyRow,), {"Meta": meta})

    def begin(self, key: str, request_hash: bytes, now: datetime) -> Lease | StoredAnswer:
        """The lease for a key that has no answer yet, or the answer. Raises InFlight, KeyReused."""
        lease = Lease(key=key, lease_id=os.urandom(12).hex(), operation_id=ids.new_id(OPERATION_PREFIX, now))
        row = self.row_class(
            pk=_partition(key),
            sk=SORT_KEY,
            request_hash=request_hash,
            operation_id=lease.operation_id,
            lease_id=lease.lease_id,
            lease_until=self._lease_until(now),
            expires_at=clock.epoch_seconds(now + timedelta(seconds=KEPT_SECONDS)),
        )
        try:
            # What is over its 24 hours counts as absent, however late DynamoDB removes it.
            insert(row, now=now, over_expired=True)
        except AlreadyExists as exists:
            return self._second_try(exists.stored, lease, request_hash, now)
        return lease

    def finish(self, lease: Lease, answer: StoredAnswer, now: datetime) -> None:
        """Keeps the answer. When the lease was taken over meanwhile, that try's answer is the one that is kept."""
        row = self.row_class
        self._settle(lease, now, row.answer.set(_encoder.encode(answer)))

    def release(self, lease: Lease, now: datetime) -> None:
        """Ends the lease at once; the key keeps its request and its operation id."""
        self._settle(lease, now, self.row_class.lease_until.set(0))

    def _settle(self, lease: Lease, now: datetime, action: Action) -> None:
        row = self.row_class
        try:
            update(
                row,
                _partition(lease.key),
                SORT_KEY,
                actions=[action],
                condition=row.lease_id == lease.lease_id,
                now=now,
            )
        except ConditionRefused:
            return

    def _second_try(self, stored: BareRow, lease: Lease, request_hash: bytes, now: datetime) -> Lease | StoredAnswer:
        if not isinstance(stored, self.row_class):
            raise TypeError("the key's row is of another kind")
        if stored.request_hash != request_hash:
            raise KeyReused
        answer: bytes | None = stored.answer
        if answer is not None:
            return _decoder.decode(answer)
        left = stored.lease_until - clock.epoch_milliseconds(now)
        if left > 0:
            raise InFlight(round(left / 1000))
        # The first try crashed, or gave its lease back. Of those who notice, the condition lets one through.
        row = self.row_class
        try:
            update(
                row,
                _partition(lease.key),
                SORT_KEY,
                actions=[row.lease_id.set(lease.lease_id), row.lease_until.set(self._lease_until(now))],
                condition=(row.lease_id == stored.lease_id) & row.answer.does_not_exist(),
                now=now,
            )
        except ConditionRefused as refused:
            if refused.old is None:
                raise InFlight(1) from refused
            if isinstance(refused.old, self.row_class) and refused.old.lease_id == stored.lease_id:
                return self._second_try(refused.old, lease, request_hash, now)
            raise InFlight(1) from refused
        return Lease(key=lease.key, lease_id=lease.lease_id, operation_id=stored.operation_id)

    def _lease_until(self, now: datetime) -> int:
        return clock.epoch_milliseconds(now) + int(self.lease_seconds * 1000)


def _partition(key: str) -> str:
    return f"idempotency#{key}"
