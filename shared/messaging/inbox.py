"""The inbox: a message's id as a row in the same transaction as its effect, where a replay would do harm."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from shared import clock
from shared.data import BareRow, Insert, TransactionRefused

# As long as SQS keeps a message at most (14 days); a republish after that meets the state itself.
KEPT: Final = timedelta(days=14)


def inbox_row(model_cls: type[BareRow], message_id: str, now: datetime) -> Insert:
    """The write that notes a message as received, for `transact`; `model_cls` is any row of the table it goes to.

    When `already_received` says so of the refusal, the message's effect is there and nothing is left to do.
    """
    row = _row_class(model_cls.table_name())(f"inbox#{message_id}", "inbox")
    row.expires_at = clock.epoch_seconds(now + KEPT)
    return Insert(row)


@lru_cache(maxsize=32)
def _row_class(table: str) -> type[BareRow]:
    # A class of its own for each table, because a model knows its table by its class and may demand attributes.
    return type("InboxRow", (BareRow,), {"Meta": type("Meta", (), {"table_name": table})})


def already_received(refused: TransactionRefused, inbox: Insert) -> bool:
    """Whether a transaction was refused because its inbox row was there before."""
    reason = refused.blames(inbox)
    return reason is not None and reason.code == "ConditionalCheckFailed"
