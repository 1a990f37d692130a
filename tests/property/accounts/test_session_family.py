"""A session's tokens under every order of refreshes, repetitions, thefts and pauses, held against a plain model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import structs

from services.accounts.domain import (
    REPEAT_WINDOW,
    RefreshToken,
    Session,
    fingerprint,
    is_live,
    judge,
    runs_out_at,
)
from shared.ids import new_id

START = datetime(2026, 5, 1, 10, tzinfo=UTC)


class Family(RuleBasedStateMachine):
    """All tokens ever given out for one session, shown again in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.tokens = [RefreshToken.first(new_id("ses", START), bytes(range(48)))]
        self.rotated_at = START
        self.ended = False
        first = self.tokens[0]
        self.session = Session(
            session_id=first.session_id,
            person_id=new_id("per", START),
            family_mark=fingerprint(first.family),
            secret_mark=fingerprint(first.secret),
            started_at=START,
            runs_out_at=runs_out_at(START, START),
        )

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(days=st.integers(1, 40))
    def stay_away(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(back=st.integers(0, 4), nonce=st.binary(min_size=32, max_size=32))
    def show(self, back: int, nonce: bytes) -> None:
        """Show the newest token (0) or one of those before it."""
        back = min(back, len(self.tokens) - 1)
        token = self.tokens[-1 - back]
        verdict = judge(self.session, token, self.now)
        over = self.ended or self.now >= self.session.runs_out_at
        fresh = self.now - self.rotated_at <= REPEAT_WINDOW
        wanted = "over" if over else ("rotate", "repeat" if fresh else "theft", *["theft"] * 3)[back]
        assert verdict == wanted
        if verdict == "rotate":
            following = token.following(nonce)
            self.session = structs.replace(
                self.session,
                previous_mark=self.session.secret_mark,
                secret_mark=fingerprint(following.secret),
                nonce=nonce,
                rotated_at=self.now,
                runs_out_at=runs_out_at(self.session.started_at, self.now),
            )
            self.tokens.append(following)
            self.rotated_at = self.now
        elif verdict == "repeat":
            assert self.session.nonce is not None
            assert token.following(self.session.nonce) == self.tokens[-1]
        elif verdict == "theft":
            self.session = structs.replace(self.session, ended_at=self.now)
            self.ended = True

    @rule(secret=st.binary(min_size=48, max_size=48))
    def guess(self, secret: bytes) -> None:
        """A stranger who knows the session's id, and nothing of its tokens."""
        assert judge(self.session, RefreshToken.first(self.tokens[0].session_id, secret), self.now) == "over"

    @precondition(lambda self: not self.ended)
    @rule()
    def sign_out(self) -> None:
        self.session = structs.replace(self.session, ended_at=self.now)
        self.ended = True

    @invariant()
    def no_session_outlives_its_greatest_length(self) -> None:
        assert self.session.runs_out_at <= START + timedelta(days=180)
        assert not (self.ended and is_live(self.session, self.now))

    @invariant()
    def no_two_tokens_are_the_same(self) -> None:
        assert len({token.text for token in self.tokens}) == len(self.tokens)


TestFamily = Family.TestCase
TestFamily.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
