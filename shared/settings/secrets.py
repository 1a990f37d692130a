"""Secrets: a literal, the name of one in AWS Secrets Manager, or of a file; shown to nobody by accident.

A file is to a laptop what Secrets Manager is to the cloud: it can be changed while processes run.
"""

import threading
import time
from pathlib import Path
from typing import Any

import msgspec

PREFIX = "secretsmanager:"
FILE_PREFIX = "file:"
# A rotated secret is seen by running processes after at most this long.
KEPT_SECONDS = 300.0
# Who meets something that the kept value does not know may ask before that, but no more often than this: else whoever
# makes such things up could have Secrets Manager asked at will.
LOOKED_AGAIN_SECONDS = 30.0
CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
ATTEMPTS_MAX = 2

_lock = threading.Lock()
_fetched: dict[str, tuple[float, str]] = {}
_looked_again: dict[str, float] = {}


class SecretUnavailable(Exception):
    """The secret is named, but Secrets Manager, or the file, did not give its value."""


class Secret:
    """A value that must not be logged: `repr` and `str` hide it, `reveal` gives it."""

    __slots__ = ("_source",)

    def __init__(self, source: str) -> None:
        self._source = source

    def reveal(self) -> str:
        """The value itself; `secretsmanager:<name>` and `file:<path>` are fetched on first use, kept for five minutes.

        Raises SecretUnavailable when it is not there or cannot be asked for.
        """
        return _fetch(self._source) if self._is_named else self._source

    def look_again(self, known: str) -> bool:
        """Fetch the value before its time, unless that was done within 30 s; whether it is another than the known one.

        Should it not be there to be fetched, the one that is kept stays.
        """
        return self._is_named and _fetch_again(self._source, known)

    @property
    def _is_named(self) -> bool:
        return self._source.startswith((PREFIX, FILE_PREFIX))

    def keys(self) -> dict[str, str]:
        """The value read as JSON `{key id: secret}`, in the order written: the first signs, all verify.

        Raises SecretUnavailable when the value is no such object, or an empty one.
        """
        try:
            keys = msgspec.json.decode(self.reveal(), type=dict[str, str])
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise SecretUnavailable("the secret is not a JSON object of {key id: secret}") from error
        if not keys or not all(keys.values()) or not all(keys):
            raise SecretUnavailable("the secret holds no key, or an empty one")
        return keys

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._source == self._source

    def __hash__(self) -> int:
        return hash(self._source)


def forget_secrets() -> None:
    """Drops what was fetched, so that the next use asks again."""
    with _lock:
        _fetched.clear()
        _looked_again.clear()


def _fetch(source: str) -> str:
    now = time.monotonic()
    kept = _fetched.get(source)
    if kept is not None and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    # Under the lock, so that a burst of first requests asks Secrets Manager once.
    with _lock:
        kept = _fetched.get(source)
        if kept is not None and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        try:
            value = _ask(source)
        except SecretUnavailable:
            # A value known to have been right is better than an outage of Secrets Manager handed on.
            if kept is None:
                raise
            value = kept[1]
        _fetched[source] = (now, value)
        return value


def _fetch_again(source: str, known: str) -> bool:
    with _lock:
        kept = _fetched.get(source)
        if kept is not None and kept[1] != known:
            # Whoever held the lock has just done it.
            return True
        now = time.monotonic()
        if now - _looked_again.get(source, float("-inf")) < LOOKED_AGAIN_SECONDS:
            return False
        _looked_again[source] = now
        try:
            value = _ask(source)
        except SecretUnavailable:
            return False
        _fetched[source] = (now, value)
        return value != known


def _ask(source: str) -> str:
    if source.startswith(FILE_PREFIX):
        path = Path(source[len(FILE_PREFIX) :])
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise SecretUnavailable(f"the file {path.name} cannot be read: {error.strerror}") from error
    return _ask_manager(source[len(PREFIX) :])


def _ask_manager(name: str) -> str:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import get_session

    # botocore's own minute is longer than any function may run, and everybody waits behind this one question.
    config = Config(
        connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": ATTEMPTS_MAX}
    )
    client: Any = get_session().create_client("secretsmanager", config=config)
    try:
        answer = client.get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        raise SecretUnavailable(f"Secrets Manager did not give {name}: {error}") from error
    value = answer.get("SecretString")
    if not isinstance(value, str):
        raise SecretUnavailable(f"{name} holds no text")
    return value
