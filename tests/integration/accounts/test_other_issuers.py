"""Signing in by what another issuer says: a real issuer over HTTP, everything that may be wrong, and its absence."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from services.accounts import repository
from shared import clock
from shared.auth import issuers, verify_access_token
from shared.auth.issuers import TrustedIssuers, read_trusted_issuers
from shared.data import consumed
from tests.integration.accounts.conftest import trust
from tests.saga.issuer import CLIENT_ID, LocalIssuer

PASSWORD = "correct horse battery"


def exchange(send: Any, token: str, **body: Any) -> Any:
    return send("POST", "/v1/sessions/oidc", {"id_token": token, **body})


def refused(answer: Any) -> str:
    assert (answer.status_code, answer.json["type"]) == (401, "urn:stagedoor:problem:id-token-refused")
    return str(answer.json["detail"])


def test_the_first_time_makes_a_person_and_the_next_finds_it(send: Any, issuer: LocalIssuer) -> None:
    first = exchange(send, issuer.token(sub="ivy", email="ivy.first@example.com", roles={"org_1": "owner"}))
    assert first.status_code == 201, first.body
    claims = verify_access_token(first.json["access_token"])
    assert (claims.email, claims.name, claims.roles) == ("ivy.first@example.com", "Ivy Issued", {})
    # The address may have changed there since, or be verified no more: the identity is the subject.
    again = exchange(send, issuer.token(sub="ivy", email="another@example.com", email_verified=False))
    assert again.json["person_id"] == first.json["person_id"]
    assert again.json["session_id"] != first.json["session_id"]
    refreshed = send("POST", "/v1/sessions/refresh", {"refresh_token": again.json["refresh_token"]})
    assert refreshed.status_code == 200


def test_the_same_subject_of_another_issuer_is_somebody_else(
    send: Any, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = exchange(send, issuer.token(sub="same", email="same.one@example.com")).json
    other = LocalIssuer()
    trust(monkeypatch, other)
    second = exchange(send, other.token(sub="same", email="same.two@example.com")).json
    other.stop()
    assert first["person_id"] != second["person_id"]


@pytest.mark.parametrize("algorithm", issuers.ALGORITHMS)
def test_every_allowed_algorithm_is_verified(send: Any, issuer: LocalIssuer, algorithm: str) -> None:
    key_id = issuer.add_key(algorithm)
    assert exchange(send, issuer.token(key_id)).status_code == 201
    forged = LocalIssuer()
    forged.keys = {key_id: forged.keys[forged.add_key(algorithm)]}
    token = forged.token(key_id, iss=issuer.issuer)
    forged.stop()
    assert "signature" in refused(exchange(send, token))


SECONDS = 60 + 5


@pytest.mark.parametrize(
    ("wrong", "why", "right"),
    [
        ({"iss": "https://elsewhere.example"}, "not trusted", {}),
        ({"aud": "another-client"}, "audience", {"aud": "stagedoor-app"}),
        ({"aud": ["another-client"]}, "audience", {"aud": [CLIENT_ID]}),
        ({"aud": [CLIENT_ID, "b"]}, "several", {"aud": [CLIENT_ID, "b"], "azp": CLIENT_ID}),
        ({"azp": "another-client"}, "somebody else", {"azp": "stagedoor-app"}),
        ({"exp": -SECONDS}, "over", {"exp": -50}),
        ({"iat": SECONDS}, "future", {"iat": 50}),
        ({"iat": -600 - SECONDS}, "too old", {"iat": -600}),
        ({"nbf": SECONDS}, "not come", {"nbf": 50}),
        ({"token_use": "access"}, "another use", {"token_use": "id"}),
        ({"sub": ""}, "claim", {}),
        ({"sub": 7}, "claim", {}),
        ({"exp": "tomorrow"}, "claim", {}),
        ({"exp": None}, "claim", {}),
        ({"iat": None}, "claim", {}),
        ({"aud": None}, "claim", {}),
        ({"sub": None}, "claim", {}),
    ],
)
def test_a_wrong_claim_is_refused_and_its_right_form_is_not(
    send: Any, issuer: LocalIssuer, wrong: dict[str, Any], why: str, right: dict[str, Any]
) -> None:
    """Each with its control: the same token with that claim put right gets in."""
    seconds = int(clock.now().timestamp())

    def at(claims: dict[str, Any]) -> dict[str, Any]:
        timed = ("exp", "iat", "nbf")
        return {n: seconds + v if n in timed and isinstance(v, int) else v for n, v in claims.items()}

    assert why in refused(exchange(send, issuer.token(**at(wrong))))
    assert exchange(send, issuer.token(**at(right))).status_code == 201


def test_a_nonce_that_was_sent_must_come_back(send: Any, issuer: LocalIssuer) -> None:
    assert "nonce" in refused(exchange(send, issuer.token(nonce="theirs"), nonce="mine"))
    assert "nonce" in refused(exchange(send, issuer.token(), nonce="mine"))
    assert exchange(send, issuer.token(nonce="mine"), nonce="mine").status_code == 201


@pytest.mark.parametrize(
    "header", [{"typ": "at+jwt"}, {"crit": ["exp"], "exp": 1}, {"alg": "none"}, {"alg": "HS256"}, {"kid": 7}]
)
def test_a_header_of_another_kind_is_refused(send: Any, issuer: LocalIssuer, header: dict[str, Any]) -> None:
    token = issuer.token()
    body = token.partition(".")[2]
    changed = {"alg": "RS256", "kid": list(issuer.keys)[-1], **header}
    refused(exchange(send, f"{letters(changed)}.{body}"))
    assert exchange(send, token).status_code == 201


def letters(part: Any) -> str:
    import base64

    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_secret_in_the_public_set_signs_nothing(send: Any, issuer: LocalIssuer) -> None:
    token = issuer.token(issuer.add_key("HS256"))
    assert "algorithm" in refused(exchange(send, token))
    rest = token.partition(".")[2]
    kid = list(issuer.keys)[-1]
    assert "key is not" in refused(exchange(send, f"{letters({'alg': 'RS256', 'kid': kid})}.{rest}"))


@pytest.mark.parametrize("text", ["x", "a.b.c", "e30.e30.e30", "." * 2, "é.é.é", "x" * 16_384])
def test_what_is_no_token_is_refused_as_one(send: Any, issuer: LocalIssuer, text: str) -> None:
    refused(exchange(send, text))


def test_amazon_cognitos_tokens_are_known_by_their_use(
    send: Any, issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cognito signs access tokens with the same keys; its groups are no roles here."""
    trust(monkeypatch, issuer, token_use="id", name_claim="cognito:username")
    cognito: dict[str, Any] = {
        "cognito:groups": ["admins"],
        "cognito:username": "ivy",
        "auth_time": 1,
        "origin_jti": "x",
    }
    assert "another use" in refused(exchange(send, issuer.token(**cognito)))
    assert "another use" in refused(exchange(send, issuer.token(token_use="access", **cognito)))
    answer = exchange(send, issuer.token(token_use="id", **cognito))
    claims = verify_access_token(answer.json["access_token"])
    assert (claims.name, claims.roles) == ("ivy", {})


