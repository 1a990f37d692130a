"""What the organiser does while the sale goes on: change the floor, keep places off sale, bring them back.

Which places those are, the writes on the wire tell; the model says whether they might be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.pool_schemas import AddWithholding, ChangePool, PoolView, SeatsNamed, WithholdingView
from shared.auth import Identity
from shared.data import Unavailable
from shared.ids import raw_bytes
from tests.property.reservations.places_model import WITHHELD
from tests.property.reservations.sale_machine import HALL, SaleMachine

T = TypeVar("T")
PLENTY = 30.0


class OrganiserRules(SaleMachine):
    """Pools and withholdings."""

    def _owner(self) -> Identity:
        roles = {self.published.organiser_id: "owner"}
        return Identity(person_id="per_owner", email="o@example.org", name="O", session_id="ses", roles=roles)

    def _steer(self, call: Callable[[], T]) -> T | None:
        """What the call answers, once its writes were judged; None when nobody heard it."""
        try:
            answer = call()
        except Unavailable:
            self.nobody_heard()
            return None
        except refusals.Refusal:
            self.judge_writes()
            raise
        self.judge_writes()
        return answer

    def _given_up(self) -> int:
        owner = (raw_bytes(self.floor), WITHHELD)
        return sum(self.model.owners.get(spot) == owner for spot in self.model.pools[self.floor])

    # Without Redis the others hear of a larger floor late, and would rightly say that it is sold out.
    @precondition(lambda self: not self.cache.away)
    @rule(capacity=st.integers(1, 40))
    def the_floor_changes(self, capacity: int) -> None:
        counts = self.model.counts(self.floor, self.second())
        offered = len(self.model.pools[self.floor]) - self._given_up()
        least = offered - counts["free"]
        self.begin("withhold", None)
        change = ChangePool(capacity=capacity)
        try:
            view = self._steer(
                lambda: use_cases.steer_pool(self.floor, change, None, self._owner(), self.now, lambda: PLENTY)
            )
        except refusals.BelowSold:
            assert capacity < least, "it might have been made so small"
            self.end("below sold")
            return
        if view is None:
            return
        if capacity > offered:
            first = len(self.model.pools[self.floor])
            more = range(first, first + capacity - offered)
            self.model.pools[self.floor] += [(self.floor, slot // 25, slot % 25) for slot in more]
        assert capacity >= least
        self._check_view(view, capacity)
        self.end(view)

    def _check_view(self, view: PoolView, capacity: int) -> None:
        counts = self.model.counts(self.floor, self.second())
        told = {"sold": view.sold, "held": view.held, "free": view.free, "off sale": view.withheld + self._given_up()}
        assert told == counts
        assert view.capacity == len(self.model.pools[self.floor]) - self._given_up()
        assert view.complete
        assert view.capacity == capacity

    @rule(quantity=st.integers(1, 10))
    def places_are_withheld(self, quantity: int) -> None:
        free = self.model.free(self.floor, self.second())
        view = self._withhold(AddWithholding(pool_id=self.floor, name="House", quantity=quantity), len(free))
        if view is not None:
            assert view.places == min(quantity, len(free))

    @rule(first=st.integers(1, HALL[0]), length=st.integers(0, 2))
    def seats_are_withheld(self, first: int, length: int) -> None:
        last = min(first + length, HALL[0])
        named = {(self.hall, 0, slot - 1) for slot in range(first, last + 1)}
        free = self.model.free(self.hall, self.second()) & named
        seats = (SeatsNamed(section="Stalls", row="A", first=first, last=last),)
        view = self._withhold(AddWithholding(pool_id=self.hall, name="Camera", seats=seats), len(free))
        if view is not None:
            assert (view.places, view.missed) == (len(free), len(named - free))

    def _withhold(self, asked: AddWithholding, free: int) -> WithholdingView | None:
        self.begin("withhold", None)
        event_id = self.published.event_id
        try:
            view = self._steer(
                lambda: use_cases.add_withholding(event_id, asked, None, self._owner(), self.now, lambda: PLENTY)
            )
        except (refusals.TooFewLeft, refusals.PlacesTaken):
            assert not free, "something could have been withheld"
            self.end("nothing to withhold")
            return None
        if view is not None:
            assert self._withheld_under(view.withholding_id) == view.places
            self.withholdings.append(view.withholding_id)
            self.end(view)
        return view

    def _withheld_under(self, withholding_id: str) -> int:
        owner = (raw_bytes(withholding_id), WITHHELD)
        return sum(owned == owner for owned in self.model.owners.values())

    @precondition(lambda self: self.withholdings)
    @rule(data=st.data())
    def a_withholding_ends(self, data: st.DataObject) -> None:
        withholding_id = data.draw(st.sampled_from(self.withholdings))
        event_id = self.published.event_id
        self.begin("give back", withholding_id)

        def ended() -> bool:
            use_cases.end_withholding(event_id, withholding_id, self._owner(), self.now, lambda: PLENTY)
            return True

        if self._steer(ended):
            assert self._withheld_under(withholding_id) == 0
            self.end("given back")
