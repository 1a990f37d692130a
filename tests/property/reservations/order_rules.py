"""What becomes of orders: they are paid, more than once as far as messages go, and refunded."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.orders import OrderPaid
from contracts.reservations import HoldConfirmed, HoldRefused
from services.reservations import use_cases
from shared.data import Unavailable
from shared.ids import raw_bytes
from tests.integration.reservations.box_office import paid, refunded
from tests.property.reservations.places_model import Promise
from tests.property.reservations.sale_machine import SaleMachine, spots_of
from tests.property.reservations.wiretap import Spot


class OrderRules(SaleMachine):
    """The messages of orders."""

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), copies=st.integers(1, 2))
    def an_order_is_paid(self, data: st.DataObject, copies: int) -> None:
        held = data.draw(st.sampled_from(self.holds))
        order = self.orders.setdefault(held.hold_id, paid(self.published, held))
        for _ in range(copies):
            self.begin("pay", held.hold_id, sold_too=True)
            try:
                answer = self.patiently(lambda: use_cases.answer_paid_order(order, self.now))
            except Unavailable:
                self.nobody_heard()
            else:
                self._check_answer(order, answer)
                self.end(answer)

    def _check_answer(self, order: OrderPaid, answer: HoldConfirmed | HoldRefused) -> None:
        model, mine, asked = self.model, raw_bytes(order.hold_id), spots_of(order)
        given = frozenset(spots_of(answer)) if isinstance(answer, HoldConfirmed) else frozenset[Spot]()
        told = (type(answer).__name__, given)
        assert self.answers.setdefault(order.hold_id, told) == told, "a copy was answered otherwise"
        kept = model.own(mine, asked)
        if kept == asked:
            assert given == asked, "what the hold still has is its buyer's"
            model.sell(mine, given, self.second())
            return
        if mine not in model.promises:
            self._check_promise(order, given, kept)
        promise = model.promises[mine]
        assert promise == Promise(bool(given), given), "a promise was broken"
        if not promise.confirmed:
            model.give_back(kept)

    def _check_promise(self, order: OrderPaid, given: frozenset[Spot], kept: set[Spot]) -> None:
        """What was lost is replaced if that is possible at all, and if the slowest clock sees it, it must be."""
        model, mine, asked = self.model, raw_bytes(order.hold_id), spots_of(order)
        missing = Counter(spot[0] for spot in asked - kept)

        def replaceable(now: int) -> bool:
            free = {pool_id: len(model.free(pool_id, now) - kept) for pool_id in missing}
            return self.hall not in missing and all(free[pool_id] >= missing[pool_id] for pool_id in missing)

        assert replaceable(self.second()) or not given, "places were sold that were not there"
        both = replaceable(self.second()) and replaceable(self.slowest_second())
        assert given or not both, "there were places for a paid order"
        if given:
            assert kept <= given
            assert Counter(spot[0] for spot in given) == Counter(spot[0] for spot in asked)
            model.sell(mine, given, self.second(), free_too=True)
        model.promise(mine, Promise(bool(given), given))

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def an_order_is_refunded(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(list(self.answers)))
        name, given = self.answers[hold_id]
        order, mine = self.orders[hold_id], raw_bytes(hold_id)
        message = refunded(order, order.places, was_confirmed=name == "HoldConfirmed")
        self.begin("refund", hold_id, sold_too=True)
        try:
            use_cases.take_back_refunded_order(message, self.now)
        except Unavailable:
            self.nobody_heard()
            return
        self.model.promises.setdefault(mine, Promise(bool(given), given))
        self.model.give_back(self.model.own(mine, given | spots_of(order)))
        self.end("refunded")
