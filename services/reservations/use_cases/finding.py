"""Finding places and taking them: the hints say where, the write decides, a refusal says what is really free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.reservations import domain
from services.reservations.domain import Basket, Demand, Place, Sale, SeatedLayout, Slots
from services.reservations.domain.refusals import Busy, PlacesTaken
from services.reservations.repository import BLOCKS_PER_HOLD_MAX, BlocksRefused, hints, look_at, take
from services.reservations.repository.hints import Key, Picked, Repeated, Told
from services.reservations.use_cases import looking
from shared.cache import CacheDown

# Each try is a pick, a write and, refused, one exact second write.
TRIES_MAX: Final = 4
PROBES_MAX: Final = 8

Found = dict[Demand, tuple[Place, ...]]


class Claim(NamedTuple):
    """Who takes places until when; `seed` spreads buyers over the blocks when no hint says where to look."""

    hold_id: str
    until: int
    seed: int
    now: datetime


class Taken(NamedTuple):
    """Places that are the claim's now, for each demand, and what the write showed of their blocks."""

    found: Found
    told: list[Told]


def find_and_take(sale: Sale, basket: Basket, claim: Claim, key: Key | None = None) -> Taken | Repeated:
    """Take the chosen places and find the rest, all of them or none.

    With `key`, a request that was answered before is answered by its record. Raises PlacesTaken, SoldOut, AllHeld,
    TooFewLeft, NotTogether, Busy, SameRequestInFlight and KeyOfAnotherRequest.
    """
    if key is None:
        _judge_by_memory(sale, basket.demands, claim)
    try:
        return _with_hints(sale, basket, claim, key)
    except CacheDown:
        return _without_hints(sale, basket, claim)


def find_places(sale: Sale, demands: Mapping[Demand, int], besides: Sequence[Place], claim: Claim) -> Found:
    """Places that are free as far as is known, besides those the claim has, without taking them.

    Raises SoldOut, AllHeld, TooFewLeft, NotTogether, Busy.
    """
    try:
        # What the claim has may have run out, and then looks free to everybody but this caller.
        now = int(claim.now.timestamp())
        seen = look_at(domain.by_block(besides))
        run_out = [place for place in besides if _is_free(seen[place.pool_id, place.block], place.slot, now)]
        found = _Search(sale, demands, claim, besides=run_out).pick(_leases(besides, claim))
        assert not isinstance(found, Repeated)
        return found
    except CacheDown:
        return _probe_all(sale, demands, besides, claim)


def _judge_by_memory(sale: Sale, demands: Mapping[Demand, int], claim: Claim) -> None:
    """Refuse what this process knows to be gone, at the cost of nothing: most of those who come to an on-sale."""
    for demand, quantity in demands.items():
        finding = looking.remembered(sale, demand, claim.now)
        if finding is not None:
            looking.judge(sale, demand, quantity, finding)


class _Search:
    """Asks the hints, at most once by way of a look at every block."""

    def __init__(
        self,
        sale: Sale,
        demands: Mapping[Demand, int],
        claim: Claim,
        key: Key | None = None,
        *,
        besides: Sequence[Place] = (),
    ) -> None:
        self._besides = besides
        self._sale = sale
        self._demands = demands
        self._claim = claim
        self._key = key
        self._looked = False

    def pick(self, told: list[Told]) -> Found | Repeated:
        """Places to try, or the answer the request had before."""
        while True:
            # The first question alone is about the key: the next ones would meet the record that it has made.
            key, self._key = self._key, None
            answer = hints.ask(self._sale, self._demands, self._claim.now, key=key, told=told)
            if isinstance(answer, Picked):
                return answer.places
            if isinstance(answer, Repeated):
                return answer
            quantity = self._demands[answer.demand] + _count_among(self._sale, answer.demand, self._besides)
            finding = looking.remembered(self._sale, answer.demand, self._claim.now, answer.finding)
            if finding is not None:
                looking.judge(self._sale, answer.demand, quantity, finding)
            if self._looked:
                raise Busy
            looking.look(self._sale, answer.demand, quantity, finding, self._claim.now)
            self._looked, told = True, []


def _with_hints(sale: Sale, basket: Basket, claim: Claim, key: Key | None) -> Taken | Repeated:
    chosen = [place for places in basket.chosen.values() for place in places]
    search = _Search(sale, basket.demands, claim, key, besides=chosen)
    # The seats that were named are leased first, so that the other lines are not sent to them.
    told = _leases(chosen, claim) if basket.demands else []
    for attempt in range(TRIES_MAX):
        picked = search.pick(told) if basket.demands or (key is not None and attempt == 0) else {}
        if isinstance(picked, Repeated):
            return picked
        if any(place in places for places in picked.values() for place in chosen):
            # The lease of a named seat was lost on the way (a pool prepared just now): the next pick sees it.
            told = _leases(chosen, claim)
            continue
        result = _take(sale, chosen, picked, claim)
        if isinstance(result, Taken):
            return result
        told = _seen(sale, result)
        second = _exactly(sale, basket, chosen, picked, result, claim.now)
        if second is not None:
            result = _take(sale, chosen, second, claim)
            if isinstance(result, Taken):
                return result
            told = _seen(sale, result)
    raise Busy


