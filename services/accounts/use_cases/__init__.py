"""What people ask of accounts, one function for each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts.accounts import OrganiserRegistered
from services.accounts import domain, repository
from services.accounts.schemas import AddMember, RegisterOrganiser, SignIn, SignUp
from services.accounts.use_cases.membership import giver_of
from shared import clock
from shared.auth import (
    AccessToken,
    Identity,
    TokenInvalid,
    hash_password,
    issue_access_token,
    needs_rehash,
    public_jwks,
    sign_token,
    signing_secrets,
    verify_password,
    verify_token,
)
from shared.cache import CacheDown
from shared.data import AlreadyExists, Page, TransactionRefused
from shared.http import Conflict, NotFound, Unauthorized
from shared.ids import new_id, same_body
from shared.telemetry import log

_TOKEN_BYTES: Final = 48
_NONCE_BYTES: Final = 32
_TRIES_MAX: Final = 4
_DEVICE_AUDIENCE: Final = "device"


class SignedIn(NamedTuple):
    """A session with the tokens just given out for it."""

    person: repository.Person
    session: domain.Session
    access: AccessToken
    refresh: domain.RefreshToken


def sign_up(body: SignUp, operation_id: str | None, now: datetime, *, address: str = "") -> repository.Person:
    """Make a person. With the password of the account that is there already, it is a repetition, and answered as one.

    Raises InvalidEmail, InvalidName, WeakPassword, EmailTaken for somebody else's address, and TooManySignIns, because
    trying passwords here must be no easier than at the sign-in; `address` is the caller's.
    """
    email = domain.normalised_email(body.email)
    name = domain.tidy_name(body.name)
    domain.check_password(body.password, email)
    person_id = new_id("per", now) if operation_id is None else same_body("per", operation_id)
    hashed = hash_password(body.password)
    owner_id = repository.add_person(person_id, email, name, hashed, now)
    if owner_id is None:
        return repository.Person(person_id, email, name, hashed, (), clock.to_milliseconds(now))
    attempt = repository.begin_attempt(domain.account_mark(email), address, None)
    there = repository.person_by_id(owner_id)
    if there is not None and verify_password(there.password_hash, body.password):
        repository.forgive(attempt)
        return there
    raise domain.EmailTaken("there is an account with this e-mail address; sign in, or use another address")


def sign_in(body: SignIn, address: str, now: datetime) -> tuple[SignedIn, str]:
    """Begin a session, from a network address; answers it with the token by which this device is known from now on.

    A repetition begins another session; the one nobody uses ends by itself. Raises SignInRefused, which takes as long
    and says as much for unknown e-mail addresses as for others, and TooManySignIns, which says as much, too.
    """
    mark = domain.account_mark(body.email)
    device = _known_device(body.device_token, now)
    attempt = repository.begin_attempt(mark, address, device)
    try:
        signed_in = _sign_in(body, now)
    except domain.SignInRefused:
        raise
    except BaseException:
        # What broke on our side is no failure of theirs.
        repository.forgive(attempt)
        raise
    repository.forgive(attempt)
    mine = device is not None and device.account_mark == mark
    known = device if device is not None and mine else domain.Device(new_id("dev", now), mark)
    return signed_in, sign_token(_DEVICE_AUDIENCE, known, now + domain.DEVICE_KNOWN)


def _known_device(token: str | None, now: datetime) -> domain.Device | None:
    """The device a token speaks of. One that is no good makes a stranger, no refusal."""
    try:
        return None if token is None else verify_token(token, _DEVICE_AUDIENCE, domain.Device, now=now)
    except TokenInvalid:
        return None


def _sign_in(body: SignIn, now: datetime) -> SignedIn:
    try:
        person = repository.person_by_email(domain.normalised_email(body.email))
    except domain.InvalidEmail:
        person = None
    too_long = len(body.password) > domain.PASSWORD_LENGTH_MAX
    right = verify_password(person.password_hash if person else None, "" if too_long else body.password)
    if person is None or person.password_hash is None or not right or too_long:
        raise domain.SignInRefused("the e-mail address and the password do not belong together")
    if needs_rehash(person.password_hash):
        repository.renew_password_hash(person, hash_password(body.password), now)
    return begin_session(person, now)


def begin_session(person: repository.Person, now: datetime) -> SignedIn:
    """Put a session of somebody who has proved to be that person, and give out its first tokens."""
    session_id = new_id("ses", now)
    token = domain.RefreshToken.first(session_id, os.urandom(_TOKEN_BYTES))
    started_at = clock.to_milliseconds(now)
    session = domain.Session(
        session_id=session_id,
        person_id=person.person_id,
        family_mark=domain.fingerprint(token.family),
        secret_mark=domain.fingerprint(token.secret),
        started_at=started_at,
        runs_out_at=domain.runs_out_at(started_at, started_at),
    )
    repository.start_session(session, now)
    return _signed_in(person, session, token, now)


def refresh(text: str, now: datetime) -> SignedIn:
    """Give the next tokens of a session for its newest refresh token.

    Sent again within 30 s, it gives the same refresh token again. An outdated token means that two have held it, and
    nobody can tell which is the thief: the session ends. Raises SessionOver.
    """
    token = domain.RefreshToken.read(text)
    session = repository.remembered_session(token.session_id)
    if session is None or domain.judge(session, token, now) != "rotate":
        # Redis may be behind; only the table's word ends a session or repeats an answer.
        session = repository.session(token.session_id)
    for _ in range(_TRIES_MAX):
        verdict = "over" if session is None else domain.judge(session, token, now)
        if session is None or verdict == "over":
            break
        if verdict == "theft":
            repository.end_session(session.session_id, "theft", now)
            log("session_theft_suspected", level="WARNING", session_id=session.session_id, person_id=session.person_id)
            break
        if verdict == "repeat" and session.nonce is not None:
            return _continued(session, token.following(session.nonce), now)
        nonce = os.urandom(_NONCE_BYTES)
        following = token.following(nonce)
        done, session = repository.rotate_session(
            session, secret_mark=domain.fingerprint(following.secret), nonce=nonce, now=now
        )
        if done and session is not None:
            return _continued(session, following, now)
    raise domain.SessionOver("sign in again")


def sign_out(session_id: str, now: datetime) -> None:
    """End the session. One that has ended already is no error."""
    repository.end_session(session_id, "signed out", now)


def access_is_live(identity: Identity, now: datetime) -> bool:
    """Whether access tokens of the session, or of the API key, are to be honoured here; a session's up to a minute."""
    if identity.scopes is not None:
        keys = [repository.api_key(organiser_id, identity.session_id) for organiser_id in identity.roles]
        return any(row is not None and not row.is_revoked for row in keys)
    session = repository.remembered_session(identity.session_id)
    return session is not None and domain.is_live(session, now)