@pytest.mark.parametrize("unverified", [{"email_verified": False}, {"email_verified": None}, {"email": None}])
def test_nobody_is_made_of_an_address_that_is_not_verified(
    send: Any, issuer: LocalIssuer, unverified: dict[str, Any]
) -> None:
    answer = exchange(send, issuer.token(**unverified))
    assert (answer.status_code, answer.json["type"]) == (403, "urn:stagedoor:problem:address-not-verified")
    assert exchange(send, issuer.token(email_verified="true")).status_code == 201


def test_an_account_with_a_password_is_not_taken_over_and_can_be_linked(
    send: Any, issuer: LocalIssuer, join: Any
) -> None:
    account = join()
    token = issuer.token(sub="linker", email=account.email)
    answer = exchange(send, token)
    assert (answer.status_code, answer.json["type"]) == (409, "urn:stagedoor:problem:account-not-linked")
    assert "/v1/people/me/identities" in answer.json["detail"]
    first, again = (
        send("POST", "/v1/people/me/identities", {"id_token": token}, account.access_token) for _ in range(2)
    )
    assert (first.status_code, first.json["issuer"], first.json["subject"]) == (201, issuer.issuer, "linker")
    assert (again.status_code, again.json) == (201, first.json)
    assert exchange(send, token).json["person_id"] == account.person_id


