"""Rotates the key pair that signs access tokens, a step at a time, so that no request is refused.

A new key is published, then signs, and the old one is dropped when its last token is over. What was done stands in the
stores themselves, so that a rotation that was interrupted, or is taken up by somebody else, goes on where it was.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from runtime.parts import PartFailed
from runtime.secrets import public_keys, write_privately
from shared import clock
from shared.auth import ACCESS_TOKEN_SECONDS
from shared.settings.secrets import KEPT_SECONDS

# Clients may keep `/.well-known/jwks.json` for an hour, and every process of ours its own copy for five minutes.
PUBLISHED = timedelta(seconds=3_600 + KEPT_SECONDS + 60)
# As long as a process may go on signing with the old key, and then the whole life of the last token.
SIGNED = timedelta(seconds=KEPT_SECONDS + ACCESS_TOKEN_SECONDS + 60)
_SIGNING, _PUBLIC = "access-token-signing-secret", "access-token-jwks"


class TooEarly(PartFailed):
    """The next step may come only after a time: going on now could refuse a request."""


class Store(Protocol):
    """Where the ring of signing secrets and the public key set lie."""

    def read(self, name: str) -> str:
        """The text under a name. Raises PartFailed when it cannot be read."""

    def write(self, name: str, text: str) -> None:
        """Puts a text in the place of the one before, whole or not at all."""


class Folder:
    """The files of a laptop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """Where a text lies."""
        return self._folder / f"{name}.json"

    def read(self, name: str) -> str:
        """The file's text. Raises PartFailed when there is none."""
        try:
            return self.path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise PartFailed(
                f"There are no keys in {self._folder}: `make up` makes them ({error.strerror})."
            ) from error

    def write(self, name: str, text: str) -> None:
        """Puts a file in the place of the one before."""
        write_privately(self.path(name), text)


