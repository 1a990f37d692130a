"""API keys on a real table: shown once, hashed at rest, rotated with an overlap, revoked for good."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.accounts.domain import api_keys
from services.accounts.repository import ApiKeyRow, api_key
from services.accounts.use_cases import api_keys as use_cases
from shared import clock
from shared.auth import verify_access_token
from tests.saga.stored import stored

HOUR = timedelta(hours=1)
WEBSITE = {"name": "Website", "role": "box_office", "scopes": ["reporting:read", "catalog:read", "catalog:read"]}


def make(send: Any, organiser: Any, body: Any = None, **headers: str) -> Any:
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys"
    return send("POST", path, WEBSITE if body is None else body, organiser.owner.access_token, **headers)


def exchange(send: Any, text: str) -> Any:
    return send("POST", "/v1/access-tokens", {"api_key": text})


def rotate(send: Any, organiser: Any, made: Any, key: str, **body: int) -> Any:
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys/{made['api_key_id']}/rotation"
    return send("POST", path, body, organiser.owner.access_token, Idempotency_Key=key)


def test_a_key_is_shown_once_and_opens_what_its_role_and_scopes_allow(send: Any, organiser: Any) -> None:
    answer = make(send, organiser)
    assert answer.status_code == 201, answer.body
    made = answer.json
    assert made["api_key"].startswith(made["prefix"])
    assert made["scopes"] == ["catalog:read", "reporting:read"]
    listed = send("GET", f"/v1/organisers/{organiser.organiser_id}/api-keys", token=organiser.owner.access_token).json[
        "items"
    ]
    assert [one["api_key_id"] for one in listed] == [made["api_key_id"]]
    assert "api_key" not in listed[0]
    given = exchange(send, made["api_key"])
    assert given.status_code == 201, given.body
    claims = verify_access_token(given.json["access_token"])
    assert claims.scopes == ("catalog:read", "reporting:read")
    assert claims.roles == {organiser.organiser_id: "box_office"}
    assert (claims.sub, claims.email) == (made["api_key_id"], "")


def test_nothing_that_is_stored_opens_anything(send: Any, organiser: Any) -> None:
    text = make(send, organiser, Idempotency_Key="k-1").json["api_key"]
    secret = text.rpartition("_")[2]
    kept = json.dumps(
        list(stored("accounts").values()), default=lambda raw: raw.hex() if isinstance(raw, bytes) else str(raw)
    )
    assert text.split("_")[2] in kept, "the key's id is there"
    assert secret not in kept
    # The id of the key is in no answer that is kept for repetitions, either.
    assert f"{text.split('_')[2]}_" not in kept


def test_sent_again_it_is_the_same_key_and_another_body_is_refused(send: Any, organiser: Any) -> None:
    first, again = (make(send, organiser, Idempotency_Key="k-2") for _ in range(2))
    assert first.json == again.json
    other = make(send, organiser, WEBSITE | {"name": "Other"}, Idempotency_Key="k-2")
    assert (other.status_code, other.json["type"]) == (422, "urn:stagedoor:problem:idempotency-key-reused")
    assert make(send, organiser).json["api_key_id"] != first.json["api_key_id"]


def test_a_rotated_key_has_two_secrets_for_a_while(send: Any, organiser: Any) -> None:
    made = make(send, organiser).json
    new, again = (rotate(send, organiser, made, "r-1", overlap_seconds=3600) for _ in range(2))
    assert (new.status_code, new.json) == (200, again.json)
    assert new.json["generation"] == 2
    assert new.json["api_key"] != made["api_key"]
    assert [exchange(send, one["api_key"]).status_code for one in (made, new.json)] == [201, 201]
    with clock.use(lambda: datetime.now(UTC) + HOUR + timedelta(seconds=1)):
        assert [exchange(send, one["api_key"]).status_code for one in (made, new.json)] == [401, 201]
    third = rotate(send, organiser, made, "r-2", overlap_seconds=0).json
    answers = [exchange(send, one["api_key"]).status_code for one in (made, new.json, third)]
    assert answers == [401, 401, 201]
    late = make(send, organiser, Idempotency_Key="k-3").json
    rotate(send, organiser, late, "r-3")
    shown = make(send, organiser, Idempotency_Key="k-3")
    assert (shown.status_code, shown.json["type"]) == (409, "urn:stagedoor:problem:secret-changed")


def test_a_revoked_key_opens_nothing_and_its_tokens_open_nothing_here(send: Any, organiser: Any) -> None:
    made = make(send, organiser).json
    token = exchange(send, made["api_key"]).json["access_token"]
    me = send("GET", "/v1/people/me", token=token)
    assert (me.status_code, me.json["scope"]) == (403, "accounts:read")
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys/{made['api_key_id']}"
    for _ in range(2):
        assert send("DELETE", path, token=organiser.owner.access_token).status_code == 204
    assert exchange(send, made["api_key"]).status_code == 401
    assert send("GET", "/v1/people/me", token=token).status_code == 401
    assert rotate(send, organiser, made, "r-4").status_code == 404


def test_whatever_is_wrong_with_a_key_gets_the_same_answer(send: Any, organiser: Any) -> None:
    text = make(send, organiser).json["api_key"]
    head, _, secret = text.rpartition("_")
    wrong = [
        "",
        "sdk",
        text.upper(),
        text + "0",
        f"{head}_{'0' * 64}",
        f"{head}_{secret[:-1]}",
        text.replace("sdk_", "sdk_0"),
        f"sdk_{'0' * 26}_{'0' * 26}_{secret}",
        " " + text,
    ]
    answers = {(reply.status_code, reply.json["type"]) for reply in (exchange(send, one) for one in wrong)}
    assert answers == {(401, "urn:stagedoor:problem:api-key-refused")}
    assert exchange(send, text).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"scopes": ["catalog:read", "accounts:write"]}, 422, "$.scopes[1]"),
        ({"scopes": []}, 422, "$.scopes"),
        ({"role": "owner"}, 422, "$.role"),
        ({"name": "\n"}, 422, "$.name"),
    ],
)
def test_what_a_key_cannot_be_is_refused_by_the_field(
    send: Any, organiser: Any, change: dict[str, Any], status: int, field: str
) -> None:
    answer = make(send, organiser, WEBSITE | change)
    assert (answer.status_code, answer.json["field"]) == (status, field)


def test_an_organiser_has_so_many_keys_and_no_more(send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "API_KEYS_MAX", 2)
    made = [make(send, organiser, Idempotency_Key=f"m-{number}") for number in range(3)]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert make(send, organiser, Idempotency_Key="m-1").status_code == 201


def test_managers_make_keys_for_smaller_roles_alone(send: Any, organiser: Any, join: Any, renewed: Any) -> None:
    manager = join()
    body = {"email": manager.email, "role": "manager"}
    path = f"/v1/organisers/{organiser.organiser_id}"
    assert send("POST", f"{path}/members", body, organiser.owner.access_token).status_code == 201
    manager = renewed(manager)
    for role, status in (("scanner", 201), ("manager", 403)):
        asked = send("POST", f"{path}/api-keys", WEBSITE | {"role": role}, manager.access_token)
        assert asked.status_code == status, asked.body
    great = make(send, organiser, WEBSITE | {"role": "manager"}).json
    refused = send("DELETE", f"{path}/api-keys/{great['api_key_id']}", token=manager.access_token)
    assert (refused.status_code, refused.json["type"]) == (403, "urn:stagedoor:problem:role-not-yours")
    assert exchange(send, great["api_key"]).status_code == 201


def test_a_key_outlives_the_secret_it_was_made_from(send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signing secret changes; what is stored is the fingerprint, so the key is good, and is not shown again."""
    made = make(send, organiser, Idempotency_Key="k-4").json
    monkeypatch.setattr(use_cases, "signing_secrets", lambda: {"k2": "another secret that is long enough"})
    assert exchange(send, made["api_key"]).status_code == 201
    assert make(send, organiser, Idempotency_Key="k-4").status_code == 409


