"""A ticket's code proves itself with the public keys alone, and with nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from services.tickets.domain import CodeRefused, SigningKeys, TicketCode, verify_code
from shared import ids
from tests.unit.tickets.sample_tickets import AT, KEYS, facts, ticket

TICKET_ID = ids.new_id("tkt", AT)
EVENT_ID = ids.new_id("evt", AT)
CODE = KEYS.sign(ticket_id=TICKET_ID, event_id=EVENT_ID, label="Orchestra, row C, seat 12")
# As a gate has it after a download: a document, no Python object of ours.
PUBLISHED = json.dumps(KEYS.jwks())


def reason_for(code: str, jwks: str = PUBLISHED) -> str:
    with pytest.raises(CodeRefused) as refused:
        verify_code(code, json.loads(jwks))
    return refused.value.reason


def test_a_code_is_verified_with_nothing_but_the_published_document() -> None:
    assert verify_code(CODE, json.loads(PUBLISHED)) == TicketCode(
        kid="2026-b", ticket_id=TICKET_ID, event_id=EVENT_ID, place_label="Orchestra, row C, seat 12"
    )


def test_the_published_document_holds_no_private_half() -> None:
    assert all(set(key) == {"kty", "crv", "use", "alg", "kid", "x"} for key in json.loads(PUBLISHED)["keys"])


def test_a_code_is_typed_in_any_case_and_with_blanks() -> None:
    typed = " ".join(CODE[start : start + 8] for start in range(0, len(CODE), 8)).lower()
    assert verify_code(typed, json.loads(PUBLISHED)).ticket_id == TICKET_ID


def test_codes_of_a_key_that_was_replaced_stay_valid_until_the_key_is_withdrawn() -> None:
    before = SigningKeys({"2026-a": "the one before"})
    code = before.sign(ticket_id=TICKET_ID, event_id=EVENT_ID, label="")
    assert verify_code(code, json.loads(PUBLISHED)).kid == "2026-a"
    withdrawn = json.dumps(SigningKeys({"2026-b": "the current secret"}).jwks())
    assert reason_for(code, withdrawn) == "unknown_key"


def test_the_first_key_signs() -> None:
    assert SigningKeys({"x": "1", "y": "2"}).current_kid == "x"
    with pytest.raises(ValueError, match="no secret"):
        SigningKeys({})
    with pytest.raises(ValueError, match="key id"):
        SigningKeys({"a key id that is too long": "1"})


def test_every_changed_character_is_noticed() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for place in range(3, len(CODE)):
        other = letters[(letters.index(CODE[place]) + 1) % 32]
        forged = CODE[:place] + other + CODE[place + 1 :]
        assert reason_for(forged) in ("bad_signature", "malformed_code", "unknown_key"), place


def test_another_box_office_cannot_sign_under_our_key_id() -> None:
    stranger = SigningKeys({"2026-b": "a secret of their own"})
    assert reason_for(stranger.sign(ticket_id=TICKET_ID, event_id=EVENT_ID, label="")) == "bad_signature"


def test_a_signature_cannot_be_moved_to_another_ticket() -> None:
    other = KEYS.sign(ticket_id=ids.new_id("tkt", AT), event_id=EVENT_ID, label="Orchestra, row C, seat 12")
    raw, other_raw = (base64.b32decode(code[3:] + "=" * (-len(code[3:]) % 8)) for code in (CODE, other))
    mixed = "ST1" + base64.b32encode(other_raw[:-64] + raw[-64:]).decode().rstrip("=")
    assert reason_for(mixed) == "bad_signature"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda code: "",
        lambda code: "ST1",
        lambda code: "ST1A",
        lambda code: "hello",
        lambda code: code[:60],
        lambda code: code[3:],
        lambda code: code + "A",
        lambda code: "ST2" + code[3:],
        lambda code: "ST1" + "A" * 500,
        lambda code: "ST1é€",
    ],
)
def test_what_is_no_code_is_malformed(spoil: Callable[[str], str]) -> None:
    assert reason_for(spoil(CODE)) in ("malformed_code", "bad_signature")


def test_a_code_names_nobody_and_stays_short() -> None:
    issued = ticket(facts())
    raw = base64.b32decode(issued.code[3:] + "=" * (-len(issued.code[3:]) % 8))
    assert ids.raw_bytes(issued.person_id) not in raw
    assert len(issued.code) <= 230
    long_label = KEYS.sign(ticket_id=TICKET_ID, event_id=EVENT_ID, label="é" * 200)
    assert len(long_label) <= 280
    assert verify_code(long_label, json.loads(PUBLISHED)).place_label == "é" * 30
