"""Places that pass from one hold to another in a single write: a changed basket's, or withheld ones given away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from services.reservations.domain.demands import Demand
from services.reservations.domain.layouts import Layout, Place
from services.reservations.domain.slots import SOLD_UNTIL, Slots, Taken, by_block, choose_places, choose_slots


class Passing(msgspec.Struct, frozen=True):
    """Slots that `hold` is believed to have, places and limits alike, and that may pass over.

    With `frees` what is not taken over comes free in the same write; with `only` nothing else is taken for a basket.
    """

    hold: bytes
    slots: frozenset[Place]
    frees: bool = True
    only: bool = False

    def has(self, taken: Taken | None) -> bool:
        """Whether a slot is the hold's to give: sold ones are not."""
        return taken is not None and taken.hold == self.hold and taken.until != SOLD_UNTIL

    def seen_free(self, seen: Mapping[tuple[str, int], Slots]) -> dict[tuple[str, int], Slots]:
        """Blocks as they would be without the hold's slots."""
        return {
            block: {
                slot: taken
                for slot, taken in slots.items()
                if not (Place(*block, slot) in self.slots and self.has(taken))
            }
            for block, slots in seen.items()
        }

    def after(self, seen: Mapping[tuple[str, int], Slots]) -> Passing:
        """The same without the slots that the blocks seen show to be lost."""
        lost = {
            place
            for place in self.slots
            if (place.pool_id, place.block) in seen and not self.has(seen[place.pool_id, place.block].get(place.slot))
        }
        return msgspec.structs.replace(self, slots=self.slots - lost) if lost else self

    def sold(self, seen: Mapping[tuple[str, int], Slots]) -> bool:
        """Whether the blocks seen show one of the slots sold to the hold."""
        return any(
            seen.get((place.pool_id, place.block), {}).get(place.slot) == (self.hold, SOLD_UNTIL)
            for place in self.slots
        )

    def left_by(self, places: Iterable[Place]) -> dict[tuple[str, int], tuple[int, ...]]:
        """The slots that come free when these places are taken, by block."""
        return by_block(self.slots - set(places)) if self.frees else {}

    def of(self, layout: Layout, demand: Demand, besides: Iterable[Place]) -> list[Place]:
        """The slots that could serve a demand, in the order of the blocks; `besides` are spoken for."""
        blocks = layout.blocks_of(demand.zone)
        mine = (place for place in self.slots if place.pool_id == demand.pool_id and place.block in blocks)
        return sorted(set(mine) - set(besides))


def pass_over(
    passing: Passing,
    layout: Layout,
    demand: Demand,
    quantity: int,
    besides: Sequence[Place],
    seen: Mapping[tuple[str, int], Slots],
    now: int,
) -> tuple[Place, ...]:
    """The places of the hold that serve the demand again: all of them for neighbours, else as many as there are.

    Neighbours are found among the hold's own, else in its own blocks as they were `seen` with its places counted free;
    none when that does not do.
    """
    own = passing.of(layout, demand, besides)
    if not demand.together:
        return tuple(own[:quantity])
    blocks = by_block(own)
    for (pool_id, block), slots in blocks.items():
        chosen = choose_slots(slots, layout.stretches(block), quantity, together=True)
        if chosen is not None:
            return tuple(Place(pool_id, block, slot) for slot in chosen)
    mine = {block: slots for block, slots in seen.items() if block in blocks}
    if passing.only or not mine:
        return ()
    near = choose_places(layout, passing.seen_free(mine), quantity, together=True, now=now, besides=besides)
    return near or ()
