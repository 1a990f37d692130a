"""The feed of revocations: big, late, lost and gone."""

from __future__ import annotations

import contextlib
import os
import time
from datetime import timedelta
from typing import Any

import pytest

from runtime.parts import Part
from shared import clock
from shared.auth import RoleLost, SessionEnded, SessionsEnded, revocation_text
from shared.auth import revocations as feeding
from shared.auth.access import AccessClaims
from shared.auth.revocations import KEPT, LOOK_SECONDS, RevocationFeed, Revocations
from shared.cache import Breaker, Cache, CacheDown
from shared.ids import new_id

pytestmark = pytest.mark.xdist_group("revocation-feed")
NOW = clock.now()


def look(count: int) -> Any:
    """The time of the so-manieth look."""
    return NOW + timedelta(seconds=count * LOOK_SECONDS)


def claims(session_id: str = "ses_1", person_id: str = "per_1", iat: int = 0, **roles: str) -> AccessClaims:
    return AccessClaims(person_id, session_id, "stagedoor", iat, 2**33, "a@example.org", "Ann", roles)


def ended(session_id: str) -> str:
    return revocation_text(SessionEnded(session_id, clock.epoch_milliseconds(NOW)))


class Counting(RevocationFeed):
    """A feed that counts its reads."""

    reads = 0

    def page(self, after: int) -> tuple[bool, list[tuple[str, int]]]:
        """One read more."""
        self.reads += 1
        return super().page(after)


@pytest.fixture
def cache(resource_prefix: str) -> Cache:
    # A hundred thousand at once take longer than a request would wait.
    return Cache(os.environ["REDIS_URL"], prefix=f"{resource_prefix}:{new_id('feed')}", timeout_milliseconds=30_000)


@pytest.fixture
def feed(cache: Cache) -> Counting:
    return Counting(cache)


def test_a_hundred_thousand_sign_outs_are_read_once_in_bounded_pieces(feed: Counting) -> None:
    feed.tell([ended(f"ses_{number}") for number in range(100_000)])
    process = Revocations(feed)
    assert process.refuse(claims("ses_99999"), look(0))
    assert process.refuse(claims("ses_0"), look(0))
    assert not process.refuse(claims("ses_100000"), look(0))
    assert feed.reads == 100_000 // feeding._PAGE + 1
    feed.tell([ended("ses_100000")])
    assert not process.refuse(claims("ses_100000"), look(0))
    assert feed.reads == 100_000 // feeding._PAGE + 1
    assert process.refuse(claims("ses_100000"), look(1))


def test_between_two_looks_redis_is_not_asked(feed: Counting) -> None:
    process = Revocations(feed)
    for _ in range(100):
        process.refuse(claims(), look(0))
    assert feed.reads == 1
    process.refuse(claims(), look(1))
    assert feed.reads == 2


def test_beyond_its_bound_the_oldest_go(feed: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "ENTRIES_MAX", 10)
    feed.note_taken_in(NOW)
    feed.tell([ended(f"ses_{number}") for number in range(25)])
    whole, entries = feed.page(10**14)
    assert whole
    assert [text for text, _ in entries] == [ended(f"ses_{number}") for number in range(15, 25)]


def test_what_is_told_again_stays_where_it_is_and_what_comes_late_is_new(feed: Counting) -> None:
    process = Revocations(feed)
    long_ago = revocation_text(SessionEnded("ses_late", clock.epoch_milliseconds(NOW - timedelta(minutes=5))))
    feed.tell([ended("ses_1"), ended("ses_2")])
    before = feed.page(10**14)[1]
    assert process.refuse(claims("ses_2"), look(0))
    feed.tell([long_ago, ended("ses_1")])
    assert feed.page(10**14)[1][:2] == before
    assert process.refuse(claims("ses_late"), look(1))


def test_what_no_token_can_speak_of_any_more_is_forgotten(feed: Counting) -> None:
    process = Revocations(feed)
    feed.tell([ended("ses_1"), revocation_text(RoleLost("per_1", "org_1", "owner", clock.epoch_milliseconds(NOW)))])
    assert process.refuse(claims("ses_1"), look(0))
    assert (len(process._sessions), len(process._roles)) == (1, 1)
    process.refuse(claims("ses_1"), NOW + KEPT)
    assert (len(process._sessions), len(process._roles)) == (0, 0)


