"""The key that signs access tokens changes in three steps, none of which can come too early or be lost."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.parts import PartFailed
from runtime.rotation import PUBLISHED, SIGNED, Folder, Keys, TooEarly, publish_first, rotate, settle_keys
from runtime.secrets import generated_secrets
from shared.auth import ACCESS_TOKEN_SECONDS
from shared.settings.secrets import KEPT_SECONDS

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Crash(BaseException):
    """The process ended here."""


class Crashing(Folder):
    """A folder whose writes come to an end after so many."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder)
        self.left = writes

    def write(self, name: str, text: str) -> None:
        """One write, while there is one left."""
        if not self.left:
            raise Crash
        self.left -= 1
        super().write(name, text)


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    settle_keys(tmp_path / "keys", generated_secrets())
    return Folder(tmp_path / "keys")


def test_a_rotation_publishes_then_signs_then_drops(store: Folder) -> None:
    [old] = Keys.of(store).ring
    assert "signs nothing yet" in rotate(store, NOW)
    published = Keys.of(store)
    _, new = published.ring
    assert (list(published.ring), published.published) == ([old, new], (old, new))
    rotate(store, NOW + PUBLISHED)
    signing = Keys.of(store)
    assert (list(signing.ring), set(signing.published)) == ([new, old], {old, new})
    assert "done" in rotate(store, NOW + PUBLISHED + SIGNED)
    done = Keys.of(store)
    assert (list(done.ring), done.published, done.following) == ([new], (new,), None)


def test_no_step_comes_before_its_time_or_changes_anything(store: Folder) -> None:
    rotate(store, NOW)
    for at, step in ((NOW, PUBLISHED), (NOW + PUBLISHED, SIGNED)):
        before = Keys.of(store)
        for early in (at, at + step - SECOND):
            with pytest.raises(TooEarly, match="not yet"):
                rotate(store, early)
        assert Keys.of(store) == before
        rotate(store, at + step)


def test_the_times_cover_what_processes_and_clients_keep() -> None:
    assert timedelta(seconds=3600 + KEPT_SECONDS) < PUBLISHED
    assert timedelta(seconds=KEPT_SECONDS + ACCESS_TOKEN_SECONDS) < SIGNED


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("writes", [0, 1])
def test_a_step_that_was_interrupted_is_done_again(tmp_path: Path, store: Folder, step: int, writes: int) -> None:
    """At every moment the key that signs is published, and one call more finishes the step."""
    at = NOW
    for number, wait in enumerate((timedelta(), PUBLISHED, SIGNED)):
        at += wait
        if number == step:
            with pytest.raises(Crash):
                rotate(Crashing(tmp_path / "keys", writes), at)
            keys = Keys.of(store)
            assert next(iter(keys.ring)) in keys.published
        rotate(store, at)
    assert len(Keys.of(store).ring) == 1
    assert Keys.of(store).published == tuple(Keys.of(store).ring)


def test_an_interrupted_step_begins_its_time_anew(tmp_path: Path, store: Folder) -> None:
    with pytest.raises(Crash):
        rotate(Crashing(tmp_path / "keys", 1), NOW)
    rotate(store, NOW + PUBLISHED)
    with pytest.raises(TooEarly):
        rotate(store, NOW + PUBLISHED + SECOND)


def test_the_keys_of_a_laptop_are_its_owners_alone_and_outlive_a_restart(tmp_path: Path, store: Folder) -> None:
    first = Keys.of(store)
    settle_keys(tmp_path / "keys", generated_secrets())
    assert Keys.of(store) == first
    for file in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_stage_publishes_its_first_keys_and_an_old_one_keeps_its_own(store: Folder) -> None:
    store.write("access-token-jwks", json.dumps({"keys": []}))
    publish_first(store)
    assert Keys.of(store).published == tuple(Keys.of(store).ring)
    rotate(store, NOW)
    before = Keys.of(store)
    publish_first(store)
    assert Keys.of(store) == before


def test_without_keys_it_says_who_makes_them(tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match="make up"):
        rotate(Folder(tmp_path), NOW)
