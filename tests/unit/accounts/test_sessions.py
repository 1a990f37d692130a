"""What a refresh token is worth, at every moment of a session's life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from services.accounts import domain
from services.accounts.domain import RefreshToken, Session, SessionOver, fingerprint, judge, runs_out_at
from shared.ids import new_id

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
NONCE = bytes(range(32))


@pytest.fixture
def first() -> RefreshToken:
    """The token of the sign-in."""
    return RefreshToken.first(new_id("ses", START), bytes(range(48)))


@pytest.fixture
def session(first: RefreshToken) -> Session:
    """The session as the sign-in left it."""
    return Session(
        session_id=first.session_id,
        person_id=new_id("per", START),
        family_mark=fingerprint(first.family),
        secret_mark=fingerprint(first.secret),
        started_at=START,
        runs_out_at=runs_out_at(START, START),
    )


def rotated(session: Session, token: RefreshToken, at: datetime, nonce: bytes = NONCE) -> Session:
    return structs.replace(
        session,
        previous_mark=session.secret_mark,
        secret_mark=fingerprint(token.following(nonce).secret),
        nonce=nonce,
        rotated_at=at,
        runs_out_at=runs_out_at(session.started_at, at),
    )


def test_the_newest_token_is_rotated(session: Session, first: RefreshToken) -> None:
    assert judge(session, first, START) == "rotate"
    later = rotated(session, first, START)
    assert judge(later, first.following(NONCE), START) == "rotate"


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "repeat"), (29.9, "repeat"), (30, "repeat"), (30.1, "theft")])
def test_the_token_before_is_a_repetition_for_thirty_seconds(
    session: Session, first: RefreshToken, seconds: float, verdict: str
) -> None:
    later = rotated(session, first, START)
    assert judge(later, first, START + timedelta(seconds=seconds)) == verdict


def test_the_token_before_the_last_is_theft_at_once(session: Session, first: RefreshToken) -> None:
    second = first.following(NONCE)
    third_session = rotated(rotated(session, first, START), second, START, bytes(32))
    assert judge(third_session, first, START) == "theft"
    assert judge(third_session, second, START) == "repeat"


def test_who_knows_only_the_session_id_neither_enters_nor_ends_it(session: Session, first: RefreshToken) -> None:
    """Access tokens carry the session's id, and they travel widely: a guess with it must not sign anybody out."""
    guess = RefreshToken.first(first.session_id, bytes(48))
    assert judge(session, guess, START) == "over"
    assert judge(rotated(session, first, START), guess, START) == "over"


def test_nothing_revives_a_session_that_is_over(session: Session, first: RefreshToken) -> None:
    assert judge(structs.replace(session, ended_at=START), first, START) == "over"
    assert judge(session, first, START + domain.SESSION_IDLE) == "over"
    assert judge(session, first, START + domain.SESSION_IDLE - timedelta(seconds=1)) == "rotate"


def test_use_prolongs_a_session_up_to_its_greatest_length() -> None:
    assert runs_out_at(START, START) == START + timedelta(days=30)
    assert runs_out_at(START, START + timedelta(days=100)) == START + timedelta(days=130)
    assert runs_out_at(START, START + timedelta(days=170)) == START + timedelta(days=180)


def test_a_token_reads_as_it_was_written(first: RefreshToken) -> None:
    assert RefreshToken.read(first.text) == first
    assert RefreshToken.read(first.following(NONCE).text) == first.following(NONCE)


def test_the_next_token_needs_both_the_last_one_and_the_nonce(first: RefreshToken) -> None:
    following = first.following(NONCE)
    assert following == first.following(NONCE)
    assert following != first.following(bytes(32))
    assert following != RefreshToken.first(first.session_id, bytes(48)).following(NONCE)
    assert following.family == first.family


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text.replace("ses_", "per_"),
        lambda text: text.rsplit(".", 1)[0],
        lambda text: text.replace(".", "", 1),
        lambda text: text[:-1] + "é",
        # The last letter holds bits that no byte needs; only one spelling of them counts.
        lambda text: text[:-1] + ("B" if text[-1] == "A" else chr(ord(text[-1]) + 1)),
    ],
)
def test_what_is_no_token_opens_nothing(first: RefreshToken, spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(SessionOver):
        RefreshToken.read(spoil(first.text))