def test_a_lost_role_refuses_tokens_of_before_that_name_it_and_no_others(feed: Counting) -> None:
    process = Revocations(feed)
    lost_at = clock.epoch_milliseconds(NOW)
    feed.tell([revocation_text(RoleLost("per_1", "org_1", "manager", lost_at))])
    before, after = lost_at // 1000, lost_at // 1000 + 31
    assert process.refuse(claims(iat=before, org_1="manager"), look(0))
    assert process.refuse(claims(iat=before, org_2="owner", org_1="manager"), look(0))
    # Read just before the role was taken away, given out just after.
    assert process.refuse(claims(iat=before + 1, org_1="manager"), look(0))
    assert not process.refuse(claims(iat=after, org_1="manager"), look(0))
    assert not process.refuse(claims(iat=before, org_1="scanner"), look(0))
    assert not process.refuse(claims(iat=before, org_2="manager"), look(0))
    assert not process.refuse(claims(person_id="per_2", iat=before, org_1="manager"), look(0))


def session_begun(seconds: float) -> str:
    return new_id("ses", NOW + timedelta(seconds=seconds))


def test_sessions_that_ended_together_are_refused_by_when_they_began_but_for_the_one_kept(feed: Counting) -> None:
    process = Revocations(feed)
    before, kept, after = session_begun(-60), session_begun(-30), session_begun(1)
    feed.tell([revocation_text(SessionsEnded("per_1", kept, clock.epoch_milliseconds(NOW)))])
    assert process.refuse(claims(before), look(0))
    assert process.refuse(claims(session_begun(0)), look(0))
    assert not process.refuse(claims(kept), look(0))
    assert not process.refuse(claims(after), look(0))
    assert not process.refuse(claims(before, person_id="per_2"), look(0))
    # One who comes later in the feed is not always later in time: what was kept by the latest goes on.
    feed.tell(
        [
            revocation_text(SessionsEnded("per_1", after, clock.epoch_milliseconds(NOW + timedelta(seconds=2)))),
            revocation_text(SessionsEnded("per_1", before, clock.epoch_milliseconds(NOW - timedelta(seconds=2)))),
        ]
    )
    assert process.refuse(claims(kept), look(1))
    assert not process.refuse(claims(after), look(1))
    assert len(process._people) == 1
    process.refuse(claims(after), NOW + KEPT + timedelta(seconds=2))
    assert process._people == {}


def test_an_entry_of_a_later_release_is_passed_over(feed: Counting) -> None:
    process = Revocations(feed)
    feed.tell(['["planet","mars",1]', "}", ended("ses_1")])
    assert process.refuse(claims("ses_1"), look(0))


def feed_of(part: Part) -> RevocationFeed:
    # No pause of the breaker, so that no test waits for one to end.
    return RevocationFeed(Cache(part.variables["REDIS_URL"], prefix="t", breaker=Breaker(failures_max=10**9)))


def test_without_redis_nobody_is_signed_out_and_what_was_heard_stays(redis_of_its_own: Part) -> None:
    feed = feed_of(redis_of_its_own)
    feed.note_taken_in(NOW)
    feed.tell([ended("ses_1")])
    process, newcomer = Revocations(feed), Revocations(feed)
    assert process.refuse(claims("ses_1"), look(0))
    assert process.are_heard(look(0))
    redis_of_its_own.process.stop()
    assert process.refuse(claims("ses_1"), look(1))
    assert not process.refuse(claims("ses_2"), look(1))
    assert not process.are_heard(look(1))
    assert not newcomer.refuse(claims("ses_1"), look(1))
    assert not newcomer.are_heard(look(1))
    with pytest.raises(CacheDown):
        feed.tell([ended("ses_2")])


def test_redis_that_came_back_empty_is_known_to_be_incomplete_until_it_is_mended(redis_of_its_own: Part) -> None:
    feed = feed_of(redis_of_its_own)
    feed.note_taken_in(NOW)
    feed.tell([ended("ses_1")])
    old = Revocations(feed)
    assert old.refuse(claims("ses_1"), look(0))
    redis_of_its_own.process.stop()
    redis_of_its_own.process.start()
    redis_of_its_own.process.wait_until(redis_of_its_own.ready, 10.0)
    # The first connections are still those of the server that is gone.
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        with contextlib.suppress(CacheDown):
            feed.tell([ended("ses_2")])
            break
    newcomer = Revocations(feed)
    assert old.refuse(claims("ses_1"), look(1))
    assert old.refuse(claims("ses_2"), look(1))
    assert not newcomer.refuse(claims("ses_1"), look(1))
    assert not newcomer.are_heard(look(1))
    # What the mending does.
    feed.tell([ended("ses_1")])
    feed.note_taken_in(NOW)
    assert newcomer.refuse(claims("ses_1"), look(2))
    assert newcomer.are_heard(look(2))


def test_a_process_without_redis_lets_everybody_in_and_says_so() -> None:
    process = Revocations(RevocationFeed(Cache(None, prefix="t")))
    assert not process.refuse(claims("ses_1"), look(0))
    assert not process.are_heard(look(0))