def test_without_the_fingerprint_a_guess_opens_the_door(
    send: Any, organiser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the comparison is what refuses another secret."""
    made = make(send, organiser).json
    guess = made["prefix"] + "0" * 64
    assert exchange(send, guess).status_code == 401
    monkeypatch.setattr(ApiKeyRow, "accepts", lambda self, mark, now: True)
    assert exchange(send, guess).status_code == 201


def test_the_text_of_a_key_reads_back() -> None:
    key = api_keys.ApiKey.of("org_" + "1" * 26, "key_" + "2" * 26, 3, "master")
    assert api_keys.ApiKey.read(key.text) == key
    assert api_key(key.organiser_id, key.api_key_id) is None


def change(send: Any, organiser: Any, made: Any, version: int | str | None, **body: Any) -> Any:
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys/{made['api_key_id']}"
    headers = {} if version is None else {"If_Match": version if version == "*" else f'"{version}"'}
    return send("PATCH", path, body, organiser.owner.access_token, **headers)


def test_a_keys_name_and_scopes_change_and_its_secret_and_role_stay(send: Any, organiser: Any) -> None:
    made = make(send, organiser, Idempotency_Key="k-5").json
    assert made["version"] == 1
    renamed = change(send, organiser, made, 1, name="Kiosk")
    assert (renamed.status_code, renamed.headers["ETag"]) == (200, '"2"')
    assert renamed.json == {**{k: v for k, v in made.items() if k != "api_key"}, "name": "Kiosk", "version": 2}
    scoped = change(send, organiser, made, "*", scopes=["tickets:read"]).json
    assert (scoped["name"], scoped["scopes"], scoped["version"]) == ("Kiosk", ["tickets:read"], 3)
    given = exchange(send, made["api_key"]).json
    assert (given["scopes"], given["role"]) == (["tickets:read"], "box_office")
    assert make(send, organiser, Idempotency_Key="k-5").json["api_key"] == made["api_key"]


def test_a_change_names_the_version_it_is_meant_for(send: Any, organiser: Any) -> None:
    made = make(send, organiser).json
    assert change(send, organiser, made, None, name="A").status_code == 428
    assert change(send, organiser, made, 7, name="A").status_code == 412
    assert change(send, organiser, made, 1, name="A").status_code == 200
    assert change(send, organiser, made, 1, name="B").status_code == 412
    again = change(send, organiser, made, 1, name="A")
    assert (again.status_code, again.json["version"]) == (200, 2), "its answer may have been lost"
    listed = send("GET", f"/v1/organisers/{organiser.organiser_id}/api-keys", token=organiser.owner.access_token).json
    assert listed["items"][0]["name"] == "A"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["accounts:write"]}, "$.scopes[0]"),
        ({"scopes": []}, "$.scopes"),
        ({"name": "\n"}, "$.name"),
        ({"role": "manager"}, "$.role"),
    ],
)
def test_a_change_to_what_a_key_cannot_be_changes_nothing(
    send: Any, organiser: Any, body: dict[str, Any], field: str
) -> None:
    made = make(send, organiser).json
    refused = change(send, organiser, made, "*", **body)
    assert (refused.status_code, refused.json["field"]) == (422, field)
    row = api_key(organiser.organiser_id, made["api_key_id"])
    assert row is not None
    assert row.version == 1


def test_a_change_after_the_revocation_or_by_a_stranger_finds_no_key(send: Any, organiser: Any, stranger: Any) -> None:
    made = make(send, organiser).json
    path = f"/v1/organisers/{organiser.organiser_id}/api-keys/{made['api_key_id']}"
    theirs = send("PATCH", path, {"name": "Mine"}, stranger.owner.access_token, If_Match="*")
    assert theirs.status_code == 404
    assert send("DELETE", path, token=organiser.owner.access_token).status_code == 204
    assert change(send, organiser, made, "*", name="Late").status_code == 404
