"""What makes a person, a session and a member: the rules, without storage or time of their own.

A session is one sign-in on one device. It is kept alive by a refresh token that changes with every use, so a stolen
token is found out: two parties cannot both hold the newest one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import re
import unicodedata
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from shared import ids


class Tolerance(NamedTuple):
    """Failed sign-ins that are borne: `burst` at once, then `a_minute` more."""

    burst: int
    a_minute: int


# A person mistypes a few times; a list of leaked passwords has thousands.
BORNE_OF_ADDRESS_AT_ACCOUNT: Final = Tolerance(10, 1)
BORNE_OF_DEVICE: Final = Tolerance(10, 1)
# Thousands may share an address at an on-sale, and one in ten mistypes.
BORNE_OF_ADDRESS: Final = Tolerance(200, 30)
# From all addresses together. Beyond it strangers wait for their turn, each address for its own, so that nobody who
# attacks an account can use up its owner's.
BORNE_AT_ACCOUNT: Final = Tolerance(100, 1)
STRANGERS_WAIT: Final = timedelta(minutes=5)
STRANGERS_TURN: Final = timedelta(minutes=10)
DEVICE_KNOWN: Final = timedelta(days=180)

Role = Literal["owner", "manager", "box_office", "scanner"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

EMAIL_LENGTH_MAX: Final = 254
PASSWORD_LENGTH_MIN: Final = 10
# Hashing is slow on purpose, and its time grows with the length of what anybody may send.
PASSWORD_LENGTH_MAX: Final = 256
# Every membership is a claim in the access token, and that has to fit into a header.
MEMBERSHIPS_MAX: Final = 40

SESSION_IDLE: Final = timedelta(days=30)
SESSION_LENGTH_MAX: Final = timedelta(days=180)
# A client that lost the answer to its refresh repeats it within seconds; a thief comes later, or is found out later.
REPEAT_WINDOW: Final = timedelta(seconds=30)

_SECRET_BYTES: Final = 32
_FAMILY_BYTES: Final = 16
_NOT_IN_EMAIL: Final = r"@\s\x00-\x1f\x7f,;:<>()\[\]\\\""
_EMAIL: Final = re.compile(
    rf"[^{_NOT_IN_EMAIL}]{{1,64}}@(?:[^{_NOT_IN_EMAIL}._]{{1,63}}\.)+[^{_NOT_IN_EMAIL}._\d]{{2,63}}"
)
# The few that people choose most among those long enough to pass the first rule.
_COMMON_PASSWORDS_LIST: Final = """
1234567890 0123456789 0987654321 1q2w3e4r5t 1qaz2wsx3edc qwertyuiop qwertzuiop qwerty12345 qwerty123456 password12
password123 password1234 passwort123 iloveyou12 iloveyou123 letmein1234 administrator changeme123 welcome1234
football123 baseball123 sunshine123 princess123 abcdefghij abcdefghijkl abc1234567 superman123
"""
_COMMON_PASSWORDS: Final = frozenset(_COMMON_PASSWORDS_LIST.split())


class AccountsError(Exception):
    """A request the rules of accounts refuse; `field` is the path in the body that is to blame, where one is."""

    field: str | None = None


class InvalidEmail(AccountsError):
    """What was given cannot be an e-mail address."""

    field = "$.email"


class InvalidName(AccountsError):
    """A name that is empty, too long or not made of printable characters."""

    field = "$.name"


class WeakPassword(AccountsError):
    """The password breaks a rule, and the message says which."""

    field = "$.password"


class EmailTaken(AccountsError):
    """There is an account with this e-mail address, and the password given is not its own."""

    field = "$.email"


class SignInRefused(AccountsError):
    """The e-mail address and password do not belong together; which of them is wrong is never said."""


class TooManySignIns(AccountsError):
    """Too many sign-ins failed; after `retry_after` seconds the next may be tried."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many sign-ins failed; wait a little, or use a device that has signed in before")
        self.retry_after = retry_after


class SessionOver(AccountsError):
    """The refresh token opens nothing: unknown, ended, run out, or used before."""


