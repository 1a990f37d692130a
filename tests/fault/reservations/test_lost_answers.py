"""The answer to a write is lost after it was done, and the client library sends it again."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.hold import HoldToken
from contracts.reservations import HoldConfirmed
from services.reservations import repository, use_cases
from services.reservations.domain import refusals
from services.reservations.repository import caching
from shared.auth import verify_token
from shared.data import transport, update, wire
from tests.integration.reservations.box_office import OPENING, hold, on_sale, paid, refunded, where

WRITES = ("UpdateItem", "PutItem", "TransactWriteItems")


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Loses the first answer of every write; lists what was lost."""
    caching.forget()
    carry = transport.carry
    seen: set[int] = set()
    lost: list[str] = []

    def lose(operation: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        answer = carry(operation, request, seconds)
        if operation in WRITES and id(request) not in seen:
            seen.add(id(request))
            lost.append(operation)
            kept.append(request)
            raise wire.Lost("lost on its way")
        return answer

    # Requests are kept, so that no two of them are ever told apart by an address that was used again.
    kept: list[Any] = []
    monkeypatch.setattr(transport, "carry", lose)
    return lost


def taken(pool_id: str, blocks: int) -> int:
    return sum(len(slots) for slots in repository.look_at((pool_id, block) for block in range(blocks)).values())


@pytest.mark.parametrize("quantity", [2, 40])
def test_a_whole_sale_with_every_first_answer_lost(lost: list[str], quantity: int) -> None:
    published, kind = on_sale(50)
    pool_id = published.pools[0].pool_id
    held = hold(published, kind, quantity, person_id="per_me")
    assert taken(pool_id, 2) == quantity
    order = paid(published, held)
    answer = use_cases.answer_paid_order(order, OPENING)
    assert isinstance(answer, HoldConfirmed)
    assert answer.places == held.places
    assert taken(pool_id, 2) == quantity
    use_cases.take_back_refunded_order(refunded(order, held.places, was_confirmed=True), OPENING)
    assert taken(pool_id, 2) == 0
    wanted = ["PutItem", "PutItem", "TransactWriteItems" if quantity > 25 else "UpdateItem"]
    assert lost[:3] == wanted


def test_a_release_with_its_answer_lost(lost: list[str]) -> None:
    published, kind = on_sale(5)
    held = hold(published, kind, 5, person_id="per_me")
    token = verify_token(held.hold_token, "hold", HoldToken, now=OPENING)
    use_cases.release_hold(held.hold_id, token, "per_me", OPENING)
    assert taken(published.pools[0].pool_id, 1) == 0
    assert len(where(hold(published, kind, 5))) == 5


def test_control_without_recognising_its_own_effect_a_hold_is_refused_by_itself(
    lost: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published, kind = on_sale(1)

    def forgetful(*given: Any, **named: Any) -> Any:
        return update(*given, **{**named, "own_effect": lambda old: False})

    monkeypatch.setattr("services.reservations.repository.blocks.update", forgetful)
    with pytest.raises((refusals.AllHeld, refusals.Busy)):
        hold(published, kind, 1)
    assert taken(published.pools[0].pool_id, 1) == 1