def me(identity: Identity) -> repository.Person:
    """The person who asks, with the memberships of this moment. Raises Unauthorized when the person is gone."""
    person = repository.person_by_id(identity.person_id)
    if person is None:
        raise Unauthorized("The account is gone.")
    return person


def register_organiser(
    body: RegisterOrganiser, identity: Identity, operation_id: str | None, now: datetime
) -> repository.OrganiserRow:
    """Make an organiser, owned by who asks, and announce it. The same `operation_id` again finds it made.

    Raises InvalidName, TooManyMemberships.
    """
    name = domain.tidy_name(body.name)
    owner = me(identity)
    if len(owner.memberships) >= domain.MEMBERSHIPS_MAX:
        raise domain.TooManyMemberships(f"nobody belongs to more than {domain.MEMBERSHIPS_MAX} organisers")
    organiser_id = new_id("org", now) if operation_id is None else same_body("org", operation_id)
    try:
        return repository.add_organiser(organiser_id, name, owner, now)
    except AlreadyExists as exists:
        if operation_id is None or not isinstance(exists.stored, repository.OrganiserRow):
            raise
        return exists.stored


def organiser(organiser_id: str) -> repository.OrganiserRow:
    """The organiser with that id. Raises NotFound."""
    found = repository.organiser(organiser_id)
    if found is None:
        raise NotFound("There is no such organiser.")
    return found