class SecretsManager:
    """The secrets of a stage in the cloud, by the credentials at hand."""

    def __init__(self, resource_prefix: str, region: str | None = None) -> None:
        import boto3

        self._client = boto3.client("secretsmanager", region_name=region)
        self._prefix = resource_prefix

    def read(self, name: str) -> str:
        """The secret's value. Raises PartFailed when it cannot be read."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._client.get_secret_value(SecretId=f"{self._prefix}-{name}")["SecretString"]
        except (BotoCoreError, ClientError) as error:
            raise PartFailed(f"The secret {self._prefix}-{name} cannot be read: {error}") from error

    def write(self, name: str, text: str) -> None:
        """Puts another value."""
        self._client.put_secret_value(SecretId=f"{self._prefix}-{name}", SecretString=text)


@dataclass(frozen=True)
class Keys:
    """Both sides as they are stored: the ring (first signs), and the published document with how far a rotation is."""

    ring: dict[str, str]
    published: tuple[str, ...]
    following: str | None
    published_at: datetime | None
    signs_since: datetime | None

    @classmethod
    def of(cls, store: Store) -> Keys:
        """What the store holds."""
        document = json.loads(store.read(_PUBLIC))
        state: Mapping[str, str] = document.get("rotation") or {}
        return cls(
            ring=json.loads(store.read(_SIGNING)),
            published=tuple(key["kid"] for key in document["keys"]),
            following=state.get("following"),
            published_at=_moment(state.get("published_at")),
            signs_since=_moment(state.get("signs_since")),
        )


def rotate(store: Store, now: datetime) -> str:
    """Does the next step, and says what was done and when to come back. Raises TooEarly when it is not its time yet.

    Each step writes the ring before it says so in the public document: so after a crash in between the step is done
    again, and its time begins anew.
    """
    keys = Keys.of(store)
    if len(keys.ring) == 1:
        if len(keys.published) == 1 and keys.published[0] in keys.ring:
            return _begin(store, keys, now)
        _publish(store, keys.ring, {})
        return "The old key is gone from both sides: the rotation is done."
    following = keys.following or list(keys.ring)[-1]
    if keys.following is None or keys.published_at is None:
        # Made, and not published yet: the last step was interrupted.
        return _note_published(store, keys.ring, following, now)
    if next(iter(keys.ring)) != following:
        _wait(keys.published_at, PUBLISHED, now, f"{following} was published, and may sign")
        return _sign(store, keys, following, keys.published_at, now)
    if keys.signs_since is None:
        return _note_signing(store, keys.ring, following, keys.published_at, now)
    _wait(keys.signs_since, SIGNED, now, f"{following} signs, and the old key may go")
    ring = {following: keys.ring[following]}
    store.write(_SIGNING, json.dumps(ring))
    _publish(store, ring, {})
    return f"Dropped what came before {following}: the rotation is done."


def _begin(store: Store, keys: Keys, now: datetime) -> str:
    following = f"k{secrets.token_hex(4)}"
    ring = {**keys.ring, following: secrets.token_urlsafe(48)}
    store.write(_SIGNING, json.dumps(ring))
    return _note_published(store, ring, following, now)


def _note_published(store: Store, ring: dict[str, str], following: str, now: datetime) -> str:
    _publish(store, ring, {"following": following, "published_at": clock.iso(now)})
    return f"Published {following}, which signs nothing yet. Run this again after {_said(now + PUBLISHED)}."


def _sign(store: Store, keys: Keys, following: str, published_at: datetime, now: datetime) -> str:
    if following not in keys.published:
        raise PartFailed(f"{following} is not in the published keys: put it there before it signs.")
    others = {name: secret for name, secret in keys.ring.items() if name != following}
    ring = {following: keys.ring[following], **others}
    store.write(_SIGNING, json.dumps(ring))
    return _note_signing(store, ring, following, published_at, now)


def _note_signing(store: Store, ring: Mapping[str, str], following: str, published_at: datetime, now: datetime) -> str:
    state = {
        "following": following,
        "published_at": clock.iso(published_at),
        "signs_since": clock.iso(now),
    }
    _publish(store, ring, state)
    return f"{following} signs from now on; older tokens go on to be good. Run this again after {_said(now + SIGNED)}."


def _publish(store: Store, ring: Mapping[str, str], state: Mapping[str, str]) -> None:
    document: dict[str, Any] = json.loads(public_keys(json.dumps(ring)))
    if state:
        # Not of RFC 7517, which lets readers pass over what they do not know.
        document["rotation"] = dict(state)
    store.write(_PUBLIC, json.dumps(document))


def _wait(since: datetime, time: timedelta, now: datetime, what: str) -> None:
    if now < since + time:
        raise TooEarly(f"{what} after {_said(since + time)}: not yet, or requests would be refused.")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else clock.from_iso(text)


def _said(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def settle_keys(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """The variables by which the processes of a laptop find the keys; puts `made` there where nothing is yet."""
    store = Folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not store.path(_SIGNING).exists():
        store.write(_SIGNING, made["ACCESS_TOKEN_SIGNING_SECRET"])
    if not store.path(_PUBLIC).exists():
        store.write(_PUBLIC, public_keys(store.read(_SIGNING)))
    return {
        "ACCESS_TOKEN_SIGNING_SECRET": f"file:{store.path(_SIGNING)}",
        "ACCESS_TOKEN_JWKS": f"file:{store.path(_PUBLIC)}",
    }


def publish_first(store: Store) -> None:
    """Publishes the keys of a stage that has just been made; one that has published any is left as it is."""
    if not json.loads(store.read(_PUBLIC))["keys"]:
        _publish(store, json.loads(store.read(_SIGNING)), {})


def store_of(state: Path, stage: str | None, resource_prefix: str) -> Store:
    """The store of a stage in the cloud, or without one of this machine."""
    if stage is None and not resource_prefix:
        return Folder(state / "keys")
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    return SecretsManager(resource_prefix or f"stagedoor-{stage}")
