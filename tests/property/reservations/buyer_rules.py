"""What buyers do: hold places, keep them for longer, change their basket, let it go."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.reservations import use_cases
from services.reservations.domain import refusals
from services.reservations.schemas import HoldView, LineAsked, SeatAsked
from shared.data import Unavailable
from shared.ids import raw_bytes
from tests.integration.reservations.box_office import basket, cancelled, paid
from tests.property.reservations.places_model import longest_run
from tests.property.reservations.sale_machine import (
    BUYERS_LIMIT,
    FLOOR,
    HALL,
    HOLD_SECONDS,
    PEOPLE,
    SaleMachine,
    places_of,
    spots_of,
    uses_of,
)
from tests.property.reservations.wiretap import FOR_EVER, Spot

people = st.sampled_from(PEOPLE)


class BuyerRules(SaleMachine):
    """Holds, and every change of one."""

    @rule(quantity=st.integers(1, FLOOR), person_id=people)
    def hold_general_places(self, quantity: int, person_id: str) -> None:
        line = LineAsked(ticket_type_id=self.standing.ticket_type_id, quantity=quantity)
        self._ask(self.floor, line, person_id)

    @rule(quantity=st.integers(1, 5), person_id=people)
    def hold_capped_places(self, quantity: int, person_id: str) -> None:
        self._ask(self.floor, LineAsked(ticket_type_id=self.cap, quantity=quantity), person_id)

    @rule(quantity=st.integers(1, 5), together=st.booleans(), person_id=people)
    def hold_seats(self, quantity: int, together: bool, person_id: str) -> None:
        line = LineAsked(ticket_type_id=self.seat.ticket_type_id, quantity=quantity, together=together)
        self._ask(self.hall, line, person_id)

    @rule(numbers=st.sets(st.integers(0, sum(HALL) - 1), min_size=1, max_size=4), person_id=people)
    def hold_chosen_seats(self, numbers: set[int], person_id: str) -> None:
        self._ask(self.hall, self._chosen(numbers), person_id)

    @precondition(lambda self: self.holds)
    @rule(
        data=st.data(),
        quantity=st.integers(1, 8),
        numbers=st.sets(st.integers(0, sum(HALL) - 1), max_size=3),
        seated=st.booleans(),
    )
    def a_basket_is_changed(self, data: st.DataObject, quantity: int, numbers: set[int], seated: bool) -> None:
        """Another basket instead of an earlier one: of the floor, of the hall, or of chosen seats."""
        replaced = data.draw(st.sampled_from(self.holds))
        pool_id = self.hall if seated or numbers else self.floor
        kind = self.seat if pool_id == self.hall else self.standing
        line = LineAsked(ticket_type_id=kind.ticket_type_id, quantity=quantity, together=quantity < 4)
        self._ask(pool_id, self._chosen(numbers) if numbers else line, self.people[replaced.hold_id], replaced)

    def _chosen(self, numbers: set[int]) -> LineAsked:
        seats = tuple(
            SeatAsked(section="Stalls", row="A" if n < HALL[0] else "B", seat=n + 1 - (0 if n < HALL[0] else HALL[0]))
            for n in sorted(numbers)
        )
        return LineAsked(ticket_type_id=self.seat.ticket_type_id, seats=seats)

    def _ask(self, pool_id: str, line: LineAsked, person_id: str, replaced: HoldView | None = None) -> None:
        """Ask for places, and see whether the answer is true."""
        request = basket(self.published, line)
        token = self.token_of(replaced) if replaced else None
        if replaced:
            self.begin("replace", replaced.hold_id)
        else:
            self.begin("hold", None)
        try:
            held = self.patiently(lambda: use_cases.place_hold(request, person_id, None, self.now, replaces=token))
        except Unavailable:
            self.nobody_heard()
        except refusals.Refusal as refusal:
            self._check_refusal(refusal, pool_id, line, person_id, replaced)
            self.end(type(refusal).__name__)
        else:
            self._check_hold(held, line, person_id, replaced)
            self.end(held)

    def _check_hold(self, held: HoldView, line: LineAsked, person_id: str, replaced: HoldView | None) -> None:
        until = int(held.expires_at.timestamp())
        quantity = line.quantity or len(line.seats or ())
        limits = {self.cap} if line.ticket_type_id == self.cap else set()
        if self.limited:
            limits.add(self.limit_of(person_id))
        assert len(places_of(held)) == len(held.places) == quantity
        for place in held.places:
            assert {use.quota_id for use in place.quotas} == limits
            assert len(place.quotas) == len(limits)
        assert len(set(uses_of(held.places))) == quantity * len(limits), "one use of a limit was counted twice"
        if line.seats:
            assert places_of(held) == self._named(line)
        old = raw_bytes(replaced.hold_id) if replaced else None
        if replaced:
            assert until == int(replaced.expires_at.timestamp()) >= self.now.timestamp()
            assert not self.model.sold(old, spots_of(replaced)), "sold places were replaced"
        else:
            assert 0 <= until - HOLD_SECONDS - self.second() <= 1
        self.model.take(raw_bytes(held.hold_id), spots_of(held), until, self.second(), self.true_second(), old)
        if replaced:
            self.model.give_back(self.model.own(old, spots_of(replaced)))
        self.holds.append(held)
        self.people[held.hold_id] = person_id

    def _named(self, line: LineAsked) -> set[Spot]:
        return {(self.hall, 0, one.seat - 1 + (0 if one.row == "A" else HALL[0])) for one in line.seats or ()}

    def _left(self, pool_id: str, now: int, replaced: HoldView | None) -> set[Spot]:
        """What a caller at `now` could have of a pool or limit, counting what the replaced hold would give."""
        own = self.model.unsold(raw_bytes(replaced.hold_id), spots_of(replaced)) if replaced else set()
        return self.model.free(pool_id, now) | {spot for spot in own if spot[0] == pool_id}

    def _check_refusal(
        self, refusal: refusals.Refusal, pool_id: str, line: LineAsked, person_id: str, replaced: HoldView | None
    ) -> None:
        """A refusal is true by the slowest clock at least; one that names seats, by the caller's own."""
        model, slowest = self.model, self.slowest_second()
        quantity = line.quantity or len(line.seats or ())
        if isinstance(refusal, refusals.PlacesTaken):
            named = {
                (self.hall, 0, int(one["seat"]) - 1 + (0 if one["row"] == "A" else HALL[0]))
                for one in refusal.extra["taken"]
            }
            assert named == self._named(line) - self._left(self.hall, self.second(), replaced)
        elif isinstance(refusal, refusals.BuyerLimit):
            assert self.limited
            left = self._left(self.limit_of(person_id), slowest, replaced)
            assert quantity > BUYERS_LIMIT or len(left) < quantity, "the buyer might have had more"
        elif isinstance(refusal, refusals.HoldExpired):
            assert replaced is not None
            assert int(replaced.expires_at.timestamp()) < self.now.timestamp()
        elif isinstance(refusal, refusals.HoldSold):
            assert replaced is not None
            assert model.sold(raw_bytes(replaced.hold_id), spots_of(replaced))
        else:
            limited = isinstance(refusal, refusals.TypeSoldOut | refusals.TypeAllHeld)
            asked = self.cap if limited or "ticket_type_id" in refusal.extra else pool_id
            left = self._left(asked, slowest, replaced)
            if isinstance(refusal, refusals.SoldOut):
                assert model.nothing_to_wait_for(asked), "there was something to wait for"
            elif isinstance(refusal, refusals.AllHeld):
                assert not left, "there was a free place"
            elif isinstance(refusal, refusals.TooFewLeft):
                assert len(left) < quantity, "there were enough"
            elif isinstance(refusal, refusals.NotTogether):
                assert longest_run(left, HALL) < quantity, "there were neighbours"
            else:
                raise refusal

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def a_hold_is_prolonged(self, data: st.DataObject) -> None:
        held = data.draw(st.sampled_from(self.holds))
        token, until = self.token_of(held), int(held.expires_at.timestamp())
        mine, spots = raw_bytes(held.hold_id), spots_of(held)
        untils = {self.model.owners[spot].until for spot in self.model.own(mine, spots)}
        whole = self.model.own(mine, spots) == spots and len(untils) == 1
        self.begin("extend", held.hold_id, until=until)
        try:
            longer = use_cases.extend_hold(held.hold_id, token, self.people[held.hold_id], self.now)
        except Unavailable:
            self.nobody_heard()
        except refusals.HoldExtended:
            assert token.extended
            self.end("extended before")
        except refusals.HoldSold:
            assert FOR_EVER in untils
            self.end("sold")
        except refusals.HoldExpired:
            late = until < self.now.timestamp()
            run_out = max(untils, default=0) <= self.now.timestamp()
            assert not whole or FOR_EVER in untils or (late and (untils == {until} or run_out))
            self.end("run out")
        else:
            assert whole, "not everything was there to be kept"
            assert int(longer.expires_at.timestamp()) == until + HOLD_SECONDS
            assert untils == {until + HOLD_SECONDS} or (untils == {until} and until >= self.now.timestamp())
            self.model.prolong(mine, spots, until + HOLD_SECONDS)
            self.holds.append(longer)
            self.end(longer)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), by_message=st.booleans())
    def a_hold_is_let_go(self, data: st.DataObject, by_message: bool) -> None:
        held = data.draw(st.sampled_from(self.holds))
        mine = raw_bytes(held.hold_id)
        own, sold = self.model.own(mine, spots_of(held)), self.model.sold(mine, spots_of(held))
        self.begin("release", held.hold_id)
        try:
            if by_message:
                use_cases.forget_cancelled_order(cancelled(paid(self.published, held)), self.now)
            else:
                use_cases.release_hold(held.hold_id, self.token_of(held), self.people[held.hold_id], self.now)
                assert not sold & places_of(held)
        except Unavailable:
            self.nobody_heard()
            return
        except refusals.HoldSold:
            assert sold & places_of(held)
        self.model.give_back(own - sold)
        self.end("let go")