def list_members(organiser_id: str, limit: int, cursor: str | None) -> Page[repository.MemberRow]:
    """The organiser's members, those who signed up first in front. Raises BadCursor."""
    return repository.members(organiser_id, limit, cursor)


def add_member(organiser_id: str, body: AddMember, identity: Identity, now: datetime) -> repository.MemberRow:
    """Make somebody a member, or give a member another role. The same again changes nothing.

    The access token's roles may be minutes old, so the giver's role is looked up, and asked for again by the write.
    Raises InvalidEmail, UnknownPerson, RoleNotYours, TooManyMemberships, Forbidden, Conflict.
    """
    email = domain.normalised_email(body.email)
    for _ in range(_TRIES_MAX):
        giver = giver_of(organiser_id, identity)
        person = repository.person_by_email(email)
        if person is None:
            raise domain.UnknownPerson("nobody has signed up with this e-mail address yet")
        held = repository.member(organiser_id, person.person_id)
        domain.check_role_given(
            domain.role(giver.role),
            body.role,
            domain.role(held.role) if held else None,
            to_oneself=person.person_id == identity.person_id,
        )
        if held is not None and held.role == body.role:
            return held
        if held is None and len(person.memberships) >= domain.MEMBERSHIPS_MAX:
            raise domain.TooManyMemberships("this person belongs to as many organisers as anybody can")
        try:
            return repository.put_member(organiser(organiser_id), person, held, body.role, giver, now)
        except TransactionRefused:
            # The giver's role, or the member, changed in this moment: everything is looked at again.
            continue
    raise Conflict("The members are being changed by others at this moment.")


def remove_member(organiser_id: str, person_id: str, identity: Identity, now: datetime) -> None:
    """Take somebody out of an organiser, and the role out of all tokens; harmless when repeated.

    As for adding, the remover's role is looked up, and asked for again by the write.
    Raises RoleNotYours, Forbidden, Conflict.
    """
    for _ in range(_TRIES_MAX):
        remover, held = giver_of(organiser_id, identity), repository.member(organiser_id, person_id)
        if held is None:
            return
        to_oneself = person_id == identity.person_id
        domain.check_removal(domain.role(remover.role), domain.role(held.role), to_oneself=to_oneself)
        try:
            return repository.remove_member(organiser_id, held, remover, now)
        except TransactionRefused:
            # One of the two roles changed in this moment: everything is looked at again.
            continue
    raise Conflict("The members are being changed by others at this moment.")


def mend_revocations(now: datetime) -> None:
    """Bring into the feed what it may lack of the latest revocations. Without Redis there is nothing to mend."""
    try:
        told = repository.mend_feed(now)
    except CacheDown as down:
        log("revocations_not_mended", level="WARNING", error=down)
        return
    if told:
        log("revocations_mended", count=told)


def keys() -> dict[str, Any]:
    """The public keys that verify access tokens."""
    return public_jwks(signing_secrets())


def registered_message(image: Mapping[str, Any]) -> OrganiserRegistered:
    """The message an organiser's row announces."""
    return OrganiserRegistered(
        organiser_id=image["organiser_id"],
        version=int(image["version"]),
        name=image["name"],
        registered_at=clock.from_iso(image["created_at"]),
    )


def _continued(session: domain.Session, token: domain.RefreshToken, now: datetime) -> SignedIn:
    person = repository.person_by_id(session.person_id)
    if person is None:
        raise domain.SessionOver("the account is gone")
    if person.has_ended(session.session_id):
        raise domain.SessionOver("it ended with all other sessions of this person; sign in again")
    return _signed_in(person, session, token, now)


def _signed_in(
    person: repository.Person, session: domain.Session, token: domain.RefreshToken, now: datetime
) -> SignedIn:
    identity = Identity(
        person_id=person.person_id,
        email=person.email,
        name=person.name,
        session_id=session.session_id,
        roles=person.roles,
    )
    return SignedIn(person, session, issue_access_token(identity, now=now), token)
