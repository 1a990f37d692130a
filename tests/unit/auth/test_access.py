"""Access tokens, their keys, and the authorizer that reads them."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from chalice.app import AuthRequest

from shared import clock
from shared.auth import (
    AccessRefused,
    Identity,
    TokenExpired,
    TokenInvalid,
    access,
    authorize_access_token,
    hash_password,
    issue_access_token,
    needs_rehash,
    public_jwks,
    unpack_identity,
    verify_access_token,
    verify_password,
)
from shared.cache import Memory
from shared.http import Forbidden, NotFound

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
OLD = {"a1": "first"}
NEW = {"a2": "second", **OLD}
ANNA = Identity("per_anna", "anna@example.com", "Anna", "ses_1", {"org_1": "owner", "org_2": "scanner"})
ARN = "arn:aws:execute-api:us-east-1:1:api/dev/GET/v1/orders"


def jwks(secrets: dict[str, str]) -> str:
    return json.dumps(public_jwks(secrets))


def test_a_token_tells_who_is_asking() -> None:
    issued = issue_access_token(ANNA, now=NOW, secrets=OLD)
    assert issued.expires_at == NOW + timedelta(minutes=10)
    claims = verify_access_token(issued.token, now=NOW, jwks=jwks(OLD))
    assert claims.identity == ANNA


def test_it_ends_after_ten_minutes() -> None:
    issued = issue_access_token(ANNA, now=NOW, secrets=OLD)
    verify_access_token(issued.token, now=NOW + timedelta(seconds=599), jwks=jwks(OLD))
    with pytest.raises(TokenExpired):
        verify_access_token(issued.token, now=NOW + timedelta(seconds=600), jwks=jwks(OLD))


def test_keys_rotate_without_signing_anybody_out() -> None:
    old = issue_access_token(ANNA, now=NOW, secrets=OLD).token
    new = issue_access_token(ANNA, now=NOW, secrets=NEW).token
    verify_access_token(old, now=NOW, jwks=jwks(NEW))
    verify_access_token(new, now=NOW, jwks=jwks(NEW))
    with pytest.raises(TokenInvalid):
        verify_access_token(new, now=NOW, jwks=jwks(OLD))


def test_public_keys_hold_nothing_to_sign_with() -> None:
    document = public_jwks(NEW)
    assert [key["kid"] for key in document["keys"]] == ["a2", "a1"]
    assert all(set(key) == {"kty", "crv", "x", "kid", "alg", "use"} for key in document["keys"])


def unsigned(header: dict[str, str], claims: dict[str, object]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join(parts) + "."


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return claims


def test_algorithms_of_the_callers_choice_are_refused() -> None:
    good = issue_access_token(ANNA, now=NOW, secrets=OLD).token
    for algorithm in ("none", "HS256"):
        with pytest.raises(TokenInvalid):
            verify_access_token(unsigned({"alg": algorithm, "kid": "a1"}, claims_of(good)), now=NOW, jwks=jwks(OLD))


def test_a_hash_keyed_with_the_public_key_is_refused() -> None:
    """The classic confusion: the verifier's public key taken for a shared secret."""
    import hmac

    good = issue_access_token(ANNA, now=NOW, secrets=OLD).token
    body = unsigned({"alg": "HS256", "kid": "a1", "typ": "at+jwt"}, claims_of(good))[:-1]
    public = base64.urlsafe_b64decode(public_jwks(OLD)["keys"][0]["x"] + "=")
    mac = base64.urlsafe_b64encode(hmac.digest(public, body.encode(), hashlib.sha256)).rstrip(b"=").decode()
    with pytest.raises(TokenInvalid):
        verify_access_token(f"{body}.{mac}", now=NOW, jwks=jwks(OLD))


def test_a_token_of_another_type_or_audience_is_no_access_token() -> None:
    from joserfc import jwt

    from shared.auth.access import _signing_key

    key = _signing_key("a1", OLD["a1"])
    claims = claims_of(issue_access_token(ANNA, now=NOW, secrets=OLD).token)
    other_type = jwt.encode({"alg": "Ed25519", "kid": "a1", "typ": "JWT"}, claims, key, algorithms=["Ed25519"])
    elsewhere = {**claims, "aud": "elsewhere"}
    header = {"alg": "Ed25519", "kid": "a1", "typ": "at+jwt"}
    other_audience = jwt.encode(header, elsewhere, key, algorithms=["Ed25519"])
    right = jwt.encode(header, claims, key, algorithms=["Ed25519"])
    verify_access_token(right, now=NOW, jwks=jwks(OLD))
    for token in (other_type, other_audience):
        with pytest.raises(TokenInvalid):
            verify_access_token(token, now=NOW, jwks=jwks(OLD))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "." * 50, "a" * 10_000, "e30.e30.e30", "W10.W10.W10"])