def test_an_identity_opens_one_account_only(send: Any, issuer: LocalIssuer, join: Any) -> None:
    first, second = join(), join()
    token = issuer.token()
    assert send("POST", "/v1/people/me/identities", {"id_token": token}, first.access_token).status_code == 201
    taken = send("POST", "/v1/people/me/identities", {"id_token": token}, second.access_token)
    assert (taken.status_code, taken.json["type"]) == (409, "urn:stagedoor:problem:identity-taken")
    assert exchange(send, token).json["person_id"] == first.person_id


def test_an_account_made_by_an_identity_is_no_ones_to_sign_up_for(send: Any, issuer: LocalIssuer) -> None:
    token = issuer.token()
    email = exchange_email(send, token)
    body = {"email": email, "password": PASSWORD, "name": "Somebody Else"}
    assert send("POST", "/v1/people", body).status_code == 409
    assert send("POST", "/v1/sessions", {"email": email, "password": PASSWORD}).status_code == 401


def exchange_email(send: Any, token: str) -> str:
    return verify_access_token(exchange(send, token).json["access_token"]).email


def test_first_times_at_once_make_one_person(send: Any, issuer: LocalIssuer) -> None:
    from services.accounts.schemas import ForeignToken
    from services.accounts.use_cases import identities

    token, barrier = issuer.token(), threading.Barrier(4)

    def sign_in(_: int) -> str:
        barrier.wait(10)
        return identities.sign_in_from_elsewhere(ForeignToken(id_token=token), clock.now()).person.person_id

    with ThreadPoolExecutor(4) as threads:
        people = set(threads.map(sign_in, range(4)))
    assert len(people) == 1
    assert repository.person_by_id(people.pop()) is not None


