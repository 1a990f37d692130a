"""Messages: facts that one service tells the others, in the past tense, and the envelope they travel in."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every contract: a frozen struct that carries the full state it speaks of.

    `type_name` is its name on the wire, `<service>.<fact>.v<number>`. Unknown fields are ignored when reading, because
    contracts grow by optional fields only.
    """

    type_name: ClassVar[str] = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Where the data of a message lies that is too big to travel: an S3 object and the SHA-256 of its bytes in hex."""

    bucket: str
    key: str
    sha256: str
    size_bytes: int


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What travels: one message with what a consumer needs to judge it.

    `id` is the same whenever the same fact is sent again. `data` is the message as JSON, or `claim` says where it is.
    """

    id: str
    type: str
    time: datetime
    source: str
    subject: str
    trace: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    claim: Claim | None = None


def message_id(table_key: str, outbox_version: int, type_name: str) -> str:
    """The id of the fact a row announced with one write: readable, and the same for every replay."""
    return f"{table_key}|{outbox_version}|{type_name}"