def _without_hints(sale: Sale, basket: Basket, claim: Claim) -> Taken:
    _judge_by_memory(sale, basket.demands, claim)
    chosen = [place for places in basket.chosen.values() for place in places]
    for _ in range(TRIES_MAX):
        found = _probe_all(sale, basket.demands, chosen, claim)
        result = _take(sale, chosen, found, claim)
        if isinstance(result, Taken):
            return result
    raise Busy


def _probe_all(sale: Sale, demands: Mapping[Demand, int], besides: Sequence[Place], claim: Claim) -> Found:
    found: Found = {}
    for demand, quantity in demands.items():
        others = [*besides, *(place for places in found.values() for place in places)]
        found[demand] = _probe(sale, demand, quantity, others, claim)
    return found


def _probe(sale: Sale, demand: Demand, quantity: int, besides: Sequence[Place], claim: Claim) -> tuple[Place, ...]:
    layout = sale.layouts[demand.pool_id]
    every = layout.blocks_of(demand.zone)
    numbers = domain.probe_order(every, claim.seed, PROBES_MAX)
    seen: Mapping[tuple[str, int], Slots] = look_at((demand.pool_id, number) for number in numbers)
    now = int(claim.now.timestamp())
    places = domain.choose_places(layout, seen, quantity, together=demand.together, now=now, besides=besides)
    if places is None:
        seen = looking.look_alone(sale, demand, quantity + _count_among(sale, demand, besides), claim.now)
        places = domain.choose_places(layout, seen, quantity, together=demand.together, now=now, besides=besides)
    if places is None:
        raise Busy
    return places


def _take(sale: Sale, chosen: Sequence[Place], found: Found, claim: Claim) -> Taken | dict[tuple[str, int], Slots]:
    """Write the claim; the refusing blocks when somebody was faster. Raises PlacesTaken for chosen seats, Busy."""
    wanted = domain.by_block([*chosen, *(place for places in found.values() for place in places)])
    if len(wanted) > BLOCKS_PER_HOLD_MAX:
        raise Busy
    try:
        after = take(claim.hold_id, wanted, claim.until, now=claim.now)
    except BlocksRefused as refused:
        taken = _taken_seats(sale, chosen, refused.blocks, claim.now)
        if taken:
            hints.tell(sale, _seen(sale, refused.blocks), claim.now)
            raise PlacesTaken(taken) from refused
        return refused.blocks
    if after:
        return Taken(found, _seen(sale, after))
    return Taken(found, [Told(block, dict.fromkeys(slots, claim.until), exact=True) for block, slots in wanted.items()])


def _exactly(
    sale: Sale,
    basket: Basket,
    chosen: Sequence[Place],
    found: Found,
    refused: Mapping[tuple[str, int], Slots],
    now: datetime,
) -> Found | None:
    """The same demands out of what the refusing blocks really have free; None when that does not do."""
    second: Found = {}
    for demand, places in found.items():
        blocks = {(place.pool_id, place.block) for place in places}
        if not blocks & refused.keys():
            second[demand] = places
            continue
        if not blocks <= refused.keys():
            return None
        besides = [*chosen, *(place for others in second.values() for place in others)]
        again = domain.choose_places(
            sale.layouts[demand.pool_id],
            {block: refused[block] for block in blocks},
            basket.demands[demand],
            together=demand.together,
            now=int(now.timestamp()),
            besides=besides,
        )
        if again is None:
            return None
        second[demand] = again
    return second or None


def _taken_seats(
    sale: Sale, chosen: Sequence[Place], refused: Mapping[tuple[str, int], Slots], now: datetime
) -> list[dict[str, str]]:
    seconds = int(now.timestamp())
    taken = []
    for place in chosen:
        slot = refused.get((place.pool_id, place.block), {}).get(place.slot)
        layout = sale.layouts[place.pool_id]
        if slot is not None and slot.until >= seconds and isinstance(layout, SeatedLayout):
            seat = layout.seat(place.block, place.slot)
            taken.append({"section": seat.section, "row": seat.row, "seat": str(seat.number)})
    return taken


def _seen(sale: Sale, blocks: Mapping[tuple[str, int], Slots]) -> list[Told]:
    return [hints.seen(block, slots, sale.layouts[block[0]]) for block, slots in blocks.items()]


def _count_among(sale: Sale, demand: Demand, places: Sequence[Place]) -> int:
    """How many of the places a look would count for that demand."""
    blocks = sale.layouts[demand.pool_id].blocks_of(demand.zone)
    return sum(place.pool_id == demand.pool_id and place.block in blocks for place in places)


def _is_free(slots: Slots, slot: int, now: int) -> bool:
    return slot not in slots or slots[slot].until < now


def _leases(chosen: Sequence[Place], claim: Claim) -> list[Told]:
    until = int(claim.now.timestamp()) + hints.LEASE_SECONDS
    return [Told(block, dict.fromkeys(slots, until), exact=True) for block, slots in domain.by_block(chosen).items()]
