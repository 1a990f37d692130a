"""Who may sign up, with which password, and who may give which role."""

from __future__ import annotations

import itertools

import pytest

from services.accounts import domain
from services.accounts.domain import ROLES, InvalidEmail, InvalidName, Role, RoleNotYours, WeakPassword


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ann@Example.org", "ann@example.org"),
        ("  ann@example.org\n", "ann@example.org"),
        ("ANN+tickets@Sub.Example.co.uk", "ann+tickets@sub.example.co.uk"),
        ("ｆｕｌｌ@example.org", "full@example.org"),
        ("jürgen@münchen.de", "jürgen@münchen.de"),
    ],
)
def test_an_address_has_one_spelling(written: str, kept: str) -> None:
    assert domain.normalised_email(written) == kept
    assert domain.normalised_email(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@example",
        "ann@@example.org",
        "ann b@example.org",
        "ann@exam ple.org",
        ".ann@example.org",
        "ann.@example.org",
        "ann..b@example.org",
        "ann@example..org",
        "ann@127.0.0.1",
        "ann,bob@example.org",
        "Ann <ann@example.org>",
        "ann\x00@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 250 + ".org",
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(InvalidEmail):
        domain.normalised_email(written)


@pytest.mark.parametrize("password", ["correct horse", "x7!kQ2#9vT", "пароль который длинный", "a" * 253 + "bcd"])
def test_long_passwords_of_any_characters_are_good(password: str) -> None:
    domain.check_password(password, "ann@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "ninechars",
        "x" * 257,
        "aaaaaaaaaaaa",
        "ababababab",
        "Password123",
        "QWERTYUIOP",
        "annabella@example.org",
        "Annabella@Example.org",
        "annabella12",
        "annabella",
    ],
)
def test_passwords_that_would_be_tried_first_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        domain.check_password(password, "annabella@example.org")


@pytest.mark.parametrize(("written", "kept"), [("  Ann   Lee ", "Ann Lee"), ("Zoe\u0308", "Zoë")])
def test_a_name_is_put_in_order(written: str, kept: str) -> None:
    assert domain.tidy_name(written) == kept


@pytest.mark.parametrize("written", ["", "   ", "a" * 121, "Ann\x07", "Ann\u202eeel"])
def test_a_name_is_printable_and_short(written: str) -> None:
    with pytest.raises(InvalidName):
        domain.tidy_name(written)


ALLOWED = {
    *(("owner", given, held) for given in ROLES for held in (None, *ROLES)),
    *(("manager", given, held) for given in ("box_office", "scanner") for held in (None, "box_office", "scanner")),
}


@pytest.mark.parametrize(("giver", "given", "held"), list(itertools.product(ROLES, ROLES, (None, *ROLES))))
def test_who_gives_which_role(giver: Role, given: Role, held: Role | None) -> None:
    if (giver, given, held) in ALLOWED:
        domain.check_role_given(giver, given, held, to_oneself=False)
        return
    with pytest.raises(RoleNotYours):
        domain.check_role_given(giver, given, held, to_oneself=False)


@pytest.mark.parametrize(("role", "given"), [(one, other) for one in ROLES for other in ROLES if one != other])
def test_nobody_changes_the_own_role(role: Role, given: Role) -> None:
    with pytest.raises(RoleNotYours):
        domain.check_role_given(role, given, role, to_oneself=True)


def test_a_stored_word_that_is_no_role_is_refused() -> None:
    with pytest.raises(ValueError, match="no role"):
        domain.role("director")