def test_what_is_no_token_is_refused_as_one(text: str) -> None:
    with pytest.raises(TokenInvalid):
        verify_access_token(text, now=NOW, jwks=jwks(OLD))


def test_every_changed_signature_is_refused() -> None:
    token = issue_access_token(ANNA, now=NOW, secrets=OLD).token
    for at in range(token.rindex(".") + 1, len(token) - 1, 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(TokenInvalid):
            verify_access_token(changed, now=NOW, jwks=jwks(OLD))


def other_header(token: str, header: dict[str, object]) -> str:
    """The token's claims under another header, rightly signed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = hashlib.sha256(OLD["a1"].encode()).digest()
    body = unsigned({}, claims_of(token))[:-1].partition(".")[2]
    signed = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode() + "." + body
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_header_with_more_in_it_than_ours_is_refused_though_rightly_signed() -> None:
    """Some members change how a token is to be read (RFC 7515's `crit`, RFC 7797's `b64`); none is ours."""
    good = issue_access_token(ANNA, now=NOW, secrets=OLD).token
    ours: dict[str, object] = {"alg": "Ed25519", "kid": "a1", "typ": "at+jwt"}
    assert verify_access_token(other_header(good, {**ours}), now=NOW, jwks=jwks(OLD)).identity == ANNA
    for more in ({"crit": ["exp"]}, {"b64": False}, {"jwk": {"kty": "OKP"}}, {"x": 1}):
        with pytest.raises(TokenInvalid):
            verify_access_token(other_header(good, {**ours, **more}), now=NOW, jwks=jwks(OLD))
    wrong: list[dict[str, object]] = [
        {**ours, "alg": "EdDSA"},
        {**ours, "kid": "a9"},
        {**ours, "typ": "JWT"},
        {"alg": "Ed25519"},
    ]
    for changed in wrong:
        with pytest.raises(TokenInvalid):
            verify_access_token(other_header(good, changed), now=NOW, jwks=jwks(OLD))


def test_what_joserfc_issues_and_verifies_we_verify_alike() -> None:
    from joserfc import jwt
    from joserfc.jwk import KeySet

    token = issue_access_token(ANNA, now=NOW, secrets=NEW).token
    theirs = jwt.decode(token, KeySet.import_key_set(json.loads(jwks(NEW))), algorithms=["Ed25519"])
    assert msgspec.to_builtins(verify_access_token(token, now=NOW, jwks=jwks(NEW))) == theirs.claims


class TestMemory:
    """A signature is checked once a minute and a process; what the token says of its end holds every time."""

    @pytest.fixture(autouse=True)
    def _checks(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.setattr(access, "_verified", Memory(entries_max=4))
        self.read: list[str] = []
        read = access._read

        def noting(token: str, keys: Any) -> Any:
            self.read.append(token)
            return read(token, keys)

        monkeypatch.setattr(access, "_read", noting)
        return self.read

    def verify(self, token: str, seconds: float = 0.0, secrets: dict[str, str] = OLD) -> None:
        verify_access_token(token, now=NOW + timedelta(seconds=seconds), jwks=jwks(secrets))

    def test_the_same_token_is_checked_once_in_a_minute(self) -> None:
        token = issue_access_token(ANNA, now=NOW, secrets=OLD).token
        for seconds in (0.0, 1.0, 59.9):
            self.verify(token, seconds)
        assert self.read == [token]
        self.verify(token, 60.0)
        assert self.read == [token, token]

    def test_a_remembered_token_ends_when_it_ends(self) -> None:
        token = issue_access_token(ANNA, now=NOW, secrets=OLD, seconds=30).token
        self.verify(token, 29.9)
        for seconds in (30.0, 45.0, 3600.0):
            with pytest.raises(TokenExpired):
                self.verify(token, seconds)

    def test_a_key_that_is_taken_out_takes_its_tokens_with_it_at_once(self) -> None:
        token = issue_access_token(ANNA, now=NOW, secrets=OLD).token
        self.verify(token)
        self.verify(token, secrets=NEW)
        with pytest.raises(TokenInvalid):
            self.verify(token, secrets={"a2": "second"})
        # The same name for another key is another key.
        with pytest.raises(TokenInvalid):
            self.verify(token, secrets={"a1": "another"})

    def test_no_refusal_is_remembered_and_no_near_miss_is_taken_for_it(self) -> None:
        token = issue_access_token(ANNA, now=NOW, secrets=OLD).token
        self.verify(token)
        for other in (token + "A", token[:-2] + "AA", " " + token, token.upper()):
            for _ in range(2):
                with pytest.raises(TokenInvalid):
                    self.verify(other)

    def test_it_holds_no_token_and_no_more_than_it_should(self) -> None:
        tokens = [issue_access_token(ANNA, now=NOW, secrets=OLD, seconds=60 + more).token for more in range(6)]
        for token in tokens:
            self.verify(token)
        kept = access._verified._entries
        assert len(kept) == 4
        assert not any(part in str(name) for name in kept for token in tokens for part in token.split("."))


class TestAuthorizer:
    @pytest.fixture(autouse=True)
    def _keys(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ACCESS_TOKEN_JWKS", jwks(OLD))

    def ask(self, text: str) -> dict[str, object]:
        request = AuthRequest("TOKEN", text, ARN)
        answer: dict[str, object] = authorize_access_token(request).to_dict(request)
        return answer

    def test_it_lets_through_to_all_routes_and_says_who_it_is(self) -> None:
        answer = self.ask("Bearer " + issue_access_token(ANNA, now=clock.now(), secrets=OLD).token)
        assert answer["principalId"] == "per_anna"
        policy = answer["policyDocument"]
        assert isinstance(policy, dict)
        assert policy["Statement"][0]["Resource"] == ["arn:aws:execute-api:us-east-1:1:api/dev/*/*"]
        context = answer["context"]
        assert isinstance(context, dict)
        assert all(isinstance(value, str) for value in context.values())
        assert unpack_identity(context["identity"]) == ANNA

    def test_the_scheme_is_bearer_in_any_case(self) -> None:
        token = issue_access_token(ANNA, now=clock.now(), secrets=OLD).token
        self.ask("bearer " + token)
        for text in (token, "Basic " + token, "Bearer", ""):
            with pytest.raises(AccessRefused):
                self.ask(text)

    def test_its_refusal_has_the_one_text_that_api_gateway_knows(self) -> None:
        with pytest.raises(AccessRefused, match=r"^Unauthorized$"):
            self.ask("Bearer nonsense")
        ended = issue_access_token(ANNA, now=clock.now() - timedelta(hours=1), secrets=OLD).token
        with pytest.raises(AccessRefused, match=r"^Unauthorized$"):
            self.ask("Bearer " + ended)


class TestRoles:
    def test_members_get_through_in_their_role(self) -> None:
        ANNA.require_member("org_1")
        ANNA.require_member("org_1", "owner", "manager")
        assert ANNA.organisers("owner") == ["org_1"]
        assert ANNA.is_member("org_2", "scanner")
        assert not ANNA.is_member("org_2", "owner")

    def test_the_wrong_role_is_forbidden(self) -> None:
        with pytest.raises(Forbidden, match="owner"):
            ANNA.require_member("org_2", "owner")
        with pytest.raises(Forbidden):
            ANNA.require_any_role("box_office")
        with pytest.raises(Forbidden):
            Identity("per_2", "b@example.com", "B", "ses_2").require_any_role()

    def test_a_stranger_does_not_learn_that_the_thing_exists(self) -> None:
        with pytest.raises(NotFound):
            ANNA.require_member("org_3")

    def test_what_is_no_identity_cannot_be_unpacked(self) -> None:
        for text in ("", "{}", '{"person_id": 1}'):
            with pytest.raises(msgspec.MsgspecError):
                unpack_identity(text)


class TestPasswords:
    def test_a_password_is_known_again_and_another_is_not(self) -> None:
        stored = hash_password("correct horse")
        assert stored.startswith("$argon2id$")
        assert "correct horse" not in stored
        assert verify_password(stored, "correct horse")
        assert not verify_password(stored, "incorrect horse")
        assert hash_password("correct horse") != stored

    def test_nobody_has_no_password_and_broken_hashes_fit_none(self) -> None:
        assert not verify_password(None, "nobody has this password")
        assert not verify_password("no hash at all", "x")

    def test_a_hash_of_other_parameters_is_to_be_made_anew(self) -> None:
        from argon2 import PasswordHasher

        weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("x")
        assert needs_rehash(weak)
        assert not needs_rehash(hash_password("x"))
