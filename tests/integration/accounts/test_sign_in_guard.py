"""Passwords cannot be tried by the thousand, and whoever tries locks nobody else out."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from runtime.parts import Part
from services.accounts import domain, repository, use_cases
from services.accounts.repository import attempts
from services.accounts.schemas import SignIn, SignUp
from shared import clock
from shared.cache import Cache
from shared.data import errors as data_errors
from shared.ids import new_id

PASSWORD = "correct horse battery"
BURST = domain.BORNE_OF_ADDRESS_AT_ACCOUNT.burst
WRONG = "not the password"


@pytest.fixture(autouse=True)
def _guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROTTLING_ENABLED", "1")


@pytest.fixture
def somewhere() -> Callable[[], str]:
    """Addresses nobody has signed in from."""
    return lambda: f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


@pytest.fixture
def owner() -> str:
    """The e-mail address of somebody with an account."""
    email = f"p{secrets.token_hex(8)}@example.org"
    use_cases.sign_up(SignUp(email=email, password=PASSWORD, name="Ann"), None, clock.now())
    return email


def sign_in(email: str, password: str, address: str, device_token: str | None = None) -> str:
    """What comes of it: `in`, `refused`, or how many seconds to wait."""
    body = SignIn(email=email, password=password, device_token=device_token)
    try:
        use_cases.sign_in(body, address, clock.now())
    except domain.SignInRefused:
        return "refused"
    except domain.TooManySignIns as slowed:
        return f"wait {slowed.retry_after}"
    return "in"


def device_of(email: str, address: str) -> str:
    return use_cases.sign_in(SignIn(email=email, password=PASSWORD), address, clock.now())[1]


def attack(email: str, somewhere: Callable[[], str]) -> None:
    """Uses up what is borne at an account, from as many addresses as that takes."""
    mark = domain.account_mark(email)
    for _ in range(domain.BORNE_AT_ACCOUNT.burst // BURST):
        address = somewhere()
        for _ in range(BURST):
            with suppress(domain.TooManySignIns):
                repository.begin_attempt(mark, address, None)


def test_after_ten_failures_even_the_right_password_waits(owner: str, somewhere: Callable[[], str]) -> None:
    here = somewhere()
    assert [sign_in(owner, WRONG, here) for _ in range(BURST)] == ["refused"] * BURST
    assert sign_in(owner, PASSWORD, here).startswith("wait ")
    assert 1 <= int(sign_in(owner, WRONG, here).split()[1]) <= 60


def test_without_the_guard_passwords_are_tried_without_end(
    owner: str, somewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setenv("THROTTLING_ENABLED", "0")
    here = somewhere()
    assert [sign_in(owner, WRONG, here) for _ in range(3 * BURST)] == ["refused"] * (3 * BURST)
    assert sign_in(owner, PASSWORD, here) == "in"


def test_failures_at_one_address_slow_down_no_other(owner: str, somewhere: Callable[[], str]) -> None:
    here = somewhere()
    for _ in range(2 * BURST):
        sign_in(owner, WRONG, here)
    assert sign_in(owner, PASSWORD, here).startswith("wait ")
    assert sign_in(owner, PASSWORD, somewhere()) == "in"


def test_whoever_signs_in_rightly_is_never_slowed_down(owner: str, somewhere: Callable[[], str]) -> None:
    here = somewhere()
    assert {sign_in(owner, PASSWORD, here) for _ in range(3 * BURST)} == {"in"}


def test_a_hundred_tries_at_once_are_no_way_around(
    owner: str, somewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, looked_at = somewhere(), list[int]()

    def count(stored: str | None, password: str) -> bool:
        looked_at.append(1)
        return False

    monkeypatch.setattr(use_cases, "verify_password", count)
    with ThreadPoolExecutor(25) as threads:
        list(threads.map(lambda _: sign_in(owner, WRONG, here), range(100)))
    assert len(looked_at) == BURST
    monkeypatch.setenv("THROTTLING_ENABLED", "0")
    sign_in(owner, WRONG, here)
    assert len(looked_at) == BURST + 1, "the control: without the guard every one is looked at"


def test_one_address_does_not_try_a_password_at_thousands_of_accounts(somewhere: Callable[[], str]) -> None:
    here = somewhere()
    for number in range(domain.BORNE_OF_ADDRESS.burst):
        repository.begin_attempt(domain.account_mark(f"{number}{here}@example.org"), here, None)
    with pytest.raises(domain.TooManySignIns) as slowed:
        repository.begin_attempt(domain.account_mark(f"last{here}@example.org"), here, None)
    assert slowed.value.retry_after <= 2


def test_signing_up_is_no_easier_way_to_try_passwords(owner: str, somewhere: Callable[[], str]) -> None:
    here = somewhere()

    def sign_up(password: str) -> str:
        try:
            use_cases.sign_up(SignUp(email=owner, password=password, name="Ann"), None, clock.now(), address=here)
        except domain.EmailTaken:
            return "taken"
        except domain.TooManySignIns:
            return "wait"
        return "answered"

    assert {sign_up(PASSWORD) for _ in range(2 * BURST)} == {"answered"}
    assert [sign_up(f"{WRONG} {number}") for number in range(BURST)] == ["taken"] * BURST
    assert [sign_up(f"{WRONG} again"), sign_up(PASSWORD)] == ["wait", "wait"]
    assert sign_in(owner, PASSWORD, here).startswith("wait "), "both ways are counted together"


def test_under_attack_the_owners_device_signs_in_as_ever(owner: str, somewhere: Callable[[], str]) -> None:
    home = somewhere()
    device = device_of(owner, home)
    attack(owner, somewhere)
    assert sign_in(owner, PASSWORD, home, device) == "in"
    for _ in range(2 * BURST):
        sign_in(owner, WRONG, home)
    assert sign_in(owner, PASSWORD, home, device) == "in", "not even an attacker at the same address is in the way"
    assert sign_in(owner, PASSWORD, home).startswith("wait "), "the control: without its token it is a stranger"


def test_a_stolen_device_token_tries_no_more_passwords_than_an_address(
    owner: str, somewhere: Callable[[], str]
) -> None:
    device, there = device_of(owner, somewhere()), somewhere()
    attack(owner, somewhere)
    assert [sign_in(owner, WRONG, there, device) for _ in range(BURST)] == ["refused"] * BURST
    assert sign_in(owner, WRONG, there, device).startswith("wait ")


def test_a_device_of_one_account_is_a_stranger_to_another(owner: str, somewhere: Callable[[], str]) -> None:
    other = f"p{secrets.token_hex(8)}@example.org"
    use_cases.sign_up(SignUp(email=other, password=PASSWORD, name="Eve"), None, clock.now())
    device = device_of(other, somewhere())
    attack(owner, somewhere)
    assert sign_in(owner, PASSWORD, somewhere(), device).startswith("wait ")
    assert sign_in(owner, PASSWORD, somewhere(), "forged").startswith("wait ")


def test_under_attack_a_stranger_who_waited_has_a_turn_that_nobody_takes_away(
    owner: str, somewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "STRANGERS_WAIT", timedelta(milliseconds=400))
    attack(owner, somewhere)
    mine, theirs = somewhere(), somewhere()
    assert [sign_in(owner, PASSWORD, address) for address in (mine, theirs)] == ["wait 1", "wait 1"]
    clock_of_redis_reaches(attempts, owner, theirs)
    assert sign_in(owner, WRONG, theirs) == "refused"
    assert sign_in(owner, WRONG, theirs).startswith("wait "), "a turn is one try"
    assert sign_in(owner, PASSWORD, mine) == "in"


def clock_of_redis_reaches(module: Any, email: str, address: str) -> None:
    """Waits until the turn of that address has come, as Redis sees it."""
    prefix = f"{os.environ['RESOURCE_PREFIX']}:accounts:sign-in"
    cache = Cache(os.environ["REDIS_URL"], prefix=prefix)
    key = f"{prefix}:turn:{domain.account_mark(email)}:{module.network_of(address)}"
    lasts = domain.STRANGERS_TURN.total_seconds() * 1000
    deadline = clock.now() + timedelta(seconds=20)
    while cache.execute(lambda client: client.pttl(key)) > lasts:
        assert clock.now() < deadline


def test_the_answers_do_not_tell_whether_there_is_an_account(owner: str, somewhere: Callable[[], str]) -> None:
    heard = []
    for email in (owner, f"p{secrets.token_hex(8)}@example.org", f"no address {secrets.token_hex(8)}"):
        here = somewhere()
        told = [sign_in(email, WRONG, here).split()[0] for _ in range(BURST + 2)]
        attack(email, somewhere)
        heard.append([*told, sign_in(email, WRONG, somewhere())])
    assert heard[0] == heard[1] == heard[2]
    assert heard[0][-1] == "wait 300"


def test_over_http_it_is_a_429_that_says_when(owner: str, send: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Chalice's local client has no address, so what others of this run did there must not count.
    monkeypatch.setenv("RESOURCE_PREFIX", f"{os.environ['RESOURCE_PREFIX']}-{secrets.token_hex(4)}")
    body = {"email": owner, "password": WRONG}
    known = send("POST", "/v1/sessions", {**body, "password": PASSWORD})
    assert known.status_code == 201
    answers = [send("POST", "/v1/sessions", body) for _ in range(BURST + 1)]
    assert [each.status_code for each in answers] == [401] * BURST + [429]
    assert answers[-1].json["type"] == "urn:stagedoor:problem:too-many-sign-ins"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert "field" not in answers[-1].json
    again = {"email": owner, "password": PASSWORD, "device_token": known.json["device_token"]}
    assert send("POST", "/v1/sessions", again).status_code == 201


def test_a_failure_of_ours_is_none_of_theirs(
    owner: str, somewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = somewhere()

    def broken(email: str) -> None:
        raise data_errors.Throttled("slow down")

    with monkeypatch.context() as patched:
        patched.setattr(repository, "person_by_email", broken)
        for _ in range(2 * BURST):
            with pytest.raises(data_errors.Throttled):
                sign_in(owner, PASSWORD, here)
    assert sign_in(owner, PASSWORD, here) == "in"


def test_without_redis_addresses_are_counted_and_nobody_waits_for_a_turn(
    owner: str, somewhere: Callable[[], str], monkeypatch: pytest.MonkeyPatch, redis_of_its_own: Part
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_of_its_own.variables["REDIS_URL"])
    redis_of_its_own.process.kill()
    redis_of_its_own.process.stop()
    here = somewhere()
    assert [sign_in(owner, WRONG, here) for _ in range(BURST)] == ["refused"] * BURST
    assert sign_in(owner, PASSWORD, here).startswith("wait ")
    attack(owner, somewhere)
    assert sign_in(owner, PASSWORD, somewhere()) == "in"


def test_a_device_keeps_its_name_from_one_sign_in_to_the_next(owner: str, somewhere: Callable[[], str]) -> None:
    first = device_of(owner, somewhere())
    body = SignIn(email=owner, password=PASSWORD, device_token=first)
    _, second = use_cases.sign_in(body, somewhere(), clock.now())
    known, still = (use_cases._known_device(token, clock.now()) for token in (first, second))
    assert known is not None
    assert known == still
    later = clock.now() + domain.DEVICE_KNOWN + timedelta(seconds=2)
    assert use_cases._known_device(second, later) is None
    assert use_cases._known_device(new_id("dev"), clock.now()) is None