class UnknownPerson(AccountsError):
    """Nobody has signed up with this e-mail address."""

    field = "$.email"


class RoleNotYours(AccountsError):
    """The role of the one who asks does not allow giving, or taking away, that role."""


class TooManyMemberships(AccountsError):
    """The person belongs to as many organisers as an access token can name."""

    field = "$.email"


def normalised_email(text: str) -> str:
    """The one spelling under which an address is kept and compared: trimmed, composed, in lower case.

    Raises InvalidEmail for what cannot be an address. Whether mail arrives there, only mail can tell.
    """
    email = unicodedata.normalize("NFKC", text).strip().lower()
    if len(email) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(email):
        raise InvalidEmail("an e-mail address looks like name@example.org")
    local, _, _ = email.partition("@")
    if local.startswith(".") or local.endswith(".") or ".." in email:
        raise InvalidEmail("an e-mail address has no dots at the ends of its parts, nor two in a row")
    return email


def account_mark(email: str) -> str:
    """What sign-ins to an address are counted by, whether it has an account or not, or even is none."""
    with contextlib.suppress(InvalidEmail):
        email = normalised_email(email)
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def tidy_name(text: str) -> str:
    """A name with its spaces put in order. Raises InvalidName when nothing printable is left, or too much."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= 120 or not name.isprintable():
        raise InvalidName("a name has 1 to 120 printable characters")
    return name


def check_password(password: str, email: str) -> None:
    """Raises WeakPassword unless the password is long enough, not among the commonest, and not the address itself.

    There are no rules about kinds of characters: length is what helps, and such rules make people write passwords down.
    """
    if len(password) < PASSWORD_LENGTH_MIN:
        raise WeakPassword(f"a password has at least {PASSWORD_LENGTH_MIN} characters")
    if len(password) > PASSWORD_LENGTH_MAX:
        raise WeakPassword(f"a password has at most {PASSWORD_LENGTH_MAX} characters")
    lowered = password.lower()
    if lowered in _COMMON_PASSWORDS or len(set(lowered)) < 4:
        raise WeakPassword("this password is among the first that would be tried")
    local = email.partition("@")[0]
    if lowered in (email, local) or (len(local) >= 6 and lowered.replace(local, "", 1).isdigit()):
        raise WeakPassword("a password must not be made of the e-mail address")


class RefreshToken(msgspec.Struct, frozen=True):
    """What a client keeps to stay signed in: `<session>.<family>.<secret>`.

    The secret changes with every use; the family does not. Whoever shows the right family with an outdated secret once
    held a true token; whoever knows only the session's id, which access tokens carry, can neither enter nor end it.
    """

    session_id: str
    family: bytes
    secret: bytes

    @property
    def text(self) -> str:
        """The token as it travels."""
        return f"{self.session_id}.{_letters(self.family)}.{_letters(self.secret)}"

    @classmethod
    def first(cls, session_id: str, randomness: bytes) -> RefreshToken:
        """The token a sign-in begins with, from 48 random bytes."""
        if len(randomness) != _FAMILY_BYTES + _SECRET_BYTES:
            raise ValueError(f"a refresh token takes {_FAMILY_BYTES + _SECRET_BYTES} random bytes")
        return cls(session_id, randomness[:_FAMILY_BYTES], randomness[_FAMILY_BYTES:])

    @classmethod
    def read(cls, text: str) -> RefreshToken:
        """The token a text holds. Raises SessionOver when it is none."""
        session_id, _, rest = text.partition(".")
        family, _, secret = rest.partition(".")
        try:
            token = cls(session_id, _octets(family), _octets(secret))
        except (binascii.Error, ValueError) as trouble:
            raise SessionOver("this is no refresh token") from trouble
        if not ids.is_id("ses", session_id) or len(token.family) != _FAMILY_BYTES or len(token.secret) != _SECRET_BYTES:
            raise SessionOver("this is no refresh token")
        return token

    def following(self, nonce: bytes) -> RefreshToken:
        """The token that takes this one's place.

        It follows from this one and the nonce of its rotation, which the session keeps: so a repeated refresh can be
        given the same answer, though no token is stored. Neither the table nor an old token alone leads to it.
        """
        return RefreshToken(self.session_id, self.family, hmac.digest(self.secret, nonce, "sha256"))


class Device(msgspec.Struct, frozen=True):
    """Where somebody has signed in to an account before; a signed token carries it, and the server keeps nothing."""

    device_id: str
    account_mark: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a session: fingerprints of its tokens, never the tokens."""

    session_id: str
    person_id: str
    family_mark: bytes
    secret_mark: bytes
    previous_mark: bytes | None = None
    nonce: bytes | None = None
    rotated_at: datetime | None = None
    started_at: datetime
    runs_out_at: datetime
    ended_at: datetime | None = None


