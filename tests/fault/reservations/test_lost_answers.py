"""The answer to a write is lost after it was done, and the client library sends it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.hold import HoldToken
from contracts.reservations import HoldConfirmed
from services.reservations import repository, use_cases
from services.reservations.domain import refusals
from services.reservations.repository import caching
from services.reservations.schemas import LineAsked
from shared.auth import verify_token
from shared.data import transport, update, wire
from tests.integration.reservations.box_limits import limited
from tests.integration.reservations.box_office import (
    OPENING,
    basket,
    general_pool,
    hold,
    on_sale,
    paid,
    refunded,
    ticket_type,
    where,
)

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


@pytest.mark.parametrize("quantity", [2, 40])
def test_an_extension_with_its_answer_lost_prolongs_once(lost: list[str], quantity: int) -> None:
    published, kind = on_sale(50)
    held = hold(published, kind, quantity, person_id="per_me")
    token = verify_token(held.hold_token, "hold", HoldToken, now=OPENING)
    longer = use_cases.extend_hold(held.hold_id, token, "per_me", OPENING)
    assert longer.expires_at == held.expires_at + timedelta(seconds=600)
    pool_id = published.pools[0].pool_id
    until = int(longer.expires_at.timestamp())
    seen = repository.look_at((pool_id, block) for block in range(2))
    assert {taken.until for slots in seen.values() for taken in slots.values()} == {until}
    assert lost[-1] == ("TransactWriteItems" if quantity > 25 else "UpdateItem")


@pytest.mark.parametrize(("before", "after"), [(3, 2), (3, 5), (40, 2), (2, 40)])
def test_a_replacement_with_its_answer_lost_is_done_once(lost: list[str], before: int, after: int) -> None:
    published, kind = on_sale(50)
    old = hold(published, kind, before, person_id="per_me")
    token = verify_token(old.hold_token, "hold", HoldToken, now=OPENING)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=after))
    new = use_cases.place_hold(request, "per_me", None, OPENING, replaces=token)
    assert len(where(new)) == taken(published.pools[0].pool_id, 2) == after
    assert lost[-1] in ("UpdateItem", "TransactWriteItems")


def test_a_sale_with_limits_and_every_first_answer_lost(lost: list[str]) -> None:
    pool = general_pool(50)
    kind = ticket_type(pool, places_max=30)
    published = limited([pool], [kind], places_per_buyer_max=4)
    held = hold(published, kind, 4, person_id="per_me")
    quotas = [(kind.ticket_type_id, 0), (kind.ticket_type_id, 1), (f"{published.event_id}:per_me", 0)]
    assert sum(len(slots) for slots in repository.look_at(quotas).values()) == 8
    order = paid(published, held)
    answer = use_cases.answer_paid_order(order, OPENING)
    assert isinstance(answer, HoldConfirmed)
    assert answer.places == held.places
    use_cases.take_back_refunded_order(refunded(order, held.places, was_confirmed=True), OPENING)
    assert sum(len(slots) for slots in repository.look_at(quotas).values()) == taken(pool.pool_id, 2) == 0
    assert "TransactWriteItems" in lost


def test_control_without_recognising_its_own_effect_a_replacement_is_refused_by_itself(
    lost: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published, kind = on_sale(3)
    old = hold(published, kind, 3, person_id="per_me")
    token = verify_token(old.hold_token, "hold", HoldToken, now=OPENING)

    def forgetful(*given: Any, **named: Any) -> Any:
        return update(*given, **{**named, "own_effect": lambda old: False})

    monkeypatch.setattr("services.reservations.repository.blocks.update", forgetful)
    request = basket(published, LineAsked(ticket_type_id=kind.ticket_type_id, quantity=3))
    with pytest.raises((refusals.AllHeld, refusals.TooFewLeft, refusals.Busy)):
        use_cases.place_hold(request, "per_me", None, OPENING, replaces=token)


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
