"""Every write of a sale is applied and its answer lost once; the sale comes out as if nothing had been."""

from __future__ import annotations

import pytest

from shared.data import transport, wire
from tests.saga.box_office import BoxOffice, Refused
from tests.saga.company import Company
from tests.saga.mill import Mill
from tests.saga.world import World

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}


class LosesAnswers:
    """Lets every write be done, and loses its answer the first time it is sent."""

    def __init__(self) -> None:
        self._carry = transport.carry
        self._seen: set[int] = set()
        self._kept: list[transport.Request] = []
        self.lost = 0

    def __call__(self, operation: str, request: transport.Request, seconds: float) -> transport.Answer:
        answer = self._carry(operation, request, seconds)
        # A write that is sent again is the same object; it is kept, lest its number be given to another one.
        if operation in WRITES and id(request) not in self._seen:
            self._seen.add(id(request))
            self._kept.append(request)
            self.lost += 1
            raise wire.Lost("the answer was lost")
        return answer


@pytest.mark.parametrize("seated", [True, False], ids=["seated", "general"])
def test_a_sale_does_not_notice_that_the_answer_of_every_write_was_lost(
    office: BoxOffice, mill: Mill, company: Company, monkeypatch: pytest.MonkeyPatch, seated: bool
) -> None:
    loses = LosesAnswers()
    monkeypatch.setattr(transport, "carry", loses)
    world = World(office, mill, company, office.event(seats=4) if seated else office.event(general=4), 4)
    for _ in range(2):
        basket, order = world.order()
        world.pay(basket, order)
    world.settle()
    assert world.check() == ["confirmed", "confirmed"]
    assert loses.lost > 20, f"only {loses.lost} answers were lost"


def test_without_recognising_its_own_effect_a_hold_is_refused_by_itself(
    office: BoxOffice, mill: Mill, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a resent hold that does not know its own id again takes its places for somebody else's."""
    from services.reservations.repository import blocks

    world = World(office, mill, company, office.event(seats=2), 2)
    update = blocks.update  # type: ignore[attr-defined]
    monkeypatch.setattr(blocks, "update", lambda *a, **k: update(*a, **{**k, "own_effect": lambda old: False}))
    monkeypatch.setattr(transport, "carry", LosesAnswers())
    with pytest.raises(Refused) as refused:
        world.order()
    assert refused.value.status in (409, 503)
