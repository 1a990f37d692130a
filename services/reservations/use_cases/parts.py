"""The parts of a basket for which no hint is asked: wheelchair places, limits of one block, what passes over to it.

Each is tried without reading first wherever that may succeed; a refusal shows the block, and the next try is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from services.reservations import domain
from services.reservations.domain import Basket, Demand, Passing, Place, Quota, Sale, SeatedLayout, Slots
from services.reservations.domain.refusals import AllHeld, HoldSold, NotTogether, Refusal, SoldOut, TooFewLeft
from services.reservations.repository import look_at
from services.reservations.use_cases.picking import Found

if TYPE_CHECKING:
    from services.reservations.use_cases.finding import Claim

Blocks = Mapping[tuple[str, int], Slots]


class Parts:
    """What a basket has without the hints, and in `rest` the demands that they are asked for.

    `chosen` are the seats that were named. Raises on making and learning: SoldOut, AllHeld and TooFewLeft for
    wheelchair places and what is withheld, NotTogether, a quota's refusal, HoldSold.
    """

    def __init__(self, sale: Sale, basket: Basket, claim: Claim) -> None:
        self.chosen = [place for places in basket.chosen.values() for place in places]
        self.passing: Passing | None = claim.passing
        self.found: Found = {}
        # One and the same dictionary for ever: whoever asks the hints holds it, and asks for what is left now.
        self.rest: dict[Demand, int] = {}
        self._sale, self._basket = sale, basket
        self._now = int(claim.now.timestamp())
        self._seen: dict[tuple[str, int], Slots] = {}
        self._settle()

    def with_picked(self, picked: Found) -> Found:
        """Everything the basket is to have, besides the seats that were named."""
        return picked | {demand: (*places, *picked.get(demand, ())) for demand, places in self.found.items()}

    def taken_so_far(self) -> list[Place]:
        """All places that need not be asked for any more."""
        return [*self.chosen, *(place for places in self.found.values() for place in places)]

    def counting_own(self, refusal: Refusal) -> Refusal | None:
        """The refusal of the one demand there is in `rest`, with what passes over to it counted; None for the same."""
        ((demand, quantity),) = self.rest.items()
        passing, layout = self.passing, self._sale.layouts[demand.pool_id]
        if passing is None:
            return None
        own = passing.of(layout, demand, self.chosen)
        self._look(domain.by_block(own))
        own = [place for place in own if passing.has(self._seen[place.pool_id, place.block].get(place.slot))]
        if not own:
            return None
        left, next_free_at = len(own) + refusal.extra.get("places_left", 0), refusal.extra.get("next_free_at")
        quota = self._sale.quotas.get(demand.pool_id)
        if quota is not None:
            return quota.refusal(left, next_free_at)
        # Of neighbours all pass over or none, so that there may be enough, and only not together.
        if not demand.together or left < quantity:
            return TooFewLeft(left, next_free_at)
        around = passing.seen_free({block: self._seen[block] for block in domain.by_block(own)})
        rooms = (
            domain.room(domain.free_slots(slots, layout.size(block[1]), self._now), layout.stretches(block[1]), True)
            for block, slots in around.items()
        )
        return NotTogether(max(*rooms, refusal.room if isinstance(refusal, TooFewLeft) else 0))

    def learn(self, refused: Blocks) -> None:
        """Take in what the blocks that refused really hold."""
        self._seen.update(refused)
        if self.passing is not None:
            if self.passing.frees and self.passing.sold(refused):
                raise HoldSold
            self.passing = self.passing.after(refused)
        self._settle()

    def _settle(self) -> None:
        self.found = {demand: self._wheelchairs(demand, *wanted) for demand, wanted in self._basket.bays.items()}
        hinted = {quota.demand: quota.places for quota in self._basket.quotas if not quota.exact}
        self.rest.clear()
        for demand, quantity in (self._basket.with_bays(self.found) | hinted).items():
            own = self._passed_over(demand, quantity)
            if own:
                self.found[demand] = own
            if len(own) < quantity:
                self.rest[demand] = quantity - len(own)
        for quota in self._basket.quotas:
            if quota.exact:
                self.found[quota.demand] = self._uses(quota)

    def _passed_over(self, demand: Demand, quantity: int) -> tuple[Place, ...]:
        passing = self.passing
        if passing is None:
            return ()
        layout, besides = self._sale.layouts[demand.pool_id], self.taken_so_far()
        own = passing.of(layout, demand, besides)
        if demand.together and own and not passing.only:
            self._look(domain.by_block(own))
        places = domain.pass_over(passing, layout, demand, quantity, besides, self._seen, self._now)
        if passing.only and len(places) < quantity and demand.pool_id not in self._sale.quotas:
            if len(own) >= quantity:
                slots = domain.by_block(own)
                raise NotTogether(max(domain.room(slots[one], layout.stretches(one[1]), True) for one in slots))
            raise TooFewLeft(len(own))
        return places

    def _wheelchairs(self, demand: Demand, accessible: int, companions: int) -> tuple[Place, ...]:
        layout = self._sale.layouts[demand.pool_id]
        assert isinstance(layout, SeatedLayout)
        blocks = [(demand.pool_id, number) for number in layout.bays_of(demand.zone)]
        self._look(blocks)
        seen: Blocks = {block: self._seen[block] for block in blocks}
        if self.passing is not None:
            seen = self.passing.seen_free(seen)
        besides = self.taken_so_far()
        if self.passing is not None and self.passing.only:
            every = {Place(*block, slot) for block in blocks for slot in range(layout.size(block[1]))}
            besides += every - self.passing.slots
        places = domain.choose_accessible(layout, seen, accessible, companions, now=self._now, besides=besides)
        if places is None:
            bays = domain.free_bays(layout, seen, now=self._now, besides=besides)
            free = sum(len(bay.wheelchairs) for bay in bays)
            next_free_at = _next_free_at((slots for slots in seen.values()), self._now)
            field = f"$.lines[{demand.bay}].accessible"
            if free:
                raise TooFewLeft(free, next_free_at, field=field)
            if next_free_at is not None:
                raise AllHeld(next_free_at)
            raise SoldOut
        return places

    def _uses(self, quota: Quota) -> tuple[Place, ...]:
        """Slots of the limit's one block: the first ones, or when it was seen those that are free."""
        block = quota.quota_id, 0
        own: list[int] = []
        if self.passing is not None:
            own = sorted(place.slot for place in self.passing.slots if (place.pool_id, place.block) == block)
        own = [slot for slot in own if slot < quota.places_max]
        if block not in self._seen:
            others = [slot for slot in range(quota.places_max) if slot not in own]
        else:
            slots = self._seen[block]
            free = domain.free_slots(slots, quota.places_max, self._now)
            others = [slot for slot in free if slot not in own]
        if len(own) + len(others) < quota.places:
            others_held = [self._seen.get(block, {})]
            raise quota.refusal(len(own) + len(others), _next_free_at(others_held, self._now))
        return tuple(Place(*block, slot) for slot in sorted([*own, *others][: quota.places]))

    def _look(self, blocks: Iterable[tuple[str, int]]) -> None:
        unknown = [block for block in blocks if block not in self._seen]
        if unknown:
            self._seen.update(look_at(unknown))


def _next_free_at(blocks: Iterable[Slots], now: int) -> datetime | None:
    """When the first of the slots that are only held may come free."""
    held = [taken.until for slots in blocks for taken in slots.values() if now <= taken.until < domain.WITHHELD_UNTIL]
    return domain.moment(min(held) + 1) if held else None


__all__: Sequence[str] = ["Parts"]
