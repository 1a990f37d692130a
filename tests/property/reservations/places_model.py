"""The machine's model: places, whose they are until when, and what has been promised about holds.

It knows nothing of blocks' items, hints or conditions, and asks nothing of the product. Times are whole seconds since
1970. A place is free to a caller whose clock says `now` when its hold ended before that second. Uses of limits are
places as well: each limit is a pool of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from tests.property.reservations.wiretap import FOR_EVER, SlotWrites, Spot

# No caller's clock is further from the true time than this. Then a place is taken over this long before its hold's
# end at the earliest, and never sold twice.
SKEW_SECONDS: Final = 2
# Kept off sale by the organiser: for as long as what is sold, and nobody's ticket.
WITHHELD: Final = FOR_EVER - 1


class Owner(NamedTuple):
    """Whose a place is, and the last second in which it is."""

    hold: bytes
    until: int


class Promise(NamedTuple):
    """What a paid order was told for good: its places, none for a refusal."""

    confirmed: bool
    places: frozenset[Spot]


class Intent(NamedTuple):
    """What a caller is about to write, for which hold, by which clock.

    With `sold_too` sold places are to come back; `until` is the end that a hold must still have to be prolonged.
    """

    kind: Literal["hold", "replace", "extend", "pay", "release", "refund", "withhold", "give back"]
    hold: bytes | None
    now: int
    sold_too: bool = False
    until: int = 0


class Places:
    """The places of some pools and the uses of some limits."""

    def __init__(self, pools: dict[str, list[Spot]]) -> None:
        self.pools = pools
        self.owners: dict[Spot, Owner] = {}
        self.promises: dict[bytes, Promise] = {}
        # Every change in order, with its untils before and after, 0 for free: what the table's stream will tell.
        self.changes: list[tuple[Spot, int, int]] = []

    def _set(self, spot: Spot, owner: Owner | None) -> None:
        before = self.owners.pop(spot, None)
        if owner is not None:
            self.owners[spot] = owner
        if before != owner:
            self.changes.append((spot, before.until if before else 0, owner.until if owner else 0))

    def is_free(self, spot: Spot, now: int) -> bool:
        """Whether a caller at `now` may take the place."""
        return spot not in self.owners or self.owners[spot].until < now

    def free(self, pool_id: str, now: int) -> set[Spot]:
        """The places of a pool that a caller at `now` may take."""
        return {spot for spot in self.pools[pool_id] if self.is_free(spot, now)}

    def own(self, hold: bytes | None, spots: Iterable[Spot]) -> set[Spot]:
        """Those of the places that the hold has, run out or not."""
        return {spot for spot in spots if spot in self.owners and self.owners[spot].hold == hold}

    def sold(self, hold: bytes | None, spots: Iterable[Spot]) -> set[Spot]:
        """Those of the places that are sold to the hold."""
        return {spot for spot in self.own(hold, spots) if self.owners[spot].until == FOR_EVER}

    def unsold(self, hold: bytes | None, spots: Iterable[Spot]) -> set[Spot]:
        """Those of the places that the hold has, and that are not sold to it."""
        return self.own(hold, spots) - self.sold(hold, spots)

    def nothing_to_wait_for(self, pool_id: str) -> bool:
        """Whether every place of a pool is sold or withheld."""
        return all(spot in self.owners and self.owners[spot].until >= WITHHELD for spot in self.pools[pool_id])

    def counts(self, pool_id: str, now: int) -> dict[str, int]:
        """How many places of a pool are sold, held, withheld and free to a caller at `now`; given up ones are none."""
        untils = [self.owners[spot].until if spot in self.owners else 0 for spot in self.pools[pool_id]]
        return {
            "sold": untils.count(FOR_EVER),
            "off sale": untils.count(WITHHELD),
            "held": sum(now <= until < WITHHELD for until in untils),
            "free": sum(until < now for until in untils),
        }

    def take(
        self, hold: bytes, spots: Iterable[Spot], until: int, now: int, true_now: int, replaced: bytes | None = None
    ) -> None:
        """A hold gets places: free ones, or those of the hold it replaces.

        Fails when one is somebody else's, or would be for longer than clocks may differ.
        """
        for spot in spots:
            passes = replaced is not None and bool(self.unsold(replaced, [spot]))
            assert passes or self.is_free(spot, now), f"{spot} was given to two"
            if spot in self.owners and not passes:
                assert true_now > self.owners[spot].until - SKEW_SECONDS, f"{spot} was taken over too early"
            self._set(spot, Owner(hold, until))

    def prolong(self, hold: bytes, spots: Iterable[Spot], until: int) -> None:
        """A hold keeps its places for longer."""
        for spot in spots:
            assert self.unsold(hold, [spot]), f"{spot} is not the hold's to keep"
            self._set(spot, Owner(hold, until))

    def sell(self, hold: bytes, spots: Iterable[Spot], now: int, *, free_too: bool = False) -> None:
        """Places are sold to a hold that has them, or to one that gets free ones for lost ones (`free_too`)."""
        for spot in spots:
            mine = bool(self.own(hold, [spot]))
            assert mine or (free_too and self.is_free(spot, now)), f"{spot} is somebody else's and was sold"
            self._set(spot, Owner(hold, FOR_EVER))

    def give_back(self, spots: Iterable[Spot]) -> None:
        """Places come back to sale."""
        for spot in spots:
            self._set(spot, None)

    def promise(self, hold: bytes, promise: Promise) -> None:
        """Something is promised for good; promising it again is harmless, something else is a breach."""
        assert self.promises.setdefault(hold, promise) == promise, "a promise was broken"

    def may(self, write: SlotWrites, intent: Intent) -> bool:
        """Whether a write would be right now, whoever sends it and however late it comes."""
        if write.decides is not None and intent.hold in self.promises:
            return False
        given = write.given
        if not all(self._may_give(spot, until, write, intent) for spot, (_, until) in given.items()):
            return False
        gone = set(write.slots) - given.keys()
        return self.own(intent.hold, gone) == gone and (intent.sold_too or not self.sold(intent.hold, gone))

    def _may_give(self, spot: Spot, until: int, write: SlotWrites, intent: Intent) -> bool:
        mine = bool(self.own(intent.hold, [spot]))
        if until == FOR_EVER:
            return mine or (write.decides is not None and self.is_free(spot, intent.now))
        if intent.kind == "extend":
            return mine and self.owners[spot].until == intent.until
        passes = intent.kind == "replace" and bool(self.unsold(intent.hold, [spot]))
        return passes or self.is_free(spot, intent.now)

    def done(self, write: SlotWrites, intent: Intent, true_now: int) -> None:
        """Take in a write that was done though nobody heard of it."""
        assert self.may(write, intent), f"a write was done that is not right: {write} {intent}"
        given = write.given
        for spot, (hold, until) in given.items():
            if until == FOR_EVER:
                self.sell(hold, [spot], intent.now, free_too=write.decides is not None)
            elif intent.kind == "extend":
                self.prolong(hold, [spot], until)
            else:
                replaced = intent.hold if intent.kind == "replace" else None
                self.take(hold, [spot], until, intent.now, true_now, replaced)
        self.give_back(set(write.slots) - given.keys())
        if write.decides is not None and intent.hold is not None:
            self.promise(intent.hold, Promise(write.confirms, write.promised))


def longest_run(spots: set[Spot], lengths: Sequence[int]) -> int:
    """The most neighbours among places, in rows of these lengths that are counted through block 0."""
    slots = {spot[2] for spot in spots}
    longest = begin = 0
    for length in lengths:
        run = 0
        for slot in range(begin, begin + length):
            run = run + 1 if slot in slots else 0
            longest = max(longest, run)
        begin += length
    return longest