Verdict = Literal["rotate", "repeat", "theft", "over"]


def judge(session: Session, token: RefreshToken, now: datetime) -> Verdict:
    """What to do with a token that is shown for a refresh.

    `rotate`: it is the newest. `repeat`: it was the newest until less than 30 s ago, so its owner may not have had the
    answer. `theft`: it was given out for this session once, and somebody has used it since. `over`: anything else.
    """
    if not hmac.compare_digest(fingerprint(token.family), session.family_mark):
        return "over"
    if session.ended_at is not None or now >= session.runs_out_at:
        return "over"
    mark = fingerprint(token.secret)
    if hmac.compare_digest(mark, session.secret_mark):
        return "rotate"
    was_newest = session.previous_mark is not None and hmac.compare_digest(mark, session.previous_mark)
    if was_newest and session.rotated_at is not None and now - session.rotated_at <= REPEAT_WINDOW:
        return "repeat"
    return "theft"


def is_live(session: Session, now: datetime) -> bool:
    """Whether access tokens of the session are to be honoured."""
    return session.ended_at is None and now < session.runs_out_at


def runs_out_at(started_at: datetime, used_at: datetime) -> datetime:
    """When a session last used then ends by itself: 30 days unused, and 180 days in all at most."""
    return min(used_at + SESSION_IDLE, started_at + SESSION_LENGTH_MAX)


def fingerprint(secret: bytes) -> bytes:
    """What is kept of a random secret. Plain SHA-256, since 128 random bits and more cannot be guessed."""
    return hashlib.sha256(secret).digest()


def role(stored: str) -> Role:
    """The role a row names. Raises ValueError for a word that is none."""
    for known in ROLES:
        if known == stored:
            return known
    raise ValueError(f"{stored!r} is no role")


def check_role_given(giver: Role, given: Role, held: Role | None, *, to_oneself: bool) -> None:
    """Raises RoleNotYours unless a member may give that role to somebody who so far holds `held`.

    Owners give every role; managers give box_office and scanner to those who hold no more than that. Nobody changes the
    own role: so the last owner cannot go, and since the write also asks that the giver still is what the token says,
    two owners cannot depose each other at once.
    """
    if to_oneself and held != given:
        raise RoleNotYours("nobody changes the own role; another owner can")
    if giver == "owner":
        return
    small: tuple[Role, ...] = ("box_office", "scanner")
    if giver == "manager" and given in small and (held is None or held in small):
        return
    raise RoleNotYours(f"a member with the role {giver} cannot make somebody {given}")


def check_removal(remover: Role, held: Role, *, to_oneself: bool) -> None:
    """Raises RoleNotYours unless a member may take another who holds that role out of the organiser.

    Owners may take out every other, managers those who hold box_office or scanner. Nobody takes out oneself: so the
    last owner stays, for the same reason as in `check_role_given`.
    """
    small: tuple[Role, ...] = ("box_office", "scanner")
    if to_oneself:
        raise RoleNotYours("nobody leaves on one's own; another owner, or manager, can end it")
    if remover != "owner" and not (remover == "manager" and held in small):
        raise RoleNotYours(f"a member with the role {remover} cannot take out somebody who is {held}")


def _letters(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _octets(text: str) -> bytes:
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _letters(raw) != text:
        raise ValueError("not the one spelling of these bytes")
    return raw
