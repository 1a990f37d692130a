"""Secrets: a literal, or the name of one in AWS Secrets Manager; shown to nobody by accident."""

import threading
import time
from typing import Any

import msgspec

PREFIX = "secretsmanager:"
# A rotated secret is seen by running processes after at most this long.
KEPT_SECONDS = 300.0
CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
ATTEMPTS_MAX = 2

_lock = threading.Lock()
_fetched: dict[str, tuple[float, str]] = {}


class SecretUnavailable(Exception):
    """The secret is named, but Secrets Manager did not give its value."""


class Secret:
    """A value that must not be logged: `repr` and `str` hide it, `reveal` gives it."""

    __slots__ = ("_source",)

    def __init__(self, source: str) -> None:
        self._source = source

    def reveal(self) -> str:
        """The value itself; `secretsmanager:<name>` is fetched on first use and kept for five minutes.

        Raises SecretUnavailable when Secrets Manager does not have it or cannot be asked.
        """
        if not self._source.startswith(PREFIX):
            return self._source
        return _fetch(self._source[len(PREFIX) :])

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


def _fetch(name: str) -> str:
    now = time.monotonic()
    kept = _fetched.get(name)
    if kept is not None and now - kept[0] < KEPT_SECONDS:
        return kept[1]
    # Under the lock, so that a burst of first requests asks Secrets Manager once.
    with _lock:
        kept = _fetched.get(name)
        if kept is not None and now - kept[0] < KEPT_SECONDS:
            return kept[1]
        try:
            value = _ask(name)
        except SecretUnavailable:
            # A value known to have been right is better than an outage of Secrets Manager handed on.
            if kept is None:
                raise
            value = kept[1]
        _fetched[name] = (now, value)
        return value


def _ask(name: str) -> str:
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