class TestKeys:
    """An issuer's keys change, and it may be down."""

    def test_a_new_key_is_looked_up_when_it_is_met(self, send: Any, issuer: LocalIssuer) -> None:
        assert exchange(send, issuer.token()).status_code == 201
        issuer.keys = {}
        issuer.add_key("ES256")
        with clock.fixed(clock.now() + issuers.LOOKED_AGAIN):
            assert exchange(send, issuer.token()).status_code == 201

    def test_made_up_keys_are_no_way_to_keep_the_issuer_busy(self, send: Any, issuer: LocalIssuer) -> None:
        with clock.fixed(clock.now()):
            assert exchange(send, issuer.token()).status_code == 201
            before = len(issuer.asked)
            for number in range(20):
                refused(exchange(send, issuer.token(header={"kid": f"made-up-{number}"})))
            assert len(issuer.asked) == before
        with clock.fixed(clock.now() + issuers.LOOKED_AGAIN):
            for _ in range(3):
                refused(exchange(send, issuer.token(header={"kid": "made-up"})))
            assert len(issuer.asked) == before + 2

    def test_while_it_is_down_its_keys_are_believed_for_a_day(self, send: Any, issuer: LocalIssuer) -> None:
        now = clock.now()
        assert exchange(send, issuer.token()).status_code == 201
        issuer.down = True
        for hours, status in ((0.5, 201), (2, 201), (23, 201), (25, 503)):
            with clock.fixed(now + timedelta(hours=hours)):
                assert exchange(send, issuer.token()).status_code == status

    def test_one_that_was_never_reached_is_unavailable_and_then_is_there(self, send: Any, issuer: LocalIssuer) -> None:
        issuer.down = True
        now = clock.now()
        with clock.fixed(now):
            answer = exchange(send, issuer.token())
            assert (answer.status_code, answer.json["type"]) == (503, "urn:stagedoor:problem:issuer-unavailable")
        issuer.down = False
        with clock.fixed(now + issuers.LOOKED_AGAIN):
            assert exchange(send, issuer.token()).status_code == 201

    @pytest.mark.parametrize(
        "discovery",
        [
            {"issuer": "https://elsewhere.example"},
            {"jwks_uri": "http://keys.example/keys"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": None},
        ],
    )
    def test_a_discovery_that_leads_astray_is_not_followed(
        self, send: Any, issuer: LocalIssuer, discovery: dict[str, Any]
    ) -> None:
        issuer.discovery = discovery
        assert exchange(send, issuer.token()).status_code == 503
        assert issuer.asked == ["/pool/.well-known/openid-configuration"]

    def test_redirects_and_floods_are_refused(self, send: Any, issuer: LocalIssuer) -> None:
        """The control: without either it is there."""
        now = clock.now()
        issuer.redirect = f"{issuer.issuer}/elsewhere"
        with clock.fixed(now):
            assert exchange(send, issuer.token()).status_code == 503
        assert issuer.asked == ["/pool/.well-known/openid-configuration"]
        issuer.redirect, issuer.padding = None, issuers.DOCUMENT_BYTES_MAX
        with clock.fixed(now + issuers.LOOKED_AGAIN):
            assert exchange(send, issuer.token()).status_code == 503
        issuer.padding = 0
        with clock.fixed(now + 2 * issuers.LOOKED_AGAIN):
            assert exchange(send, issuer.token()).status_code == 201

    def test_an_issuer_elsewhere_cannot_send_us_to_this_machine(self) -> None:
        """What runs beside a function (its own runtime, for one) is not for an issuer to ask."""
        asked: list[str] = []

        def fetch(address: str) -> bytes:
            asked.append(address)
            return json.dumps(
                {"issuer": "https://issuer.example", "jwks_uri": "http://127.0.0.1:9001/2018-06-01/runtime"}
            ).encode()

        [trusted] = read_trusted_issuers('[{"issuer": "https://issuer.example", "client_ids": ["a"]}]')
        header, claims = letters({"alg": "RS256", "kid": "k"}), letters({"iss": "https://issuer.example"})
        with pytest.raises(issuers.IssuerUnavailable):
            TrustedIssuers((trusted,), fetch).verify(f"{header}.{claims}.x", nonce=None, now=clock.now())
        assert asked == ["https://issuer.example/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    "configured",
    [
        "no json",
        '{"issuer": "https://a.example"}',
        '[{"issuer": "https://a.example"}]',
        '[{"issuer": "https://a.example", "client_ids": []}]',
        '[{"issuer": "https://a.example", "client_ids": [""]}]',
        '[{"issuer": "http://a.example", "client_ids": ["a"]}]',
        '[{"issuer": "https://a.example?x=1", "client_ids": ["a"]}]',
        '[{"issuer": "https://", "client_ids": ["a"]}]',
        '[{"issuer": "https://a.example", "client_ids": ["a"], "audience": "b"}]',
        '[{"issuer": "https://a.example", "client_ids": ["a"]}, {"issuer": "https://a.example", "client_ids": ["b"]}]',
    ],
)
def test_a_configuration_that_cannot_be_meant_is_refused(configured: str) -> None:
    with pytest.raises(ValueError, match="TRUSTED_ISSUERS"):
        read_trusted_issuers(configured)


def test_what_signing_in_from_elsewhere_costs(send: Any, issuer: LocalIssuer) -> None:
    token = issuer.token()
    with consumed() as first:
        exchange(send, token)
    with consumed() as again:
        exchange(send, token)
    # Identity, address, person and the identity beside it, twice, and the session; the identity, and the person.
    assert (first.writes, first.reads) == (9, 2)
    assert (again.writes, again.reads) == (1, 2)
