"""Ids that sort by the time they were made: a prefix, an underscore and a ULID in lowercase Crockford base 32.

The 26 characters hold 48 bits of milliseconds since 1970 and 80 bits of randomness, so a text id, its 16 raw bytes and
the moment it was made are one and the same piece of information.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from shared import clock

BODY_LENGTH: Final = 26
RANDOM_BYTES: Final = 10

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_PYTHONS: Final = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_PAIR_SHIFTS: Final = tuple(range(5 * (BODY_LENGTH - 2), -1, -10))
# The first character carries three bits only (130 bits of text for 128 of value), so it never passes 7.
_BODY: Final = re.compile(rf"[0-7][{_ALPHABET}]{{{BODY_LENGTH - 1}}}")
_PREFIX: Final = re.compile(r"[a-z][a-z0-9]{1,15}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Answers so many random bytes.
Source = Callable[[int], bytes]

# One source for the whole process rather than for a context: a test that replays a run means its threads as well.
_sources: list[Source] = [os.urandom]
_sources_lock = threading.Lock()


class MalformedId(ValueError):
    """Text or bytes that are no id, or an id of another kind than the one asked for."""


def new_id(prefix: str, at: datetime | None = None, randomness: bytes | None = None) -> str:
    """Make an id that nobody can guess and that sorts by its time.

    `at` is the moment it carries (milliseconds; the clock's now when absent), `randomness` its ten random bytes (from
    the source in use when absent: the system's).
    Raises MalformedId for a prefix that is not a short lowercase word or randomness of another length.
    """
    moment = clock.now() if at is None else at
    tail = _sources[-1](RANDOM_BYTES) if randomness is None else randomness
    if len(tail) != RANDOM_BYTES:
        raise MalformedId(f"an id takes {RANDOM_BYTES} random bytes, not {len(tail)}")
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= milliseconds < 1 << 48:
        raise MalformedId("an id's time lies between 1970 and 10889")
    return from_raw_bytes(prefix, milliseconds.to_bytes(6, "big") + tail)


def derived_id(prefix: str, base_id: str, *parts: str | int) -> str:
    """The one id that follows from another id and some parts: same time, randomness hashed from all of them.

    Two callers who derive from the same things get the same id, which is what makes a put-if-absent idempotent.
    The prefix takes part in the hash, so that a ticket and a refund of one order do not share their characters.
    Raises MalformedId when `base_id` is no id.
    """
    digest = hashlib.blake2b(digest_size=RANDOM_BYTES)
    for part in (prefix, base_id, *parts):
        text = f"{type(part).__name__}:{part}".encode()
        # Each part goes in with its length: ("a", "bc") and ("ab", "c") are different derivations.
        digest.update(len(text).to_bytes(4, "big") + text)
    return from_raw_bytes(prefix, raw_bytes(base_id)[:6] + digest.digest())


def same_body(prefix: str, other_id: str) -> str:
    """The id of another kind with the same 26 characters, as an order's is its hold's. Raises MalformedId."""
    return from_raw_bytes(prefix, raw_bytes(other_id))


def raw_bytes(any_id: str) -> bytes:
    """The 16 bytes an id stands for, without its prefix. Raises MalformedId."""
    _, _, body = any_id.rpartition("_")
    if _BODY.fullmatch(body) is None:
        raise MalformedId("an id ends in 26 characters of lowercase Crockford base 32")
    # Python reads base 32 in letters of its own, and quicker than a loop here could.
    return int(body.translate(_TO_PYTHONS), 32).to_bytes(16, "big")


def from_raw_bytes(prefix: str, raw: bytes) -> str:
    """The text of an id from its 16 bytes. Raises MalformedId for another length or a prefix that is no short word."""
    if len(raw) != 16:
        raise MalformedId(f"an id has 16 bytes, not {len(raw)}")
    if _PREFIX.fullmatch(prefix) is None:
        raise MalformedId(f"{prefix!r} is no prefix of an id")
    value = int.from_bytes(raw, "big")
    return prefix + "_" + "".join([_PAIRS[value >> shift & 1023] for shift in _PAIR_SHIFTS])


def is_id(prefix: str, text: object) -> bool:
    """Whether `text` is an id of the kind `prefix` names; anything else, of any type, is False."""
    if not isinstance(text, str) or not text.startswith(prefix + "_"):
        return False
    return _BODY.fullmatch(text, len(prefix) + 1) is not None


def made_at(any_id: str) -> datetime:
    """The UTC time an id carries, to the millisecond. Raises MalformedId."""
    return _EPOCH + timedelta(milliseconds=int.from_bytes(raw_bytes(any_id)[:6], "big"))


@contextmanager
def use(source: Source) -> Iterator[None]:
    """Let `source` give the random bytes of new ids in all threads until the block ends; the innermost block wins.

    For tests alone: ids of any other source than the system's can be guessed.
    """
    with _sources_lock:
        _sources.append(source)
    try:
        yield
    finally:
        with _sources_lock:
            # From the right, because two blocks may have been given the same source.
            position = len(_sources) - 1 - _sources[::-1].index(source)
            del _sources[position]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the ids of a run from a seed until the block ends, so that the run can be replayed. For tests alone."""
    with use(random.Random(seed).randbytes):
        yield
